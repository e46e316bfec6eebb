"""Date-times as webservices.rest reads and writes them (openmrs.md O24 to O27)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

from simulators.bahmni.errors import bad_request

__all__ = ["midnight", "milliseconds", "read", "read_date", "read_either", "whole_second", "write"]

_PATTERN = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:(?P<gap>[T ])(?P<time>\d\d:\d\d:\d\d)(?P<fraction>\.\d{3})?"
    r"(?P<offset>Z|[+-]\d\d:?\d\d)?)?"
)


def whole_second(moment: datetime) -> datetime:
    """Without its fraction, in UTC: what a MySQL `datetime` column keeps."""
    return moment.astimezone(UTC).replace(microsecond=0)


def write(moment: datetime | None, zone: tzinfo) -> str | None:
    """`2016-04-17T12:00:19.000+0530`: server zone, no colon in the offset."""
    if moment is None:
        return None
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S.000%z")


def midnight(day: date, zone: tzinfo) -> datetime:
    """The beginning of a day in the server's zone."""
    return datetime.combine(day, time(), zone)


def read(value: Any, zone: tzinfo) -> datetime:
    """A moment from one of the accepted forms; without an offset it is server time.

    Raises `ApiError` 400 for every other form.
    """
    if isinstance(value, str) and (match := _PATTERN.fullmatch(value)):
        parts = match.groupdict()
        allowed = parts["gap"] != " " or not (parts["fraction"] or parts["offset"])
        if allowed:
            try:
                return _moment(parts, zone)
            except ValueError:
                pass  # a 13th month
    raise bad_request(
        "Error converting date - correct format (ISO8601 Long): yyyy-MM-dd'T'HH:mm:ss.SSSZ",
        "ConversionUtil:247",
    )


def read_either(value: Any, zone: tzinfo) -> datetime | None:
    """A moment as Bahmni's own calls take it: milliseconds since 1970 or a text; None for nothing."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return whole_second(datetime.fromtimestamp(value / 1000, UTC))
    return read(value, zone)


def milliseconds(moment: datetime | None) -> int | None:
    """A moment as Bahmni's own calls write it."""
    return None if moment is None else int(moment.timestamp()) * 1000


def _moment(parts: dict[str, str | None], zone: tzinfo) -> datetime:
    local = datetime.fromisoformat(f"{parts['date']}T{parts['time'] or '00:00:00'}")
    return whole_second(local.replace(tzinfo=_offset(parts["offset"], zone)))


def _offset(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=sign * minutes))


def read_date(value: Any, zone: tzinfo) -> date:
    """A day: the offset counts first, then the time of day is cut off in the server's zone."""
    return read(value, zone).astimezone(zone).date()
