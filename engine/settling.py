"""What a person decided about a record that was held: does it fit what is met now, and what follows. Pure.

Decisions are carried out on the one path like everything else: the record is tried again, and whoever would hold it
asks here first. *Same* and *take the source's* need the connector, which asks `settled`. *Keep apart* and *take the
target's* mean that nothing is written; where a connector leaves them to the engine, `hand_over` sees to it.
"""

from __future__ import annotations

from dataclasses import replace
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

    One without a state of its own is about this very content of the record and what was found wrong with its target.
    """
    conflict = verdict.conflict or (Conflict() if isinstance(verdict, Hold) else None)
    if conflict is None or conflict.state:
        return conflict
    return replace(conflict, state=fingerprint([verdict.message, verdict.params, want.fingerprint if want else ""]))


def settled(verdict: Verdict, want: Want, known: Known | None, *moves: Move) -> Decided:
    """What a person decided of exactly this, if it is one of `moves`; else raises the verdict."""
    if decided := decided_of(verdict, want, known, *moves):
        return decided
    raise verdict


def decided_of(verdict: Verdict, want: Want | None, known: Known | None, *moves: Move) -> Decided | None:
    """What a person decided of exactly this, if it is one of `moves`."""
    conflict = conflict_of(verdict, want)
    fits = (one for one in known.decided if conflict and one.state == conflict.state) if known else ()
    return next((one for one in fits if one.move in moves), None)


def left_alone(verdict: Verdict, want: Want | None, known: Known | None) -> tuple[Outcome, str] | None:
    """Outcome and message of a record of which a person said that nothing is to be written; None if nobody did."""
    decided = decided_of(verdict, want, known, *STAYS)
    if decided is None:
        return None
    return (Outcome.SKIPPED, KEPT_APART) if decided.move is Move.APART else (Outcome.UNCHANGED, THEIRS_TAKEN)


def chosen(known: Known | None, *moves: Move) -> Decided | None:
    """The newest decision that is to be looked into: what to read beside the usual. Whether it fits `settled` tells."""
    return next((one for one in known.decided if one.move in moves), None) if known else None
