"""The one place that reads the clock.

Everybody else asks here, so that a test (or a dry run over past data) can set another clock for the
whole process with `using` or `frozen`, without patching anything. The clock is deliberately not a
context variable: the lanes work in threads, and threads would not inherit it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "FrozenClock", "SystemClock", "frozen", "monotonic", "now", "using"]


class Clock(Protocol):
    """What can tell the time."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from some fixed point, for measuring spans: never jumps back."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic()


class FrozenClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime) -> None:
        """`at`: the aware time it shows at first."""
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware time")
        self._now = at.astimezone(UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        """The time it was set to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds it was advanced since it was made."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass. Only forward, as time does."""
        if seconds < 0:
            raise ValueError("time passes forward only")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


_clocks: list[Clock] = [SystemClock()]
"""The clock in use is the last one."""


def now() -> datetime:
    """The time of day, aware, in UTC."""
    return _clocks[-1].now()


def monotonic() -> float:
    """Seconds from some fixed point, for measuring spans."""
    return _clocks[-1].monotonic()


@contextmanager
def using(clock: Clock) -> Iterator[Clock]:
    """Let the whole process, all threads, read `clock` for a while."""
    _clocks.append(clock)
    try:
        yield clock
    finally:
        _clocks.remove(clock)


@contextmanager
def frozen(at: datetime) -> Iterator[FrozenClock]:
    """Stop the clock at `at`; the clock handed out can be advanced."""
    clock = FrozenClock(at)
    with using(clock):
        yield clock
