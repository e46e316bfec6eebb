"""The dry run: the real path over a transport that refuses every write, telling per record what it would do and why.

Position, links and error records are read and left as they are; no lease is needed, because nothing can be written.
A record that would build on one which is only planned (two subjects with one new patient) is told as if it came alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from engine import positions
from engine.batches import batches
from engine.commit import as_known, load_known, load_parents
from engine.handing_over import Pen, Result, hand_over
from engine.ports import Handover
from engine.registry import connector_of
from engine.slices import fetch_one
from engine.work import setting_of
from syncstatus.models import Position, Stream


@dataclass(frozen=True)
class Rehearsed:
    """What would happen to one change."""

    stream: Stream
    result: Result


def rehearse(stream: Stream, *, limit: int) -> Iterator[Rehearsed]:
    """Go through at most `limit` changes of a stream from its positions (from the beginning where it has none).

    Needs a scope of the tenant. Raises common.http_errors.RemoteError when a server cannot be asked.
    """
    connector = connector_of(stream.tenant)
    setting = setting_of(stream.tenant, refuse_writes=True)
    servers = connector.connect(setting)
    stored = {position.partition: position for position in Position.objects.filter(stream=stream)}
    try:
        left = limit
        for partition in positions.named(connector, stream, setting):
            position = stored.get(partition)
            if position is None:
                (position,) = positions.opened(connector, servers, stream, [partition], None)
            for rehearsed in _go_through(position, servers.handover(stream.key), left):
                yield rehearsed
                left -= 1
            if left <= 0:
                return
    finally:
        servers.close()


def _go_through(position: Position, handover: Handover[Any], limit: int) -> Iterator[Rehearsed]:
    stream = position.stream
    pen = Pen(may_write=lambda: True, rehearses=True)  # no lease that could run out
    with closing(batches(handover.pages(position.partition, position.value))) as gathered:
        for batch in gathered:
            newest, _ = batch.newest()
            links = load_known(stream, list(newest))
            for entity_id, change in list(newest.items())[:limit]:
                fetched = fetch_one(change, handover) if change.record is None else change
                link = links.get(entity_id)
                if not isinstance(fetched, Result):
                    parent = handover.parent(fetched)
                    known = load_parents(stream.tenant_id, {entity_id: parent} if parent else {})
                    fetched = hand_over(fetched, as_known(link) if link else None, known.get(entity_id), handover, pen)
                yield Rehearsed(stream, fetched)
                limit -= 1
            if limit <= 0:
                return
