"""When a record is tried again."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from errors.retry import Policy, poll_before, wait_before

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


def test_a_policy_begins_with_its_first_wait_and_doubles_up_to_its_longest() -> None:
    policy = Policy(10 * MINUTE, 45 * MINUTE)
    assert [policy.wait_after(failed) for failed in (1, 2, 3, 4, 50)] == [
        10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 45 * MINUTE, 45 * MINUTE,
    ]  # fmt: skip
    assert policy.waits() == [10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 45 * MINUTE]


def test_a_policy_whose_waits_are_equal_has_one() -> None:
    assert Policy(HOUR, HOUR).waits() == [HOUR]


def test_the_smallest_first_wait_reaches_the_longest_there_can_be() -> None:
    assert Policy(MINUTE, 30 * DAY).waits()[-1] == 30 * DAY


@pytest.mark.parametrize(("most", "used_up"), [(None, [False] * 4), (1, [True] * 4), (3, [False, False, True, True])])
def test_a_policy_is_used_up_after_its_most_attempts(most: int | None, used_up: list[bool]) -> None:
    policy = Policy(most_attempts=most)
    assert [policy.is_used_up(failed) for failed in (1, 2, 3, 4)] == used_up


def test_waits_of_a_policy_are_spread_by_a_fifth() -> None:
    random, policy = Random(1), Policy(HOUR, HOUR)
    waits = {wait_before(2, random, policy) for _ in range(50)}
    assert len(waits) == 50
    assert 0.8 * HOUR <= min(waits) < max(waits) <= 1.2 * HOUR
