from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.encounter import GENERAL, Found, admit, plan
from bahmni.avni_to_bahmni.encounter import encounter_types as encounter_types_of
from bahmni.avni_to_bahmni.encounter import wanted as wanted_of
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundVisit
from bahmni.avni_to_bahmni.observations import FoundObs
from bahmni.avni_to_bahmni.visit import Home, Policy
from common.fingerprint import derived_uuid
from common.outcome import Outcome
from engine.ports import Known, Plan
from engine.verdicts import Defer, Fail, Hold, Skip
from mappings.snapshot import Entry, Pair, Snapshot
from tests.chaos.records import MARKER, NAMESPACE, VISIT, ZONE, encounter, snapshot, uuid_of

MAPPED = snapshot()
POLICY = Policy(MAPPED, NAMESPACE)
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=ZONE)
SUBJECT = uuid_of("subject 1001")
ENCOUNTER = uuid_of(f"encounter of {SUBJECT}")
OURS = str(derived_uuid(NAMESPACE, "encounter", "general", ENCOUNTER))
BEGIN, DAY = "2026-01-05T00:00:00.000+0530", "2026-01-10T00:00:00.000+0530"
ASHA = FoundPatient("P", voided=False, numbers=("TRI1001",))
OPEN_VISIT = FoundVisit("V", BEGIN, patient=ASHA)
wanted, encounter_types = partial(wanted_of, GENERAL), partial(encounter_types_of, GENERAL)


def planned(document: dict[str, Any], known: Known | None = None, **found: Any) -> Plan:
    usual: dict[str, Any] = {"patient": "P", "number": "TRI1001", "now": NOW}
    return plan(wanted(document, MAPPED, ZONE), Found(**usual | found), known, POLICY)


def admitted(document: dict[str, Any], known: Known | None = None, subject: Known | None = None) -> None:
    admit(wanted(document, MAPPED, ZONE).content, known, subject)


def there(*members: FoundObs, event_date: str = "2026-01-10", **more: Any) -> FoundEncounter:
    """The encounter as it stands in Bahmni, with marker and event date beside `members`."""
    usual = (FoundObs("m", uuid_of("marker"), ENCOUNTER), FoundObs("d", uuid_of("event date"), event_date))
    group = FoundObs("g", uuid_of("visit form"), None, (*usual, *members))
    said: dict[str, Any] = {
        "uuid": "E", "voided": False, "at": DAY, "patient": ASHA, "visit": OPEN_VISIT, "obs": (group,),
        "marker": ENCOUNTER, "changed": "1",
    }  # fmt: skip
    return FoundEncounter(**said | more)


VOIDED: dict[str, Any] = {"voided": True, "obs": (), "marker": ""}


def link(outcome: Outcome = Outcome.CREATED, **more: Any) -> Known:
    usual: dict[str, Any] = {"wanted_fingerprint": "", "left_fingerprint": "", "is_suspect": False}
    return Known("", "E", "P", {"visit": "V"}, outcome=outcome, **usual | more)


def subject(outcome: Outcome = Outcome.CREATED, target: str = "R", left: str = "") -> Known:
    return Known("TRI1001", target, "P" if target else "", {"visit": "V"}, "", left, outcome, is_suspect=False)


def with_mappings(more: dict[Pair, list[str]]) -> Snapshot:
    """The usual mappings, and these Avni values."""
    table = {pair: dict(entries) for pair, entries in MAPPED.by_avni_value.items()}
    for pair, names in more.items():
        table.setdefault(pair, {}).update({name: Entry(name, uuid_of(name), "") for name in names})
    return replace(MAPPED, by_avni_value=MappingProxyType(table))


def kinds(made: Plan) -> list[tuple[str, str]]:
    return [(write.verb, write.kind) for write in made.writes]


# -- which encounters -------------------------------------------------------------------------------------------------


def test_a_type_is_read_when_either_of_its_mappings_is_there() -> None:
    mapped = with_mappings({v.GENERAL_ENCOUNTER_TYPE: ["Zinc"], v.GENERAL_ENCOUNTER_FORM: ["Abc"]})
    assert encounter_types(mapped) == ("Abc", VISIT, "Zinc")


@pytest.mark.parametrize(
    "pair", [v.HOSPITAL_FORM, v.HOSPITAL_PROGRAM_FORM, v.LAB_ENCOUNTER_TYPE, v.DRUG_ENCOUNTER_TYPE]
)
def test_a_type_that_holds_what_came_from_the_hospital_is_not_read(pair: Pair) -> None:
    mapped = with_mappings({pair: ["Lab"], v.GENERAL_ENCOUNTER_TYPE: ["Lab", v.HOSPITAL_REGISTRATION]})
    assert encounter_types(mapped) == (VISIT,)


