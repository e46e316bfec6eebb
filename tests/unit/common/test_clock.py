from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from common import clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_time_is_aware_and_in_utc() -> None:
    assert clock.now().tzinfo is UTC


def test_frozen_clock_stands_still_until_advanced() -> None:
    with clock.frozen(NOON) as frozen:
        assert clock.now() == NOON
        frozen.advance(90)
        assert clock.now() == NOON + timedelta(seconds=90)
        assert clock.monotonic() == 90


def test_frozen_clock_is_seen_by_other_threads() -> None:
    seen: list[datetime] = []
    with clock.frozen(NOON):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
    assert seen == [NOON]


def test_clock_before_comes_back_when_a_nested_one_ends() -> None:
    with clock.frozen(NOON):
        with clock.frozen(NOON + timedelta(days=1)):
            pass
        assert clock.now() == NOON


def test_other_zones_are_turned_into_utc() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    with clock.frozen(datetime(2026, 3, 1, 17, 30, tzinfo=india)):
        assert clock.now() == NOON
        assert clock.now().tzinfo is UTC


def test_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        clock.FrozenClock(datetime(2026, 3, 1))


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="forward"):
        clock.FrozenClock(NOON).advance(-1)
