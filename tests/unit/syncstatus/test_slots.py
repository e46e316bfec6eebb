"""A slot of a schedule is taken once, by whoever comes first, however often and however late anybody knocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common import clock
from syncstatus.cron import fires_after
from syncstatus.models import Flow
from syncstatus.schedule import retried_from, retries_until, take_slot
from tenants.models import Tenant
from tenants.scoping import tenant_scope

KOLKATA, KATHMANDU, BERLIN, NEW_YORK = "Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin", "America/New_York"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    tenant = Tenant.objects.create(name="ashwini", connector="none-installed")
    with tenant_scope(tenant):
        yield tenant


@pytest.fixture
def flow(tenant: Tenant) -> Flow:
    with clock.frozen(NOON):
        return Flow.objects.create(tenant=tenant, key="there", cron="*/5 * * * *", zone=KOLKATA, is_on=True)


def knock(flow: Flow, now: datetime) -> bool:
    """As a task does: it reads the flow when it begins."""
    return take_slot(Flow.objects.get(pk=flow.pk), now)


def taken_by(flow: Flow, *knocks: str) -> list[str]:
    """The knocks (times) that got a slot."""
    return [text for text in knocks if knock(flow, at(text))]


def schedule(flow: Flow, cron: str, zone: str, since: str) -> Flow:
    """Give the flow a schedule that is in force since then."""
    with clock.frozen(at(since)):
        flow.cron, flow.zone = cron, zone
        flow.save()
    return flow


def test_a_message_that_comes_twice_acts_once(flow: Flow) -> None:
    assert taken_by(flow, "2026-03-01T12:05:00Z", "2026-03-01T12:05:00.200Z") == ["2026-03-01T12:05:00Z"]


def test_two_tasks_that_read_the_flow_at_the_same_time_act_once(flow: Flow) -> None:
    one, other = Flow.objects.get(pk=flow.pk), Flow.objects.get(pk=flow.pk)
    assert [take_slot(each, NOON + 5 * MINUTE) for each in (one, other)] == [True, False]


def test_a_beat_that_was_down_for_hours_leads_to_one_run(flow: Flow) -> None:
    assert taken_by(flow, "2026-03-01T15:02:00Z", "2026-03-01T15:02:01Z", "2026-03-01T15:02:02Z") == [
        "2026-03-01T15:02:00Z"
    ]


def test_a_knock_for_a_slot_before_the_last_one_does_nothing(flow: Flow) -> None:
    assert taken_by(flow, "2026-03-01T12:10:00Z", "2026-03-01T12:09:59Z") == ["2026-03-01T12:10:00Z"]


def test_a_knock_between_two_slots_does_nothing(flow: Flow) -> None:
    assert taken_by(flow, "2026-03-01T12:05:00Z", "2026-03-01T12:07:00Z", "2026-03-01T12:10:01Z") == [
        "2026-03-01T12:05:00Z",
        "2026-03-01T12:10:01Z",
    ]


def test_a_knock_a_moment_before_its_slot_leaves_the_slot_to_the_next(flow: Flow) -> None:
    """The clock of the beat may go before that of the worker."""
    assert taken_by(flow, "2026-03-01T12:04:59Z", "2026-03-01T12:05:20Z") == ["2026-03-01T12:05:20Z"]


def test_a_changed_line_holds_at_once(flow: Flow) -> None:
    schedule(flow, "0 * * * *", KOLKATA, "2026-03-01T12:06:00Z")
    assert taken_by(flow, "2026-03-01T12:10:00Z", "2026-03-01T12:30:00Z") == ["2026-03-01T12:30:00Z"]  # 18:00 there


def test_a_new_line_does_not_make_up_for_times_before_it(flow: Flow) -> None:
    schedule(flow, "0 17 * * *", KOLKATA, "2026-03-01T12:00:00Z")  # half past five there
    assert taken_by(flow, "2026-03-01T12:01:00Z", "2026-03-02T11:30:00Z") == ["2026-03-02T11:30:00Z"]


def test_a_flow_that_goes_on_waits_for_its_next_slot(flow: Flow) -> None:
    for paused, moment in ((True, NOON), (False, NOON + 62 * MINUTE)):
        with clock.frozen(moment):
            flow.is_paused = paused
            flow.save()
    assert taken_by(flow, "2026-03-01T13:03:00Z", "2026-03-01T13:05:00Z") == ["2026-03-01T13:05:00Z"]


@pytest.mark.parametrize("change", [{"is_on": False}, {"is_paused": True}, {"cron": "0 6 * * *"}, {"zone": BERLIN}])
def test_a_flow_changed_since_the_knock_read_it_gives_no_slot(flow: Flow, change: dict[str, object]) -> None:
    read_before = Flow.objects.get(pk=flow.pk)
    Flow.objects.filter(pk=flow.pk).update(**change)
    assert not take_slot(read_before, NOON + 5 * MINUTE)


def test_a_form_opened_before_does_not_give_a_slot_again(flow: Flow) -> None:
    opened = Flow.objects.get(pk=flow.pk)
    assert knock(flow, NOON + 5 * MINUTE)
    opened.retry_cron = "0 2 * * *"
    opened.save()
    assert not knock(flow, NOON + 6 * MINUTE)


def test_a_flow_of_a_release_that_knew_no_slots_runs_at_its_newest_one(flow: Flow) -> None:
    Flow.objects.filter(pk=flow.pk).update(slot_at=None)
    assert taken_by(flow, "2026-03-01T12:07:00Z", "2026-03-01T12:08:00Z") == ["2026-03-01T12:07:00Z"]


def test_a_clock_that_went_years_ahead_does_not_silence_a_schedule(flow: Flow) -> None:
    assert knock(flow, at("2036-01-01T00:00:00Z"))
    assert taken_by(flow, "2026-03-01T12:05:00Z", "2026-03-01T12:06:00Z") == ["2026-03-01T12:05:00Z"]


def test_a_clock_that_goes_a_little_before_ours_leaves_nothing_for_us(flow: Flow) -> None:
    assert taken_by(flow, "2026-03-01T12:10:01Z", "2026-03-01T12:08:00Z") == ["2026-03-01T12:10:01Z"]


@pytest.mark.parametrize(
    ("cron", "zone", "since", "until", "expected"),
    [
        # In Berlin 29 March 2026 has no hour from two to three, 25 October has it twice.
        ("30 2 * * *", BERLIN, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", ["03-29 01:30", "03-30 00:30"]),
        ("0 3 * * *", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", ["03-29 01:00"]),
        ("0 4 * * *", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", ["03-29 02:00"]),
        ("30 2 * * *", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", ["10-25 00:30", "10-25 01:30"]),
        ("0 4 * * *", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", ["10-25 03:00"]),
        ("30 2 * * *", NEW_YORK, "2026-03-07T12:00:00Z", "2026-03-08T12:00:00Z", ["03-08 07:30"]),
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00:00Z", "2026-11-01T12:00:00Z", ["11-01 05:30", "11-01 06:30"]),
        # A quarter to six ahead.
        ("0 6 * * *", KATHMANDU, "2026-03-01T00:00:00Z", "2026-03-02T12:00:00Z", ["03-01 00:15", "03-02 00:15"]),
    ],
)
def test_asked_every_minute_a_schedule_gives_each_of_its_times_once(
    flow: Flow, cron: str, zone: str, since: str, until: str, expected: list[str]
) -> None:
    schedule(flow, cron, zone, since)
    moment, given_at = at(since), []
    while moment < at(until):
        moment += MINUTE
        if take_slot(flow, moment):
            flow.refresh_from_db()
            given_at.append(moment.strftime("%m-%d %H:%M"))
    assert given_at == expected


# --- whatever the line, the zone and the knocks


def lines() -> st.SearchStrategy[str]:
    minutes = st.one_of(st.sampled_from(["*", "*/5", "*/7", "0,30", "59"]), st.integers(0, 59).map(str))
    hours = st.one_of(st.sampled_from(["*", "*/6", "1-3", "22-23,0-5"]), st.integers(0, 23).map(str))
    weekdays = st.sampled_from(["*", "*", "0", "1-5", "sun,wed"])
    return st.builds("{} {} * * {}".format, minutes, hours, weekdays)


def moments() -> st.SearchStrategy[datetime]:
    """Around changes of the clock, and on any day."""
    around = [at(text) for text in ("2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-11-01T06:00:00Z")]
    spans = st.timedeltas(timedelta(0), timedelta(hours=30))
    days = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(ZoneInfo("UTC")))
    near = st.builds(lambda one, span: one - timedelta(hours=12) + span, st.sampled_from(around), spans)
    return st.one_of(near, days)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cron=lines(),
    zone=st.sampled_from([KOLKATA, KATHMANDU, BERLIN, NEW_YORK, "Australia/Lord_Howe", "UTC"]),
    begin=moments(),
    gaps=st.lists(st.timedeltas(timedelta(seconds=-90), timedelta(hours=9)), min_size=1, max_size=12),
    repeats=st.lists(st.integers(1, 3), min_size=12, max_size=12),
)
def test_each_slot_is_given_at_most_once_and_the_newest_is_never_missed(
    tenant: Tenant, cron: str, zone: str, begin: datetime, gaps: list[timedelta], repeats: list[int]
) -> None:
    """Knocks come late, early, doubled, out of order and not at all; the answer is that of the list of all slots."""
    Flow.objects.filter(key="any").delete()
    with clock.frozen(begin):
        flow = Flow.objects.create(tenant=tenant, key="any", cron=cron, zone=zone, is_on=True)
    now, newest_given = begin, begin
    for gap, times in zip(gaps, repeats, strict=False):
        now += gap
        passed = list(takewhile(lambda fire: fire <= now, fires_after(cron, zone, newest_given)))  # noqa: B023  # used at once
        answers = [knock(flow, now) for _ in range(times)]
        assert answers == [bool(passed)] + [False] * (times - 1)
        newest_given = passed[-1] if passed else newest_given


# --- the schedule of retries


def test_by_default_what_is_due_may_be_tried_at_once(flow: Flow) -> None:
    now = NOON + timedelta(seconds=20)
    assert (retries_until(flow, now) or NOON) > now
    assert retried_from(flow, now) == now


def test_with_a_line_for_the_night_what_failed_by_day_waits_for_the_night(flow: Flow) -> None:
    flow.retry_cron = "0 2 * * *"  # half past eight in the evening, UTC
    assert retries_until(flow, NOON) == at("2026-02-28T20:31:00Z")
    assert retried_from(flow, NOON) == at("2026-03-01T20:30:00Z")


def test_a_line_for_every_minute_of_the_night_lets_what_is_due_then_be_tried_at_once(flow: Flow) -> None:
    flow.retry_cron = "* 22-23,0-5 * * *"
    by_night = at("2026-03-01T20:30:20Z")
    assert retried_from(flow, by_night) == by_night
    assert (retries_until(flow, by_night) or NOON) > by_night
