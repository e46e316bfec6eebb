from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundPerson, FoundVisit
from bahmni.avni_to_bahmni.observations import FoundObs
from bahmni.avni_to_bahmni.subject import wanted
from bahmni.avni_to_bahmni.subject_plan import Found, Rival, plan
from common.fingerprint import derived_uuid
from common.outcome import Outcome
from engine.ports import Known, Plan
from engine.verdicts import Defer, Fail, Hold, Skip, Verdict
from tests.chaos.records import NAMESPACE, NUMBER, POLICY, ZONE, snapshot, subject, uuid_of

MAPPED = snapshot()
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=ZONE)
SUBJECT = uuid_of("subject 1001")
BEGIN = "2026-01-05T00:00:00.000+0530"
DEVI = FoundPerson("Asha", "", "Devi", "F", "1990-04-01", name_uuid="N")
ASHA = FoundPatient("P", voided=False, numbers=("TRI1001",), person=DEVI)


def planned(document: dict[str, Any], known: Known | None = None, **found: Any) -> Plan:
    return plan(wanted(document, MAPPED, ZONE), Found(**{"now": NOW, **found}), known, MAPPED, POLICY)


def registration(*members: FoundObs, **more: Any) -> FoundEncounter:
    """The encounter of the usual subject, with marker and event date beside `members`."""
    usual = (
        FoundObs("m", uuid_of("marker"), SUBJECT),
        FoundObs("d", uuid_of("event date"), "2026-01-05"),
    )
    group = FoundObs("g", uuid_of("form"), None, (*usual, *members))
    said: dict[str, Any] = {
        "uuid": "E", "voided": False, "at": BEGIN, "patient": ASHA, "visit": FoundVisit("V", BEGIN), "obs": (group,),
        "marker": SUBJECT, "changed": "1",
    }  # fmt: skip
    return FoundEncounter(**{**said, **more})


def link(outcome: Outcome = Outcome.CREATED, **more: Any) -> Known:
    usual: dict[str, Any] = {"wanted_fingerprint": "", "left_fingerprint": "", "is_suspect": False}
    return Known("TRI1001", "E", "P", {}, outcome=outcome, **{**usual, **more})


def kinds(made: Plan) -> list[tuple[str, str]]:
    return [(write.verb, write.kind) for write in made.writes]


def test_a_new_subject_needs_patient_visit_and_encounter_with_ids_of_ours() -> None:
    made = planned(subject())
    assert kinds(made) == [("create", "patient"), ("create", "visit"), ("create", "encounter")]
    ids = [str(derived_uuid(NAMESPACE, kind, "registration", SUBJECT)) for kind in ("patient", "visit", "encounter")]
    assert [write.id for write in made.writes] == ids
    assert made.created_by_us == ("patient", "visit", "encounter")


def test_what_the_hospital_created_is_not_counted_as_ours() -> None:
    made = planned(subject(), patients=(ASHA,))
    assert (kinds(made), made.created_by_us) == ([("create", "visit"), ("create", "encounter")], ("visit", "encounter"))


COMMUNITY = FoundVisit("V", "2026-01-05T09:00:00.000+0530", type=uuid_of("visit type"))
OWN = FoundVisit(
    "V", BEGIN, attributes={uuid_of("visit marker"): SUBJECT, uuid_of("visit event date"): "2026-01-05"},
    attribute_uuids={uuid_of("visit event date"): "attribute"}, type=uuid_of("visit type"),
)  # fmt: skip


def test_a_visit_of_the_right_type_in_which_the_day_lies_is_used() -> None:
    made = planned(subject(), patients=(ASHA,), visits=(COMMUNITY,))
    assert kinds(made) == [("create", "encounter")]
    assert (made.writes[0].body["visit"], made.writes[0].body["encounterDatetime"]) == ("V", COMMUNITY.start)


