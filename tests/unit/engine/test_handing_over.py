from __future__ import annotations

from dataclasses import replace

import pytest

from common.fingerprint import fingerprint
from common.http_errors import Forbidden, Garbled, Refused, RemoteError, SignInFailed, Slow, Unclear, Unreachable
from common.outcome import Outcome
from engine.handing_over import LOOKS, STEPS, LeaseTooShort, Pen, hand_over
from engine.ports import Known, Plan, Want
from engine.verdicts import Defer, Fail, Hold, Skip, Verdict
from tests.chaos.paper import Paper, card, remote

ANY_TIME = Pen(lambda: True)


def known(paper: Paper, entity: str, outcome: Outcome = Outcome.CREATED) -> Known:
    """What the ledger says of a card that was handed over with the value 1."""
    return Known(entity, entity, entity, {}, fingerprint([entity, 1]), "1", outcome, is_suspect=False)


def raising(error: Exception, times: int = 1) -> tuple[Paper, list[int]]:
    """A paper whose writes fail so often, before anything is written."""
    left = [times]

    def fail(entity: str) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return Paper(before_write=fail), left


def test_what_is_missing_is_created() -> None:
    paper = Paper()
    result = hand_over(card("a", 7), None, None, paper, ANY_TIME)
    assert (result.outcome, result.writes, paper.target) == (Outcome.CREATED, 1, {"a": 7})


def test_what_is_there_already_is_not_written() -> None:
    paper = Paper(target={"a": 7})
    result = hand_over(card("a", 7), None, None, paper, ANY_TIME)
    assert (result.outcome, result.writes) == (Outcome.UNCHANGED, 0)


def test_a_record_the_ledger_knows_unchanged_costs_nothing() -> None:
    paper = Paper()
    assert hand_over(card("a", 1), known(paper, "a"), None, paper, ANY_TIME).outcome is Outcome.UNCHANGED
    assert paper.remote_calls == 0


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.DEFERRED, Outcome.HELD, Outcome.SKIPPED])
def test_a_record_that_did_not_get_through_is_looked_at_though_nothing_changed(outcome: Outcome) -> None:
    paper = Paper(target={"a": 1})
    hand_over(card("a", 1), known(paper, "a", outcome), None, paper, ANY_TIME)
    assert paper.asked["look"] == 1


def test_a_suspect_link_is_compared_though_nothing_changed() -> None:
    paper = Paper(target={"a": 5})
    result = hand_over(card("a", 1), replace(known(paper, "a"), is_suspect=True), None, paper, ANY_TIME)
    assert (result.outcome, paper.target) == (Outcome.UPDATED, {"a": 1})


def test_an_unclear_write_that_arrived_is_seen_and_not_sent_again() -> None:
    def lose(entity: str) -> None:
        raise remote(Unclear)

    paper = Paper(after_write=lose)
    result = hand_over(card("a", 7), None, None, paper, ANY_TIME)
    assert (result.outcome, paper.asked) == (Outcome.CREATED, {"look": 2, "write": 1})


def test_an_unclear_write_that_did_not_arrive_is_sent_again_after_a_look() -> None:
    paper, _ = raising(remote(Unclear))
    result = hand_over(card("a", 7), None, None, paper, ANY_TIME)
    assert (result.outcome, paper.order) == (Outcome.CREATED, [("look", "a"), ("look", "a"), ("write", "a")])


def test_a_write_that_stays_unclear_becomes_the_records_error() -> None:
    paper, left = raising(remote(Unclear), times=9)
    result = hand_over(card("a", 7), None, None, paper, ANY_TIME)
    assert (result.outcome, result.message, 9 - left[0]) == (Outcome.FAILED, "remote.unclear", LOOKS)


def in_steps(paper: Paper, steps: int) -> Paper:
    """A target that takes a card on only in so many writes, each of which uncovers what the next one has to be."""
    plan = paper.plan

    def next_step(want: Want, state: object, known: Known | None) -> Plan:
        planned = plan(want, state, known)
        return replace(planned, look_again=bool(planned.writes) and paper.asked["write"] < steps - 1)

    def forget(entity: str) -> None:
        if paper.asked["write"] < steps:
            paper.target.pop(entity)

    paper.plan, paper.after_write = next_step, forget  # type: ignore[method-assign]
    return paper


