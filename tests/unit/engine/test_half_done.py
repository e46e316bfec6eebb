from __future__ import annotations

from dataclasses import replace

import pytest

from common.outcome import Outcome
from engine.half_done import known_by_now
from engine.ports import Known, Plan, Want, Write

WANT = Want("content", "new", identifier="TRI1")
BEFORE = Known("TRI1", "a", "owner", {"A": "a", "B": "b"}, "old", "left before", Outcome.UPDATED, is_suspect=False)


def write(verb: str, target: str) -> Write:
    return Write(verb, "card", target, {}, "told to")


def plan(*writes: Write, target: str = "a", **others: str) -> Plan:
    return Plan(writes, Outcome.UPDATED, target, "owner", others, left_fingerprint="left now")


def test_what_was_created_before_a_refusal_is_known_by_the_id_the_target_gave() -> None:
    made = known_by_now(None, WANT, plan(write("create", "a"), write("create", "b"), A="a", B="b"), {"a": "given"})
    assert made
    assert (made.identifier, made.target_id, made.target_parent_id, dict(made.other_targets)) == (
        "TRI1", "given", "owner", {"A": "given"},
    )  # fmt: skip


def test_a_record_that_itself_does_not_stand_yet_is_not_known_whatever_else_was_made_for_it() -> None:
    made = plan(write("create", "visit"), write("create", "a"), visit="visit")
    assert known_by_now(None, WANT, made, {"visit": "visit"}) is None
    assert known_by_now(None, WANT, made, {"visit": "visit"}, unclear="a") is None


def test_a_new_first_part_that_was_refused_does_not_take_the_place_of_what_stands() -> None:
    made = known_by_now(BEFORE, WANT, plan(write("create", "new"), target="new", N="new", A="a", B="b"), {})
    assert made == BEFORE


def test_a_void_that_was_sent_before_a_refusal_is_remembered_as_ours() -> None:
    made = known_by_now(BEFORE, WANT, plan(write("void", "a"), write("update", "b"), voided="a", B="b"), {"a": "a"})
    assert made
    assert (dict(made.other_targets), made.left_fingerprint) == ({"voided": "a", "B": "b"}, "left before")


def test_a_void_that_was_refused_or_not_sent_is_not_taken_for_ours() -> None:
    planned = plan(write("update", "b"), write("void", "a"), voided="a", B="b")
    for given in ({}, {"b": "b"}):
        made = known_by_now(BEFORE, WANT, planned, given)
        assert made
        assert (dict(made.other_targets), made.left_fingerprint) == ({"A": "a", "B": "b"}, "left before")


def test_of_a_write_of_unclear_effect_both_states_are_believed() -> None:
    planned = plan(write("void", "a"), voided="a", B="b")
    made = known_by_now(BEFORE, WANT, planned, {}, unclear="a")
    assert made
    assert (dict(made.other_targets), made.left_fingerprint) == ({"A": "a", "voided": "a", "B": "b"}, "left now")


def test_a_plan_that_says_nothing_of_the_state_it_leaves_changes_no_note_of_it() -> None:
    unvoid = Plan((write("unvoid", "a"),), Outcome.UPDATED, "a", "owner", {"A": "a"})
    made = known_by_now(BEFORE, WANT, unvoid, {}, unclear="a")
    assert made
    assert made.left_fingerprint == "left before"


LEFT_BEFORE, LEFT_NOW = {"q": ["before"]}, {"q": ["now"]}


@pytest.mark.parametrize("unclear", ["b", ""], ids=["unclear", "refused"])
def test_of_several_records_what_was_answered_is_left_as_planned_and_of_the_others_what_we_left_before(
    unclear: str,
) -> None:
    before = replace(BEFORE, left={"a": LEFT_BEFORE, "b": LEFT_BEFORE})
    planned = replace(plan(write("update", "a"), write("update", "b")), left={"a": LEFT_NOW, "b": LEFT_NOW})
    made = known_by_now(before, WANT, planned, {"a": "a"}, unclear)
    assert made
    assert made.left == {"a": LEFT_NOW, "b": LEFT_BEFORE}
