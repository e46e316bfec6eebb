from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from bahmni.avni_to_bahmni.answers import answers
from bahmni.avni_to_bahmni.observations import FoundObs, Leaf, NewUuids, agrees, changes, found_obs
from engine.verdicts import Fail
from tests.chaos.records import KINDS, NAMESPACE, ZONE, snapshot, uuid_of

MAPPED = snapshot()
UUIDS = NewUuids(NAMESPACE, "encounter", "2026-01-05T06:00:00.000+0000", "1")
INFINITE, NO_NUMBER = float("inf"), float("nan")
OF_ANOTHER_KIND: dict[str, list[Any]] = {
    "Height": ["tall", "", "1_000", True, {"a": 1}, [1], INFINITE, NO_NUMBER, "inf", "nan", 10**400],
    "Marriage date": ["soon", "0000-01-01", "2015-13-01", 20150211, {}, ["2015-02-11"], "", True],
    "Seen at": ["soon", "2026-01-10", "9999-12-31T23:00:00.000Z", 1768000000000, True, ["2026-01-10T06:30:00.000Z"]],
    "Occupation": [{"a": 1}, ["Weaver"], True, NO_NUMBER],
    "Marital status": [{"a": 1}, 7, True, [None], [["Married"]], "x" * 300, "Mar\x00ried"],
}
OURS = frozenset({uuid_of(name) for name in ("Height", "Occupation", "Medical problems", "Marriage date")})


def leaves(**observations: Any) -> list[tuple[str, Any]]:
    """What observations become, by question in words."""
    names = {uuid_of(name): name for name in KINDS}
    answered = answers({name.replace("_", " "): value for name, value in observations.items()}, MAPPED, ZONE)
    return [(names[leaf.concept], leaf.value) for leaf in answered.leaves]


def group(*members: FoundObs) -> FoundObs:
    return FoundObs("group", uuid_of("form"), None, members)


def held(question: str, value: Any, uuid: str = "there") -> FoundObs:
    return FoundObs(uuid, uuid_of(question), value)


def wanted(question: str, value: Any, *, is_coded: bool = False) -> Leaf:
    return Leaf(uuid_of(question), value, is_coded=is_coded)


# -- translating ------------------------------------------------------------------------------------------------------


def test_a_selection_becomes_one_leaf_per_answer() -> None:
    found = leaves(Medical_problems=["Asthma", "Diabetes"])
    assert found == [("Medical problems", uuid_of("Asthma")), ("Medical problems", uuid_of("Diabetes"))]


def test_an_ignored_question_is_neither_carried_nor_counted() -> None:
    ignoring = replace(MAPPED, ignored={"avni": frozenset({"Height", "Nobody mapped this"})})
    assert answers({"Height": 150, "Nobody mapped this": 1}, ignoring, ZONE).leaves == ()
    assert answers({"Height": 150, "Nobody mapped this": 1}, ignoring, ZONE).unmapped == ()


def test_for_an_ignored_question_we_do_not_answer_so_that_what_the_hospital_says_stays() -> None:
    ignoring = replace(MAPPED, ignored={"avni": frozenset({"Height"})})
    assert uuid_of("Height") in answers({}, MAPPED, ZONE).concepts
    assert uuid_of("Height") not in answers({}, ignoring, ZONE).concepts


def test_an_ignored_answer_is_left_out_and_asks_for_no_mapping() -> None:
    ignoring = replace(MAPPED, ignored={"avni": frozenset({"Asthma", "Nobody mapped this"})})
    found = answers({"Medical problems": ["Asthma", "Diabetes", "Nobody mapped this"]}, ignoring, ZONE)
    assert [leaf.value for leaf in found.leaves] == [uuid_of("Diabetes")]


def test_a_concept_ignored_in_bahmni_still_travels_there() -> None:
    ignoring = replace(MAPPED, ignored={"int_system": frozenset({"Height"})})
    assert len(answers({"Height": 150}, ignoring, ZONE).leaves) == 1


def test_a_single_answer_of_a_selection_is_one_leaf() -> None:
    assert leaves(Marital_status="Married") == [("Marital status", uuid_of("Married"))]


