"""What must neither grow nor stick: while servers are down, slow or answer oddly, and while the bell keeps ringing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from celery import current_app

from common import clock
from common.http_errors import Slow, Unclear
from engine import bell, positions, rounds, work
from engine.patience import PATIENCE
from engine.slices import SECONDS
from engine.verdicts import Fail
from errors.models import ErrorLog, ErrorRecord
from mappings import revision
from syncstatus.models import Flow, Position, Run, Stream
from tenants.models import Tenant
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import card, down, remote


@pytest.fixture
def there(db: None) -> Iterator[Desk]:
    with desk() as built:
        yield built


def bad() -> None:
    raise Fail("record.field-missing", field="x")


def refuse_to_answer(entity: str) -> None:
    raise down()


def test_retries_that_found_the_server_down_leave_no_attempts_behind(there: Desk) -> None:
    there.paper.add(*(card(str(number), raises=bad) for number in range(3)))
    there.work()
    attempts = ErrorLog.objects.count()
    there.paper.pages_[0] = [card(str(number)) for number in range(3)]
    there.paper.before_look = refuse_to_answer
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    for _ in range(3):
        assert there.work().looks[-1].stopped_by == "remote.target-down"
    assert ErrorLog.objects.count() == attempts
    there.paper.before_look = lambda entity: None
    there.work()
    assert ErrorLog.objects.count() == 2 * attempts


def test_records_that_get_an_answer_which_settles_nothing_are_their_own_errors(there: Desk) -> None:
    def undecided(entity: str) -> None:
        raise Unclear("a constraint", side="paper", method="POST", path_template="/card", status=500)

    number = 3 * PATIENCE
    there.paper.add(*(card(str(each)) for each in range(number)))
    there.paper.before_write = undecided
    look = there.work().looks[-1]
    assert (look.stopped_by, len(there.errors()), there.position) == ("", number, 1)


def test_rings_without_end_do_not_keep_a_task_from_ending(there: Desk) -> None:
    with clock.frozen(clock.now()) as time:

        def ring_again(stream: Stream, run: Run) -> None:
            assert len(there.paper.pages_) < 50, "it never ends"
            there.paper.add(card(f"later {len(there.paper.pages_)}"))
            time.advance(20)
            there.ring()

        there.paper.add(card("first"))
        there.ring()
        report = work.work_off(there.tenant.pk, watch=ring_again)
        assert [stream.key for stream in report.left] == [STREAM]
        assert Stream.objects.get(key=STREAM).due_since is not None


def test_no_page_is_asked_for_after_a_slice_has_had_its_time(there: Desk) -> None:
    """An Avni that answers every page just below its time-out is read page by page, to its end."""
    with clock.frozen(clock.now()) as time:
        asked: list[float] = []

        def slow(page: str) -> None:
            asked.append(time.monotonic() - begun)
            time.advance(119)

        for number in range(5):
            there.paper.add(card(str(number)))
        there.paper.before_page = slow
        slices = 0
        while there.position < 5:
            begun = time.monotonic()
            there.work()
            assert asked == [0], "a second page was asked for, after 119 s"
            asked.clear()
            slices += 1
        assert (slices, there.errors(), len(there.paper.target)) == (5, {}, 5)


def test_slow_partitions_without_news_take_turns(there: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    with clock.frozen(clock.now()) as time:

        def nothing_new(partition: str, position: object) -> Iterator[object]:
            read.append(partition)
            time.advance(119)
            yield from ()

        partitions = ["a", "b", "c"]
        monkeypatch.setattr(there.paper, "pages", nothing_new)
        monkeypatch.setattr(positions, "named", lambda *_: partitions)
        Position.objects.all().delete()
        stream = Stream.objects.get(key=STREAM)
        for partition in partitions:
            Position.objects.create(tenant=there.tenant, stream=stream, partition=partition, value={})
            time.advance(1)
        for _ in range(6):
            there.work()
    assert read == partitions * 2


def test_a_task_hands_over_within_two_minutes_however_much_there_is(there: Desk) -> None:
    with clock.frozen(clock.now()) as time:
        Flow.objects.update(is_on=True, start_policy="beginning")
        second = Stream.objects.get(key="paper-card")
        Position.objects.create(tenant=there.tenant, stream=second, partition="cards", value={})
        for number in range(200):
            there.paper.add(card(str(number)))
        asked: list[float] = []

        def slow(page: str) -> None:
            asked.append(time.monotonic() - begun)
            time.advance(11)

        there.paper.before_page = slow
        begun = time.monotonic()
        bell.mark_due(Stream.objects.all())
        report = work.work_off(there.tenant.pk)
    assert [(look.stream.key, look.more) for look in report.looks] == [(STREAM, True), ("paper-card", True)]
    assert SECONDS < max(asked) < work.LONGEST < work.LONGEST_ROUND + rounds.SECONDS == 120


def test_a_message_nobody_took_in_time_is_dropped_because_the_sweep_rings_again(
    there: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: sent.append(options))
    bell.send(Stream.objects.select_related("tenant").get(key=STREAM))
    assert 30 <= sent[0]["expires"] <= 300


def test_of_a_tenants_settings_only_the_latest_are_kept(there: Desk) -> None:
    work.forget()
    for _ in range(3):
        revision.bump(there.tenant)
        work.setting_of(Tenant.objects.get(pk=there.tenant.pk), refuse_writes=True)
    assert len(work._settings) == 1


def test_many_records_that_fail_slowly_keep_nothing_new_from_being_read(there: Desk) -> None:
    """Each comes back a minute later, and trying all of them takes longer than that."""
    with clock.frozen(clock.now()) as time:
        there.paper.add(*(card(f"bad {number}", raises=bad) for number in range(100)))
        there.work()
        there.paper.before_fetch = lambda entity: time.advance(1)
        for number in range(3):
            ErrorRecord.objects.update(next_attempt_at=clock.now())
            there.paper.add(card(f"new {number}"))
            assert there.work().looks[-1].more
            assert there.paper.target[f"new {number}"] == 1
        tried = ErrorRecord.objects.filter(attempts__gt=1).count()
        assert 1 < tried < 100


def test_a_retry_that_takes_all_the_time_there_is_gets_through_nevertheless(there: Desk) -> None:
    with clock.frozen(clock.now()) as time:
        there.paper.add(card("slow", raises=bad))
        there.work()
        there.paper.add(card("slow"))
        Position.objects.update(value={"page": 2})
        ErrorRecord.objects.update(next_attempt_at=clock.now())
        there.paper.before_fetch = lambda entity: time.advance(100)
        there.work()
        assert there.errors() == {}


def looks_at_the_others(there: Desk) -> int:
    return sum(what == "look" and entity.startswith("other") for what, entity in there.paper.order)


@pytest.mark.parametrize("fails", [False, True])
def test_a_record_that_fails_adds_no_call_for_the_others(there: Desk, fails: bool) -> None:
    there.paper.add(*([card("bad", raises=bad)] if fails else []), *(card(f"other {number}") for number in range(40)))
    there.work()
    there.work()
    assert (looks_at_the_others(there), there.paper.asked["write"]) == (40, 40)


def test_a_record_that_gets_no_answer_occupies_one_lane_for_one_time_out(there: Desk) -> None:
    """It is not answered before all the others are through: they did not wait for it."""
    others_through = threading.Event()
    through = count(1)

    def hang(entity: str) -> None:
        if entity == "hanging":
            assert others_through.wait(60), "the others waited"
            raise remote(Slow)

    def written(entity: str) -> None:
        if next(through) == 40:
            others_through.set()

    there.paper.before_look, there.paper.after_write = hang, written
    there.paper.add(card("hanging"), *(card(f"other {number}") for number in range(40)))
    look = there.work().looks[-1]
    assert (look.stopped_by, there.errors(), len(there.paper.target)) == ("", {"hanging": "remote.slow"}, 40)
    assert [entity for what, entity in there.paper.order if what == "look"].count("hanging") == 1
