from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest
from django.core.exceptions import ValidationError

from syncstatus.cron import cron_in_words, fires_after, fires_until, validate_cron

KOLKATA, BISSAU, NEW_YORK, LORD_HOWE = "Asia/Kolkata", "Africa/Bissau", "America/New_York", "Australia/Lord_Howe"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def next_ones(cron: str, zone: str, after: str, number: int = 1) -> list[str]:
    return [fire.strftime("%m-%d %H:%M") for fire in islice(fires_after(cron, zone, at(after)), number)]


def last_ones(cron: str, zone: str, until: str, number: int = 1) -> list[str]:
    return [fire.strftime("%m-%d %H:%M") for fire in islice(fires_until(cron, zone, at(until)), number)]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("*/5 * * * *", KOLKATA, "2026-03-01T12:00:00Z", ["03-01 12:05", "03-01 12:10"]),
        ("*/5 * * * *", KOLKATA, "2026-03-01T12:04:59Z", ["03-01 12:05", "03-01 12:10"]),
        # Half past five hours ahead: six in the morning there is half past midnight in UTC.
        ("0 6 * * *", KOLKATA, "2026-03-01T00:29:00Z", ["03-01 00:30", "03-02 00:30"]),
        ("0 6 * * *", KOLKATA, "2026-03-01T00:30:00Z", ["03-02 00:30", "03-03 00:30"]),
        ("0 6 * * *", BISSAU, "2026-03-01T00:30:00Z", ["03-01 06:00", "03-02 06:00"]),
        ("0 22 * * 0", KOLKATA, "2026-03-01T12:00:00Z", ["03-01 16:30", "03-08 16:30"]),
        ("0 0 * * mon-fri", KOLKATA, "2026-03-06T00:00:00Z", ["03-08 18:30", "03-09 18:30"]),
        ("30 23 31 * *", KOLKATA, "2026-03-01T00:00:00Z", ["03-31 18:00", "05-31 18:00"]),
        ("0 12 29 2 *", KOLKATA, "2026-03-01T00:00:00Z", ["02-29 06:30", "02-29 06:30"]),
        # Day of month and weekday must both fit, as in the beat.
        ("0 12 13 * 5", BISSAU, "2026-03-01T00:00:00Z", ["03-13 12:00", "11-13 12:00"]),
    ],
)
def test_the_schedule_comes_up_by_the_clock_of_its_zone(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert next_ones(cron, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # Sunday 8 March 2026: in New York the clock jumps from 2:00 to 3:00 at 07:00 UTC.
        ("30 2 * * *", NEW_YORK, "2026-03-07T12:00:00Z", ["03-08 07:30", "03-09 06:30"]),
        ("0 3 * * *", NEW_YORK, "2026-03-07T12:00:00Z", ["03-08 07:00", "03-09 07:00"]),
        ("*/30 * * * *", NEW_YORK, "2026-03-08T06:15:00Z", ["03-08 06:30", "03-08 07:00", "03-08 07:30"]),
        # Sunday 1 November 2026: from 2:00 back to 1:00 at 06:00 UTC.
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00:00Z", ["11-01 05:30", "11-01 06:30", "11-02 06:30"]),
        ("0 2 * * *", NEW_YORK, "2026-10-31T12:00:00Z", ["11-01 07:00", "11-02 07:00"]),
        ("*/30 * * * *", NEW_YORK, "2026-11-01T05:15:00Z", ["11-01 05:30", "11-01 06:00", "11-01 06:30"]),
        # Half an hour of summer time.
        ("15 2 * * *", LORD_HOWE, "2026-10-02T20:00:00Z", ["10-03 15:45", "10-04 15:15"]),
    ],
)
def test_a_change_of_the_clock_loses_no_slot(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert next_ones(cron, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("cron", "zone", "until", "expected"),
    [
        ("*/5 * * * *", KOLKATA, "2026-03-01T12:00:00Z", ["03-01 12:00", "03-01 11:55"]),
        ("0 6 * * *", KOLKATA, "2026-03-01T00:29:00Z", ["02-28 00:30", "02-27 00:30"]),
        ("30 2 * * *", NEW_YORK, "2026-03-09T00:00:00Z", ["03-08 07:30", "03-07 07:30"]),
        ("*/30 * * * *", NEW_YORK, "2026-11-01T06:59:00Z", ["11-01 06:30", "11-01 06:00", "11-01 05:30"]),
    ],
)
def test_the_past_is_told_by_the_same_clock(cron: str, zone: str, until: str, expected: list[str]) -> None:
    assert last_ones(cron, zone, until, len(expected)) == expected


@pytest.mark.parametrize(
    "cron",
    [
        "", "soon", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *",
        "* * * * 7", "*/0 * * * *", "*/x * * * *", "1- * * * *", "-1 * * * *", "1,,2 * * * *", "*/5-7 * * * *",
        "* * * * someday", "0 0 30 2 *", "@daily", "5/10 * * * *", "1.5 * * * *",
    ],
)  # fmt: skip
def test_a_line_the_beat_cannot_run_is_refused_with_a_sentence(cron: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        validate_cron(cron)
    assert repr(cron) in refusal.value.messages[0]


@pytest.mark.parametrize("cron", ["*/5 * * * *", "0 6-20/2 * * 1-6", "0,30 * * * mon,wed", "0 0 29 2 *", "5 4 1 jan *"])
def test_a_sound_line_is_accepted(cron: str) -> None:
    validate_cron(cron)


@pytest.mark.parametrize(
    ("cron", "words"),
    [("*/5 * * * *", "Every 5 minutes"), ("0 6 * * *", "At 06:00 AM"), ("nonsense", "nonsense")],
)
def test_a_line_is_told_in_words(cron: str, words: str) -> None:
    assert cron_in_words(cron) == words