@pytest.mark.parametrize(
    ("value", "number"), [(150, 150), (152.5, 152.5), (" 150 ", 150), ("1.5e2", 150), ("१५०", 150)]
)
def test_a_number_may_come_as_text(value: Any, number: float) -> None:
    assert leaves(Height=value) == [("Height", number)]


@pytest.mark.parametrize("blank", [None, "", "   ", "\n"])
def test_a_blank_text_is_no_answer(blank: str | None) -> None:
    assert leaves(Occupation=blank) == []


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2015-02-11", "2015-02-11"),
        ("2015-02-11T23:59:59", "2015-02-11"),
        ("1906-01-01T00:00:00.000+05:30", "1906-01-01"),
        ("1905-12-31T18:30:00.000Z", "1906-01-01"),
        ("2015-02-10T18:31:00.000Z", "2015-02-11"),
        ("2015-02-11T18:29:00.000Z", "2015-02-11"),
    ],
)
def test_a_date_is_the_day_by_the_clock_of_the_hospital(value: str, day: str) -> None:
    assert leaves(Marriage_date=value) == [("Marriage date", day)]


def test_a_day_that_avni_stores_as_a_moment_is_that_day_in_every_hospital() -> None:
    (leaf,) = answers({"Marriage date": "2015-02-10T18:30:00.000Z"}, MAPPED, UTC).leaves
    assert leaf.value == "2015-02-11"


def test_a_moment_is_told_to_the_minute_by_the_clock_of_the_hospital() -> None:
    assert leaves(Seen_at="2026-01-10T20:15:59.999Z") == [("Seen at", "2026-01-11 01:45")]


@pytest.mark.parametrize(
    ("question", "value"), [(name, value) for name, values in OF_ANOTHER_KIND.items() for value in values]
)
def test_a_value_of_another_kind_is_named_by_question_and_kind_and_never_shown(question: str, value: Any) -> None:
    with pytest.raises(Fail) as failure:
        answers({question: value}, MAPPED, ZONE)
    assert failure.value.message == "bahmni.value-kind"
    assert failure.value.params["question"] == question
    assert set(failure.value.params) == {"question", "expected", "kind"}
    assert failure.value.params["kind"] in ("yes/no", "number", "text", "list", "group", "nothing", "something else")


def test_an_answer_without_mapping_is_named_with_its_question() -> None:
    with pytest.raises(Fail) as failure:
        answers({"Marital status": "Divorced"}, MAPPED, ZONE)
    assert failure.value.params == {"question": "Marital status", "value": "Divorced", "side": "avni"}


def test_a_question_without_mapping_is_counted_and_left_out() -> None:
    assert answers({"Shoe size": 42, "First name": "Asha"}, MAPPED, ZONE).unmapped == ("Shoe size",)


# -- comparing --------------------------------------------------------------------------------------------------------


def test_what_agrees_is_not_touched() -> None:
    there = group(held("Height", 150.0), held("Occupation", "Weaver", "o"))
    assert changes([wanted("Height", 150), wanted("Occupation", "Weaver")], OURS, there, UUIDS) == []


def test_a_single_value_is_edited_in_place() -> None:
    sent = changes([wanted("Height", 151)], OURS, group(held("Height", 150.0)), UUIDS)
    assert sent == [{"uuid": "there", "concept": uuid_of("Height"), "value": 151}]


def test_an_answer_is_exchanged_by_voiding_and_adding() -> None:
    there = group(held("Medical problems", uuid_of("Asthma"), "a"), held("Medical problems", uuid_of("Diabetes"), "d"))
    leaves = [wanted("Medical problems", uuid_of(name), is_coded=True) for name in ("Asthma", "Anaemia")]
    void, add = changes(leaves, OURS, there, UUIDS)
    assert void == {"uuid": "d", "concept": uuid_of("Medical problems"), "voided": True}
    assert (add["concept"], add["value"]) == (uuid_of("Medical problems"), uuid_of("Anaemia"))