@pytest.mark.parametrize("unclear", [0, 1, LOOKS - 1])
def test_a_plan_in_several_steps_is_carried_out_to_the_last_one_whatever_was_unclear_before(unclear: int) -> None:
    paper, _ = raising(remote(Unclear), times=unclear)
    result = hand_over(card("a", 7), None, None, in_steps(paper, STEPS), ANY_TIME)
    assert (result.outcome, paper.target, paper.asked["write"]) == (Outcome.CREATED, {"a": 7}, STEPS)


def test_a_target_that_never_shows_what_was_written_is_the_records_error_and_not_asked_for_ever() -> None:
    paper = in_steps(Paper(), 99)
    result = hand_over(card("a", 7), None, None, paper, ANY_TIME)
    assert (result.outcome, result.message) == (Outcome.FAILED, "engine.not-taken-on")
    assert paper.asked["look"] <= LOOKS + STEPS


@pytest.mark.parametrize("state", [Unreachable, SignInFailed])
@pytest.mark.parametrize("where", ["before_look", "before_write"])
def test_the_state_of_a_server_is_never_a_records_outcome(state: type[RemoteError], where: str) -> None:
    paper = Paper()

    def fail(entity: str) -> None:
        raise remote(state)

    setattr(paper, where, fail)
    with pytest.raises(state):
        hand_over(card("a"), None, None, paper, ANY_TIME)


@pytest.mark.parametrize(
    ("kind", "message"),
    [(Slow, "remote.slow"), (Garbled, "remote.garbled"), (Refused, "remote.refused"), (Forbidden, "remote.forbidden")],
)
def test_an_answer_about_one_record_is_that_records_error(kind: type[RemoteError], message: str) -> None:
    paper, _ = raising(remote(kind))
    result = hand_over(card("a"), None, None, paper, ANY_TIME)
    assert (result.outcome, result.message, result.params["side"]) == (Outcome.FAILED, message, "paper")


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Fail("no", question="Height"), Outcome.FAILED),
        (Hold("no"), Outcome.HELD),
        (Skip("no"), Outcome.SKIPPED),
        (Defer("no", waits_for="subject:1"), Outcome.DEFERRED),
    ],
)
def test_a_verdict_becomes_the_outcome(verdict: Verdict, outcome: Outcome) -> None:
    def judge() -> None:
        raise verdict

    result = hand_over(card("a", raises=judge), None, None, Paper(), ANY_TIME)
    assert (result.outcome, result.message, result.params) == (outcome, "no", verdict.params)
    assert result.waits_for == ("subject:1" if outcome is Outcome.DEFERRED else "")


def test_a_bug_is_told_by_kind_and_place_and_never_by_its_text() -> None:
    def slip() -> None:
        raise ValueError("Asha Devi")

    result = hand_over(card("a", raises=slip), None, None, Paper(), ANY_TIME)
    assert (result.outcome, result.message, result.params["kind"]) == (
        Outcome.FAILED,
        "engine.unexpected",
        "ValueError",
    )
    assert "Asha" not in repr(result.params)


def test_no_write_is_begun_without_time_left_for_it() -> None:
    paper = Paper()
    asked = iter([True, False])
    with pytest.raises(LeaseTooShort):
        hand_over(card("a"), None, None, paper, Pen(lambda: next(asked)))
    assert paper.target == {}


def test_no_record_is_begun_without_time_left_for_a_write() -> None:
    paper = Paper()
    with pytest.raises(LeaseTooShort):
        hand_over(card("a"), None, None, paper, Pen(lambda: False))
    assert paper.asked["look"] == 0


def test_a_rehearsal_plans_and_writes_nothing() -> None:
    paper = Paper()
    result = hand_over(card("a", 7), None, None, paper, Pen(lambda: True, rehearses=True))
    assert [write.verb for write in result.planned] == ["create"]
    assert (paper.asked["write"], result.writes) == (0, 0)
