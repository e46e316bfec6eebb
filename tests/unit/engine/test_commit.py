"""Everything of a batch counts, or nothing does: with a crash in front of every single statement of the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from django.db.utils import OperationalError

from common import clock
from engine import work
from engine.verdicts import Fail
from errors import recording
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Link, Position, Run
from tenants.scoping import all_tenants
from tests.chaos.desk import STREAM, Desk, desk, expire
from tests.chaos.paper import Paper, card, nothing

pytestmark = pytest.mark.django_db

MOST_STATEMENTS = 40


@pytest.fixture(name="there")
def a_desk(db: None) -> Iterator[Desk]:
    with desk() as built:
        yield built


class Crash:
    """The database goes away in front of the n-th statement after the last remote write."""

    def __init__(self, paper: Paper, statement: int) -> None:
        self.left = statement
        self.armed = False
        self.fired = False
        paper.after_write = self.arm

    def arm(self, entity: str) -> None:
        self.armed = True

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if self.armed and not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            self.left -= 1
            if self.left == 0:
                self.fired = True
                raise OperationalError("the server closed the connection")
        return execute(sql, *rest)


def bad() -> None:
    raise Fail("record.field-missing", field="x")


def counted(there: Desk) -> tuple[object, ...]:
    """What counts: links, error records, position. Runs may begin and be cut off."""
    rows = there.rows()
    return rows["Link"], rows["ErrorRecord"], rows["Position"]


@pytest.mark.django_db(transaction=True)
def test_a_crash_in_front_of_any_statement_leaves_nothing_of_the_batch_and_the_next_run_makes_it_right() -> None:
    crashes = 0
    with desk() as there:
        for statement in range(1, MOST_STATEMENTS):
            old, new, mended, spoilt = (f"{what}-{statement}" for what in ("old", "new", "mended", "spoilt"))
            there.paper.add(card(old, 1), card(mended, 1, raises=bad))
            there.work()
            ErrorRecord.objects.update(next_attempt_at=None)
            there.paper.add(card(old, 2), card(new, 1), card(mended, 2), card(spoilt, 1, raises=bad))
            before, writes, pages = counted(there), there.paper.asked["write"], there.position
            crash = Crash(there.paper, statement)
            with connection.execute_wrapper(crash), suppress(OperationalError):
                there.work()
            if not crash.fired:
                break
            crashes += 1
            if there.position == pages:  # else the commit was through, and what crashed came behind it
                assert counted(there) == before
            there.paper.after_write = nothing
            expire(there.tenant)
            there.work()
            found = {name: there.paper.target.get(name) for name in (old, new, mended, spoilt)}
            assert found == {old: 2, new: 1, mended: 2, spoilt: None}
            assert there.paper.asked["write"] == writes + 3
            assert there.position == pages + 1
            assert {old, new, mended, spoilt} <= set(there.outcomes())
            assert {name for name in there.errors() if name.endswith(f"-{statement}")} == {spoilt}
    assert crashes > 8


@pytest.mark.django_db(transaction=True)
def test_w5_the_old_holders_commit_leaves_no_row_changed() -> None:
    with desk() as there:

        def lose(entity: str) -> None:
            with all_tenants():
                expire(there.tenant)
                connection.close()

        there.paper.add(card("a", 1))
        there.work()
        there.paper.add(card("a", 2), card("b", 1), card("c", 1, raises=bad))
        before = counted(there)
        there.paper.after_write = lose
        assert there.work().lease_held_by_another
        assert counted(there) == before
        run = Run.objects.order_by("-pk")[0]
        assert (run.read, run.finished_changes) == (0, 0)


def test_w36_a_batch_is_a_handful_of_statements_whatever_its_size(there: Desk) -> None:
    numbers = []
    there.paper.add(card("warm"))
    there.work()
    for size in (10, 50):
        there.paper.add(*(card(f"{size}-{n}") for n in range(size)))
        numbers.append(statements_of(there))
    assert numbers[0] == numbers[1]
    assert numbers[1] <= 20


def test_an_idle_look_costs_few_statements(there: Desk) -> None:
    there.work()
    assert statements_of(there, sync=True) <= 6


def statements_of(there: Desk, *, sync: bool = False) -> int:
    seen: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE")):
            seen.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        work.sync(there.tenant.pk, STREAM) if sync else there.work()
    return len(seen)


def test_the_counts_of_a_run_add_up(there: Desk) -> None:
    there.paper.add(card("a"), card("a", 2), card("b", 1, raises=bad), card("c"))
    there.work()
    run = Run.objects.get()
    assert (run.read, run.created, run.failed, run.collapsed) == (4, 2, 1, 1)
    assert run.read == run.finished_changes


def test_a_record_that_gets_through_closes_its_error_and_keeps_its_history(there: Desk) -> None:
    there.paper.add(card("a", 1, raises=bad))
    there.work()
    there.paper.add(card("a", 2))
    there.work()
    record = ErrorRecord.objects.get()
    assert (record.state, record.attempts, record.next_attempt_at) == (ErrorState.RESOLVED, 2, None)
    assert list(record.logs.values_list("attempt", "outcome")) == [(2, "created"), (1, "retrying")]


def test_a_record_that_fails_again_after_it_got_through_is_first_seen_anew(there: Desk) -> None:
    with clock.frozen(clock.now()) as time:
        for raises in (bad, None, bad):
            time.advance(3600)
            there.paper.add(card("a", clock.now().isoformat(), raises=raises))
            there.work()
        record = ErrorRecord.objects.get()
        assert (record.first_seen_at, record.attempts) == (clock.now(), 1)


def test_a_record_asked_for_after_it_got_through_begins_anew(there: Desk) -> None:
    with clock.frozen(clock.now()) as time:
        for raises in (bad, bad, None):
            there.paper.add(card("a", clock.now().isoformat(), raises=raises))
            there.work()
        time.advance(3600)
        recording.ask_for(there.tenant.pk, {(STREAM, "a")}, clock.now())
        record = ErrorRecord.objects.get()
        assert (record.first_seen_at, record.last_seen_at, record.attempts) == (clock.now(), clock.now(), 0)


def test_a_record_somebody_set_aside_is_through_when_it_got_through(there: Desk) -> None:
    there.paper.add(card("a", 1, raises=bad))
    there.work()
    ErrorRecord.objects.update(state=ErrorState.IGNORED, next_attempt_at=None)
    there.paper.add(card("a", 2))
    there.work()
    assert ErrorRecord.objects.get().state == ErrorState.RESOLVED


@pytest.mark.parametrize("text", ["Asha\x00", "Asha \ud83d", "x" * 5000], ids=["NUL", "half a surrogate", "long"])
def test_a_text_the_database_cannot_keep_stops_nobody(there: Desk, text: str) -> None:
    def refuse() -> None:
        raise Fail("bahmni.answer-unmapped", question=text, value=text)

    there.paper.add(card("number", 1, key=text), card("unmapped", 1, raises=refuse), card("good", 1))
    there.work()
    assert set(there.outcomes()) == {"number", "unmapped", "good"}
    assert there.position == 1


def test_links_and_position_belong_to_one_commit(there: Desk) -> None:
    there.paper.add(card("a"))
    there.work()
    assert (Link.objects.get().run, Position.objects.get().value) == (Run.objects.get(), {"page": 1})