@pytest.mark.parametrize(
    "visits",
    [
        (replace(COMMUNITY, start="2026-01-06T09:00:00.000+0530"),),
        (replace(COMMUNITY, start="2026-01-04T09:00:00.000+0530", stop="2026-01-04T20:00:00.000+0530"),),
        (replace(COMMUNITY, type="another"),),
        (COMMUNITY, replace(COMMUNITY, uuid="W")),
    ],
    ids=["begins later", "over", "of another type", "several"],
)
def test_where_no_visit_is_its_own_beyond_doubt_one_is_opened(visits: tuple[FoundVisit, ...]) -> None:
    made = planned(subject(), patients=(ASHA,), visits=visits)
    assert kinds(made) == [("create", "visit"), ("create", "encounter")]
    assert made.writes[0].body["startDatetime"] == "2026-01-05"


def test_the_visit_that_carries_its_id_is_used_and_makes_room_for_it() -> None:
    own = replace(OWN, uuid="own", start="2026-02-01T00:00:00.000+0530", type="since mapped to another")
    made = planned(subject(), patients=(ASHA,), visits=(COMMUNITY, own))
    stretch, create = made.writes
    assert (stretch.kind, stretch.id, stretch.body) == ("visit", "own", {"startDatetime": BEGIN})
    assert create.body["visit"] == "own"


def test_two_visits_that_carry_its_id_are_a_persons_business() -> None:
    with pytest.raises(Hold, match=r"bahmni\.multiple-visits"):
        planned(subject(), patients=(ASHA,), visits=(OWN, replace(OWN, uuid="W")))


def test_the_visit_of_another_subject_is_left_to_it() -> None:
    others = FoundVisit("V", BEGIN, type=uuid_of("visit type"), attributes={uuid_of("visit marker"): "another subject"})
    made = planned(subject(), patients=(ASHA,), visits=(others,))
    assert kinds(made) == [("create", "visit"), ("create", "encounter")]


def test_what_agrees_needs_no_write_with_or_without_a_link() -> None:
    there = registration(FoundObs("h", uuid_of("Height"), 150.0))
    document = subject(observations={"Height": 150})
    for known in (None, link()):
        assert planned(document, known, registrations=(there,)).outcome is Outcome.UNCHANGED


def test_an_edit_sends_only_what_differs_below_the_group() -> None:
    there = registration(FoundObs("h", uuid_of("Height"), 150.0), FoundObs("o", uuid_of("Occupation"), "Weaver"))
    made = planned(subject(observations={"Height": 151, "Occupation": "Weaver"}), link(), registrations=(there,))
    ((_, body),) = [(write.verb, write.body) for write in made.writes]
    changed = [{"uuid": "h", "concept": uuid_of("Height"), "value": 151}]
    assert body == {"obs": [{"uuid": "g", "concept": uuid_of("form"), "groupMembers": changed}]}


def test_a_form_group_that_is_missing_is_written_anew() -> None:
    made = planned(subject(), link(), registrations=(registration(obs=()),))
    (group,) = made.writes[0].body["obs"]
    assert [member["concept"] for member in group["groupMembers"]] == [uuid_of("marker"), uuid_of("event date")]


def test_a_voided_subject_is_voided_whatever_its_answers_say() -> None:
    document = subject(voided=True, observations={"Height": "tall", "Date of birth": "soon"})
    made = planned(document, link(), registrations=(registration(),))
    assert (kinds(made), made.outcome) == ([("void", "encounter")], Outcome.VOIDED)


def test_only_what_we_voided_comes_back_by_itself() -> None:
    left = planned(subject(voided=True), link(), registrations=(registration(),)).left_fingerprint
    gone = registration(voided=True, obs=(), marker="")
    made = planned(subject(), link(Outcome.FAILED, left_fingerprint=left), registrations=(gone,))
    assert (kinds(made), made.look_again) == ([("unvoid", "encounter")], True)
    with pytest.raises(Hold, match=r"bahmni\.target-voided"):
        planned(subject(), link(), registrations=(gone,))


