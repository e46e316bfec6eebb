from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.enrolment import admit, half_mapped, programs, wanted
from bahmni.avni_to_bahmni.observations import Leaf
from common.outcome import Outcome
from engine.ports import Known, Want
from engine.verdicts import Defer, Fail, Skip
from mappings.snapshot import Entry, Pair, Snapshot
from tests.chaos.records import MARKER, PROGRAM, ZONE, enrolment, snapshot, uuid_of

MAPPED = snapshot()
SUBJECT = uuid_of("subject 1001")
EXITED = "2026-02-10T06:30:00.000Z"


def want(mapped: Snapshot = MAPPED, **more: Any) -> Want:
    return wanted(enrolment(SUBJECT, id="E", **more), mapped, ZONE)


def with_table(changes: dict[Pair, dict[str, str]]) -> Snapshot:
    """The usual mappings, but these pairs hold exactly these: name in Avni → uuid."""
    table = dict(MAPPED.by_avni_value)
    for pair, rows in changes.items():
        table[pair] = MappingProxyType({name: Entry(name, uuid, "") for name, uuid in rows.items()})
    return replace(MAPPED, by_avni_value=MappingProxyType(table))


def owner(outcome: Outcome = Outcome.CREATED, target: str = "R", left: str = "") -> Known:
    return Known("TRI1001", target, "P" if target else "", {"visit": "V"}, "", left, outcome, is_suspect=False)


# -- which programs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [v.ENROLMENT_TYPE, v.ENROLMENT_FORM, v.PROGRAM_VISIT_TYPE])
def test_a_program_is_read_when_one_of_its_mappings_is_there(pair: Pair) -> None:
    uuid = uuid_of("x")
    assert programs(with_table({pair: {PROGRAM: uuid, "Child": uuid, "": uuid}})) == ("Child", PROGRAM)


@pytest.mark.parametrize("pair", [v.EXIT_TYPE, v.EXIT_FORM])
def test_mappings_of_exits_alone_make_no_program(pair: Pair) -> None:
    assert programs(with_table({pair: {"Child": uuid_of("x")}})) == (PROGRAM,)


def test_a_program_that_lacks_a_mapping_is_told_by_what_it_lacks() -> None:
    mapped = with_table({v.ENROLMENT_FORM: {}, v.EXIT_TYPE: {}, v.PROGRAM_VISIT_TYPE: {"Child": "x", PROGRAM: "x"}})
    assert half_mapped(mapped) == {
        v.ENROLMENT_TYPE: ("Child",),
        v.ENROLMENT_FORM: ("Child", PROGRAM),
        v.EXIT_TYPE: (PROGRAM,),
    }
    assert half_mapped(MAPPED) == {}


# -- the record alone -------------------------------------------------------------------------------------------------


def test_one_that_goes_on_has_one_form_and_one_that_was_exited_has_two() -> None:
    going_on, exited = want().content, want(exited=EXITED, exit_observations={"Height": 1}).content
    assert (going_on.form.concept, going_on.exit) == (uuid_of("enrolment form"), None)
    assert (exited.exit.encounter_type, exited.exit.concept) == (uuid_of("exit type"), uuid_of("exit form"))
    assert [leaf.value for leaf in exited.exit.answers.leaves] == [1]


def test_both_say_their_own_day_where_the_hospital_stands_and_what_they_are() -> None:
    content = want(at="2026-01-10T18:30:00.000Z", exited=EXITED).content
    assert [(form.day.isoformat(), form.program_data) for form in (content.form, content.exit)] == [
        ("2026-01-11", (Leaf(uuid_of("program data"), "Pregnancy - Enrolment - 11-01-2026"),)),
        ("2026-02-10", (Leaf(uuid_of("program data"), "Pregnancy - Exit - 10-02-2026"),)),
    ]


@pytest.mark.parametrize("entry", [None, Entry("", "", "")])
def test_without_the_concept_for_program_data_that_member_is_left_out(entry: Entry | None) -> None:
    singles = {pair: one for pair, one in MAPPED.singles.items() if pair != v.PROGRAM_DATA_CONCEPT}
    singles |= {v.PROGRAM_DATA_CONCEPT: entry} if entry else {}
    assert want(replace(MAPPED, singles=MappingProxyType(singles))).content.form.program_data == ()


@pytest.mark.parametrize(
    ("pair", "what"),
    [
        (v.ENROLMENT_TYPE, "enrolment-type"),
        (v.ENROLMENT_FORM, "enrolment-form"),
        (v.PROGRAM_VISIT_TYPE, "program-visit-type"),
        (v.EXIT_TYPE, "exit-type"),
        (v.EXIT_FORM, "exit-form"),
    ],
)
def test_a_mapping_that_is_missing_or_holds_no_uuid_is_named(pair: Pair, what: str) -> None:
    for rows, message in (({}, f"bahmni.{what}-unmapped"), ({PROGRAM: "x"}, f"bahmni.mapping-without-uuid.{what}")):
        with pytest.raises(Fail) as failure:
            want(with_table({pair: rows}), exited=EXITED)
        assert (failure.value.message, failure.value.params["value"]) == (message, PROGRAM)


