"""Whatever goes wrong on the wire while parts of an encounter are written: afterwards each is there once, and right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from errors.models import OPEN_STATES, ErrorRecord
from simulators.bahmni import clinicians
from tests.chaos.truth import work_until_quiet
from tests.flow.outpatients import ANTENATAL, DRUG_TEXT, DRUGS, LAB, MOTHER, Outpatients, open_outpatients
from tests.flow.wire import (
    READ_FAULTS,
    REPEATED,
    Written,
    forget_sessions_before,
    nothing,
    open_errors,
    wrong_after_faults,
)
from tests.flow.world import World

Case = Written[Outpatients]


def registered(place: Outpatients, number: str) -> str:
    """A patient who is registered in Avni."""
    place.world.subject(number)
    patient = place.world.patient(number)
    place.world.sync("patient")
    return patient


def in_program(place: Outpatients, number: str) -> str:
    return place.seen(registered(place, number), "Antenatal")


def in_program_there(place: Outpatients, number: str) -> str:
    return there(place, in_program(place, number))


def in_program_voided(place: Outpatients, number: str) -> str:
    encounter = in_program_there(place, number)
    place.void(encounter)
    return there(place, encounter)


def examined(place: Outpatients, number: str) -> str:
    return place.tested(registered(place, number), 72)[0]


def prescribed(place: Outpatients, number: str) -> str:
    encounter = place.seen(registered(place, number))
    place.prescribe(encounter)
    return encounter


def prescribed_there(place: Outpatients, number: str) -> str:
    return there(place, prescribed(place, number))


def there(place: Outpatients, encounter: str) -> str:
    place.world.sync("encounter")
    return encounter


def edit(place: Outpatients, encounter: str) -> None:
    place.edit(encounter, 96)


def void(place: Outpatients, encounter: str) -> None:
    place.void(encounter)


def unvoid(place: Outpatients, encounter: str) -> None:
    place.unvoid(encounter)


def void_order(place: Outpatients, encounter: str) -> None:
    """The only order of an encounter is voided."""
    clinicians.void_order(place.world.bahmni, place.world.bahmni.orders_of(encounter)[0].uuid)
    place.tell(encounter)


def in_avni(
    place: Outpatients, number: str, encounter: str
) -> tuple[dict[str, list[dict[str, Any]]], list[tuple[str, bool]], int]:
    """What stands in Avni un-voided, and how many records there are, voided ones and the registration among them."""
    patient = place.world.bahmni.encounters[encounter].patient
    subject = place.world.link("patient", patient).target_parent_id
    said = {kind: rows for kind in (ANTENATAL, LAB, DRUGS) if (rows := place.live(subject, kind))}
    for row in said.get(DRUGS, []):
        row[DRUG_TEXT] = row[DRUG_TEXT].split(" - ")[0]
    enrolments = [(row.kind, row.voided) for row in place.enrolments(subject)]
    count = len(place.world.avni.encounters_of(subject)) + len(place.program_encounters(subject))
    return said, enrolments, count


def holding(kind: str, **said: object) -> Callable[[str], object]:
    """One un-voided record of that kind, or none when nothing is said; one record beside the registration."""
    enrolments = [(MOTHER, False)] if kind == ANTENATAL else []
    return lambda encounter: ({kind: [said]} if said else {}, enrolments, 2)


ANTENATAL_72 = holding(ANTENATAL, Pulse=72)
NO_ANTENATAL = holding(ANTENATAL)
PARACETAMOL = holding(DRUGS, **{DRUG_TEXT: "Paracetamol 500 mg Tablet(s)"})
ENROL, PROGRAM, ONE = r"/api/programEnrolment$", r"/api/programEncounter$", r"/api/programEncounter/"

WRITES: dict[str, Case] = {
    "a subject enrolled": Case("encounter", "POST", ENROL, in_program, nothing, in_avni, ANTENATAL_72, (
        void, NO_ANTENATAL)),
    "a new program encounter": Case("encounter", "POST", PROGRAM, in_program, nothing, in_avni, ANTENATAL_72, (
        void, NO_ANTENATAL)),
    "an edited program encounter": Case(
        "encounter", "PUT", ONE, in_program_there, edit, in_avni, holding(ANTENATAL, Pulse=96)),
    "a voided program encounter": Case("encounter", "DELETE", ONE, in_program_there, void, in_avni, NO_ANTENATAL, (
        unvoid, ANTENATAL_72)),
    "a program encounter taken back": Case(
        "encounter", "PUT", ONE, in_program_voided, unvoid, in_avni, ANTENATAL_72, (void, NO_ANTENATAL)),
    "new results": Case("encounter", "POST", r"/api/encounter$", examined, nothing, in_avni, holding(LAB, Pulse=72), (
        void, holding(LAB))),
    "new prescriptions": Case("encounter", "POST", r"/api/encounter$", prescribed, nothing, in_avni, PARACETAMOL, (
        void_order, holding(DRUGS))),
    "a prescription that was voided": Case(
        "encounter", "DELETE", r"/api/encounter/", prescribed_there, void_order, in_avni, holding(DRUGS)),
}  # fmt: skip


@pytest.fixture
def outpatients(hasty: World) -> Outpatients:
    return open_outpatients(hasty)


@pytest.mark.parametrize("times", REPEATED.values(), ids=REPEATED)
@pytest.mark.parametrize("case", WRITES.values(), ids=WRITES)
def test_each_part_stands_there_once_whatever_happens_to_the_write(
    hasty: World, outpatients: Outpatients, case: Case, times: int
) -> None:
    assert wrong_after_faults(hasty, outpatients, case, times) == {}


@pytest.mark.parametrize(
    "request_line",
    ["GET /api/programEnrolments", "POST /api/programEnrolment", "POST /api/programEncounter"],
)
def test_a_session_that_ends_just_before_a_request_is_opened_again(
    hasty: World, outpatients: Outpatients, request_line: str
) -> None:
    encounter = in_program(outpatients, "1001")
    forget_sessions_before(hasty, request_line)
    work_until_quiet(hasty, "encounter")
    assert in_avni(outpatients, "1001", encounter) == ANTENATAL_72(encounter)


@pytest.mark.parametrize("fault", READ_FAULTS)
@pytest.mark.parametrize(
    ("server", "path", "skip"),
    [("avni", r"/api/programEnrolments$", 0), ("bahmni", r"/ws/rest/v1/encounter/", 1)],
    ids=["enrolments", "details of the orders"],
)
def test_a_read_that_goes_wrong_is_made_good(
    hasty: World, outpatients: Outpatients, server: str, path: str, skip: int, fault: str
) -> None:
    patient = registered(outpatients, "1001")
    encounter = outpatients.seen(patient, "Antenatal")
    outpatients.prescribe(encounter)
    faults = (hasty.avni_server if server == "avni" else hasty.bahmni_server).faults
    faults.plan("GET", path, fault, skip=skip, seconds=3600)
    hasty.sync("encounter")
    assert faults.fired[fault] == 1
    faults.clear()
    work_until_quiet(hasty, "encounter")
    said, _, count = in_avni(outpatients, "1001", encounter)
    assert (set(said), count) == ({ANTENATAL, DRUGS}, 3)


def test_w22_a_void_that_is_refused_is_tried_until_it_is_taken(hasty: World, outpatients: Outpatients) -> None:
    encounter = in_program_there(outpatients, "1001")
    outpatients.void(encounter)
    hasty.avni_server.faults.plan("DELETE", r"/api/programEncounter/", "status:400")
    hasty.sync("encounter")
    assert ErrorRecord.objects.filter(entity_id=encounter, state__in=OPEN_STATES).exists()
    work_until_quiet(hasty, "encounter")
    assert in_avni(outpatients, "1001", encounter) == NO_ANTENATAL(encounter)


def test_two_encounters_that_need_an_enrolment_while_its_making_is_cut_off_share_it(
    hasty: World, outpatients: Outpatients
) -> None:
    patient = registered(outpatients, "1001")
    encounters = [outpatients.seen(patient, "Antenatal") for _ in range(2)]
    hasty.avni_server.faults.plan("POST", r"/api/programEnrolment$", "late_commit", times=3, seconds=3600)
    hasty.sync("encounter")
    assert sorted(map(len, map(open_errors, encounters))) == [0, 1]  # the second was through before the first
    work_until_quiet(hasty, "encounter")
    subject = hasty.link("patient", patient).target_parent_id
    assert len(outpatients.enrolments(subject)) == 1
    assert [open_errors(one) for one in encounters] == [[], []]
    assert len(outpatients.program_encounters(subject)) == len(encounters)