def test_who_voided_it_is_remembered_when_it_is_found_voided_again() -> None:
    gone = registration(voided=True, obs=(), marker="")
    again = planned(subject(voided=True), link(left_fingerprint="voided"), registrations=(gone,))
    by_hand = planned(subject(voided=True), link(left_fingerprint="something"), registrations=(gone,))
    assert (again.left_fingerprint, by_hand.left_fingerprint) == ("voided", "something")


@pytest.mark.parametrize(
    ("found", "known", "kind", "message"),
    [
        ({"patients": (ASHA, ASHA)}, None, Hold, "bahmni.multiple-patients"),
        ({"rivals": (Rival("a", "2025-01-01T00:00:00.000Z"),)}, None, Fail, "bahmni.multiple-subjects"),
        ({"patients": (ASHA,), "registrations": (registration(marker="x"),)}, None, Fail, "bahmni.subject-id-changed"),
        ({"now": datetime(2026, 1, 4, 23, 59, tzinfo=ZONE)}, None, Defer, "bahmni.future"),
        ({}, link(), Hold, "bahmni.registration-gone"),
        ({"registrations": (registration(marker="x"),)}, link(), Hold, "bahmni.registration-gone"),
        (
            {"registrations": (registration(patient=FoundPatient("P", voided=True, numbers=("TRI1001",))),)},
            link(), Hold, "bahmni.patient-voided",
        ),
        (
            {"registrations": (registration(patient=FoundPatient("P", voided=False, numbers=("TRI7",))),)},
            link(), Hold, "bahmni.number-moved",
        ),
        (
            {"registrations": (registration(patient=FoundPatient("Q", voided=False, numbers=("TRI1001",))),)},
            link(), Hold, "bahmni.number-moved",
        ),
    ],
)  # fmt: skip
def test_in_doubt_nothing_is_written(
    found: dict[str, Any], known: Known | None, kind: type[Verdict], message: str
) -> None:
    with pytest.raises(kind) as verdict:
        planned(subject(), known, **found)
    assert verdict.value.message == message


def test_of_two_with_one_number_the_earlier_registered_one_is_handed_over() -> None:
    later = Rival("zzz", "2026-01-05T06:00:00.001Z")
    assert planned(subject(), rivals=(later,)).outcome is Outcome.CREATED


def test_a_registration_in_the_future_waits_for_its_day_in_the_zone_of_the_hospital() -> None:
    with pytest.raises(Defer) as verdict:
        planned(subject(registered="2026-03-02"))
    assert verdict.value.due == datetime(2026, 3, 1, 18, 30, tzinfo=UTC)


def test_a_number_that_changed_is_held_before_anything_is_asked() -> None:
    with pytest.raises(Hold, match=r"bahmni\.subject-id-changed"):
        planned(subject("2002", id=SUBJECT), link(), registrations=(registration(),))


@pytest.mark.parametrize("number", [None, "", "  ", True, 7.5, [], {}])
def test_a_subject_without_a_number_is_named_so(number: Any) -> None:
    with pytest.raises(Fail, match=r"bahmni\.subject-id-null"):
        planned(subject(number))


@pytest.mark.parametrize("number", ["1" * 48, "10\x0001", "10\ud83d"])
def test_a_number_no_hospital_can_hold_is_told_by_its_question(number: str) -> None:
    with pytest.raises(Fail) as failure:
        planned(subject(number, id=SUBJECT))
    assert (failure.value.message, failure.value.params["question"]) == ("bahmni.value-kind", NUMBER)


def test_a_number_may_be_a_number() -> None:
    assert {wanted(subject(one), MAPPED, ZONE).identifier for one in (1001, "1001 ")} == {"TRI1001"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Registration date": None}, "bahmni.registration-date-missing"),
        ({"Registration date": "0000-01-01"}, "bahmni.registration-date-missing"),
        ({"observations": {NUMBER: "1001", "Date of birth": [1990]}}, "bahmni.value-kind"),
        ({"observations": {NUMBER: "1001", "Date of birth": "0000-00-00"}}, "bahmni.value-kind"),
        ({"observations": None}, "record.field-missing"),
        ({"observations": []}, "record.field-kind"),
        ({"Registration date": "9999-12-31"}, "bahmni.value-kind"),
    ],
)
def test_a_field_of_another_kind_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Fail, match=message):
        planned({**subject(), **change})


