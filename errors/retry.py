"""When a failed record is tried again: soon at first, rarer with every attempt, never all at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=6)
FIRST_POLL = timedelta(hours=1)
LONGEST_POLL = timedelta(days=1)
SPREAD = 0.2
"""Up to a fifth earlier or later, so that records which failed together do not come back together."""


@dataclass(frozen=True)
class Policy:
    """How errors of a type are tried again: the first wait, doubled each time up to the longest, and how often at all.

    `most_attempts` counts attempts in a row, the first one among them; None is without limit.
    """

    first: timedelta = FIRST
    longest: timedelta = LONGEST
    most_attempts: int | None = None

    def wait_after(self, failed: int) -> timedelta:
        """How long to wait after so many failed attempts in a row (from 1), before any spreading."""
        doublings = min(max(failed - 1, 0), 20)
        wait: timedelta = min(self.first * float(2**doublings), self.longest)
        return wait

    def waits(self) -> list[timedelta]:
        """The waits after 1, 2, 3 … failed attempts, up to the one from which on they stay the same."""
        found = [self.wait_after(1)]
        while len(found) <= 20 and (following := self.wait_after(len(found) + 1)) > found[-1]:
            found.append(following)
        return found

    def is_used_up(self, failed: int) -> bool:
        """Whether so many failed attempts in a row are all there may be."""
        return self.most_attempts is not None and failed >= self.most_attempts


DEFAULT: Final = Policy()
"""Of errors without a type: a minute, doubling up to six hours, without limit."""


def wait_before(attempt: int, random: Random, policy: Policy = DEFAULT) -> timedelta:
    """How long to wait before attempt number `attempt` in a row (the first retry is 2), spread a little."""
    return policy.wait_after(attempt - 1) * (1 + random.uniform(-SPREAD, SPREAD))


def poll_before(attempt: int, random: Random) -> timedelta:
    """How long a deferred record waits before attempt number `attempt`: an hour, doubling up to a day.

    It is released by the arrival it waits for; this is the net below, should that arrival pass unseen, as it does while
    the flow that would tell of it is off.
    """
    doublings = min(max(attempt - 2, 0), 20)
    plain: timedelta = min(FIRST_POLL * float(2**doublings), LONGEST_POLL)
    return plain * (1 + random.uniform(0, SPREAD))