def test_what_is_no_longer_answered_is_voided() -> None:
    sent = changes([], OURS, group(held("Height", 150.0)), UUIDS)
    assert sent == [{"uuid": "there", "concept": uuid_of("Height"), "voided": True}]


def test_observations_of_the_hospital_are_left_alone() -> None:
    assert changes([], OURS, group(held("Blood pressure", 120.0)), UUIDS) == []


def test_a_twin_of_an_answer_is_voided() -> None:
    there = group(held("Height", 150.0, "one"), held("Height", 150.0, "two"))
    sent = changes([wanted("Height", 150)], OURS, there, UUIDS)
    assert sent == [{"uuid": "two", "concept": uuid_of("Height"), "voided": True}]


def test_members_of_a_group_inside_the_group_are_found() -> None:
    inner = FoundObs("inner", uuid_of("section"), None, (held("Height", 150.0),))
    assert changes([wanted("Height", 150)], OURS, group(inner), UUIDS) == []


def test_the_same_answer_given_twice_is_stored_once() -> None:
    leaves = [wanted("Medical problems", uuid_of("Asthma"), is_coded=True)] * 2
    assert len(changes(leaves, OURS, group(), UUIDS)) == 1


@pytest.mark.parametrize(
    ("leaf", "there", "same"),
    [
        (wanted("Height", 150), 150.0, True),
        (wanted("Height", "150"), 150.0, True),
        (wanted("Height", "tall"), 150.0, False),
        (wanted("Height", 1), True, False),
        (Leaf("c", "2015-02-11", is_date=True), "2015-02-11", True),
        (Leaf("c", "2015-02-11", is_date=True), "2015-02-11T00:00:00.000+0530", True),
        (Leaf("c", "2015-02-11", is_date=True), "2015-02-12T00:00:00.000+0530", False),
        (Leaf("c", "2026-01-11 01:45", is_moment=True), "2026-01-11T01:45:00.000+0530", True),
        (Leaf("c", "2026-01-11 01:45", is_moment=True), "2026-01-11T01:46:00.000+0530", False),
        (wanted("Occupation", "2026-01-11 01:45"), "2026-01-11T01:45:00.000+0530", False),
        (Leaf("c", "1970-01-01 05:30", is_moment=True), "1970-01-01T05:30:00.000+0530", True),
        (Leaf("c", "1970-01-01", is_date=True), "1970-01-01T00:00:00.000+0530", True),
        (wanted("Occupation", "14:05"), "1970-01-01T14:05:00.000+0530", True),
        (wanted("Occupation", "14:05:00"), "1970-01-01T14:05:00.000+0530", True),
        (wanted("Occupation", "14:06"), "1970-01-01T14:05:00.000+0530", False),
        (wanted("Occupation", "2015-02-11"), "2015-02-11T came home", False),
        (wanted("Occupation", "Weaver"), "weaver", False),
        (wanted("Occupation", "Weaver"), None, False),
    ],
)
def test_agreement_is_by_value_in_the_spelling_of_the_server(leaf: Leaf, there: Any, same: bool) -> None:
    assert agrees(leaf, held("x", there)) is same


def test_a_new_observation_has_another_uuid_for_another_version_or_another_state_of_the_encounter() -> None:
    leaf = wanted("Height", 150)
    later = NewUuids(NAMESPACE, "encounter", "2026-02-05T06:00:00.000+0000", "1")
    newer = NewUuids(NAMESPACE, "encounter", "2026-01-05T06:00:00.000+0000", "2")
    assert len({uuids.of(leaf) for uuids in (UUIDS, later, newer)}) == 3


def test_a_voided_observation_is_not_read() -> None:
    document = {
        "uuid": "g",
        "voided": False,
        "concept": {"uuid": "form"},
        "value": None,
        "groupMembers": [
            {"uuid": "a", "voided": True, "concept": {"uuid": "c"}, "value": 1.0},
            {"uuid": "b", "voided": False, "concept": {"uuid": "c"}, "value": {"uuid": "answer"}},
        ],
    }
    found = found_obs(document)
    assert found
    assert [(obs.uuid, obs.value) for obs in found.members] == [("b", "answer")]
