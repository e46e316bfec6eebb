from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django_celery_beat.models import PeriodicTask

from common import clock
from engine import bell, moves
from engine.moves import CannotStart
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Flow, Position, StartPolicy, Stream
from tenants.audit import COMMAND
from tenants.models import AuditEntry, Connection, Tenant
from tenants.scoping import tenant_scope
from tenants.secrets import Secret
from tests.unit.engine.factories import NOON, error_of
from tests.unit.engine.fake_connector import BACK, OUT


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Streams for which a message would have been sent to the broker."""
    sent: list[str] = []
    monkeypatch.setattr(bell, "send", lambda stream: sent.append(stream.key))
    return sent


@pytest.fixture
def flow(ready: Tenant) -> Flow:
    return Flow.objects.get(key=OUT)


@pytest.fixture
def running(flow: Flow) -> Flow:
    moves.switch_on(flow, start_policy=StartPolicy.RECENT, actor=COMMAND)
    return flow


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


def last_entry() -> dict[str, Any]:
    row = AuditEntry.objects.order_by("-pk")[0]
    return {"action": row.action, "before": row.before, "after": row.after, "reason": row.reason, "door": row.door}


def entry_of(flow: Flow) -> PeriodicTask:
    return PeriodicTask.objects.get(name=f"flow:ashwini:{flow.key}")


# --- switching on


def test_a_flow_is_switched_on_with_its_schedule(running: Flow) -> None:
    assert Flow.objects.get(key=OUT).is_on
    assert entry_of(running).enabled


def test_its_streams_begin_when_it_was_switched_on_if_the_start_policy_says_so(running: Flow) -> None:
    assert running.began_at
    assert list(Position.objects.values_list("stream__key", "partition", "value")) == [
        ("paper-subject", "Individual", {"begins": running.began_at.isoformat()})
    ]


def test_without_a_start_policy_a_new_flow_stays_off(flow: Flow) -> None:
    with pytest.raises(CannotStart) as refusal:
        moves.switch_on(flow, actor=COMMAND)
    assert refusal.value.reasons == [
        "Say where to begin: recent, beginning or a date (2026-04-01 or 2026-04-01T06:30). There is no default."
    ]
    assert not Flow.objects.get(key=OUT).is_on


def test_an_unknown_start_policy_is_refused(flow: Flow) -> None:
    with pytest.raises(CannotStart, match="'sometime' is no start policy"):
        moves.switch_on(flow, start_policy="sometime", actor=COMMAND)


def test_a_flow_that_ran_before_needs_no_start_policy_and_keeps_its_position(running: Flow) -> None:
    Position.objects.update(value={"page": 7})
    moves.switch_off(running, actor=COMMAND)
    moves.switch_on(running, actor=COMMAND)
    assert Position.objects.get().value == {"page": 7}


def test_a_flow_that_ran_before_cannot_begin_otherwise(running: Flow) -> None:
    with pytest.raises(CannotStart, match="It began with 'recent'"):
        moves.switch_on(running, start_policy=StartPolicy.BEGINNING, actor=COMMAND)


def test_everything_that_is_missing_is_told_at_once(in_ashwini: Tenant) -> None:
    with pytest.raises(CannotStart) as refusal:
        moves.switch_on(Flow.objects.get(key=BACK), actor=COMMAND)
    assert len(refusal.value.reasons) == 5  # a mapping, a constant, two connections, the start policy


def test_a_connection_that_is_missing_keeps_the_flow_off(flow: Flow) -> None:
    Connection.objects.filter(side="paper").delete()
    with pytest.raises(CannotStart, match="There is no connection to the card box"):
        moves.switch_on(flow, start_policy=StartPolicy.RECENT, actor=COMMAND)


def test_switching_on_ends_a_pause(running: Flow) -> None:
    moves.pause(running, actor=COMMAND)
    moves.switch_on(running, actor=COMMAND)
    assert not Flow.objects.get(key=OUT).is_paused


def test_switching_on_is_on_record(running: Flow) -> None:
    assert last_entry() == {
        "action": "switch on",
        "before": {"is_on": False, "start_policy": ""},
        "after": {"is_on": True, "start_policy": "recent"},
        "reason": "",
        "door": "command",
    }


# --- off, pause, resume, run now


def test_switching_off_stops_the_schedule(running: Flow) -> None:
    assert moves.switch_off(running, actor=COMMAND, reason="moving house")
    assert not entry_of(running).enabled
    assert last_entry()["reason"] == "moving house"


def test_switching_off_twice_leaves_one_entry_on_record(running: Flow) -> None:
    moves.switch_off(running, actor=COMMAND)
    assert not moves.switch_off(running, actor=COMMAND)
    assert AuditEntry.objects.filter(action="switch off").count() == 1


def test_a_paused_flow_does_not_run_by_its_schedule_until_it_is_resumed(running: Flow) -> None:
    moves.pause(running, actor=COMMAND)
    assert not entry_of(running).enabled
    moves.resume(running, actor=COMMAND)
    assert entry_of(running).enabled


def test_the_row_in_hand_shows_what_was_done(running: Flow) -> None:
    moves.pause(running, actor=COMMAND)
    assert running.is_paused


def test_run_now_marks_the_streams_due_and_rings(
    running: Flow, rung: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        moves.run_now(running, actor=COMMAND)
    assert rung == ["paper-subject"]
    assert Stream.objects.get(key="paper-subject").due_since is not None
    assert last_entry()["action"] == "run now"


def test_a_flow_that_is_off_does_not_run_now(flow: Flow, rung: list[str]) -> None:
    with pytest.raises(CannotStart, match="It is off"):
        moves.run_now(flow, actor=COMMAND)
    assert Stream.objects.get(key="paper-subject").due_since is None


def test_a_paused_flow_does_not_run_now(running: Flow) -> None:
    moves.pause(running, actor=COMMAND)
    with pytest.raises(CannotStart, match="It is paused"):
        moves.run_now(running, actor=COMMAND)


# --- records


@pytest.fixture
def stream(running: Flow) -> Stream:
    return Stream.objects.get(key="paper-subject")


@pytest.mark.parametrize("state", [ErrorState.RETRYING, ErrorState.DEFERRED, ErrorState.HELD, ErrorState.IGNORED])
def test_a_retried_record_is_due_at_once(stream: Stream, state: ErrorState) -> None:
    error_of(stream, state=state)
    assert moves.retry(ErrorRecord.objects.all(), actor=COMMAND) == 1
    assert list(ErrorRecord.objects.values_list("state", "next_attempt_at")) == [("retrying", NOON)]


def test_a_record_that_got_through_is_not_tried_again(stream: Stream) -> None:
    error_of(stream, state=ErrorState.RESOLVED)
    assert moves.retry(ErrorRecord.objects.all(), actor=COMMAND) == 0


def test_retry_rings_each_stream_once(stream: Stream, rung: list[str], django_capture_on_commit_callbacks: Any) -> None:
    for _ in range(3):
        error_of(stream, state=ErrorState.HELD)
    with django_capture_on_commit_callbacks(execute=True):
        moves.retry(ErrorRecord.objects.all(), actor=COMMAND)
    assert rung == ["paper-subject"]


def test_retry_does_not_wake_a_flow_that_is_off(
    stream: Stream, running: Flow, rung: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    error_of(stream, state=ErrorState.HELD)
    moves.switch_off(running, actor=COMMAND)
    with django_capture_on_commit_callbacks(execute=True):
        moves.retry(ErrorRecord.objects.all(), actor=COMMAND)
    assert rung == []


def test_many_retries_are_one_entry_on_record_with_what_was_chosen(stream: Stream) -> None:
    for _ in range(3):
        error_of(stream, state=ErrorState.HELD)
    moves.retry(ErrorRecord.objects.filter(state="held"), actor=COMMAND, chosen="state: held")
    assert AuditEntry.objects.filter(action="retry errors").count() == 1
    assert last_entry()["after"] == {"records": 3, "chosen": "state: held"}


def test_only_the_chosen_records_are_tried(stream: Stream) -> None:
    chosen, other = (error_of(stream, state=ErrorState.HELD) for _ in range(2))
    moves.retry(ErrorRecord.objects.filter(pk=chosen.pk), actor=COMMAND)
    other.refresh_from_db()
    assert other.state == ErrorState.HELD


def test_records_of_two_tenants_leave_an_entry_in_each(stream: Stream, bissau: Tenant) -> None:
    with tenant_scope(stream.tenant, bissau):
        for each in (stream, Stream.objects.get(tenant=bissau, key="paper-subject")):
            error_of(each, state=ErrorState.HELD)
        assert moves.retry(ErrorRecord.objects.all(), actor=COMMAND) == 2
        entries = AuditEntry.objects.filter(action="retry errors")
        assert set(entries.values_list("tenant__name", flat=True)) == {"ashwini", "bissau"}


def test_an_ignored_record_waits_for_nothing_and_says_why(stream: Stream) -> None:
    error_of(stream, waits_for="identifier:TRI1", state=ErrorState.DEFERRED)
    assert moves.ignore(ErrorRecord.objects.all(), reason="a test patient", actor=COMMAND) == 1
    row = ErrorRecord.objects.get()
    assert (row.state, row.next_attempt_at, row.waits_for, row.ignored_reason) == (
        "ignored",
        None,
        "",
        "a test patient",
    )


def test_ignoring_needs_a_reason(stream: Stream) -> None:
    with pytest.raises(ValueError, match="say why"):
        moves.ignore(ErrorRecord.objects.all(), reason="  ", actor=COMMAND)


# --- settings


def test_a_change_is_on_record_with_before_and_after(flow: Flow) -> None:
    assert moves.change_settings(flow, {"cron": "0 3 * * *", "zone": "Asia/Kolkata"}, actor=COMMAND)
    assert last_entry()["action"] == "flow.change"
    assert last_entry()["before"] == {"cron": "*/5 * * * *"}
    assert last_entry()["after"] == {"cron": "0 3 * * *"}


def test_a_change_to_what_is_already_leaves_no_trace(flow: Flow) -> None:
    before = AuditEntry.objects.count()
    assert not moves.change_settings(flow, {"cron": flow.cron}, actor=COMMAND)
    assert AuditEntry.objects.count() == before


def test_a_change_that_is_not_valid_is_refused_and_undone(flow: Flow) -> None:
    with pytest.raises(ValidationError):
        moves.change_settings(flow, {"zone": "UTC", "cron": "soon"}, actor=COMMAND)
    assert Flow.objects.get(key=OUT).zone == "Asia/Kolkata"


def test_a_secret_is_changed_without_coming_on_record(ready: Tenant) -> None:
    connection = Connection.objects.get(side="avni")
    moves.change_settings(connection, {"secret": Secret.of("hunter2")}, actor=COMMAND)
    assert (last_entry()["before"], last_entry()["after"]) == ({"secret": "(empty)"}, {"secret": "(set)"})
    assert Connection.objects.get(side="avni").secret.reveal() == "hunter2"
