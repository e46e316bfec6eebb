from __future__ import annotations

from datetime import UTC, datetime

from bahmni.avni_to_bahmni.reading import LookBack
from common import clock


def test_a_process_that_lives_less_than_an_hour_looks_back_once_when_an_hour_ends() -> None:
    with clock.frozen(datetime(2026, 1, 5, 10, 40, tzinfo=UTC)) as time:
        late = LookBack()
        due = []
        for _ in range(6):
            due.append(late.is_due("Individual"))
            time.advance(300)
    assert due == [False, False, False, False, True, False]


def test_each_part_has_its_own_turn() -> None:
    with clock.frozen(datetime(2026, 1, 5, 10, 59, tzinfo=UTC)) as time:
        late = LookBack()
        late.is_due("ANC")
        time.advance(120)
        assert (late.is_due("PNC"), late.is_due("ANC")) == (False, True)