@pytest.mark.parametrize("field", ["First name", "Last name", "Gender"])
def test_a_patient_is_not_created_without_what_the_hospital_demands(field: str) -> None:
    with pytest.raises(Fail) as failure:
        planned(subject(observations={field: ""}))
    assert (failure.value.message, failure.value.params) == ("bahmni.demographic-missing", {"field": field})


def test_a_subject_voided_before_it_was_handed_over_is_skipped() -> None:
    for document in (subject(voided=True), subject(None, voided=True)):
        with pytest.raises(Skip):
            planned(document)


@pytest.mark.parametrize("number", ["1002", None])
def test_a_changed_number_is_held_even_when_an_answer_could_not_be_translated_either(number: str | None) -> None:
    document = subject(number, id=SUBJECT, observations={"Marital status": "Nobody mapped this"})
    with pytest.raises(Hold, match=r"bahmni\.subject-id-changed"):
        planned(document, link(), registrations=(registration(),))


COMES_BACK = link(Outcome.VOIDED, left_fingerprint="voided")
VOIDED = registration(voided=True, obs=(), marker="")


def test_a_subject_comes_back_to_its_patient_when_nobody_else_took_the_place() -> None:
    later = Rival("Z", "2026-09-01T00:00:00.000Z")
    made = planned(subject(), COMES_BACK, registrations=(VOIDED,), rivals=(later,))
    assert kinds(made) == [("unvoid", "encounter")]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"registrations": (VOIDED, registration(uuid="F", marker="another subject"))}, r"bahmni\.subject-id-changed"),
        (
            {"registrations": (VOIDED,), "rivals": (Rival("A", "2020-01-01T00:00:00.000Z"),)},
            r"bahmni\.multiple-subjects",
        ),
    ],
)
def test_a_subject_does_not_come_back_to_a_patient_who_is_somebody_else_by_now(
    found: dict[str, Any], message: str
) -> None:
    with pytest.raises(Fail, match=message):
        planned(subject(), COMES_BACK, **found)


def test_one_that_a_person_voided_is_held_whoever_else_is_the_patient_by_now() -> None:
    voided = registration(voided=True, obs=(), marker="")
    others = (voided, registration(uuid="F", marker="another subject"))
    with pytest.raises(Hold, match=r"bahmni\.target-voided"):
        planned(subject(), link(), registrations=others)


@pytest.mark.parametrize("voided", [None, "false", "true", 1, {}])
def test_what_does_not_say_whether_it_is_voided_is_neither_voided_nor_handed_over(voided: Any) -> None:
    with pytest.raises(Fail) as failure:
        wanted(subject() | {"Voided": voided}, MAPPED, ZONE)
    assert failure.value.params["field"] == "Voided"


def test_an_answer_that_was_handed_over_and_is_gone_is_added_under_another_uuid_each_time() -> None:
    document = subject(observations={"Height": 150})
    known = link(wanted_fingerprint=wanted(document, MAPPED, ZONE).fingerprint)
    moments = [NOW, NOW + timedelta(microseconds=1)]
    plans = [planned(document, known, registrations=(registration(),), now=moment) for moment in moments]
    uuids = [made.writes[0].body["obs"][0]["groupMembers"][0]["uuid"] for made in plans]
    assert uuids[0] != uuids[1]


def test_a_new_version_is_written_under_the_same_uuids_however_often_it_is_tried() -> None:
    document = subject(observations={"Height": 150})
    moments = [NOW, NOW + timedelta(seconds=90)]
    plans = [planned(document, link(), registrations=(registration(),), now=moment) for moment in moments]
    assert plans[0] == plans[1]


