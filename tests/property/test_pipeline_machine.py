"""The whole path against a model, whatever happens in whatever order: Hypothesis chooses, PostgreSQL keeps the rows.

After every step: no position has passed unfinished work nor moved back, every run adds up, what the ledger trusts is
so, and the box has noted nothing that must never happen to it. At the end everything heals, and the box holds what the
source holds. `PIPELINE_EXAMPLES` is how many histories are drawn.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from common import clock
from common.http_errors import Forbidden, Garbled, Refused, Slow, Unclear, Unreachable
from common.outcome import Outcome
from engine import bell, gaps, moves, work
from engine.lease import DURATION, Grant
from engine.slices import Limits
from engine.work import Report
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Flow, Lease, Link, Position, Run, Stream
from tenants.audit import SYSTEM
from tenants.models import Connection
from tenants.scoping import tenant_scope
from tests.chaos.desk import desk
from tests.chaos.paper import Hook, nothing, remote
from tests.chaos.shelf import CHILDREN, FLOW, PARENTS, TROUBLES, Shelf, parent_of, part_of, wanted

EXAMPLES = int(os.environ.get("PIPELINE_EXAMPLES", "15"))
STEPS = 15
IN_A_BATCH = 4
LOOKS = 12
"""After everything has healed, by which all must be through."""

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = 86_400.0
A_WHILE = 600.0
"""Seconds after which a server that was down is asked again."""
GOT_THROUGH = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)
names = count(1)

parents = st.sampled_from(["p0", "p1"])
children = st.sampled_from([f"c{patient}{which}" for patient in range(2) for which in "abcn"])
entities = st.one_of(parents, children)
values = st.sampled_from([1, 2])
"""Few, so that a record often says again what it said before."""
news = st.lists(st.tuples(entities, values), min_size=1, max_size=5)
which = st.integers(0, 4)

PLACES = ("before_fetch", "before_look", "before_write", "after_write")
FAILURES: dict[str, Callable[[], BaseException]] = {
    "nobody answers": lambda: remote(Unreachable),
    "no answer in time": lambda: remote(Slow),
    "nobody knows whether it arrived": lambda: remote(Unclear),
    "an answer that makes no sense": lambda: remote(Garbled),
    "it is refused": lambda: remote(Refused),
    "a bug": ValueError,
}
UNREAD: dict[str, Callable[[], BaseException]] = {
    "nobody answers": lambda: remote(Unreachable, "avni"),
    "no answer in time": lambda: remote(Slow, "avni"),
    "an answer that makes no sense": lambda: remote(Garbled, "avni"),
    "we may not read it": lambda: remote(Forbidden, "avni"),
    "a bug": ValueError,
}
STATEMENTS = {
    "before its links": 'INSERT INTO "syncstatus_link"',
    "before its position": 'UPDATE "syncstatus_position"',
    "behind a commit": 'UPDATE "syncstatus_run" SET "state"',
}
"""Where in the database a worker dies, and how the statement begins that it does not live to send."""


class Death(BaseException):
    """The worker's process is gone."""


def once(entity: str, what: Callable[[], Any]) -> Hook:
    """A hook that does this at the first call for an entity (or place that begins so), and lets all else pass."""
    done: list[str] = []

    def act(asked: str) -> None:
        if asked.startswith(entity) and not done:
            done.append(asked)
            what()

    return act


def raising(failure: Callable[[], BaseException]) -> Callable[[], None]:
    """Raises a new one of these each time."""

    def fail() -> None:
        raise failure()

    return fail