@pytest.mark.parametrize(
    "document", [encounter(SUBJECT, observations={MARKER: "uuid"}), encounter(SUBJECT, kind=v.HOSPITAL_REGISTRATION)]
)
def test_what_came_from_bahmni_does_not_travel_back(document: dict[str, Any]) -> None:
    with pytest.raises(Skip, match=r"bahmni\.came-from-bahmni"):
        wanted(document, MAPPED, ZONE)


@pytest.mark.parametrize(("subject_type", "travels"), [("Individual", True), ("Household", False)])
def test_only_what_belongs_to_a_patient_travels(subject_type: str, travels: bool) -> None:
    document = {**encounter(SUBJECT), "Subject type": subject_type}
    if travels:
        assert wanted(document, MAPPED, ZONE).content.form
    else:
        with pytest.raises(Skip, match=r"bahmni\.not-of-a-patient"):
            wanted(document, MAPPED, ZONE)


# -- the record alone -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (v.GENERAL_ENCOUNTER_FORM, "bahmni.encounter-type-unmapped"),
        (v.GENERAL_ENCOUNTER_TYPE, "bahmni.encounter-form-unmapped"),
    ],
)
def test_a_type_with_one_of_its_mappings_alone_waits_with_an_error_that_names_it(pair: Pair, message: str) -> None:
    with pytest.raises(Fail) as failure:
        wanted(encounter(SUBJECT, kind="Home"), with_mappings({pair: ["Home"]}), ZONE)
    assert (failure.value.message, failure.value.params) == (message, {"side": "avni", "value": "Home"})


def test_a_type_mapped_to_no_uuid_is_named() -> None:
    mapped = with_mappings({v.GENERAL_ENCOUNTER_TYPE: ["Home"]})
    table = {**mapped.by_avni_value, v.GENERAL_ENCOUNTER_FORM: {"Home": Entry("Home", "the form", "")}}
    with pytest.raises(Fail, match=r"bahmni\.mapping-without-uuid"):
        wanted(encounter(SUBJECT, kind="Home"), replace(mapped, by_avni_value=table), ZONE)


@pytest.mark.parametrize(
    ("at", "day"),
    [("2026-01-10T18:29:00.000Z", "2026-01-10"), ("2026-01-10T18:30:00.000Z", "2026-01-11"), ("2026-01-10", None)],
)
def test_its_day_is_counted_where_the_hospital_stands(at: str, day: str | None) -> None:
    if day is None:
        with pytest.raises(Fail, match=r"bahmni\.value-kind"):
            wanted(encounter(SUBJECT, at=at), MAPPED, ZONE)
    else:
        assert str(wanted(encounter(SUBJECT, at=at), MAPPED, ZONE).content.form.day) == day


@pytest.mark.parametrize("at", ["soon", 7, True, "9999-12-31T23:00:00.000Z", "9999-01-01T00:00:00.000Z"])
def test_a_time_of_another_kind_is_named(at: Any) -> None:
    with pytest.raises(Fail) as failure:
        wanted(encounter(SUBJECT, at=at), MAPPED, ZONE)
    assert failure.value.params["question"] == "Encounter date time"


@pytest.mark.parametrize("field", ["Subject ID", "observations", "Voided", "audit", "Encounter type"])
def test_a_record_without_what_every_record_has_is_named(field: str) -> None:
    with pytest.raises(Fail) as failure:
        wanted({**encounter(SUBJECT), field: None}, MAPPED, ZONE)
    assert (failure.value.message, failure.value.params) == ("record.field-missing", {"field": field})


def test_questions_without_a_mapping_are_counted_and_ignored_ones_are_not() -> None:
    ignoring = replace(MAPPED, ignored=MappingProxyType({"avni": frozenset({"Reason", "Asthma"})}))
    observations = {"Reason": "far away", "Shoe size": 42, "Medical problems": ["Asthma", "Diabetes"]}
    want = wanted(encounter(SUBJECT, observations=observations), ignoring, ZONE)
    assert want.unmapped == ("Shoe size",)
    assert [leaf.value for leaf in want.content.form.answers.leaves] == [uuid_of("Diabetes")]


