"""Avni's spelling of times: UTC, milliseconds, a trailing Z; and of days."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Final

__all__ = ["INDIA", "instant", "is_day", "spelled"]

INDIA: Final = timezone(timedelta(hours=5, minutes=30))
"""Avni stores a date as midnight of India, whatever the organisation's zone and the year (docs/protocols/avni.md A26).

A fixed offset: the zone of that name had other ones until 1945, and Avni reads dates of those years without them.
"""


def instant(text: str) -> datetime:
    """The aware time in UTC that Avni wrote. Raises ValueError."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time.astimezone(UTC)


def spelled(time: datetime) -> str:
    """An aware time as Avni writes it. Microseconds are cut, as the server's column holds none."""
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_day(moment: datetime) -> bool:
    """Whether an aware moment is how Avni stores a date, and not a time of that day."""
    return moment.astimezone(INDIA).time() == time.min
