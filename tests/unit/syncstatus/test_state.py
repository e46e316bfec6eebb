from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from syncstatus.state import Facts, Lag, LookFacts, State, flow_state, in_words, is_late, lag, worst_lag

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

TABLE: list[tuple[dict[str, Any], State, str]] = [
    ({}, State.OK, "ok"),
    ({"is_on": False}, State.OFF, "off"),
    ({"is_paused": True}, State.PAUSED, "paused"),
    ({"is_on": False, "is_paused": True}, State.OFF, "off"),
    ({"is_running": True}, State.RUNNING, "running"),
    ({"is_late": True}, State.LATE, "late"),
    ({"is_late": True, "is_running": True}, State.LATE, "late (running)"),
    ({"is_late": True, "is_on": False}, State.OFF, "off"),
    ({"is_late": True, "is_paused": True}, State.PAUSED, "paused"),
    ({"errors": 1}, State.ERRORS, "errors"),
    ({"errors": 1, "is_running": True}, State.ERRORS, "errors (running)"),
    ({"errors": 1, "is_late": True}, State.ERRORS, "errors"),
    ({"errors": 1, "is_paused": True}, State.ERRORS, "errors (paused)"),
    ({"errors": 1, "is_on": False}, State.ERRORS, "errors (off)"),
    ({"held": 1}, State.HELD, "held"),
    ({"held": 1, "errors": 5}, State.HELD, "held"),
    ({"source_down": True}, State.SOURCE_DOWN, "source down"),
    ({"source_down": True, "held": 1}, State.SOURCE_DOWN, "source down"),
    ({"source_down": True, "is_on": False}, State.OFF, "off"),
    ({"source_down": True, "is_paused": True}, State.PAUSED, "paused"),
    ({"target_down": True}, State.TARGET_DOWN, "target down"),
    ({"target_down": True, "source_down": True}, State.TARGET_DOWN, "target down"),
    ({"target_down": True, "is_on": False}, State.OFF, "off"),
    ({"credentials_refused": True}, State.CREDENTIALS, "credentials"),
    ({"credentials_refused": True, "target_down": True}, State.CREDENTIALS, "credentials"),
    ({"credentials_refused": True, "is_paused": True}, State.PAUSED, "paused"),
    ({"brake": True}, State.BRAKE, "brake"),
    ({"brake": True, "credentials_refused": True}, State.BRAKE, "brake"),
    ({"brake": True, "is_on": False}, State.BRAKE, "brake (off)"),
    ({"sealed": True}, State.SEALED, "sealed"),
    ({"sealed": True, "brake": True, "errors": 1}, State.SEALED, "sealed"),
]


@pytest.mark.parametrize(("facts", "state", "words"), TABLE, ids=str)
def test_the_worst_that_is_true_is_the_state(facts: dict[str, Any], state: State, words: str) -> None:
    assert flow_state(Facts(**facts)) == state
    assert in_words(Facts(**facts)) == words


TROUBLES: list[tuple[str, Any, State]] = [
    ("is_late", True, State.LATE),
    ("errors", 1, State.ERRORS),
    ("held", 1, State.HELD),
    ("source_down", True, State.SOURCE_DOWN),
    ("target_down", True, State.TARGET_DOWN),
    ("credentials_refused", True, State.CREDENTIALS),
    ("brake", True, State.BRAKE),
    ("sealed", True, State.SEALED),
]


@pytest.mark.parametrize(("better", "worse"), list(combinations(TROUBLES, 2)), ids=lambda trouble: trouble[0])
def test_of_two_troubles_the_worse_is_shown(better: tuple[str, Any, State], worse: tuple[str, Any, State]) -> None:
    facts = Facts(**{better[0]: better[1], worse[0]: worse[1]})
    assert flow_state(facts) == worse[2]


def test_the_lag_is_the_age_of_the_oldest_unfinished_change() -> None:
    look = LookFacts(last_look_at=NOON, last_good_look_at=NOON, oldest_unfinished_at=NOON - 7 * MINUTE)
    assert lag(look, NOON) == Lag(7 * MINUTE, NOON)


def test_the_lag_is_zero_when_the_last_look_left_nothing() -> None:
    assert lag(LookFacts(last_look_at=NOON, last_good_look_at=NOON), NOON + MINUTE) == Lag(timedelta(0), NOON)


def test_the_lag_is_unknown_when_the_last_look_failed() -> None:
    look = LookFacts(last_look_at=NOON, last_good_look_at=NOON - MINUTE, last_look_failure="remote.source-down")
    assert lag(look, NOON) == Lag(None, NOON - MINUTE)


def test_the_lag_is_unknown_before_the_first_look() -> None:
    assert lag(LookFacts(), NOON) == Lag(None, None)


def test_a_change_from_the_future_gives_no_negative_lag() -> None:
    look = LookFacts(last_look_at=NOON, oldest_unfinished_at=NOON + MINUTE)
    assert lag(look, NOON).behind == timedelta(0)


def test_a_flow_lags_as_far_as_its_slowest_stream() -> None:
    lags = [Lag(MINUTE, NOON), Lag(3 * MINUTE, NOON - MINUTE)]
    assert worst_lag(lags) == Lag(3 * MINUTE, NOON - MINUTE)


def test_a_flow_with_one_unknown_lag_has_an_unknown_one() -> None:
    assert worst_lag([Lag(MINUTE, NOON), Lag(None, None)]) == Lag(None, None)


def test_a_flow_without_streams_has_an_unknown_lag() -> None:
    assert worst_lag([]).behind is None


@pytest.mark.parametrize(
    ("age", "late"), [(None, False), (0, False), (5, False), (9, False), (10, False), (11, True), (60, True)]
)
def test_a_flow_is_late_when_its_schedule_came_up_twice_since(age: int | None, late: bool) -> None:
    fires = [NOON - 5 * place * MINUTE for place in range(1, 10)]
    since = [] if age is None else [NOON, NOON - age * MINUTE]
    assert is_late(since, fires) is late


def test_a_flow_whose_schedule_never_came_up_is_not_late() -> None:
    assert not is_late([NOON - timedelta(days=9)], [])