def test_a_touch_leaves_the_fingerprint_and_an_edit_or_a_mapping_changes_it() -> None:
    def print_of(height: int, **more: Any) -> str:
        return wanted(subject(observations={"Height": height}, **more), MAPPED, ZONE).fingerprint

    assert print_of(150) == print_of(150, modified="2026-02-02T06:00:00.000Z")
    assert print_of(150) != print_of(151)


def test_the_same_record_and_state_give_the_same_plan() -> None:
    document = subject(observations={"Height": 150, "Medical problems": ["Asthma", "Diabetes"]})
    assert planned(document) == planned(document)
    assert planned(document, link(), registrations=(registration(),)) == planned(
        document, link(), registrations=(registration(),)
    )


def test_a_changed_registration_date_moves_the_encounter_before_its_observations_are_compared() -> None:
    made = planned(subject(registered="2026-01-07"), link(), registrations=(registration(),))
    assert ([write.body for write in made.writes], made.look_again) == ([{"encounterDatetime": "2026-01-07"}], True)


def test_a_corrected_date_takes_the_own_visit_along() -> None:
    document = subject(registered="2026-01-07")
    first = planned(document, link(), registrations=(registration(visit=OWN),))
    assert [write.body for write in first.writes] == [{"encounterDatetime": "2026-01-07"}]
    moved = registration(visit=OWN, at="2026-01-07T00:00:00.000+0530")
    then = planned(document, link(), registrations=(moved,), inside=(moved,))
    assert [(write.kind, write.id) for write in then.writes] == [
        ("encounter", "E"), ("visit", "V"), ("visit attribute", "attribute"),
    ]  # fmt: skip
    assert then.writes[1].body == {"startDatetime": "2026-01-07T00:00:00.000+0530"}
    assert (then.writes[2].body, then.outcome) == ({"visit": "V", "value": "2026-01-07"}, Outcome.UPDATED)


def test_an_own_visit_begins_earlier_when_the_date_is_corrected_to_an_earlier_one() -> None:
    made = planned(subject(registered="2025-12-31"), link(), registrations=(registration(visit=OWN),))
    assert [(write.kind, write.body) for write in made.writes] == [
        ("visit", {"startDatetime": "2025-12-31T00:00:00.000+0530"}),
        ("encounter", {"encounterDatetime": "2025-12-31"}),
    ]


def test_a_registration_before_a_visit_of_the_hospitals_stays_where_that_begins() -> None:
    made = planned(subject(registered="2025-12-31"), link(), registrations=(registration(),))
    (group,) = made.writes[0].body["obs"]
    assert group["groupMembers"] == [{"uuid": "d", "concept": uuid_of("event date"), "value": "2025-12-31"}]


def test_a_registration_moves_into_its_own_visit_when_that_of_the_hospitals_is_over() -> None:
    over = replace(COMMUNITY, stop="2026-01-06T00:00:00.000+0530")
    there = registration(visit=over)
    made = planned(subject(registered="2026-01-07"), link(), registrations=(there,), visits=(over,))
    opened, moved = made.writes
    assert (opened.verb, moved.body) == ("create", {"visit": opened.id, "encounterDatetime": "2026-01-07"})


@pytest.mark.parametrize("number", [None, "", "2002"])
def test_a_voided_subject_whose_number_is_gone_or_another_by_now_is_voided_where_it_stands(number: Any) -> None:
    made = planned(subject(number, id=SUBJECT, voided=True), link(), registrations=(registration(),))
    assert (kinds(made), made.outcome) == ([("void", "encounter")], Outcome.VOIDED)
    assert made.identifier == "TRI1001"


def test_a_subject_releases_what_waits_for_its_number_or_for_itself() -> None:
    assert wanted(subject(), MAPPED, ZONE).arrives == ("subject:TRI1001", f"subject-id:{SUBJECT}")
    assert wanted(subject(voided=True), MAPPED, ZONE).arrives == ()
