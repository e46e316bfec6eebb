"""What a knock, the sweep and a person ring for; and which error records may be tried again when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from common import clock
from common.clock import FrozenClock
from engine import bell, moves, slots
from engine.tasks import knock, sweep
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Flow, StartPolicy, Stream
from tenants.audit import COMMAND
from tenants.models import Tenant
from tests.unit.engine.factories import NOON, error_of
from tests.unit.engine.fake_connector import BACK, OUT

MINUTE = timedelta(minutes=1)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Streams for which a message would have been sent to the broker."""
    sent: list[str] = []
    monkeypatch.setattr(bell, "send", lambda stream: sent.append(stream.key))
    return sent


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as time:
        yield time


@pytest.fixture
def flow(ready: Tenant, time: FrozenClock) -> Flow:
    row = Flow.objects.get(key=OUT)
    moves.switch_on(row, start_policy=StartPolicy.RECENT, actor=COMMAND)
    return row


def is_due() -> bool:
    return Stream.objects.get(flow__key=OUT).due_since is not None


def looked_at() -> None:
    Stream.objects.update(due_since=None)


def test_a_knock_rings_for_the_streams_of_its_flow_once(
    flow: Flow, time: FrozenClock, rung: list[str], django_capture_on_commit_callbacks: object
) -> None:
    time.advance(300)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture without a type
        knock(flow.pk)
        knock(flow.pk)
    assert rung == ["paper-subject"]


def test_a_knock_after_the_slot_was_worked_off_does_nothing(flow: Flow, time: FrozenClock, rung: list[str]) -> None:
    time.advance(300)
    knock(flow.pk)
    looked_at()
    time.advance(120)
    knock(flow.pk)
    assert not is_due()


def test_a_slot_nobody_knocked_for_is_found_by_the_sweep(flow: Flow, time: FrozenClock, rung: list[str]) -> None:
    time.advance(300)
    assert sweep() == 1
    looked_at()
    assert sweep() == 0


def test_a_slot_that_was_knocked_for_is_not_rung_for_again_by_the_sweep(
    flow: Flow, time: FrozenClock, rung: list[str]
) -> None:
    time.advance(300)
    knock(flow.pk)
    looked_at()
    assert sweep() == 0


def test_run_now_takes_no_slot(flow: Flow, time: FrozenClock, rung: list[str]) -> None:
    time.advance(299)
    moves.run_now(flow, actor=COMMAND)
    looked_at()
    time.advance(1)
    knock(flow.pk)
    assert is_due()


def test_a_slot_that_was_taken_keeps_nobody_from_running_now(flow: Flow, time: FrozenClock, rung: list[str]) -> None:
    time.advance(300)
    knock(flow.pk)
    looked_at()
    moves.run_now(flow, actor=COMMAND)
    assert is_due()


def test_a_line_nobody_can_read_keeps_no_other_flow_from_its_slot(
    flow: Flow, time: FrozenClock, rung: list[str]
) -> None:
    other = Flow.objects.get(key=BACK)
    moves.switch_on(other, start_policy=StartPolicy.RECENT, actor=COMMAND)
    Flow.objects.filter(pk=flow.pk).update(cron="soon", retry_cron="soon")
    time.advance(300)
    assert sweep() == 1
    assert rung == ["paper-card"]


# --- error processing


def due(flow: Flow) -> list[str]:
    flow.refresh_from_db()
    rows = slots.due_for_retry(ErrorRecord.objects.all(), [flow], clock.now())
    return sorted(rows.values_list("entity_id", flat=True))


def failed(entity: str, state: ErrorState = ErrorState.RETRYING) -> ErrorRecord:
    """A record whose next attempt is due now."""
    stream = Stream.objects.get(flow__key=OUT)
    return error_of(stream, entity_id=entity, state=state, next_attempt_at=clock.now())


@pytest.fixture
def by_night(flow: Flow) -> Flow:
    """Retries at two in the morning there: half past eight in the evening, UTC."""
    moves.change_settings(flow, {"retry_cron": "0 2 * * *"}, actor=COMMAND)
    return flow


def test_a_failed_record_is_tried_as_soon_as_it_is_due(flow: Flow) -> None:
    failed("one")
    assert due(flow) == ["one"]


def test_with_a_schedule_for_the_night_a_failed_record_waits_for_it(by_night: Flow, time: FrozenClock) -> None:
    failed("one")
    assert due(by_night) == []
    time.advance(8.5 * 3600 - 1)
    assert due(by_night) == []
    time.advance(1)
    assert due(by_night) == ["one"]


def test_what_the_night_was_too_short_for_is_tried_in_the_morning(by_night: Flow, time: FrozenClock) -> None:
    failed("one")
    time.advance(20 * 3600)
    failed("two")
    assert due(by_night) == ["one"]


def test_what_waits_for_another_record_does_not_wait_for_the_night(by_night: Flow) -> None:
    failed("one", ErrorState.DEFERRED)
    assert due(by_night) == ["one"]


def test_a_person_retries_at_any_time(by_night: Flow, rung: list[str]) -> None:
    row = failed("one")
    moves.retry(ErrorRecord.objects.filter(pk=row.pk), actor=COMMAND)
    assert due(by_night) == ["one"]


def test_the_sweep_rings_for_retries_when_their_schedule_lets_them(
    by_night: Flow, time: FrozenClock, rung: list[str]
) -> None:
    Flow.objects.filter(pk=by_night.pk).update(cron="0 0 1 1 *")
    failed("one")
    assert sweep() == 0
    time.advance(8.5 * 3600)
    assert sweep() == 1
