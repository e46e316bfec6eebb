"""When a record is tried again."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from errors.retry import poll_before, wait_before

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_a_failed_record_waits_a_minute_then_twice_as_long_up_to_six_hours() -> None:
    waits = [wait_before(attempt, Random(1)) for attempt in (2, 3, 30)]
    assert [round(wait / plain, 0) for wait, plain in zip(waits, (MINUTE, 2 * MINUTE, 6 * HOUR), strict=True)] == [
        1,
        1,
        1,
    ]


def test_records_that_failed_together_do_not_come_back_together() -> None:
    random = Random(1)
    assert len({wait_before(2, random) for _ in range(50)}) == 50


def test_a_deferred_record_is_polled_ever_more_rarely_up_to_a_day() -> None:
    waits = [poll_before(attempt, Random(1)) for attempt in (2, 3, 30)]
    for wait, plain in zip(waits, (HOUR, 2 * HOUR, DAY), strict=True):
        assert plain <= wait <= 1.2 * plain
