"""Times as a server tells them in its headers: its own clock, and for how long it asks us to wait."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def server_time(date: str | None) -> datetime | None:
    """The `Date` header as an aware time in UTC; None when absent or unreadable."""
    try:
        return parsedate_to_datetime(date or "").astimezone(UTC)
    except ValueError:
        return None


def retry_after(told: str, now: datetime) -> timedelta | None:
    """The `Retry-After` header as a wait: it says so in seconds, or as a time of the server's own clock (`now`)."""
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", told):
        return timedelta(seconds=int(told))
    until = server_time(told)
    return max(until - now, timedelta(0)) if until else None
