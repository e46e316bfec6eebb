"""One look at one stream: read pages, hand changes over in lanes, commit batch by batch, until nothing is new.

A slice ends early when a server is down or refuses our account: that is nobody's record's fault, so no record is blamed
and the position stays in front of what was not finished.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, cast

from django.db import transaction
from django.utils.functional import cached_property

from common import clock
from common.http_errors import Refused, RemoteError, SignInFailed, Unreachable
from engine import decisions, gaps, killers, positions, suspects
from engine.batches import Batch, batches
from engine.brake import TooMany
from engine.braking import Guard
from engine.breaker import Breaker, Reach
from engine.carrying import Carrier, Failures, TimeIsUp, give_connection_back, without_result
from engine.commit import Ledger, load_known
from engine.ended_by import message_of
from engine.faults import Faults, Flood
from engine.handing_over import LeaseTooShort, Result, explain_remote
from engine.identity import Difference, OtherServer
from engine.lease import Grant, StoppedByPerson
from engine.patience import Patience
from engine.ports import Change, Handover, Page, Walked
from engine.registry import Servers, Setting, connector_of
from engine.unread import guarded, of_gap, unreadable
from engine.verdicts import Hold, NotThere, Verdict
from errors import recording
from errors.catalogue import OTHER_SERVER, STOPPED, TOO_MANY, TOO_MANY_FAULTS, general
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Link, Position, Run, RunKind, RunState, Stream

SECONDS = 60.0
"""No page is asked for and no batch begun after this; the stream stays due and the next slice goes on."""

GOES_ON_BY_ITSELF = frozenset({"remote.source-down", "remote.target-down", "remote.slow", "remote.garbled"})
"""What ends a look but needs no person: the stream stays due, and the sweep asks again."""

Watch = Callable[[Stream, Run], None]


@dataclass(frozen=True)
class Limits:
    """How much one look may do: seconds of reading, and changes (None: no bound)."""

    seconds: float = SECONDS
    changes: int | None = None


@dataclass
class Look:
    """What came of a look at a stream."""

    stream: Stream
    runs: list[Run] = field(default_factory=list)
    more: bool = False
    behind: list[datetime] = field(default_factory=list)
    """Since when changes may wait in the partitions that were not read to their end."""
    stopped_by: str = ""
    params: dict[str, str] = field(default_factory=dict)
    stopped_who: str = ""
    """The person who ended it, if one did; that is no failure, and the stream stays due."""


class Slice:
    """The work on one due stream under a lease."""

    def __init__(
        self, setting: Setting, servers: Servers, grant: Grant, token: int, stream: Stream, breaker: Breaker,
        limits: Limits, watch: Watch | None = None,
    ) -> None:  # fmt: skip
        self.connector = connector = connector_of(stream.tenant)
        self.setting = setting
        self.servers = servers
        self.grant = grant
        self.token = token
        self.stream = stream
        self.limits = limits
        self.watch = watch
        self.spec = connector.stream(stream.key)
        self.begun = clock.monotonic()
        self.end = self.begun + limits.seconds
        self.calls_before = servers.remote_calls
        self.changes_left = limits.changes
        self.positions: list[Position] = []
        self.is_cut_short = False
        """Whether there was no time to ask for another page of the partition at hand."""
        self.unread: dict[str, ErrorRecord] = {}
        self.stumbled: list[tuple[str, dict[str, str]]] = []
        """What reading one partition or another ran into, as message and parameters."""
        self.moved_by_people: set[str] = set()
        """Partitions whose position a person moved while we read on from another place."""
        self.deaths: dict[str, int] = {}
        """Workers lost in a row while they handed over a record, by its id."""
        self.has_backfill = False
        """Whether a person asked for something to be read besides."""
        self.is_to_go_round = False
        """Whether its rest between two turns of a round is over."""
        self.look = Look(stream)
        self.guard = Guard(connector, setting, servers, grant, stream)
        self.reach = Reach(breaker, self.spec, grant, self.guard.ask_anew)
        self.faults = Faults(stream)

    @cached_property
    def handover(self) -> Handover[Any]:
        """The path of this stream."""
        return self.servers.handover(self.stream.key)

    def prove_source(self) -> bool:
        """Whether the source is the one we worked with; otherwise the look is over before anything is believed.

        Servers that were down are asked first.
        """
        try:
            if waits := self.reach.probe():
                self.look.stopped_by = waits
                return False
            self.guard.prove_before_reading()
        except (RemoteError, OtherServer) as failure:
            self.reach.note(failure, is_of_all=True)
            self.stop(failure)
        return not self.look.stopped_by

    def take_up(self, stored: Sequence[Position]) -> None:
        """Choose the positions of the partitions that the settings name now, and open those that are missing."""
        wanted = positions.named(self.connector, self.stream, self.setting)
        self.positions = [position for position in stored if position.partition in wanted]
        sought = [position for position in self.positions if positions.is_sought(position)]
        new = [partition for partition in wanted if partition not in {one.partition for one in self.positions}]
        if not new and not sought:
            return
        flow = self.stream.flow
        since = positions.start_of(self.connector, flow, self.stream.key, flow.start_policy)
        try:
            fresh = positions.opened(self.connector, self.servers, self.stream, new, since)
            found = [(position, positions.found(self.connector, self.servers, position)) for position in sought]
        except RemoteError as failure:
            self.stop(failure)
            return
        with transaction.atomic():
            self.grant.extend()
            for position in fresh:
                position.save()
            for position, value in found:
                if Position.objects.filter(pk=position.pk, moves=position.moves).update(value=value):
                    position.value = value
        # Where a person moved on meanwhile, the next look finds that place.
        self.positions = [position for position in self.positions if not positions.is_sought(position)]
        self.positions += fresh

    def find_gaps(self) -> None:
        """Remember the partitions that could not be read lately: each is read again when its error record is due."""
        wholes = [gaps.gap_id(position.partition) for position in self.positions]
        self.unread = {
            gap: record
            for gap, record in recording.open_records(self.stream, wholes).items()
            if record.state != ErrorState.RESOLVED
        }

    def read(self) -> None:
        """Read on from the positions and hand over what is new.

        What one partition runs into keeps no other one from being read; when a second one stumbles, it is the server.
        """
        for position in self.positions:
            if self.look.stopped_by or len(self.stumbled) > 1:
                self._note_behind(position)
            elif self._is_full() or (position is not self.positions[0] and not self.has_time()):
                self.look.more = True
                self._note_behind(position)
            else:
                self._read_partition(position)
        if self.stumbled and not self.look.stopped_by:
            self.look.stopped_by, self.look.params = self.stumbled[0]
        elif self.look.more and not self.has_time():
            # It has had its turn, though nothing may have been in it: what was not reached comes first next time.
            first = Position.objects.filter(self.grant.is_held(), pk__in=[one.pk for one in self.positions[:1]])
            first.update(moved_at=clock.now())

    def _read_partition(self, position: Position) -> None:
        unread = self.unread.get(gaps.gap_id(position.partition))
        if unread and not (unread.next_attempt_at and unread.next_attempt_at <= clock.now()):
            self._note_behind(position)
            return
        try:
            reached_the_end = self._read_on(position)
        except Refused as failure:  # the server's own word about this partition; others may be read
            self._set_aside(position, failure)
            reached_the_end = False
        except (Unreachable, SignInFailed, StoppedByPerson) as failure:
            self.stop(failure)
            reached_the_end = False
        except RemoteError as failure:
            self.stumbled.append(explain_remote(failure))
            self.grant.extend()  # it may have taken long, and the next one needs its time
            reached_the_end = False
        except NotThere as reset:
            gone = Difference(f"{reset.place}, where it was read to", "there", "")
            self.stop(OtherServer(self.spec.source_side, [gone], {}))
            reached_the_end = False
        except Verdict as verdict:  # it needs a person
            self.stumbled.append((verdict.message, verdict.params))
            reached_the_end = False
        if not reached_the_end:
            self._note_behind(position)
        elif unread:
            self._commit_gap(of_gap(unread.entity_id, None))

    def _read_on(self, position: Position) -> bool:
        """Whether the partition was read to its end."""
        self.is_cut_short = False
        with closing(batches(self._while_in_time(self._pages(position)))) as gathered:
            for batch in gathered:
                run = self.run_of(RunKind.READ)
                all_finished = self._finish(position, batch, run)
                self.tell(run)
                self.list_what_waits(self._all_that_waits(batch, gathered, position))
                if self.look.stopped_by or position.partition in self.moved_by_people:
                    return False  # whoever moved it has rung: the next look goes on from there
                if not all_finished or not self.has_time():
                    # A later page must not move the position over what was left unfinished.
                    self.look.more = True
                    return False
        self.look.more |= self.is_cut_short
        return not self.is_cut_short

    def _note_behind(self, position: Position) -> None:
        """Remember since when changes of a partition may wait; of one never read, since the flow began."""
        self.look.behind.append(position.read_upto or self.stream.flow.began_at or clock.now())

    def _set_aside(self, position: Position, failure: Refused) -> None:
        """Write down that a partition cannot be read, as one error that is tried again like any other."""
        why = unreadable(self.spec, position.partition, failure)
        self._commit_gap(of_gap(gaps.gap_id(position.partition), why))

    def _commit_gap(self, result: Result) -> None:
        run = self.run_of(RunKind.READ)
        Ledger(self.connector, self.grant, self.stream, run).commit([result], {}, self.unread)
        self.tell(run)

    @property
    def must_wait(self) -> bool:
        """Whether nothing more may be asked for now: a look after this one found a server down, or the flow paused."""
        return self.reach.must_wait or self.stream.flow.is_paused

    def settle(self) -> None:
        """Write down what was found out about the servers, and about ourselves."""
        self.reach.settle(ended_well=not self.look.stopped_by)
        if self.look.stopped_by == TOO_MANY_FAULTS:
            self.faults.pause(self.grant)

    def close(self) -> Look:
        """Write down how the look ended."""
        self.settle()
        now = clock.now()
        for run in self.look.runs:
            if not run.read and self.look.stopped_by and self.look.stopped_by == self.stream.last_look_failure:
                run.delete()  # the same server is still down: the look before has told it
                continue
            run.state = RunState.STOPPED if self.look.stopped_by else RunState.DONE
            run.stopped_by, run.stopped_who = self.look.stopped_by, self.look.stopped_who
            run.finished_at, run.remote_calls = now, self.calls()
            run.save(update_fields=["state", "stopped_by", "stopped_who", "finished_at", "remote_calls"])
        done = not self.look.stopped_by
        ended: dict[str, Any] = {
            "last_look_at": now,
            "last_look_failure": "" if self.look.stopped_who else self.look.stopped_by,
            "oldest_unfinished_at": min(self.look.behind, default=None),
        }
        if done:
            ended["last_good_look_at"] = now
            if not self.look.more and self.guard.counted_none:
                ended |= self.guard.begin_anew()
        row = Stream.objects.filter(self.grant.is_held(), pk=self.stream.pk)
        goes_on = self.look.more or general(self.look.stopped_by) in GOES_ON_BY_ITSELF
        # A ring that came while we looked has set a later time; it stays due.
        answered = row.filter(due_since=self.stream.due_since)
        if goes_on or not answered.update(due_since=None, **ended):
            row.update(**ended)
        return self.look

    def _pages(self, position: Position) -> Iterator[Page]:
        pages = guarded(self.handover.pages(position.partition, position.value))
        if self.changes_left is None:
            return pages
        return _first_pages(pages, self.changes_left)

    def _while_in_time(self, pages: Iterator[Page]) -> Iterator[Page]:
        """The first page however late it is, and then as long as the slice has time: a page may take minutes."""
        for page in pages:
            yield page
            if not self.has_time():
                self.is_cut_short = True
                return

    def _finish(self, position: Position, batch: Batch, run: Run) -> bool:
        """Hand a batch over and write it down. Gives whether nothing of it was left unfinished."""
        newest, collapsed = batch.newest()
        about_gaps = [of_gap(gaps.gap_id(position.partition, gap.place), gap.why) for gap in batch.gaps]
        links = load_known(self.stream, list(newest))
        errors = recording.open_records(self.stream, [*newest, *(result.change.entity_id for result in about_gaps)])
        self.begin_batch(newest)
        results = self.hand_over(newest, links, errors, Patience())
        unfinished = without_result(newest, results)
        pages = batch.finished_pages(unfinished)
        counted = [change for change in collapsed if change.entity_id not in unfinished]
        ledger = Ledger(self.connector, self.grant, self.stream, run, self.beside(results))
        ledger.commit(
            [*results, *about_gaps], links, errors, position=position, finished_pages=pages,
            unfinished=unfinished, collapsed=len(counted), remote_calls=self.calls(),
        )  # fmt: skip
        if self.changes_left is not None:
            self.changes_left -= len(batch.changes)
        if ledger.has_been_moved:
            self.moved_by_people.add(position.partition)
        return not unfinished

    def beside(self, results: Sequence[Result]) -> Callable[[], None]:
        """What else a batch writes down in its commit."""
        settle = self.guard.settle(results)
        through = self.deaths.keys() & {result.change.entity_id for result in results}

        def write_down() -> None:
            settle()
            self.faults.write_down()
            if through:
                suspects.acquit(self.stream, through)
                self.deaths = {one: number for one, number in self.deaths.items() if one not in through}

        return write_down

    def hand_over(
        self, changes: Mapping[str, Change], links: Mapping[str, Link], errors: Mapping[str, ErrorRecord],
        patience: Patience, end: float = inf,
    ) -> list[Result]:  # fmt: skip
        """Bring changes to their outcomes. What the servers' state or the `end` of their time cut short is left out."""
        decided = decisions.in_force(errors)
        parked = killers.parked(changes, errors, self.deaths)
        left = {one: change for one, change in changes.items() if one in without_result(changes, parked)}
        try:
            self.guard.prove(self.spec.target_side)
            allow = self.guard.allowance(decided)
        except (RemoteError, OtherServer, TooMany) as failure:
            self.reach.note(failure, is_of_all=True)
            self.stop(failure)
            return parked
        self.faults.known = {one for one, error in errors.items() if error.state != ErrorState.RESOLVED}
        carrier = self._carrier(end=end, allow=allow, decided=decided, faults=self.faults)

        def carry(some: Mapping[str, Change]) -> tuple[list[Result], Failures]:
            give_connection_back()
            return carrier.carry(some, links, patience)

        is_any_feared = any(killers.is_feared(one, errors, self.deaths) for one in left)
        if is_any_feared:
            results, failures = killers.one_by_one(
                left, carry,
                write_down=lambda one: self.put_in_flight(changes, at_work=[one]),
                may_begin=lambda: self.has_time() and clock.monotonic() < end,
            )  # fmt: skip
        else:
            results, failures = carry(left)
        for ended_by in [*failures, *([Flood()] if self.faults.are_too_many else [])]:
            self.stop(ended_by)
        if is_any_feared:
            self.put_in_flight(changes, at_work=())  # the last one is no more to blame for what the commit costs
        return [*parked, *results]

    def begin_batch(self, entity_ids: Collection[str], *, at_work: Collection[str] | None = None) -> None:
        """Write down which records will be written from now on. Raises LeaseLost, StoppedByPerson."""
        self.grant.begin(self.stream.flow_id, entity_ids, of=self.stream.pk, at_work=at_work)

    def put_in_flight(self, entity_ids: Collection[str], *, at_work: Collection[str] | None = None) -> None:
        """The same amid a batch: whoever ends the run waits for its end. Raises LeaseLost."""
        self.grant.extend(entity_ids, of=self.stream.pk, at_work=at_work)

    def _carrier(self, **more: Any) -> Carrier:
        return Carrier(
            self.stream.tenant_id, self.handover, self.guard.may_write, is_up=self.guard.is_up,
            fetch_limit=self.fetches, write_limit=self._limit(self.spec.target_side),
            version=cast(Walked, self.handover).version if self.spec.round else None, **more,
        )  # fmt: skip

    def list_what_waits(self, changes: Iterator[Mapping[str, Change]]) -> None:
        """After too much was met: let the flow wait, with what else there is of it."""
        if self.look.stopped_by == TOO_MANY:
            self.look.params = self.guard.stop_for_many(changes, self._rehearse)

    def _rehearse(self, changes: Mapping[str, Change]) -> tuple[list[Result], list[BaseException]]:
        links = load_known(self.stream, list(changes))
        errors = recording.open_records(self.stream, list(changes))
        safe = {one: change for one, change in changes.items() if not killers.is_feared(one, errors, self.deaths)}
        give_connection_back()
        return self._carrier(rehearses=True).carry(safe, links, Patience())

    def _all_that_waits(
        self, batch: Batch, more: Iterator[Batch], position: Position
    ) -> Iterator[Mapping[str, Change]]:  # fmt: skip
        """The rest of a batch, of its partition, and of those that come after it."""
        yield batch.newest()[0]
        for following in more:
            yield following.newest()[0]
        if self.is_cut_short:
            raise Hold(TOO_MANY)  # there is more, which nobody has come to yet
        for other in self.positions[self.positions.index(position) + 1 :]:
            with closing(batches(self._pages(other))) as gathered:
                for following in gathered:
                    yield following.newest()[0]

    def stop(self, failure: BaseException) -> None:
        """End the look because of a server's state, or because of the brake. Raises what is none."""
        if isinstance(failure, TimeIsUp | LeaseTooShort):
            return  # the rest stays due; that of a batch is read again under the prolonged lease
        if isinstance(failure, StoppedByPerson):
            self.look.stopped_by, self.look.params = STOPPED, {"who": failure.who}
            self.look.stopped_who, self.look.more = failure.who, True
            return
        self.reach.note(failure)
        if isinstance(failure, Flood):
            ended = TOO_MANY_FAULTS, self.faults.params
        elif isinstance(failure, OtherServer):
            ended = OTHER_SERVER, self.guard.stop_for_server(failure)
        else:
            ended = message_of(failure, self.spec)
        self.look.stopped_by, self.look.params = ended

    def run_of(self, kind: RunKind) -> Run:
        """The run of this look that goes through records of a kind; begun when there is none yet."""
        for run in self.look.runs:
            if run.kind == kind:
                return run
        run = Run.objects.create(
            tenant_id=self.stream.tenant_id, stream=self.stream, kind=kind, started_at=clock.now(), token=self.token,
            began_with=positions.kept(self.connector, self.positions) if kind == RunKind.READ else {},
        )  # fmt: skip
        self.look.runs.append(run)
        return run

    def close_what_was_cut_off(self) -> None:
        """Runs whose process ended before it could say so."""
        open_ones = Run.objects.filter(stream=self.stream, state=RunState.RUNNING, token__lt=self.token)
        open_ones.update(state=RunState.STOPPED, stopped_by="engine.cut-off", finished_at=clock.now())

    def tell(self, run: Run) -> None:
        """Let whoever watches see how far the run is."""
        if self.watch:
            self.watch(self.stream, run)

    def calls(self) -> int:
        """Requests this look has cost so far."""
        return self.servers.remote_calls - self.calls_before

    def has_time(self) -> bool:
        """Whether something more may be begun."""
        return clock.monotonic() < self.end

    def _is_full(self) -> bool:
        return self.changes_left is not None and self.changes_left <= 0

    @property
    def fetches(self) -> int:
        """Requests to the source that may be under way at a time."""
        return self._limit(self.spec.source_side)

    def _limit(self, side: str) -> int:
        return self.setting.connections[side].max_parallel


def _first_pages(pages: Iterator[Page], changes: int) -> Iterator[Page]:
    """Whole pages until at least so many changes were read: a position never stands inside a page."""
    for page in pages:
        yield page
        changes -= len(page.changes)
        if changes <= 0:
            return
