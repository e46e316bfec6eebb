"""What tells a program encounter from a general one, whose rules `test_general_encounter` shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.encounter import IN_PROGRAM, Found, admit, encounter_types, half_mapped, plan, wanted
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundPerson, FoundVisit
from bahmni.avni_to_bahmni.observations import FoundObs
from bahmni.avni_to_bahmni.visit import Home, Policy
from common.fingerprint import derived_uuid
from common.outcome import Outcome
from engine.ports import Known, Plan
from engine.verdicts import Defer, Fail, Hold, Skip
from mappings.snapshot import Entry, Pair, Snapshot
from tests.chaos.records import CHECK_UP, MARKER, NAMESPACE, ZONE, program_encounter, snapshot, uuid_of

MAPPED = snapshot()
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=ZONE)
ASHA = FoundPatient("P", voided=False, numbers=("TRI1001",), person=FoundPerson(birthdate="1990-04-01"))
BEGIN, DAY = "2026-01-05T00:00:00.000+0530", "2026-01-10T00:00:00.000+0530"
VISIT = FoundVisit("V", BEGIN, attributes={uuid_of("visit marker"): "E"}, patient=ASHA)
OURS = str(derived_uuid(NAMESPACE, "encounter", "program", "C"))
wanted_of = partial(wanted, IN_PROGRAM)


def record(**more: Any) -> dict[str, Any]:
    return program_encounter("S", "E", id="C", **more)


SUBJECT = Known("TRI1001", "R", "P", {"visit": "R"}, "", "", Outcome.CREATED, is_suspect=False)


def owner(
    outcome: Outcome = Outcome.CREATED, target: str = "B", left: str = "", subject: Known | None = SUBJECT,
    **targets: str,
) -> Known:  # fmt: skip
    others = targets or {"visit": "V"}
    return Known("TRI1001", target, "P" if target else "", others, "", left, outcome, is_suspect=False, owner=subject)


def link(left: str = "") -> Known:
    return Known("TRI1001", "T", "P", {"visit": "V"}, "", left, Outcome.CREATED, is_suspect=False)


def there(visit: FoundVisit = VISIT) -> FoundEncounter:
    ours = (FoundObs("m", uuid_of("marker"), "C"), FoundObs("d", uuid_of("event date"), "2026-01-10"))
    group = FoundObs("g", uuid_of("program encounter form"), None, ours)
    return FoundEncounter("T", voided=False, at=DAY, patient=ASHA, visit=visit, obs=(group,), marker="C", changed="1")


def planned(known: Known | None = None, found: dict[str, Any] | None = None, **more: Any) -> Plan:
    usual: dict[str, Any] = {"patient": "P", "number": "TRI1001", "now": NOW}
    want = wanted_of(record(**more), MAPPED, ZONE)
    return plan(want, Found(**usual | (found or {})), known, Policy(MAPPED, NAMESPACE))


def with_mappings(more: dict[Pair, list[str]]) -> Snapshot:
    """The usual mappings, and these Avni values."""
    table = {pair: dict(entries) for pair, entries in MAPPED.by_avni_value.items()}
    for pair, names in more.items():
        table.setdefault(pair, {}).update({name: Entry(name, uuid_of(name), "") for name in names})
    return replace(MAPPED, by_avni_value=MappingProxyType(table))


def test_only_types_mapped_for_programs_are_read_and_none_of_the_hospitals() -> None:
    mapped = with_mappings({v.PROGRAM_ENCOUNTER_FORM: ["PNC", "Lab"], v.HOSPITAL_PROGRAM_FORM: ["Lab"]})
    assert encounter_types(IN_PROGRAM, mapped) == (CHECK_UP, "PNC")
    assert half_mapped(IN_PROGRAM, mapped) == {v.PROGRAM_ENCOUNTER_TYPE: ("PNC",)}


@pytest.mark.parametrize(
    ("pair", "what"),
    [(v.PROGRAM_ENCOUNTER_FORM, "program-encounter-type"), (v.PROGRAM_ENCOUNTER_TYPE, "program-encounter-form")],
)
def test_a_type_with_one_of_its_mappings_alone_waits_with_an_error_that_names_it(pair: Pair, what: str) -> None:
    with pytest.raises(Fail) as failure:
        wanted_of(record(kind="PNC"), with_mappings({pair: ["PNC"]}), ZONE)
    assert (failure.value.message, failure.value.params["value"]) == (f"bahmni.{what}-unmapped", "PNC")


def test_what_came_from_bahmni_or_belongs_to_nobody_who_is_a_patient_does_not_travel() -> None:
    for document, message in (
        (record(observations={MARKER: "uuid"}), "bahmni.came-from-bahmni"),
        ({**record(), "Subject type": "Household"}, "bahmni.not-of-a-patient"),
    ):
        with pytest.raises(Skip) as verdict:
            wanted_of(document, MAPPED, ZONE)
        assert verdict.value.message == message


def test_a_record_without_its_enrolment_is_named() -> None:
    with pytest.raises(Fail) as failure:
        wanted_of({**record(), "Enrolment ID": None}, MAPPED, ZONE)
    assert failure.value.params == {"field": "Enrolment ID"}


@pytest.mark.parametrize(
    ("enrolment", "message", "asks"),
    [
        (None, "bahmni.enrolment-not-yet", (v.ENROLMENT, "E")),
        (owner(Outcome.FAILED, ""), "bahmni.enrolment-not-yet", None),
        (owner(Outcome.VOIDED), "bahmni.enrolment-voided", None),
        (owner(Outcome.UNCHANGED, left=v.VOIDED_BY_US), "bahmni.enrolment-voided", None),
        (owner(Outcome.UNCHANGED, **{"voided visit": "V"}), "bahmni.enrolment-voided", None),
        (owner(Outcome.HELD), "bahmni.enrolment-held", None),
    ],
)
def test_it_waits_for_its_enrolment(enrolment: Known | None, message: str, asks: tuple[str, str] | None) -> None:
    with pytest.raises(Defer) as verdict:
        admit(wanted_of(record(), MAPPED, ZONE).content, None, enrolment)
    assert (verdict.value.message, verdict.value.asks_for) == (message, asks)
    assert verdict.value.waits_for == v.arrival_of_enrolment("E")


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (replace(SUBJECT, outcome=Outcome.VOIDED), "bahmni.subject-voided"),
        (replace(SUBJECT, outcome=Outcome.UNCHANGED, left_fingerprint=v.VOIDED_BY_US), "bahmni.subject-voided"),
        (replace(SUBJECT, outcome=Outcome.HELD), "bahmni.subject-held"),
        (None, "bahmni.subject-not-yet"),
    ],
)
def test_it_waits_for_the_subject_of_its_enrolment_too(subject: Known | None, message: str) -> None:
    with pytest.raises(Defer) as verdict:
        admit(wanted_of(record(), MAPPED, ZONE).content, link(), owner(subject=subject))
    assert (verdict.value.message, verdict.value.waits_for) == (message, v.arrival_of_subject("S"))


def test_it_needs_enrolment_and_subject_in_bahmni_and_nothing_else() -> None:
    admit(wanted_of(record(), MAPPED, ZONE).content, None, owner())


def test_voided_it_needs_neither_of_them() -> None:
    voided = replace(SUBJECT, outcome=Outcome.VOIDED)
    admit(wanted_of(record(voided=True), MAPPED, ZONE).content, link(), owner(subject=voided))


def test_voided_while_its_visit_is_it_waits_because_the_visit_would_bring_it_back() -> None:
    content, gone = wanted_of(record(voided=True), MAPPED, ZONE).content, owner(**{"voided visit": "V"})
    with pytest.raises(Defer, match=r"bahmni\.enrolment-voided"):
        admit(content, link(), gone)
    admit(content, link(v.VOIDED_BY_US), gone)


def test_voided_without_a_link_while_its_visit_is_it_waits_because_we_may_have_been_cut_off() -> None:
    gone = replace(owner(), other_targets={"voided visit": "V"})
    with pytest.raises(Defer, match=r"bahmni\.enrolment-voided"):
        admit(wanted_of(record(voided=True), MAPPED, ZONE).content, None, gone)


def test_a_new_encounter_goes_into_the_visit_of_the_enrolment() -> None:
    made = planned(found={"visit": VISIT})
    (create,) = made.writes
    assert (create.id, create.body["visit"], create.body["encounterDatetime"]) == (OURS, "V", "2026-01-10")
    assert (create.body["encounterType"], create.body["obs"][0]["concept"]) == (
        uuid_of("program encounter type"),
        uuid_of("program encounter form"),
    )
    assert (made.target_parent_id, made.other_targets, made.identifier) == ("P", {"visit": "V"}, "TRI1001")


def test_a_visit_that_begins_later_or_has_ended_makes_room_before_the_encounter_is_written() -> None:
    for visit, border in (
        (replace(VISIT, start="2026-01-20T00:00:00.000+0530"), {"startDatetime": DAY}),
        (replace(VISIT, stop="2026-01-09T00:00:00.000+0530"), {"stopDatetime": "2026-01-10T23:59:59.000+0530"}),
    ):
        stretch, create = planned(found={"visit": visit}).writes
        assert (stretch.kind, stretch.body) == ("visit", border)
        assert create.body["encounterDatetime"] == "2026-01-10"


def test_a_visit_that_is_not_the_enrolments_own_is_left_as_it_is() -> None:
    theirs = replace(VISIT, attributes={}, start="2026-01-20T00:00:00.000+0530")
    (create,) = planned(found={"visit": theirs}).writes
    assert create.body["encounterDatetime"] == theirs.start


def test_after_a_visit_that_is_not_the_enrolments_own_and_over_another_is_opened() -> None:
    theirs = replace(VISIT, attributes={}, stop=BEGIN)
    visit, create = planned(found={"visit": theirs, "visits": (theirs,)}).writes
    opened = Home("enrolment", "E", "", Policy(MAPPED, NAMESPACE)).uuid
    assert (visit.verb, visit.id, visit.body["visitType"]) == ("create", opened, uuid_of("program visit type"))
    assert create.body["visit"] == opened


def test_a_changed_day_makes_room_and_one_that_did_not_change_does_not() -> None:
    made = planned(link(), {"encounters": (there(),)}, at="2026-01-02T06:30:00.000Z")
    assert [(write.kind, write.body) for write in made.writes] == [
        ("visit", {"startDatetime": "2026-01-02T00:00:00.000+0530"}),
        ("encounter", {"encounterDatetime": "2026-01-02"}),
    ]
    assert planned(link(), {"encounters": (there(replace(VISIT, start=DAY)),)}).writes == ()


@pytest.mark.parametrize("visit", [None, replace(VISIT, voided=True)])
def test_without_its_visit_nothing_is_written(visit: FoundVisit | None) -> None:
    with pytest.raises(Hold, match=r"bahmni\.visit-gone"):
        planned(found={"visit": visit})
