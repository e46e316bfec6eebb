from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from engine.overview import FlowOverview, overview
from errors.models import ErrorState
from syncstatus.models import Flow, Lease, Run, RunState, Stream
from syncstatus.state import State
from tenants.models import Tenant
from tests.unit.engine.factories import NOON, error_of
from tests.unit.engine.fake_connector import OUT

MINUTE = timedelta(minutes=1)


@pytest.fixture
def stream(in_ashwini: Tenant) -> Stream:
    Flow.objects.filter(key=OUT).update(is_on=True)
    Stream.objects.update(last_look_at=NOON, last_good_look_at=NOON)
    return Stream.objects.get(key="paper-subject")


def look() -> FlowOverview:
    return overview(Flow.objects.filter(key=OUT).select_related("tenant"), NOON)[0]


def run_of(stream: Stream, *, minutes_ago: int, state: RunState = RunState.DONE) -> Run:
    return Run.objects.create(
        tenant=stream.tenant, stream=stream, started_at=NOON - minutes_ago * MINUTE, token=1, state=state
    )


def hold_lease(stream: Stream, *, until: timedelta) -> None:
    Lease.objects.filter(tenant=stream.tenant).update(expires_at=NOON + until)


def test_a_flow_that_waits_for_its_slot_is_ok(stream: Stream) -> None:
    assert (look().state, look().lag.behind, look().next_run_at) == (State.OK, timedelta(0), NOON + 5 * MINUTE)


def test_it_is_called_by_its_label(stream: Stream) -> None:
    assert look().label == "Avni → cards"


def test_a_flow_of_a_connector_that_is_gone_is_called_by_its_key(stream: Stream) -> None:
    Tenant.objects.update(connector="gone")
    assert look().label == OUT


def test_waiting_and_errors_are_counted(stream: Stream) -> None:
    states = (ErrorState.RETRYING, ErrorState.DEFERRED, ErrorState.HELD, ErrorState.IGNORED, ErrorState.RESOLVED)
    for number, state in enumerate(states, start=2):
        for _ in range(number):
            error_of(stream, state=state)
    assert (look().waiting, look().errors, look().held) == (5, 6, 4)


def test_the_errors_of_another_flow_do_not_count(stream: Stream) -> None:
    error_of(Stream.objects.get(key="paper-card"))
    assert look().state == State.OK


def test_the_last_run_is_the_latest_of_all_streams(stream: Stream) -> None:
    run_of(stream, minutes_ago=9)
    latest = run_of(stream, minutes_ago=2)
    assert look().last_run == latest


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        ("remote.source-down", State.SOURCE_DOWN),
        ("remote.target-down", State.TARGET_DOWN),
        ("remote.sign-in", State.CREDENTIALS),
        ("remote.sign-in.new-password", State.CREDENTIALS),
        ("remote.source-down.provider", State.SOURCE_DOWN),
    ],
)
def test_w11_what_stopped_the_last_look_is_the_state(stream: Stream, failure: str, state: State) -> None:
    Stream.objects.update(last_look_failure=failure, last_good_look_at=NOON - MINUTE)
    assert (look().state, look().lag.behind, look().lag.last_good_look_at) == (state, None, NOON - MINUTE)


def test_a_run_under_a_lease_is_running(stream: Stream) -> None:
    run_of(stream, minutes_ago=1, state=RunState.RUNNING)
    hold_lease(stream, until=MINUTE)
    assert look().state == State.RUNNING


def test_a_run_whose_lease_ended_is_not_running(stream: Stream) -> None:
    run_of(stream, minutes_ago=1, state=RunState.RUNNING)
    hold_lease(stream, until=-MINUTE)
    assert look().state == State.OK


def test_an_unfinished_change_older_than_two_slots_makes_it_late(stream: Stream) -> None:
    Stream.objects.filter(pk=stream.pk).update(oldest_unfinished_at=NOON - 6 * MINUTE)
    assert (look().state, look().lag.behind) == (State.LATE, 6 * MINUTE)


def test_a_flow_nobody_looks_at_is_late_though_nothing_is_known_to_be_unfinished(stream: Stream) -> None:
    Stream.objects.filter(pk=stream.pk).update(last_look_at=NOON - 6 * MINUTE)
    assert (look().state, look().lag.behind, look().last_look_at) == (State.LATE, timedelta(0), NOON - 6 * MINUTE)


def test_the_number_of_queries_does_not_grow_with_the_flows(stream: Stream, bissau: Tenant, everywhere: None) -> None:
    def queries(rows: list[Flow]) -> int:
        with CaptureQueriesContext(connection) as counted:
            overview(rows, NOON)
        return len(counted)

    for each in Stream.objects.all():
        run_of(each, minutes_ago=1)
        error_of(each)
    flows = list(Flow.objects.select_related("tenant").order_by(F("pk")))
    assert queries(flows) == queries(flows[:1]) <= 4
