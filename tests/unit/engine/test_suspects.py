"""What a lost worker was writing is compared with the target again until nothing of that worker can come any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
from pytest_django import Settings

from common import clock
from common.clock import FrozenClock
from engine import bell, comparing, suspects, tasks, work
from engine.lease import DURATION, Grant, take
from engine.ports import Page
from engine.suspects import COMPARED_AFTER, GRACE
from errors.models import ErrorRecord
from syncstatus.models import Flow, Lease, Link, Run, RunKind, Stream, Suspect
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import Paper, card, down
from tests.unit.engine.factories import error_of

pytestmark = pytest.mark.django_db

MINUTE = 60.0


@pytest.fixture(name="time")
def a_clock() -> Iterator[FrozenClock]:
    with clock.frozen(clock.now()) as time:
        yield time


@pytest.fixture(name="there")
def a_desk(db: None, time: FrozenClock) -> Iterator[Desk]:
    """Two cards that are through."""
    with desk() as built:
        built.paper.add(card("a"), card("b"))
        built.work()
        yield built


def lost(there: Desk, *in_flight: str) -> Grant:
    """A holder that hangs or died while it handed these over; its lease has run out."""
    grant = there.taken()
    grant.extend(in_flight, of=Stream.objects.get(key=STREAM).pk)
    run_out(there)
    return grant


def run_out(there: Desk) -> None:
    """By the database's clock, which the tests do not hold."""
    Lease.objects.filter(tenant=there.tenant).update(expires_at=there.tenant.created_at - DURATION)


def looks(there: Desk) -> int:
    """How often the target was asked since this was last called."""
    return there.paper.asked.pop("look", 0)


def test_what_was_in_flight_is_compared_after_one_five_and_fifteen_minutes_and_no_more(
    there: Desk, time: FrozenClock
) -> None:
    lost(there, "a")
    there.work()
    looks(there)
    compared = []
    for minute in range(1, 25):
        time.advance(MINUTE)
        there.work()
        if looks(there):
            compared.append(minute)
    assert compared == [after / timedelta(minutes=1) for after in COMPARED_AFTER]
    assert not Suspect.objects.exists()


def test_a_comparison_asks_for_what_was_in_flight_and_for_nothing_else(there: Desk, time: FrozenClock) -> None:
    lost(there, "a")
    there.work()
    there.paper.order.clear()
    time.advance(MINUTE)
    there.work()
    assert there.paper.order == [("look", "a")]
    run = Run.objects.get(kind=RunKind.COMPARE)
    assert (run.read, run.unchanged, run.target_writes) == (1, 1, 0)


@pytest.mark.parametrize("after", COMPARED_AFTER)
def test_what_a_lost_worker_writes_late_stands_until_the_next_comparison(
    there: Desk, time: FrozenClock, after: timedelta
) -> None:
    lost(there, "a")
    there.work()
    time.advance(after.total_seconds() - 1)
    there.work()
    there.paper.target["a"] = "older"
    there.work()
    assert there.paper.target["a"] == "older"
    time.advance(1)
    there.work()
    assert there.paper.target["a"] == 1


def test_a_comparison_that_comes_late_does_not_make_the_others_come_at_once(there: Desk, time: FrozenClock) -> None:
    lost(there, "a")
    there.work()
    time.advance(6 * MINUTE)
    there.work()
    row = Suspect.objects.get()
    assert row.compare_at == row.taken_over_at + COMPARED_AFTER[2]


def test_once_the_old_worker_has_reported_one_more_comparison_is_made_at_once(there: Desk) -> None:
    old = lost(there, "a")
    there.work()
    there.paper.target["a"] = "older"
    old.release()
    there.work()
    assert (there.paper.target["a"], Suspect.objects.count()) == (1, 0)


def test_a_report_of_a_worker_whose_lease_nobody_took_is_none(there: Desk) -> None:
    old = lost(there, "a")
    old.release()
    there.work()
    assert not Suspect.objects.exists()
    assert there.lease.expires_at is None


def test_while_another_lost_worker_may_write_the_report_of_one_ends_nothing(there: Desk, time: FrozenClock) -> None:
    first = lost(there, "a")
    second = lost(there, "a")
    third = there.taken()
    third.release()
    for old in (first, second):
        old.release()
    there.work()
    assert Suspect.objects.get().compare_at == clock.now() + COMPARED_AFTER[0]


def test_a_report_takes_back_the_death_it_was_taken_for(there: Desk) -> None:
    old = lost(there, "a", "b")
    there.taken().release()
    old.release()
    assert set(Suspect.objects.values_list("source_id", "deaths", "has_reported")) == {("a", 0, True), ("b", 0, True)}


