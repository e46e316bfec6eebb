"""When a failed record is tried again: soon at first, rarer with every attempt, never all at once."""

from __future__ import annotations

from datetime import timedelta
from random import Random

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=6)
FIRST_POLL = timedelta(hours=1)
LONGEST_POLL = timedelta(days=1)
SPREAD = 0.2
"""Up to a fifth earlier or later, so that records which failed together do not come back together."""


def wait_before(attempt: int, random: Random) -> timedelta:
    """How long to wait before attempt number `attempt` (the first retry is 2): a minute, doubling up to six hours."""
    doublings = min(max(attempt - 2, 0), 20)
    plain: timedelta = min(FIRST * float(2**doublings), LONGEST)
    return plain * (1 + random.uniform(-SPREAD, SPREAD))


def poll_before(attempt: int, random: Random) -> timedelta:
    """How long a deferred record waits before attempt number `attempt`: an hour, doubling up to a day.

    It is released by the arrival it waits for; this is the net below, should that arrival pass unseen, as it does while
    the flow that would tell of it is off.
    """
    doublings = min(max(attempt - 2, 0), 20)
    plain: timedelta = min(FIRST_POLL * float(2**doublings), LONGEST_POLL)
    return plain * (1 + random.uniform(0, SPREAD))
