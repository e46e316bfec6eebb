"""A worker dies while it enrols a subject or writes program encounters, results or prescriptions to Avni."""

from __future__ import annotations

import signal

import pytest
from django.db import connection

from errors.models import OPEN_STATES, ErrorRecord
from simulators.bahmni import clinicians
from tests.chaos.test_killed_worker import killed_at, let_the_lease_run_out, written
from tests.flow.outpatients import ANTENATAL, DRUGS, LAB, Outpatients, open_outpatients
from tests.flow.world import small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ENROL, PROGRAM, GENERAL = r"^/api/programEnrolment", r"^/api/programEncounter", r"^/api/encounter"
KINDS = {
    "a subject enrolled": (written("POST", ENROL), 2),
    "a new program encounter": (written("POST", PROGRAM), 2),
    "an edited program encounter": (written("PUT", PROGRAM), 1),
    "a voided program encounter": (written("DELETE", PROGRAM), 1),
    "new prescriptions": (written("POST", GENERAL), 2),
    "revised prescriptions": (written("PATCH", GENERAL), 1),
    "prescriptions that were stopped": (written("DELETE", GENERAL), 1),
}
"""Every kind of write, and which of them is the victim's last."""

EXPECTED = {
    "1001": ([{"Pulse": 96}], 1, 2), "1002": ([], 1, 2), "1003": ([], 0, 2), "1004": ([], 0, 2), "1005": ([], 0, 2),
    "2001": ([{"Pulse": 72}], 1, 3), "2002": ([{"Pulse": 72}], 1, 3), "2003": ([{"Pulse": 72}], 1, 3),
}  # fmt: skip
"""By number: what the program encounters say, how many enrolments, and how many encounters there are of all kinds."""


def hospital(place: Outpatients) -> dict[str, str]:
    """What came through, what became of it since, and what is new; gives the subjects by number."""
    world, numbers = place.world, list(EXPECTED)
    subjects = {number: world.subject(number) for number in numbers}
    patients = {number: world.patient(number) for number in numbers}
    world.sync("patient")
    edited, voided = (place.seen(patients[number], "Antenatal") for number in ("1001", "1002"))
    prescribed = {number: place.seen(patients[number]) for number in ("1003", "1004")}
    orders = {number: place.prescribe(encounter) for number, encounter in prescribed.items()}
    place.tested(patients["1005"], 72)
    world.sync("encounter")
    place.edit(edited, 96)
    place.void(voided)
    clinicians.revise_drug_order(world.bahmni, orders["1003"], dose=2)
    clinicians.stop_drug_order(world.bahmni, orders["1004"])
    for number in ("2001", "2002", "2003"):
        place.prescribe(place.seen(patients[number], "Antenatal"))
    return subjects


@pytest.mark.parametrize("answered", [False, True], ids=["request arrived", "request carried out"])
@pytest.mark.parametrize("kind", KINDS)
def test_after_a_kill_at_any_kind_of_write_every_part_is_there_once_and_right(
    process_environment: dict[str, str], kind: str, answered: bool
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    of, write = KINDS[kind]
    with small_world() as world:
        world.switch_on()
        place = open_outpatients(world)
        subjects = hospital(place)
        with killed_at(world, process_environment, write, answered=answered, of=of) as victim:
            pass
        assert victim.process.returncode == -signal.SIGKILL
        let_the_lease_run_out(world)
        world.sync("encounter")
        found = {
            number: (
                place.live(subject, ANTENATAL),
                len(place.enrolments(subject)),
                len(world.avni.encounters_of(subject)) + len(place.program_encounters(subject)),
            )
            for number, subject in subjects.items()
        }
        assert found == EXPECTED
        shown = {number: len(place.live(subject, DRUGS)) for number, subject in subjects.items()}
        assert shown == {number: int(number in {"1003", "2001", "2002", "2003"}) for number in subjects}
        assert len(place.live(subjects["1005"], LAB)) == 1
        assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()
