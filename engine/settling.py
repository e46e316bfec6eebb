"""What a person decided about a record that was held: does it fit what is met now, and what follows. Pure.

Decisions are carried out on the one path like everything else: the record is tried again, and whoever would hold it
asks here first. *Same* and *take the source's* need the connector, which asks `settled`. *Keep apart* and *take the
target's* mean that nothing is written; where a connector leaves them to the engine, `hand_over` sees to it.
"""

from __future__ import annotations

from typing import Final

from common.fingerprint import fingerprint
from common.outcome import Outcome
from engine.ports import Decided, Known, Want
from engine.verdicts import Conflict, Hold, Verdict
from errors.catalogue import KEPT_APART, THEIRS_TAKEN
from errors.specs import Move

STAYS: Final = (Move.APART, Move.TARGET)
"""Moves that stay in force as long as the conflict is the one they were made of: nothing was changed by them, so it is
met again whenever somebody looks. The others act once."""


def conflict_of(verdict: Verdict, want: Want | None) -> Conflict | None:
    """What a person may decide about; None for a verdict that leaves nothing to decide.

    A hold that names no conflict is about this very content of the record and what was found wrong with its target.
    """
    if verdict.conflict:
        return verdict.conflict
    if not isinstance(verdict, Hold):
        return None
    return Conflict(fingerprint([verdict.message, verdict.params, want.fingerprint if want else ""]))


def settled(verdict: Verdict, want: Want, known: Known | None, *moves: Move) -> Decided:
    """What a person decided of exactly this, if it is one of `moves`; else raises the verdict."""
    decided, conflict = known.decided if known else None, conflict_of(verdict, want)
    if decided and conflict and decided.state == conflict.state and decided.move in moves:
        return decided
    raise verdict


def left_alone(verdict: Verdict, want: Want | None, known: Known | None) -> tuple[Outcome, str] | None:
    """Outcome and message of a record of which a person said that nothing is to be written; None if nobody did."""
    decided, conflict = known.decided if known else None, conflict_of(verdict, want)
    if not (decided and conflict and decided.state == conflict.state):
        return None
    match decided.move:
        case Move.APART:
            return Outcome.SKIPPED, KEPT_APART
        case Move.TARGET:
            return Outcome.UNCHANGED, THEIRS_TAKEN
        case _:
            return None


def chosen(known: Known | None, *moves: Move) -> Decided | None:
    """A decision that is to be looked into: what to read beside the usual. Whether it fits is asked of `settled`."""
    return known.decided if known and known.decided and known.decided.move in moves else None
