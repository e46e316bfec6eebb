"""The dry run: the real path over a transport that refuses every write, telling per record what it would do and why.

Position, links and error records are read and left as they are; no lease is needed, because nothing can be written.
A record that would build on one which is only planned (two subjects with one new patient) is told as if it came alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from engine.batches import batches
from engine.commit import as_known, load_known
from engine.handing_over import Pen, Result, hand_over
from engine.registry import connector_of
from engine.slices import fetch_one
from engine.work import setting_of
from syncstatus.models import Position, StartPolicy, Stream


@dataclass(frozen=True)
class Rehearsed:
    """What would happen to one change."""

    stream: Stream
    result: Result


def rehearse(stream: Stream, *, limit: int) -> Iterator[Rehearsed]:
    """Go through at most `limit` changes of a stream from its position (from the beginning while it has none).

    Needs a scope of the tenant. Raises common.http_errors.RemoteError when a server cannot be asked.
    """
    tenant = stream.tenant
    connector = connector_of(tenant)
    servers = connector.connect(setting_of(tenant, refuse_writes=True))
    try:
        handover = servers.handover(stream.key)
        stored = Position.objects.filter(stream=stream).first()
        position = stored.value if stored else connector.first_position(servers, stream.key, StartPolicy.BEGINNING)
        pen = Pen(may_write=lambda: True, rehearses=True)  # no lease that could run out
        left = limit
        with closing(batches(handover.pages(position))) as gathered:
            for batch in gathered:
                newest, _ = batch.newest()
                links = load_known(stream, list(newest))
                for entity_id, change in list(newest.items())[:left]:
                    fetched = fetch_one(change, handover) if change.record is None else change
                    link = links.get(entity_id)
                    if not isinstance(fetched, Result):
                        fetched = hand_over(fetched, as_known(link) if link else None, handover, pen)
                    yield Rehearsed(stream, fetched)
                    left -= 1
                if left <= 0:
                    return
    finally:
        servers.close()