def test_whoever_takes_the_lease_over_puts_it_under_suspicion_even_with_nothing_due(there: Desk) -> None:
    lost(there, "a")
    grant = take(there.tenant.pk)
    assert grant
    assert (Link.objects.get(source_id="a").is_suspect, Suspect.objects.get().source_id) == (True, "a")
    assert (there.lease.in_flight, there.lease.at_work) == ([], {})


def test_a_lease_that_was_given_back_leaves_nobody_under_suspicion_for_long(there: Desk) -> None:
    def interrupt(entity: str) -> None:
        raise KeyboardInterrupt

    there.paper.add(card("a", 2))
    there.paper.after_write = interrupt
    with pytest.raises(KeyboardInterrupt):
        there.work()
    there.paper.after_write = lambda entity: None
    there.work()
    assert (there.paper.target["a"], Suspect.objects.count()) == (2, 0)


def test_what_an_older_release_wrote_down_is_compared_once(there: Desk) -> None:
    lost(there, "a")
    Lease.objects.update(at_work={})
    grant = take(there.tenant.pk)
    assert grant
    assert Link.objects.get(source_id="a").is_suspect
    assert not Suspect.objects.exists()


def test_a_record_that_failed_meanwhile_is_left_to_its_next_attempt(there: Desk, time: FrozenClock) -> None:
    lost(there, "a")
    there.work()
    looks(there)
    error_of(Stream.objects.get(key=STREAM), entity_id="a", next_attempt_at=clock.now() + timedelta(days=1))
    for after in COMPARED_AFTER:
        time.advance(after.total_seconds())
        there.work()
    assert (looks(there), Suspect.objects.count(), ErrorRecord.objects.get().attempts) == (0, 1, 0)


def test_a_target_that_is_down_puts_the_comparison_off_and_blames_nobody(there: Desk, time: FrozenClock) -> None:
    def unreachable(entity: str) -> None:
        raise down()

    lost(there, "a")
    there.work()
    time.advance(MINUTE)
    there.paper.before_look = unreachable
    there.work()
    assert (there.errors(), Suspect.objects.get().compare_at <= clock.now()) == ({}, True)


def test_many_to_compare_keep_what_is_new_waiting_for_a_part_of_a_look_only(there: Desk, time: FrozenClock) -> None:
    there.paper.add(*(card(f"c{number}") for number in range(300)))
    there.work()
    for begin in range(0, 300, 100):
        lost(there, *(f"c{number}" for number in range(begin, begin + 100)))
    there.work()
    time.advance(MINUTE)
    there.paper.add(card("new"))
    there.paper.before_look = lambda entity: time.advance(1)
    there.work()
    assert there.paper.target["new"] == 1
    assert suspects.due().count() > 0


def test_the_sweep_knocks_at_a_stream_with_something_to_compare(
    there: Desk, time: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(bell, "send", lambda stream: rung.append(stream.key))
    Flow.objects.update(cron="0 0 1 1 *")  # no time of the schedule comes between
    tasks.sweep()
    lost(there, "a")
    there.work()
    rung.clear()
    tasks.sweep()
    assert rung == []
    time.advance(MINUTE)
    tasks.sweep()
    assert rung == [STREAM]


def test_a_worker_lost_while_it_compares_begins_the_grace_time_anew(there: Desk, time: FrozenClock) -> None:
    lost(there, "a")
    there.work()
    time.advance(MINUTE)
    dies = patch.object(comparing.Ledger, "commit", side_effect=KeyboardInterrupt)
    with patch.object(Grant, "release"), dies, pytest.raises(KeyboardInterrupt):
        there.work()
    run_out(there)
    there.taken().release()
    assert Suspect.objects.get().compare_at == clock.now() + COMPARED_AFTER[0]


def test_the_grace_time_outlasts_any_task(settings: Settings) -> None:
    assert GRACE.total_seconds() >= settings.CELERY_TASK_TIME_LIMIT


def test_a_look_that_lost_its_lease_while_it_read_says_nothing_of_its_stream(there: Desk) -> None:
    def taken_over_meanwhile(*_: object) -> Iterator[Page]:
        Lease.objects.update(owner="another")
        return iter(())

    there.ring()
    before = Stream.objects.filter(key=STREAM).values().get()
    with patch.object(Paper, "pages", taken_over_meanwhile):
        work.work_off(there.tenant.pk)
    assert Stream.objects.filter(key=STREAM).values().get() == before