def test_a_touch_leaves_the_fingerprint_and_every_change_alters_it() -> None:
    def print_of(**more: Any) -> str:
        return wanted(encounter(SUBJECT, id="e", **more), MAPPED, ZONE).fingerprint

    assert print_of() == print_of(modified="2026-02-02T06:00:00.000Z") == print_of(at="2026-01-10T09:00:00.000Z")
    changed: list[dict[str, Any]] = [
        {"observations": {"Height": 1}},
        {"at": "2026-01-11T09:00:00.000Z"},
        {"voided": True},
        {"at": None},
    ]
    assert len({print_of(), *(print_of(**one) for one in changed)}) == 5


# -- what has to wait -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "message", "asks"),
    [
        (None, "bahmni.subject-not-yet", (v.SUBJECT, SUBJECT)),
        (subject(Outcome.FAILED, ""), "bahmni.subject-not-yet", None),
        (subject(Outcome.SKIPPED, ""), "bahmni.subject-not-yet", None),
        (subject(Outcome.VOIDED), "bahmni.subject-voided", None),
        (subject(Outcome.UNCHANGED, left=v.VOIDED_BY_US), "bahmni.subject-voided", None),
        (subject(Outcome.HELD), "bahmni.subject-held", None),
    ],
)
def test_it_waits_for_its_subject(owner: Known | None, message: str, asks: tuple[str, str] | None) -> None:
    with pytest.raises(Defer) as verdict:
        admitted(encounter(SUBJECT), subject=owner)
    assert (verdict.value.message, verdict.value.asks_for) == (message, asks)
    assert verdict.value.waits_for == v.arrival_of_subject(SUBJECT)


def test_a_subject_that_got_through_once_is_good_enough_though_its_newest_answers_failed() -> None:
    admitted(encounter(SUBJECT), subject=subject(Outcome.FAILED))


@pytest.mark.parametrize("at", [None, ""])
def test_what_never_took_place_is_skipped(at: str | None) -> None:
    for known in (None, link(left_fingerprint=v.VOIDED_BY_US)):
        with pytest.raises(Skip, match=r"bahmni\.not-completed"):
            admitted(encounter(SUBJECT, at=at), known, subject())


def test_what_was_handed_over_and_is_cancelled_now_is_held() -> None:
    with pytest.raises(Hold, match=r"bahmni\.completed-before"):
        admitted(encounter(SUBJECT, at=None), link(), subject())


@pytest.mark.parametrize("owner", [None, subject(Outcome.FAILED, "")])
def test_what_was_voided_before_its_subject_arrived_is_skipped(owner: Known | None) -> None:
    with pytest.raises(Skip, match=r"bahmni\.voided-before-hand-over"):
        admitted(encounter(SUBJECT, voided=True), subject=owner)


@pytest.mark.parametrize("owner", [None, subject(Outcome.VOIDED)])
def test_what_was_handed_over_is_voided_whatever_became_of_its_subject(owner: Known | None) -> None:
    admitted(encounter(SUBJECT, voided=True), link(), owner)


# -- against what was found -------------------------------------------------------------------------------------------


def test_a_new_encounter_is_written_as_the_java_service_does() -> None:
    made = planned(encounter(SUBJECT, observations={"Height": 150}), visit=OPEN_VISIT)
    assert (made.outcome, made.target_id, made.target_parent_id) == (Outcome.CREATED, OURS, "P")
    assert (made.other_targets, made.created_by_us) == ({"visit": "V"}, ("encounter",))
    ((_, body),) = [(write.verb, dict(write.body)) for write in made.writes]
    (group,) = body.pop("obs")
    assert body == {
        "uuid": OURS,
        "patient": "P",
        "encounterType": uuid_of("visit encounter type"),
        "location": uuid_of("location"),
        "visit": "V",
        "encounterDatetime": "2026-01-10",
        "encounterProviders": [{"provider": uuid_of("provider"), "encounterRole": uuid_of("role")}],
    }
    members = [(one["concept"], one["value"]) for one in group["groupMembers"]]
    marked = [(uuid_of("marker"), ENCOUNTER), (uuid_of("event date"), "2026-01-10")]
    assert (group["concept"], members) == (uuid_of("visit form"), [(uuid_of("Height"), 150), *marked])


