from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bahmni.avni_to_bahmni.observations import (
    FoundObs,
    Group,
    Leaf,
    NewUuids,
    agrees,
    changes,
    emptied,
    found_obs,
    new_member,
)
from tests.chaos.records import NAMESPACE, uuid_of

UUIDS = NewUuids(NAMESPACE, "encounter", "2026-01-05T06:00:00.000+0000", "1")
QUESTIONS = ("Height", "Occupation", "Medical problems", "Marriage date", "Medicines", "Medicine", "Dose")
OURS = frozenset(uuid_of(name) for name in QUESTIONS)


def group(*members: FoundObs) -> FoundObs:
    return FoundObs("group", uuid_of("form"), None, members)


def held(question: str, value: Any, uuid: str = "there") -> FoundObs:
    return FoundObs(uuid, uuid_of(question), value)


def wanted(question: str, value: Any, *, is_coded: bool = False) -> Leaf:
    return Leaf(uuid_of(question), value, is_coded=is_coded)


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


# -- groups of questions ----------------------------------------------------------------------------------------------

MEDICINES, MEDICINE, DOSE = uuid_of("Medicines"), uuid_of("Medicine"), uuid_of("Dose")


def medicine(name: str, dose: float, number: int = 1) -> Group:
    """One repetition, as it is wanted."""
    return Group(MEDICINES, (Leaf(MEDICINE, name), Leaf(DOSE, dose)), number)


def given(uuid: str, name: str, dose: float, *more: FoundObs) -> FoundObs:
    """One repetition, as it stands there."""
    members = (FoundObs(f"{uuid}-m", MEDICINE, name), FoundObs(f"{uuid}-d", DOSE, float(dose)), *more)
    return FoundObs(uuid, MEDICINES, None, members)


THREE = group(given("one", "Iron", 1), given("two", "Zinc", 1), given("three", "Iron", 1))


def test_w31_groups_that_agree_are_not_touched_in_whatever_order() -> None:
    wanted = [medicine("Zinc", 1, 1), medicine("Iron", 1, 2), medicine("Iron", 1, 3)]
    assert changes(wanted, OURS, THREE, UUIDS) == []


def test_w31_an_edit_of_one_repetition_touches_its_one_answer() -> None:
    wanted = [medicine("Iron", 1, 1), medicine("Zinc", 2, 2), medicine("Iron", 1, 3)]
    edit = {"uuid": "two-d", "concept": DOSE, "value": 2}
    assert changes(wanted, OURS, THREE, UUIDS) == [{"uuid": "two", "concept": MEDICINES, "groupMembers": [edit]}]


def test_w31_taking_out_one_repetition_touches_no_other() -> None:
    rows = (("two-m", MEDICINE), ("two-d", DOSE))
    members = [{"uuid": uuid, "concept": concept, "voided": True} for uuid, concept in rows]
    assert changes([medicine("Iron", 1, 1), medicine("Iron", 1, 2)], OURS, THREE, UUIDS) == [
        {"uuid": "two", "concept": MEDICINES, "groupMembers": members, "voided": True}
    ]


def test_w31_one_repetition_more_is_added_as_a_group() -> None:
    wanted = [medicine("Iron", 1, 1), medicine("Zinc", 1, 2), medicine("Iron", 1, 3), medicine("Calcium", 5, 4)]
    (added,) = changes(wanted, OURS, THREE, UUIDS)
    assert (added["concept"], [member["value"] for member in added["groupMembers"]]) == (MEDICINES, ["Calcium", 5])
    assert "voided" not in added


def test_repetitions_that_say_all_else_take_the_place_of_none() -> None:
    wanted = [medicine("Iron", 1, 1), medicine("Salt", 9, 2), medicine("Sugar", 8, 3)]
    sent = changes(wanted, OURS, THREE, UUIDS)
    assert [(body["uuid"], body["voided"]) for body in sent if "voided" in body] == [("two", True), ("three", True)]
    assert [body["groupMembers"][0]["value"] for body in sent if "voided" not in body] == ["Salt", "Sugar"]


def test_the_only_repetition_is_changed_in_place_whatever_it_says() -> None:
    (sent,) = changes([medicine("Salt", 9)], OURS, group(given("one", "Iron", 1)), UUIDS)
    assert (sent["uuid"], [member["value"] for member in sent["groupMembers"]]) == ("one", [9, "Salt"])


def test_what_clinicians_wrote_into_a_repetition_stays_when_that_is_taken_out() -> None:
    note = FoundObs("note", uuid_of("hospital note"), "seen")
    (sent,) = changes([], OURS, group(given("one", "Iron", 1, note)), UUIDS)
    assert "voided" not in sent
    assert [member["uuid"] for member in sent["groupMembers"]] == ["one-m", "one-d"]
    assert changes([], OURS, group(FoundObs("one", MEDICINES, None, (note,))), UUIDS) == []


def test_a_group_all_of_whose_members_are_gone_is_taken_out() -> None:
    assert changes([], OURS, group(FoundObs("one", MEDICINES, None)), UUIDS) == [
        {"uuid": "one", "concept": MEDICINES, "voided": True}
    ]


def test_groups_inside_groups_are_compared_likewise() -> None:
    course = uuid_of("Course")
    there = group(FoundObs("c", course, None, (given("one", "Iron", 1), given("two", "Zinc", 1))))
    wanted = [Group(course, (medicine("Iron", 1, 1), medicine("Zinc", 2, 2)))]
    (sent,) = changes(wanted, OURS | {course}, there, UUIDS)
    assert (sent["uuid"], [inner["uuid"] for inner in sent["groupMembers"]]) == ("c", ["two"])


def test_no_two_observations_of_one_body_share_a_uuid() -> None:
    bodies = [new_member(medicine("Iron", 1, number), UUIDS) for number in (1, 2, 3)]
    uuids = [one["uuid"] for body in bodies for one in (body, *body["groupMembers"])]
    assert len(set(uuids)) == 9


def test_a_section_of_the_hospital_is_emptied_and_stays_while_it_holds_more() -> None:
    section = FoundObs("s", uuid_of("section"), None, (held("Height", 1.0, "h"), held("Blood pressure", 2.0, "b")))
    assert emptied(group(section), OURS) == {
        "uuid": "group", "concept": uuid_of("form"),
        "groupMembers": [{"uuid": "h", "concept": uuid_of("Height"), "voided": True}],
    }  # fmt: skip


@pytest.mark.parametrize(("word", "shown", "same"), [("true", "True", True), ("false", "True", False)])
def test_a_truth_agrees_with_the_concept_of_its_name(word: str, shown: str, same: bool) -> None:
    leaf = Leaf(uuid_of("Height"), word, is_truth=True)
    assert agrees(leaf, replace(held("Height", "some uuid"), name=shown)) is same


def test_w23_a_text_that_was_blanked_is_taken_out() -> None:
    sent = changes([], OURS, group(held("Occupation", "Weaver")), UUIDS)
    assert sent == [{"uuid": "there", "concept": uuid_of("Occupation"), "voided": True}]
