"""Where streams stand: one position per partition, opened when the tenant's settings first name it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from common import clock
from engine import gaps
from engine.ports import Change
from engine.registry import Connector, Servers, Setting, connector_of
from errors.models import ErrorRecord, ErrorState
from mappings import snapshot
from syncstatus.models import Flow, Position, StartPolicy, Stream

CLOCKS: Final = timedelta(minutes=1)
"""By which a source's clock may be behind ours: what it dates so much earlier may have come after the beginning."""


@dataclass(frozen=True)
class Standing:
    """How far one partition of a stream is read."""

    stream: Stream
    partition: str
    """Empty when the settings name nothing that the stream could read."""
    is_named: bool
    """Whether the settings name it now; otherwise it stands still."""
    read_upto: datetime | None
    """Source time of the last change that was finished; None before the first."""
    unread: ErrorRecord | None
    """The error record that says why it cannot be read at present."""


def named(connector: Connector, stream: Stream, setting: Setting) -> list[str]:
    """The partitions a stream is read in by what the settings say now, in a stable order."""
    return list(dict.fromkeys(connector.stream(stream.key).partitions(setting.snapshot)))


def beginning(flow: Flow, policy: str) -> datetime | None:
    """Since when records count: None for the very first, else when the flow was first switched on."""
    return None if policy == StartPolicy.BEGINNING else flow.began_at or clock.now()


def start_of(connector: Connector, flow: Flow, stream_key: str, policy: str) -> datetime | None:
    """Since when the partitions of a stream are read: one that a round fills begins with what is new."""
    if connector.stream(stream_key).round:
        return flow.began_at or clock.now()
    return beginning(flow, policy)


def counts(change: Change, flow: Flow) -> bool:
    """Whether a record of which nothing is known yet is handed over: it changed since the flow was to begin."""
    began = beginning(flow, flow.start_policy)
    return began is None or change.source_time is None or change.source_time >= began - CLOCKS


def opened(
    connector: Connector, servers: Servers, stream: Stream, partitions: Collection[str], since: datetime | None
) -> list[Position]:
    """New positions of these partitions, not yet saved. Asks the source: raises common.http_errors.RemoteError."""
    return [
        Position(
            tenant_id=stream.tenant_id,
            stream=stream,
            partition=partition,
            value=dict(connector.first_position(servers, stream.key, partition, since)),
        )
        for partition in partitions
    ]


def as_opened(connector: Connector, servers: Servers, stream: Stream, partition: str) -> Position:
    """The position as the next look would open it; before everything for a flow that never ran. Not saved.

    Raises as `opened` does.
    """
    policy = stream.flow.start_policy
    since = beginning(stream.flow, policy) if policy else None
    (position,) = opened(connector, servers, stream, [partition], since)
    return position


def standings(flow: Flow) -> list[Standing]:
    """How far each partition of a flow's streams is read; one without a name for a stream that has none.

    Needs a scope of its tenant and an installed connector.
    """
    connector, taken = connector_of(flow.tenant), snapshot.take(flow.tenant)
    stored = {(row.stream_id, row.partition): row for row in Position.objects.filter(stream__flow=flow)}
    errors = ErrorRecord.objects.filter(stream__flow=flow, entity_id__startswith=gaps.BEGIN)
    unread = {(row.stream_id, row.entity_id): row for row in errors.exclude(state=ErrorState.RESOLVED)}
    rows: list[Standing] = []
    for stream in Stream.objects.filter(flow=flow).select_related("tenant"):
        now = list(connector.stream(stream.key).partitions(taken))
        known = [*now, *sorted(name for pk, name in stored if pk == stream.pk)]
        for partition in dict.fromkeys(known or [""]):
            position = stored.get((stream.pk, partition))
            why = unread.get((stream.pk, gaps.gap_id(partition)))
            read_upto = position.read_upto if position else None
            rows.append(Standing(stream, partition, partition in now, read_upto, why))
    return rows