@pytest.mark.parametrize(
    ("start", "at"),
    [
        (BEGIN, "2026-01-10"),
        (DAY, "2026-01-10"),
        ("2026-01-10T10:30:00.000+0530", "2026-01-10T10:30:00.000+0530"),
        ("2026-02-01T00:00:00.000+0530", "2026-02-01T00:00:00.000+0530"),
    ],
)
def test_in_a_visit_of_the_hospitals_an_encounter_stands_on_its_day_or_where_that_begins(start: str, at: str) -> None:
    made = planned(encounter(SUBJECT), visit=replace(OPEN_VISIT, start=start))
    assert made.writes[0].body["encounterDatetime"] == at


def test_a_day_to_come_is_waited_for_by_the_hospitals_clock() -> None:
    with pytest.raises(Defer) as verdict:
        planned(encounter(SUBJECT, at="2026-03-01T18:30:00.000Z"), visit=OPEN_VISIT)
    assert (verdict.value.message, verdict.value.due) == ("bahmni.future", datetime(2026, 3, 1, 18, 30, tzinfo=UTC))


def test_the_registration_visit_we_opened_makes_room_for_an_encounter_before_it() -> None:
    ours = replace(OPEN_VISIT, start="2026-02-01T00:00:00.000+0530", attributes={uuid_of("visit marker"): SUBJECT})
    stretch, create = planned(encounter(SUBJECT), visit=ours).writes
    assert (stretch.kind, stretch.body) == ("visit", {"startDatetime": DAY})
    assert (create.body["visit"], create.body["encounterDatetime"]) == ("V", "2026-01-10")


def test_a_visit_that_ended_on_its_day_takes_it_and_after_one_that_ended_before_another_is_opened() -> None:
    ended = replace(OPEN_VISIT, stop="2026-01-10T00:00:00.000+0530")
    assert kinds(planned(encounter(SUBJECT), visit=ended)) == [("create", "encounter")]
    before = replace(ended, stop="2026-01-09T23:59:59.000+0530")
    opened = Home("registration", SUBJECT, "", POLICY).uuid
    made = planned(encounter(SUBJECT), visit=before, visits=(before,))
    visit, create = made.writes
    assert (visit.kind, visit.id, visit.body["visitType"]) == ("visit", opened, uuid_of("visit type"))
    assert (create.body["visit"], made.other_targets) == (opened, {"visit": opened})


def test_what_another_service_wrote_is_taken_over_by_its_marker() -> None:
    made = planned(encounter(SUBJECT), encounters=(there(),))
    assert (made.outcome, made.target_id, made.created_by_us) == (Outcome.UNCHANGED, "E", ())


def test_an_edit_sends_only_what_differs_below_the_group() -> None:
    found = there(FoundObs("h", uuid_of("Height"), 150.0), FoundObs("o", uuid_of("Occupation"), "Weaver"))
    made = planned(encounter(SUBJECT, observations={"Height": 151, "Occupation": "  "}), link(), encounters=(found,))
    changed: list[dict[str, Any]] = [
        {"uuid": "h", "concept": uuid_of("Height"), "value": 151},
        {"uuid": "o", "concept": uuid_of("Occupation"), "voided": True},
    ]
    group = {
        "uuid": "g",
        "concept": uuid_of("visit form"),
        "groupMembers": sorted(changed, key=lambda one: one["concept"]),
    }
    assert (kinds(made), made.writes[0].body) == ([("update", "encounter")], {"obs": [group]})


def test_a_changed_day_moves_the_encounter_first_because_that_gives_all_observations_new_uuids() -> None:
    document = encounter(SUBJECT, at="2026-01-12T06:30:00.000Z", observations={"Height": 151})
    made = planned(document, link(), encounters=(there(),))
    assert [write.body for write in made.writes] == [{"encounterDatetime": "2026-01-12"}]
    assert made.look_again
    moved = there(at="2026-01-12T00:00:00.000+0530")
    then = planned(document, link(), encounters=(moved,))
    concepts = {one["concept"] for one in then.writes[0].body["obs"][0]["groupMembers"]}
    assert (concepts, then.look_again) == ({uuid_of("Height"), uuid_of("event date")}, False)


def test_a_day_that_did_not_change_leaves_the_encounter_where_the_hospital_put_it() -> None:
    made = planned(encounter(SUBJECT), link(), encounters=(there(at="2026-01-20T09:00:00.000+0530"),))
    assert made.outcome is Outcome.UNCHANGED


def test_a_changed_day_to_come_is_waited_for() -> None:
    with pytest.raises(Defer, match=r"bahmni\.future"):
        planned(encounter(SUBJECT, at="2026-04-01T06:30:00.000Z"), link(), encounters=(there(),))


