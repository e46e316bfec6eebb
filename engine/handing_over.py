"""One change on its way into the target: want, look, plan, write. No database here; it runs in a lane.

Every write can be cut off and repeated: when its effect is unclear we look at the target again and plan anew.
What a last look cannot settle becomes an error record and is looked at again later.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from common import clock
from common.fingerprint import fingerprint
from common.http_errors import Forbidden, Garbled, Refused, RemoteError, SignInFailed, Slow, Unclear, Unreachable
from common.outcome import FINISHED, Outcome
from engine.brake import Halt
from engine.half_done import known_by_now
from engine.ports import Change, Decided, Handover, Known, Parent, Plan, Want, Write
from engine.settling import conflict_of, left_alone
from engine.verdicts import Conflict, Defer, Fail, Outside, Verdict
from errors.catalogue import KEPT_APART, THEIRS_TAKEN

LOOKS = 3
"""How often target and wish are compared before a write whose effect stays unclear is left for later."""

STEPS = 3
"""In how many looks a plan may be carried out: an encounter is un-voided, then moved, then its answers are written."""


@dataclass(frozen=True)
class Result:
    """How one change ended, with all that the commit writes down about it."""

    change: Change
    outcome: Outcome
    message: str = ""
    params: dict[str, str] = field(default_factory=dict)
    want: Want | None = None
    plan: Plan | None = None
    """What was carried out, though the rest of the record may wait; None while nothing stands for all of it."""
    writes: int = 0
    waits_for: str = ""
    due: datetime | None = None
    asks_for: tuple[str, str] | None = None
    """Stream and id of a record nobody has seen yet and this one waits for."""
    planned: tuple[Write, ...] = ()
    """Only in a rehearsal: what would have been written."""
    half_done: Known | None = None
    """What is known by the writes of a record that did not get through all the same."""
    conflict: Conflict | None = None
    """What a person may decide about, of a record that did not get through."""
    decided: tuple[Decided, ...] = ()
    """The decisions this attempt knew of."""
    outside_with: Parent | None = None
    """The record it hangs on, which is not for the target: the ledger keeps a row of that one instead."""

    @property
    def is_apart(self) -> bool:
        """Whether it came to nothing because a person said that two records are not the same."""
        return self.message == KEPT_APART

    @property
    def is_left_alone(self) -> bool:
        """Whether it is through because a person said that the target stays as it is."""
        return self.message == THEIRS_TAKEN

    @property
    def is_finished(self) -> bool:
        """Whether nothing is open any more for the entity."""
        return self.outcome in FINISHED

    @property
    def cause(self) -> str:
        """Equal for equal causes: message and parameters."""
        return fingerprint([self.message, self.params])


class LeaseTooShort(Exception):
    """There is no time left for a whole request before the lease ends; the rest of the batch is read again."""


@dataclass(frozen=True)
class Pen:
    """The right to write, asked before every single write. A rehearsal holds one that writes nothing.

    `allow` is asked before a plan (of the entity with this id) is carried out; it raises Halt when it must wait.
    """

    may_write: Callable[[], bool]
    rehearses: bool = False
    allow: Callable[[str, Plan], None] = lambda entity_id, plan: None
    is_up: Callable[[Unreachable], bool] = lambda failure: False
    """Whether the server, asked about itself, answers well after all: then the failure is about one record."""


def hand_over(
    change: Change, known: Known | None, parent: Known | None, handover: Handover[Any], pen: Pen
) -> Result:  # fmt: skip
    """Bring one change to its outcome. `known` and `parent`: what the ledger remembers of it and of what it hangs on.

    Raises Unreachable and SignInFailed (the server's state, not the record's), LeaseTooShort and Halt; the change is
    then not finished. Everything else ends as this record's own outcome, even a bug in a translator, and even a
    gateway's time-out, where the server has an answer to everything but this record.
    """
    want: Want | None = None
    attempt = _Attempt(handover, pen, known)
    try:
        want = handover.want(change)
        if known and is_settled(want, known):
            return Result(change, Outcome.UNCHANGED, want=want)
        return _look_and_write(change, want, parent, attempt)
    except (SignInFailed, LeaseTooShort, Halt):
        raise
    except Outside as verdict:
        result = replace(_judged(change, want, verdict, known), outside_with=handover.parent(change))
    except Verdict as verdict:
        result = _judged(change, want, verdict, known)
    except RemoteError as failure:
        if isinstance(failure, Unreachable) and not pen.is_up(failure):
            raise
        result = Result(change, Outcome.FAILED, *explain_remote(failure), want, due=not_before(failure))
    except Exception as bug:  # noqa: BLE001  # the barrier around one record: whatever it is, the others go on
        result = Result(change, Outcome.FAILED, "engine.unexpected", where(bug), want)
    return replace(result, writes=attempt.writes, half_done=attempt.known if attempt.writes else None)


def _judged(change: Change, want: Want | None, verdict: Verdict, known: Known | None) -> Result:
    if decided := left_alone(verdict, want, known):
        return Result(change, *decided, want=want)
    conflict = conflict_of(verdict, want)
    result = Result(change, verdict.outcome, verdict.message, verdict.params, want, conflict=conflict)
    if isinstance(verdict, Defer):
        return replace(result, waits_for=verdict.waits_for, due=verdict.due, asks_for=verdict.asks_for)
    return result


def _with_rest(result: Result, rest: Defer) -> Result:
    """The result of a plan that was carried out while a part of the record has to wait."""
    return replace(
        result, outcome=rest.outcome, message=rest.message, params=rest.params, waits_for=rest.waits_for, due=rest.due
    )


def is_settled(want: Want, known: Known) -> bool:
    """Whether the ledger alone shows that nothing is to be done: same content, same mappings, and it got through."""
    got_through = known.outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.VOIDED)
    return got_through and not known.is_suspect and known.wanted_fingerprint == want.fingerprint


def _look_and_write(change: Change, want: Want, parent: Known | None, attempt: _Attempt) -> Result:
    handover, unclear = attempt.handover, 0
    intended: Outcome | None = None
    for _ in range(STEPS + LOOKS - 1):
        if not attempt.pen.may_write():
            raise LeaseTooShort  # looking costs time too, and the batch must be committed under this lease
        plan = handover.plan(want, handover.look(want, attempt.known, parent), attempt.known)
        if attempt.pen.rehearses:
            told = _as_ours(plan, attempt.known)
            return Result(change, plan.outcome, plan.remark, want=want, plan=told, planned=plan.writes)
        # A later look may find everything done; what came of the change is still what the first one set out to do.
        intended = intended or (plan.outcome if plan.writes else None)
        attempt.pen.allow(change.entity_id, _as_ours(plan, attempt.known))
        try:
            given = attempt.send(want, plan)
        except Unclear:
            unclear += 1
            if unclear == LOOKS:
                raise
            continue
        if not plan.look_again:
            plan = _with_given_ids(plan, given)
            done = Result(change, intended or plan.outcome, plan.remark, want=want, plan=plan, writes=attempt.writes)
            return _with_rest(done, plan.rest) if plan.rest else done
    raise Fail("engine.not-taken-on")  # never counted as through: what was to follow has not been written


def _as_ours(plan: Plan, known: Known | None) -> Plan:
    """The plan, with what counts as ours although it bears no id of ours: it was taken over."""
    if known is None or known.target_id != plan.target_id:
        return plan
    return replace(plan, created_by_us=tuple(sorted({*plan.created_by_us, *known.taken_over})))


@dataclass
class _Attempt:
    """One hand-over: how many writes it has sent so far, and what is known of the record by now."""

    handover: Handover[Any]
    pen: Pen
    known: Known | None
    writes: int = 0

    def send(self, want: Want, plan: Plan) -> dict[str, str]:
        """Carry a plan out; gives the ids of what was written, by the ids we chose. Raises what a write raises."""
        given: dict[str, str] = {}
        unclear = ""
        try:
            for write in plan.writes:
                if not self.pen.may_write():
                    raise LeaseTooShort
                self.writes += 1
                try:
                    given[write.id] = self.handover.write(write)
                except Unclear:
                    unclear = write.id
                    raise
        finally:
            if given or unclear:
                self.known = known_by_now(self.known, want, plan, given, unclear)
        return given


def _with_given_ids(plan: Plan, ids: dict[str, str]) -> Plan:
    """The plan with the ids the target gave, where it does not take ours (Avni answers with its own)."""

    def given(chosen: str) -> str:
        return ids.get(chosen, chosen)

    others = {name: given(chosen) for name, chosen in plan.other_targets.items()}
    return replace(
        plan, target_id=given(plan.target_id), target_parent_id=given(plan.target_parent_id), other_targets=others
    )


def explain_remote(failure: RemoteError) -> tuple[str, dict[str, str]]:
    """Message id and safe parameters for a server's answer to one record."""
    params = {"side": failure.side, "status": str(failure.status or ""), "path": failure.path_template}
    match failure:
        case Forbidden():
            return "remote.forbidden", params | {"privilege": failure.privilege}
        case Refused():
            return "remote.refused", params | {"code": failure.code, "fields": ", ".join(failure.fields)}
        case Slow():
            return "remote.slow", params
        case Unclear():
            return "remote.unclear", params
        case Garbled():
            return "remote.garbled", params
        case _:
            return "remote.failed", params


def not_before(failure: RemoteError) -> datetime | None:
    """The earliest time for the next attempt, where the server names one (Retry-After)."""
    return clock.now() + failure.retry_after if failure.retry_after else None


def where(bug: Exception) -> dict[str, str]:
    """Kind and place of an unexpected exception; never its text, which may hold a patient's data."""
    frames = traceback.extract_tb(bug.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return {"kind": type(bug).__name__, "place": place}