class Pipeline(RuleBasedStateMachine):
    """A tenant, a source of three parts, a box, and all that happens to them."""

    def __init__(self) -> None:
        super().__init__()
        self.around = ExitStack()
        self.time = self.around.enter_context(clock.frozen(BEGIN))
        self.around.enter_context(patch("engine.batches.MOST_CHANGES", IN_A_BATCH))
        self.shelf = Shelf()
        first = {"first_position": lambda *asked: {"told": 0}}
        self.desk = self.around.enter_context(desk(f"pipeline-{next(names)}", self.shelf, flows=(FLOW,), **first))
        self.tenant = self.desk.tenant
        self.furthest: dict[str, int] = {}
        self.has_looked = False

    @initialize(side_by_side=st.sampled_from([1, 3]), new=news)
    def something_is_there(self, side_by_side: int, new: list[tuple[str, int]]) -> None:
        self.side_by_side = side_by_side
        self.goes_side_by_side(side_by_side)
        self.change(new)
        self.look()

    # what happens at the source

    @rule(new=news)
    def records_change(self, new: list[tuple[str, int]]) -> None:
        self.change(new)

    def change(self, new: list[tuple[str, int]], one: int = 0) -> str:
        """All at one time, which is also that of what came before unless some has passed.

        Gives the n-th of them, which then says something else than the box.
        """
        for entity, value in new:
            self.shelf.becomes(entity, value, clock.now())
        chosen = new[one % len(new)][0]
        there = self.shelf.box.get(chosen)
        if there and there.value == self.shelf.cards[chosen].values[-1]:
            self._changes_its_mind(chosen)
        return chosen

    @rule(entity=entities)
    def it_is_told_again(self, entity: str) -> None:
        """A change that was late to show comes behind a newer one of the same record, or a message comes twice."""
        if entity in self.shelf.cards:
            self.shelf.tells(entity, clock.now())

    @rule(parent=parents, value=values)
    def there_is_a_parent_nobody_tells_of(self, parent: str, value: int) -> None:
        if parent not in self.shelf.cards:
            self.shelf.becomes(parent, value, clock.now())
            self.shelf.told[part_of(parent)].pop()

    @rule(entity=entities, trouble=st.sampled_from(["", *TROUBLES]))
    def its_trouble_is(self, entity: str, trouble: str) -> None:
        if entity in self.shelf.cards:
            self.shelf.cards[entity].trouble = trouble

    @rule(entity=entities, is_hidden=st.booleans())
    def its_last_row_cannot_be_shown(self, entity: str, is_hidden: bool) -> None:
        part = part_of(entity)
        place = (part, len(self.shelf.told[part]) - 1)
        if is_hidden and place[1] >= 0:
            self.shelf.hidden.add(place)
        if not is_hidden:
            self.shelf.hidden.clear()

    # looks

    @rule(
        new=news,
        changes=st.sampled_from([None, 1, 3]),
        only=st.sampled_from([None, PARENTS, CHILDREN]),
        is_slow=st.booleans(),
    )
    def a_look(self, new: list[tuple[str, int]], changes: int | None, only: str | None, is_slow: bool) -> None:
        self.change(new)
        self.shelf.is_slow = is_slow
        self.look(Limits(changes=changes), only)
        self.shelf.is_slow = False

    @rule(
        new=news, one=which, place=st.sampled_from(PLACES), failure=st.sampled_from(list(FAILURES)),
        times=st.integers(1, 3),
    )  # fmt: skip
    def one_goes_wrong(self, new: list[tuple[str, int]], one: int, place: str, failure: str, times: int) -> None:
        entity, left = self.change(new, one), [None] * times

        def fail(asked: str) -> None:
            if asked == entity and left:
                left.pop()
                raising(FAILURES[failure])()

        with self.hooked(place, fail):
            self.look()
        self.time.advance(A_WHILE)

    @rule(new=news, writes=st.integers(0, 3), looks=st.integers(1, 2))
    def the_target_goes_down(self, new: list[tuple[str, int]], writes: int, looks: int) -> None:
        """It takes so many writes before."""
        self.change(new)
        left = [None] * writes

        def refuse(asked: str) -> None:
            if not left:
                raise remote(Unreachable)
            left.pop()

        def ask(asked: str) -> None:
            if not left:
                raise remote(Unreachable)

        with self.hooked("before_write", refuse), self.hooked("before_look", ask):
            for _ in range(looks):
                self.look()
                self.time.advance(A_WHILE)

    @rule(new=news, one=which, page=st.integers(0, 2), failure=st.sampled_from(list(UNREAD)))
    def a_part_cannot_be_read(self, new: list[tuple[str, int]], one: int, page: int, failure: str) -> None:
        """From its n-th unread page on."""
        entity, left = self.change(new, one), [None] * page

        def fail(asked: str) -> None:
            if asked.startswith(part_of(entity)):
                if not left:
                    raising(UNREAD[failure])()
                left.pop()

        with self.hooked("before_page", fail):
            self.look()
        self.time.advance(A_WHILE)

    @rule(new=news, one=which)
    def one_changes_behind_the_reader(self, new: list[tuple[str, int]], one: int) -> None:
        """Its row was read, and it comes once more in the same pass."""
        entity = self.change(new, one)
        with self.hooked("after_page", once(part_of(entity), lambda: self._changes_its_mind(entity))):
            self.look()

    def _changes_its_mind(self, entity: str) -> None:
        self.shelf.becomes(entity, 3 - self.shelf.cards[entity].values[-1], clock.now())

    # workers that die, or stop and wake up too late

    @rule(new=news, one=which, place=st.sampled_from(PLACES), is_taken_back=st.booleans())
    def the_worker_dies_at(self, new: list[tuple[str, int]], one: int, place: str, is_taken_back: bool) -> None:
        """`is_taken_back`: the change is, by the time somebody takes over."""
        entity = self.change(new, one)
        with self.hooked(place, once(entity, raising(Death))):
            self.dies()
        if is_taken_back:
            self._changes_its_mind(entity)

    @rule(new=news, one=which, place=st.sampled_from(["before_page", "after_page"]))
    def the_worker_dies_reading(self, new: list[tuple[str, int]], one: int, place: str) -> None:
        with self.hooked(place, once(part_of(self.change(new, one)), raising(Death))):
            self.dies()

    @rule(new=news, where=st.sampled_from(list(STATEMENTS)), commits=st.integers(0, 2))
    def the_worker_dies_in_the_database(self, new: list[tuple[str, int]], where: str, commits: int) -> None:
        """After so many commits went well."""
        self.change(new)
        left = [None] * commits

        def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if sql.startswith(STATEMENTS[where]):
                if not left:
                    raise Death
                left.pop()
            return run(sql, *rest)

        with connection.execute_wrapper(execute):
            self.dies()

    @rule(new=news, one=which, place=st.sampled_from(["before_look", "after_write"]))
    def the_worker_stops_and_wakes_up_late(self, new: list[tuple[str, int]], one: int, place: str) -> None:
        """Meanwhile the lease runs out, the record changes, and another worker does all there is to do.

        In one lane: nobody can fence a write that another lane begins just then.
        """
        entity = self.change(new, one)

        def others_go_on() -> None:
            self._changes_its_mind(entity)
            with tenant_scope(self.tenant):
                self.the_lease_runs_out()
                self.look()
            connection.close()

        self.goes_side_by_side(1)
        with self.hooked(place, once(entity, others_go_on)):
            self.look()
        self.goes_side_by_side(self.side_by_side)

    def goes_side_by_side(self, lanes: int) -> None:
        """So many requests at a time, from the next look on."""
        Connection.objects.filter(tenant=self.tenant).update(max_parallel=lanes)
        work.forget()

    def dies(self) -> None:
        """A look by a worker that may die in it. Until its lease has run out nobody goes on."""
        release = Grant.release

        def unless_dead(grant: Grant) -> None:
            if not isinstance(sys.exc_info()[1], Death):
                release(grant)

        try:
            with patch.object(Grant, "release", unless_dead):
                self.look()
        except Death:
            work.forget()
            assert self.look().lease_held_by_another
            self.the_lease_runs_out()

    def the_lease_runs_out(self) -> None:
        """By the database's clock, and by ours."""
        self.time.advance(DURATION.total_seconds())
        Lease.objects.filter(tenant=self.tenant).update(expires_at=Now() - DURATION / DURATION.total_seconds())

    # time, and people

    @rule(days=st.sampled_from([0.01, 1, 2]))
    def time_passes(self, days: float) -> None:
        self.time.advance(days * DAY)

    @rule(entity=entities, is_ignored=st.booleans())
    def a_person_acts(self, entity: str, is_ignored: bool) -> None:
        mine = ErrorRecord.objects.filter(tenant=self.tenant, entity_id=entity)
        if is_ignored:
            moves.ignore(mine, reason="told to", actor=SYSTEM)
        else:
            moves.retry(mine, actor=SYSTEM)

    # what must hold

    @contextmanager
    def hooked(self, place: str, hook: Hook) -> Iterator[None]:
        """With a hook in this place of the shelf."""
        setattr(self.shelf, place, hook)
        try:
            yield
        finally:
            setattr(self.shelf, place, nothing)

    def look(self, limits: Limits | None = None, only: str | None = None) -> Report:
        """As by a task, after somebody rang for all streams."""
        self.has_looked, self.shelf.over = True, self.shelf.passes
        for flow in Flow.objects.filter(tenant=self.tenant, is_paused=True):
            moves.resume(flow, actor=SYSTEM)  # too many bugs; somebody looked at them
        bell.mark_due(Stream.objects.filter(tenant=self.tenant, flow__is_on=True))
        return work.work_off(self.tenant.pk, streams={only} if only else None, limits=limits)

    @invariant()
    def all_holds(self) -> None:
        assert self.shelf.wrong == []
        if not self.has_looked:
            return
        self.has_looked = False
        self.runs_add_up()
        unfinished = self.open_ones()
        self.nothing_unfinished_was_passed(unfinished)
        self.what_the_ledger_trusts_is_so(unfinished)

    def open_ones(self) -> set[str]:
        """Whatever somebody will still look at, or a person set aside."""
        rows = ErrorRecord.objects.filter(tenant=self.tenant).exclude(state=ErrorState.RESOLVED)
        return set(rows.values_list("entity_id", flat=True))

    def runs_add_up(self) -> None:
        for run in Run.objects.filter(tenant=self.tenant):
            assert run.read == run.finished_changes

    def nothing_unfinished_was_passed(self, unfinished: set[str]) -> None:
        for partition, value in Position.objects.filter(tenant=self.tenant).values_list("partition", "value"):
            told, passed = self.shelf.told[partition], int(value.get("told", 0))
            assert passed >= self.furthest.get(partition, 0), f"the position of {partition} moved back"
            self.furthest[partition] = passed
            for place, one in enumerate(told[:passed]):
                since = self.shelf.cards[one.entity].values[one.version - 1 :]
                is_newest = one.entity not in [later.entity for later in told[place + 1 :]]
                expected = since[-1:] if is_newest else since
                there = self.shelf.box.get(one.entity)
                is_open = {one.entity, gaps.gap_id(partition, str(place))} & unfinished
                assert is_open or (there and there.value in expected), f"{one} was passed in {partition}"

    def what_the_ledger_trusts_is_so(self, unfinished: set[str]) -> None:
        in_flight = Lease.objects.get(tenant=self.tenant).in_flight or []
        trusted = Link.objects.filter(
            tenant=self.tenant, is_suspect=False, outcome__in=[outcome.value for outcome in GOT_THROUGH]
        )
        for entity, fingerprint in trusted.exclude(source_id__in=in_flight).values_list(
            "source_id", "wanted_fingerprint"
        ):
            there = self.shelf.box[entity]
            assert entity in unfinished or wanted(entity, there.value) == fingerprint, f"the link of {entity} lies"

    def teardown(self) -> None:
        try:
            self.everything_heals()
        finally:
            self.around.close()

    def everything_heals(self) -> None:
        """And people retry what waits for them."""
        self.shelf.hidden.clear()
        for entity, card in list(self.shelf.cards.items()):
            card.trouble = ""
            parent = parent_of(entity)
            if parent and parent not in self.shelf.cards:
                self.shelf.becomes(parent, 1, clock.now())
        for _ in range(LOOKS):
            if not self.goes_on():
                break
            moves.retry(ErrorRecord.objects.filter(tenant=self.tenant).exclude(state__in=WAITING), actor=SYSTEM)
            self.time.advance(DAY)
            self.look()
            self.all_holds()
        assert not self.goes_on()
        told = {one.entity for part in self.shelf.told.values() for one in part}
        needed = {parent_of(entity) for entity in told} - {""}
        expected = {entity: self.shelf.cards[entity].values[-1] for entity in told | needed}
        assert {entity: row.value for entity, row in self.shelf.box.items()} == expected

    def goes_on(self) -> bool:
        """Whether there is anything left to do or to read."""
        due = Stream.objects.filter(tenant=self.tenant, flow__is_on=True, due_since__isnull=False)
        read = {name: value["told"] for name, value in Position.objects.values_list("partition", "value") if value}
        return (
            bool(self.open_ones())
            or due.exists()
            or any(read.get(part, 0) < len(told) for part, told in self.shelf.told.items())
        )


WAITING = (ErrorState.RESOLVED, ErrorState.RETRYING, ErrorState.DEFERRED)
"""What goes on by itself."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_whatever_happens_nothing_unfinished_is_passed_and_in_the_end_both_sides_agree(broker: str) -> None:
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(Pipeline, settings=chosen)
