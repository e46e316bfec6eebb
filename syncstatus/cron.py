"""A flow's cron line: is it sound, what does it say in words, when does it come up in its zone. No rows here.

The line means what it means to the beat (Celery's reading): day of month and weekday must both fit, Sunday is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab
from django.core.exceptions import ValidationError
from django_celery_beat.models import CrontabSchedule

_FIELD: Final = re.compile(r"(\*|\w+(-\w+)?)(/\d+)?(,(\*|\w+(-\w+)?)(/\d+)?)*")
"""What each of the five fields may look like. Celery's own parser overlooks what trails behind a part."""

_HORIZON_DAYS: Final = 8 * 366 + 1
"""How far a next run is looked for: a 29th of February may be eight years away."""


def validate_cron(cron: str) -> None:
    """Raise ValidationError, with the remedy, unless `cron` is a line the beat can run and that comes up some day."""
    if not any(True for _ in _days(_parsed(cron), date(2024, 1, 1), 1)):
        raise ValidationError(f"{cron!r} never comes up: no such day and weekday fall together within eight years")


def cron_in_words(cron: str) -> str:
    """The cron line as people say it, e.g. "Every 5 minutes"; the line itself when it cannot be read."""
    try:
        row = CrontabSchedule(**fields_of(cron), timezone=ZoneInfo("UTC"))
    except ValidationError:
        return cron
    return str(row.human_readable).removesuffix("UTC").strip()


def fires_after(cron: str, zone: str, now: datetime) -> Iterator[datetime]:
    """The points in time (UTC) at which a cron line comes up in its zone after `now`, soonest first.

    A wall-clock time that a change to summer time skips comes up at once after the gap; one that occurs twice comes
    up twice, as two slots: what comes up every few minutes must not rest for an hour. Raises ValidationError for an
    unreadable line.
    """
    return (fire for fire in _fires(cron, zone, now, 1) if fire > now)


def fires_until(cron: str, zone: str, now: datetime) -> Iterator[datetime]:
    """The points in time (UTC) at which a cron line came up until `now`, latest first. Otherwise as `fires_after`."""
    return (fire for fire in _fires(cron, zone, now, -1) if fire <= now)


def last_fire(cron: str, zone: str, now: datetime) -> datetime | None:
    """The newest point in time (UTC) at which a cron line came up until `now`. Otherwise as `fires_after`."""
    return next(fires_until(cron, zone, now), None)


def fields_of(cron: str) -> dict[str, str]:
    """The five fields by the names Celery gives them. Raises ValidationError, with the remedy, for anything else."""
    parts = cron.split()
    if len(parts) != 5 or not all(_FIELD.fullmatch(part) for part in parts):
        raise ValidationError(
            f"{cron!r} is not a cron line; write minute, hour, day of month, month and day of week (0 is Sunday), "
            "separated by blanks, e.g. */5 * * * *"
        )
    return dict(zip(("minute", "hour", "day_of_month", "month_of_year", "day_of_week"), parts, strict=True))


def _parsed(cron: str) -> crontab:
    try:
        return crontab(**fields_of(cron))
    except (ValueError, ParseException) as failure:
        raise ValidationError(f"{cron!r} is not a cron line: {failure}") from failure


def _fires(cron: str, zone: str, around: datetime, step: int) -> Iterator[datetime]:
    """All points in time from the day of `around` on (`step` 1) or back (`step` -1), in order of the search."""
    schedule, place = _parsed(cron), ZoneInfo(zone)
    # A day early: where the clock goes back at midnight, the day before reaches beyond `around`.
    first = around.astimezone(place).date() - timedelta(days=step)
    walls = sorted(time(hour, minute) for hour in schedule.hour for minute in schedule.minute)
    return chain.from_iterable(
        sorted({instant for wall in walls for instant in _instants(day, wall, place)}, reverse=step < 0)
        for day in _days(schedule, first, step)
    )


def _days(schedule: crontab, first: date, step: int) -> Iterator[date]:
    """Days the schedule names. As in the beat, and unlike Unix, day of month and weekday must both fit."""
    for offset in range(_HORIZON_DAYS):
        day = first + timedelta(days=step * offset)
        if (
            day.month in schedule.month_of_year
            and day.day in schedule.day_of_month
            and day.isoweekday() % 7 in schedule.day_of_week
        ):
            yield day


def _instants(day: date, wall: time, place: ZoneInfo) -> Iterator[datetime]:
    """The moments at which a clock in `place` shows `wall` on `day`: usually one, two when it was set back.

    When it was set forward over `wall`, the moment that far behind the gap.
    """
    early = datetime.combine(day, wall, place).astimezone(UTC)
    late = datetime.combine(day, wall, place).replace(fold=1).astimezone(UTC)
    yield early
    if late > early:
        yield late
