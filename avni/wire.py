"""Avni's spelling of times: UTC, milliseconds, a trailing Z."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["instant", "spelled"]


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
