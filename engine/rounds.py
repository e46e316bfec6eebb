"""Going through a stream from end to end, again and again, for what its partitions do not show; at first, to fill it.

A round takes turns: one at a look at most, after all that is due was read. While the first round fills, its turns take
the time that is left over; later ones have a budget of requests. What a turn finds and the ledger does not know, or
knows otherwise, takes the one path; all else costs its share of a page. Where a turn ends, the next one goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from math import inf
from typing import Final, cast

from django.db import transaction

from common import clock
from common.http_errors import Refused, RemoteError, SignInFailed, Unreachable
from common.outcome import Outcome
from engine import bell, gaps, positions
from engine.batches import Batch, batches
from engine.below import AT_ONCE, Reader, is_as_before, nothing, registered
from engine.brake import Does
from engine.commit import load_known
from engine.handing_over import Result, explain_remote
from engine.ports import NOT_LISTED, Change, Page, Walked
from engine.registry import RoundSpec, connector_of
from engine.slices import Slice
from engine.unread import guarded, of_gap, unreadable
from engine.verdicts import Fail, Verdict
from errors import recording
from errors.catalogue import BEFORE_THE_START
from errors.models import ErrorState
from syncstatus.models import Flow, Link, Round, RunKind, RunState, Stream

REST: Final = timedelta(hours=1)
"""Between the beginnings of two rounds at least: a small hospital is not asked the same all the time."""

PAUSE: Final = timedelta(minutes=1)
"""Between two turns that have a budget."""

SECONDS: Final = 20.0
"""A turn lasts, and the batch it is at."""


def take_turn(slice_: Slice, *, waiting: Collection[Stream]) -> None:
    """Go on with the round of a stream whose look has ended well, if it has one. Its rest is the caller's to respect.

    `waiting` are other streams of the tenant that have more to read: a fill then keeps to the budget, too.
    """
    spec = slice_.spec.round
    if spec is None or slice_.look.stopped_by or slice_.changes_left is not None:
        return
    stream = slice_.stream
    row = Round.objects.filter(stream=stream).first() or Round(tenant_id=stream.tenant_id, stream=stream)
    Turn(slice_, spec, row, has_the_time=is_filling(row) and not waiting).take()


def is_filling(row: Round) -> bool:
    """Whether the round is the one that hands over what was there before the flow began."""
    return row.last_finished_at is None


@dataclass
class Turn:
    """One turn of a round."""

    slice_: Slice
    spec: RoundSpec
    row: Round
    has_the_time: bool
    """Whether only time bounds it."""
    calls_before: int = field(init=False)
    end: float = field(init=False)
    ended_early: bool = False
    """Whether the budget or the time ended it, and not the end of the source or a trouble."""

    def __post_init__(self) -> None:
        self.calls_before = self.slice_.servers.remote_calls
        self.end = clock.monotonic() + min(SECONDS, self.slice_.limits.seconds)
        if self.row.began_at is None:
            self.row.ordinal += 1
            self.row.began_at, self.row.value, self.row.counted = clock.now(), {}, {}
            self.row.seen, self.row.remote_calls = 0, 0

    @cached_property
    def reader(self) -> Reader:
        """Hands over what the round finds."""
        kind = RunKind.FILL if is_filling(self.row) else RunKind.ROUND
        return Reader(self.slice_, kind, Counter({Does(does): number for does, number in self.row.counted.items()}))

    def take(self) -> None:
        """Go on until the end of the round, of the budget or of the time."""
        trouble: Verdict | None = None
        is_through = False
        try:
            is_through = self._through_parents() if self.spec.parents else self._walk()
        except (Unreachable, SignInFailed) as failure:
            self.slice_.reach.note(failure)  # the next look says so
        except Refused as failure:
            trouble = unreadable(self.slice_.spec, gaps.ROUND, failure)
        except RemoteError as failure:
            message, params = explain_remote(failure)
            trouble = Fail(message, **params)
        except Verdict as verdict:
            trouble = verdict
        self._tell_of(trouble, got_on=is_through or self.ended_early)
        self._write_down(is_through=is_through)
        self._close_run()
        self.slice_.settle()

    # -- the source itself -------------------------------------------------------------------------------------------

    def _walk(self) -> bool:
        handover = cast(Walked, self.slice_.handover)
        pages = self._while_it_may(handover.walk(self.row.value))
        with closing(batches(guarded(pages))) as gathered:
            for batch in gathered:
                if not self._finish(batch):
                    return False
        return not self.ended_early

    def _while_it_may(self, pages: Iterator[Page]) -> Iterator[Page]:
        for page in pages:
            yield page
            if not self._may_go_on():
                self.ended_early = True
                return

    def _finish(self, batch: Batch) -> bool:
        """Whether everything in a batch of the walk is through; the round then stands behind it."""
        newest, _ = batch.newest()
        links = load_known(self.slice_.stream, list(newest))
        old = [
            Result(change, Outcome.SKIPPED, BEFORE_THE_START)
            for one, change in newest.items()
            if one not in links and self._is_from_before(change)
        ]
        left_out = {result.change.entity_id for result in old}
        differing = {
            one: change
            for one, change in newest.items()
            if one not in left_out and not is_as_before(change, links.get(one))
        }
        for link in self._not_listed(batch):
            if link.source_id not in newest:
                links[link.source_id] = link
                differing[link.source_id] = Change(link.source_id, NOT_LISTED, link.source_time)
        return self.reader.hand_over(
            differing, links, old, then=lambda: self._stand_at(batch.pages[-1].position, len(newest))
        )

    def _is_from_before(self, change: Change) -> bool:
        """Whether a record nobody knows stood there before the start.

        Only the first round can tell: what turns up later has come to be one of these since, whatever its own date
        (a number that was given late leaves no trace in its patient).
        """
        return is_filling(self.row) and not positions.counts(change, self.slice_.stream.flow)

    def _not_listed(self, batch: Batch) -> list[Link]:
        """Known records that the lists of this batch should hold, unless they were read by their ids before."""
        beginnings = [page.beginning for page in batch.pages if page.beginning is not None]
        if not beginnings:
            return []
        stream = self.slice_.stream
        known = Link.objects.filter(stream=stream).exclude(target_id="").exclude(
            source_version=NOT_LISTED, is_suspect=False
        )  # fmt: skip
        alike = known.none()
        for beginning in beginnings:
            alike |= known.filter(identifier__istartswith=beginning)
        return list(alike)

    # -- what hangs on registered records ----------------------------------------------------------------------------

    def _through_parents(self) -> bool:
        stream = self.slice_.stream
        while True:
            after = int(self.row.value.get("after", 0))
            parents = registered(stream, self.spec.parents, pk__gt=after)[: self._calls_left()]
            if not parents:
                return not self._are_parents_being_filled()
            place, number = {"after": parents[-1].pk}, len(parents)
            if not self.reader.read(parents, then=lambda: self._stand_at(place, number)):  # noqa: B023  # called at once
                return False
            if not self._may_go_on():
                self.ended_early = True
                return False

    def _are_parents_being_filled(self) -> bool:
        """While more of them may come the fill is not over, though there is nothing to do for now."""
        others = Round.objects.filter(tenant=self.slice_.stream.tenant_id, stream__key=self.spec.parents)
        return is_filling(self.row) and others.filter(last_finished_at=None).exists()

    # -- how far ------------------------------------------------------------------------------------------------------

    def _calls(self) -> int:
        return self.slice_.servers.remote_calls - self.calls_before

    def _budget(self) -> float:
        """Requests for this turn: those of all minutes since the one before."""
        if self.has_the_time:
            return inf
        last = self.row.last_turn_at
        minutes = (clock.now() - last) / PAUSE if last else 1.0
        return self.spec.calls_a_minute * max(1.0, minutes)

    @cached_property
    def _most(self) -> float:
        return self._budget()

    def _calls_left(self) -> int:
        return int(max(1, min(AT_ONCE, self._most - self._calls())))

    def _may_go_on(self) -> bool:
        return self._calls() < self._most and clock.monotonic() < self.end and self.slice_.grant.may_write()

    def _stand_at(self, place: object, number: int) -> None:
        """In the transaction that finishes what was gone through."""
        self.row.value, self.row.seen = place, self.row.seen + number
        self.row.save()

    def _write_down(self, *, is_through: bool) -> None:
        now, row, begun = clock.now(), self.row, self.row.began_at or clock.now()
        goes_on_at_once = self.ended_early and self.has_the_time
        row.counted = {does.value: number for does, number in self.reader.counted.items()}
        row.last_turn_at, row.remote_calls = now, row.remote_calls + self._calls()
        row.next_turn_at = None if goes_on_at_once else now + PAUSE
        if is_through:
            row.last_finished_at, row.last_took, row.last_seen = now, now - begun, row.seen
            row.began_at, row.value = None, {}
            row.next_turn_at = max(begun + REST, now + PAUSE)
        with transaction.atomic():
            self.slice_.grant.extend()
            row.save()
            if is_through and row.ordinal == 1:
                self._let_children_fill()
        if goes_on_at_once:
            self.slice_.look.more = True
            bell.mark_due([self.slice_.stream])

    def _let_children_fill(self) -> None:
        """Streams whose fill goes through the records of this one have waited for its end."""
        flows = self.slice_.connector.flows
        specs = [spec for flow in flows for spec in flow.streams]
        keys = [spec.key for spec in specs if spec.round and spec.round.parents == self.slice_.stream.key]
        waiting = Round.objects.filter(
            tenant=self.slice_.stream.tenant_id, stream__key__in=keys, began_at__isnull=False, last_finished_at=None
        )
        streams = list(Stream.objects.filter(pk__in=waiting.values("stream")).select_related("tenant"))
        waiting.update(next_turn_at=None)
        bell.ring(streams)

    def _tell_of(self, trouble: Verdict | None, *, got_on: bool) -> None:
        """Write down that the round cannot go on, or that it can again."""
        gap = gaps.gap_id(gaps.ROUND)
        known = recording.open_records(self.slice_.stream, [gap])
        is_open = any(record.state != ErrorState.RESOLVED for record in known.values())
        if trouble or (is_open and got_on):
            self.reader.hand_over({}, {}, [of_gap(gap, trouble)], then=nothing)

    def _close_run(self) -> None:
        """Of the round alone: the look itself is closed."""
        for run in self.slice_.look.runs:
            if run.kind == self.reader.kind and run.state == RunState.RUNNING:
                run.state = RunState.STOPPED if self.slice_.look.stopped_by else RunState.DONE
                run.stopped_by, run.finished_at = self.slice_.look.stopped_by, clock.now()
                run.stopped_who = self.slice_.look.stopped_who
                run.remote_calls = self._calls()
                run.save(update_fields=["state", "stopped_by", "stopped_who", "finished_at", "remote_calls"])


@dataclass(frozen=True)
class Progress:
    """How far a stream is gone through, for people."""

    stream: Stream
    label: str
    """Of the stream."""
    spec: RoundSpec
    row: Round

    @property
    def is_filling(self) -> bool:
        """Whether what was there before the flow began is still being handed over."""
        return is_filling(self.row)

    @property
    def bound(self) -> timedelta | None:
        """How long what no change tells may stay unseen, by the last full round; None before the first."""
        return max(self.row.last_took, REST) if self.row.last_took is not None else None


def progress(flow: Flow) -> list[Progress]:
    """How far the streams of a flow are gone through, those that are. Needs a scope and an installed connector."""
    connector = connector_of(flow.tenant)
    rows = {row.stream_id: row for row in Round.objects.filter(stream__flow=flow)}
    streams = Stream.objects.filter(flow=flow).select_related("tenant")
    specs = [(stream, connector.stream(stream.key)) for stream in streams]
    return [
        Progress(stream, spec.label, spec.round, rows.get(stream.pk) or Round(stream=stream))
        for stream, spec in specs
        if spec.round
    ]
