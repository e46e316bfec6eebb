"""The closed list of ways a change can end. One per change; a run is green only when they add up to what was read."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """How a change ended. Target writes are counted beside it."""

    CREATED = "created"
    UPDATED = "updated"
    VOIDED = "voided"
    UNCHANGED = "unchanged"
    COLLAPSED = "collapsed"  # a later notification of the same object in the same batch speaks for it
    SKIPPED = "skipped"  # not for the target, for a reason that is counted
    DEFERRED = "deferred"  # waits for another record
    HELD = "held"  # waits for a person
    FAILED = "failed"  # has an error record with its next attempt

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Value and label pairs, as a model field wants them."""
        return [(outcome.value, outcome.value) for outcome in cls]


FINISHED = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.VOIDED, Outcome.UNCHANGED, Outcome.SKIPPED})
"""Outcomes after which nothing is open any more for the entity."""