@pytest.mark.parametrize("pair", [v.EXIT_TYPE, v.EXIT_FORM])
def test_who_did_not_exit_needs_no_mapping_of_exits(pair: Pair) -> None:
    assert want(with_table({pair: {}})).content.form


def test_one_that_is_voided_needs_no_mapping_and_says_nothing() -> None:
    nothing = {pair: {} for pair in MAPPED.by_avni_value}
    made = want(with_table(nothing), voided=True, exited=EXITED, observations={"Medical problems": "unheard of"})
    assert (made.content.voided, made.content.exit, made.arrives, made.unmapped) == (True, None, (), ())


@pytest.mark.parametrize(("field", "at"), [("at", None), ("at", "soon"), ("exited", 7)])
def test_a_time_of_another_kind_is_named(field: str, at: Any) -> None:
    with pytest.raises(Fail) as failure:
        want(**{field: at})
    named = {"at": "Enrolment datetime", "exited": "Exit datetime"}[field]
    assert (failure.value.message, failure.value.params["question"]) == ("bahmni.value-kind", named)


@pytest.mark.parametrize("field", ["Subject ID", "observations", "exitObservations"])
def test_a_record_without_what_every_record_has_is_named(field: str) -> None:
    with pytest.raises(Fail) as failure:
        wanted({**enrolment(SUBJECT, exited=EXITED), field: None}, MAPPED, ZONE)
    assert failure.value.params == {"field": field}


@pytest.mark.parametrize(("subject_type", "travels"), [("Individual", True), ("Household", False)])
def test_only_what_belongs_to_a_patient_travels(subject_type: str, travels: bool) -> None:
    document = {**enrolment(SUBJECT), "Subject type": subject_type}
    if travels:
        assert wanted(document, MAPPED, ZONE).content.form
    else:
        with pytest.raises(Skip, match=r"bahmni\.not-of-a-patient"):
            wanted(document, MAPPED, ZONE)


def test_the_mark_of_what_it_was_made_for_in_bahmni_is_no_unmapped_question() -> None:
    made = want(observations={MARKER: "uuid", "Shoe size": 42}, exited=EXITED, exit_observations={"Hat size": 7})
    assert made.unmapped == ("Shoe size", "Hat size")


def test_encounters_that_are_no_list_are_none() -> None:
    assert want(encounters=5).content.encounters == frozenset()


def test_its_encounters_may_go_on_when_it_stands() -> None:
    assert want().arrives == (v.arrival_of_enrolment("E"),)


def test_a_touch_leaves_the_fingerprint_and_every_change_alters_it() -> None:
    same = want().fingerprint
    touched = want(modified="2026-02-02T06:00:00.000Z", encounters=["one more"], at="2026-01-10T09:00:00.000Z")
    assert touched.fingerprint == same
    changed: list[dict[str, Any]] = [
        {"observations": {"Height": 1}},
        {"at": "2026-01-11T09:00:00.000Z"},
        {"exited": EXITED},
        {"exited": EXITED, "exit_observations": {"Height": 1}},
        {"voided": True},
        {"mapped": with_table({v.PROGRAM_VISIT_TYPE: {PROGRAM: uuid_of("another visit type")}})},
    ]
    assert len({same, *(want(**one).fingerprint for one in changed)}) == 7


# -- what has to wait -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "message", "asks"),
    [
        (None, "bahmni.subject-not-yet", (v.SUBJECT, SUBJECT)),
        (owner(Outcome.FAILED, ""), "bahmni.subject-not-yet", None),
        (owner(Outcome.VOIDED), "bahmni.subject-voided", None),
        (owner(Outcome.UNCHANGED, left=v.VOIDED_BY_US), "bahmni.subject-voided", None),
        (owner(Outcome.HELD), "bahmni.subject-held", None),
    ],
)
def test_it_waits_for_its_subject(subject: Known | None, message: str, asks: tuple[str, str] | None) -> None:
    with pytest.raises(Defer) as verdict:
        admit(want().content, None, subject)
    assert (verdict.value.message, verdict.value.asks_for) == (message, asks)
    assert verdict.value.waits_for == v.arrival_of_subject(SUBJECT)


@pytest.mark.parametrize("subject", [None, owner(Outcome.FAILED, "")])
def test_what_was_voided_before_its_subject_arrived_is_skipped(subject: Known | None) -> None:
    with pytest.raises(Skip, match=r"bahmni\.voided-before-hand-over"):
        admit(want(voided=True).content, None, subject)


def test_what_was_handed_over_is_voided_whatever_became_of_its_subject() -> None:
    admit(want(voided=True).content, owner(), None)