def test_a_changed_day_after_the_end_of_the_hospitals_visit_moves_it_into_the_subjects_own() -> None:
    ended = replace(OPEN_VISIT, stop="2026-02-01T00:00:00.000+0530")
    own = FoundVisit("own", DAY, attributes={uuid_of("visit marker"): SUBJECT})
    document = encounter(SUBJECT, at="2026-02-02T06:30:00.000Z")
    made = planned(document, link(), encounters=(there(visit=ended),), visits=(ended, own))
    assert [write.body for write in made.writes] == [{"visit": "own", "encounterDatetime": "2026-02-02"}]
    assert made.look_again


def test_a_type_that_is_mapped_to_another_one_now_changes_that_of_the_encounter() -> None:
    made = planned(encounter(SUBJECT), link(), encounters=(there(type="former"),))
    assert [write.body for write in made.writes] == [{"encounterType": uuid_of("visit encounter type")}]
    assert (made.look_again, made.outcome) == (True, Outcome.UPDATED)
    same = there(type=uuid_of("visit encounter type"))
    assert planned(encounter(SUBJECT), link(), encounters=(same,)).writes == ()


def test_a_voided_encounter_is_voided_and_only_what_we_voided_comes_back() -> None:
    made = planned(encounter(SUBJECT, voided=True, kind="Unmapped"), link(), encounters=(there(),))
    assert (kinds(made), made.outcome) == ([("void", "encounter")], Outcome.VOIDED)
    back = planned(encounter(SUBJECT), link(left_fingerprint=made.left_fingerprint), encounters=(there(**VOIDED),))
    assert (kinds(back), back.look_again) == ([("unvoid", "encounter")], True)
    with pytest.raises(Hold, match=r"bahmni\.target-voided"):
        planned(encounter(SUBJECT), link(), encounters=(there(**VOIDED),))


def test_one_voided_in_both_needs_nothing() -> None:
    known = link(left_fingerprint=v.VOIDED_BY_US)
    made = planned(encounter(SUBJECT, voided=True), known, encounters=(there(**VOIDED),))
    assert (made.outcome, made.left_fingerprint) == (Outcome.UNCHANGED, v.VOIDED_BY_US)


@pytest.mark.parametrize("known", [None, link(left_fingerprint=v.VOIDED_BY_US)])
def test_of_one_that_is_voided_and_not_there_nothing_is_missing(known: Known | None) -> None:
    with pytest.raises(Skip, match=r"bahmni\.voided-before-hand-over"):
        planned(encounter(SUBJECT, voided=True), known)


@pytest.mark.parametrize(
    ("found", "known", "message"),
    [
        ({"encounters": (there(), there(uuid="F"))}, None, "bahmni.multiple-encounters"),
        ({}, link(), "bahmni.registration-gone"),
        ({"encounters": (there(marker="x"),)}, link(), "bahmni.registration-gone"),
        ({"encounters": (there(patient=replace(ASHA, voided=True)),)}, link(), "bahmni.patient-voided"),
        ({"encounters": (there(patient=replace(ASHA, numbers=("TRI7",))),)}, link(), "bahmni.number-moved"),
        ({"encounters": (there(patient=replace(ASHA, numbers=("TRI7",))),)}, None, "bahmni.number-moved"),
        ({"encounters": (there(patient=replace(ASHA, uuid="Q")),)}, link(), "bahmni.number-moved"),
        ({"encounters": (there(),), "patient": "Q"}, link(), "bahmni.number-moved"),
        ({"visit": replace(OPEN_VISIT, patient=replace(ASHA, voided=True))}, None, "bahmni.patient-voided"),
        ({"visit": replace(OPEN_VISIT, patient=replace(ASHA, numbers=()))}, None, "bahmni.number-moved"),
        ({"visit": replace(OPEN_VISIT, voided=True)}, None, "bahmni.visit-gone"),
        ({}, None, "bahmni.visit-gone"),
    ],
)
def test_in_doubt_nothing_is_written(found: dict[str, Any], known: Known | None, message: str) -> None:
    with pytest.raises(Hold) as verdict:
        planned(encounter(SUBJECT), known, **found)
    assert verdict.value.message == message


def test_the_same_record_and_state_give_the_same_plan() -> None:
    document = encounter(SUBJECT, observations={"Height": 150, "Medical problems": ["Asthma", "Diabetes"]})
    assert planned(document, visit=OPEN_VISIT) == planned(document, visit=OPEN_VISIT)
    assert planned(document, link(), encounters=(there(),)) == planned(document, link(), encounters=(there(),))
