"""The dry run: the real path over a transport that refuses every write, telling per record what it would do and why.

Position, links and error records are read and left as they are; no lease is needed, because nothing can be written.
A record that would build on one which is only planned is told as if it came alone: two subjects with one new patient
would both create it. One that hangs on a record which would get through first (an encounter on its subject) waits, and
is marked as following.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from common.http_errors import Refused
from engine import gaps, positions, signing_in
from engine.batches import batches
from engine.carrying import fetch_one
from engine.commit import LONGEST_WAIT, arrived, as_known, load_known, load_parents
from engine.handing_over import Pen, Result, hand_over
from engine.ports import Change, Handover, Known
from engine.registry import StreamSpec, connector_of
from engine.unread import guarded, of_gap, unreadable
from engine.verdicts import Verdict
from engine.work import setting_of
from syncstatus.models import Link, Position, Stream


@dataclass(frozen=True)
class Rehearsed:
    """What would happen to one change, or to a part of the source that cannot be read."""

    stream: Stream
    result: Result
    part: str = ""
    """Of what cannot be read: its name; empty for a change."""
    follows: bool = False
    """It waits for a record that this same run would hand over, and would go on then."""

    @property
    def in_addition(self) -> str:
        """What else would happen, in a sentence."""
        if self.follows:
            return "What it waits for would be handed over in this same run, and it would follow."
        return "What it waits for would be fetched first." if self.result.asks_for else ""


class Rehearsal:
    """One dry run, over streams in the order of their dependencies. It remembers what would have arrived."""

    def __init__(self) -> None:
        self._arrived: set[tuple[int, str]] = set()

    def of(self, stream: Stream, *, limit: int) -> Iterator[Rehearsed]:
        """Go through at most `limit` changes of a stream from its positions (or where they would be opened).

        Each of its partitions gets a share of them. Needs a scope of the tenant. Raises
        common.http_errors.RemoteError when a server cannot be asked at all.
        """
        with signing_in.looking(stream.tenant_id):
            yield from self._of(stream, limit)

    def _of(self, stream: Stream, limit: int) -> Iterator[Rehearsed]:
        connector = connector_of(stream.tenant)
        setting = setting_of(stream.tenant, refuse_writes=True)
        servers = connector.connect(setting)
        stored = {position.partition: position for position in Position.objects.filter(stream=stream)}
        parts = positions.named(connector, stream, setting)
        left = limit
        try:
            for number, partition in enumerate(parts):
                share = -(-left // (len(parts) - number))
                spec = connector.stream(stream.key)
                try:
                    position = stored.get(partition) or positions.as_opened(connector, servers, stream, partition)
                    position.value = positions.found(connector, servers, position)
                    for rehearsed in self._go_through(position, spec, servers.handover(stream.key), share):
                        yield rehearsed
                        left -= 0 if rehearsed.part else 1
                except Refused as failure:
                    told = of_gap(gaps.gap_id(partition), unreadable(spec, partition, failure))
                    yield Rehearsed(stream, told, spec.part(partition))
                except Verdict as verdict:  # the part as a whole needs a person, e.g. a feed that was rebuilt
                    result = Result(
                        Change(gaps.gap_id(partition), ""), verdict.outcome, verdict.message, verdict.params
                    )
                    yield Rehearsed(stream, result, spec.part(partition))
        finally:
            servers.close()

    def _go_through(
        self, position: Position, spec: StreamSpec, handover: Handover[Any], share: int
    ) -> Iterator[Rehearsed]:
        stream = position.stream
        if share <= 0:
            return
        with closing(batches(guarded(handover.pages(position.partition, position.value)))) as gathered:
            for batch in gathered:
                for gap in batch.gaps:
                    told = of_gap(gaps.gap_id(position.partition, gap.place), gap.why)
                    yield Rehearsed(stream, told, f"{spec.part(position.partition)}, {gap.place}")
                newest, _ = batch.newest()
                chosen = list(newest.values())[:share]
                links = load_known(stream, [change.entity_id for change in chosen])
                for change in chosen:
                    yield self._tell(stream, change, links.get(change.entity_id), handover)
                share -= len(chosen)
                if share <= 0:
                    return

    def _tell(self, stream: Stream, change: Change, link: Link | None, handover: Handover[Any]) -> Rehearsed:
        pen = Pen(may_write=lambda: True, rehearses=True)  # no lease that could run out
        result = fetch_one(change, handover) if change.record is None else change
        if not isinstance(result, Result):
            parent = _parent(stream, result, handover)
            result = hand_over(result, as_known(link), parent, handover, pen)
        follows = bool(result.waits_for) and (stream.tenant_id, result.waits_for[:LONGEST_WAIT]) in self._arrived
        would_arrive = result.want.arrives if follows and result.want else arrived([result])
        self._arrived |= {(stream.tenant_id, name) for name in would_arrive}
        return Rehearsed(stream, result, follows=follows)


def _parent(stream: Stream, change: Change, handover: Handover[Any]) -> Known | None:
    with suppress(Exception):  # `want` will say what is wrong with it
        if parent := handover.parent(change):
            return load_parents(stream.tenant_id, {change.entity_id: parent}).get(change.entity_id)
    return None
