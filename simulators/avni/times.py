"""Times as Avni keeps and writes them: whole milliseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30))


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, the rest cut off. Raises ValueError for a time without zone."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The aware time, in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def iso(ms: int | None) -> str | None:
    """As Avni writes a date-time: UTC, three digits, Z."""
    if ms is None:
        return None
    return from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_ms(text: str, offset_minutes: int = 0) -> int:
    """Read an ISO date or date-time; `offset_minutes` holds where none is written.

    Raises ValueError for anything else; note that "+05:30" sent unescaped in a query arrives
    as " 05:30".
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    return to_ms(moment)


def indian_day(text: str) -> str:
    """The calendar day, in India, of a stored date observation. Raises ValueError."""
    return from_ms(parse_ms(text)).astimezone(IST).date().isoformat()


def plain_date(text: str) -> str:
    """A date without time, checked. Raises ValueError."""
    return date.fromisoformat(text).isoformat()
