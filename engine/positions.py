"""Where streams stand: one position per partition, opened when the tenant's settings first name it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet, Sum

from common import clock
from engine import gaps
from engine.ports import UNTIL, Change, JsonObject
from engine.registry import Connector, Servers, Setting, connector_of
from errors.models import ErrorRecord, ErrorState
from mappings import snapshot
from syncstatus.models import Flow, Position, Run, RunKind, StartPolicy, Stream

CLOCKS: Final = timedelta(minutes=1)
"""By which a source's clock may be behind ours: what it dates so much earlier may have come after the beginning."""


_SOUGHT: Final = "sought since"
_FROM: Final = "from"
"""Of a position that is only a time: the place in the source is found when it is next read. `from` is where it stood
before, where reading may only go back."""


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
    by_rounds: int = 0
    """Records that the first fill and later rounds created for the stream: they move no position."""


def named(connector: Connector, stream: Stream, setting: Setting) -> list[str]:
    """The partitions a stream is read in by what the settings say now, in a stable order."""
    return list(dict.fromkeys(connector.stream(stream.key).partitions(setting.snapshot)))


def beginning(flow: Flow, policy: str) -> datetime | None:
    """Since when records count: None for the very first, else the date chosen, or when it was first switched on."""
    match policy:
        case StartPolicy.BEGINNING:
            return None
        case StartPolicy.DATE | StartPolicy.PAGE:
            return flow.start_at
        case _:
            return flow.began_at or clock.now()


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


def sought(since: datetime, before: JsonObject | None = None) -> dict[str, object]:
    """The value of a position that is to be found in the source when it is next read, at what changed `since` then.

    With `before`, the value it has now, it only ever goes back.
    """
    if before is not None and _SOUGHT in before:
        before = before.get(_FROM)
    return {_SOUGHT: since.isoformat()} | ({_FROM: dict(before)} if before is not None else {})


def bounded(
    connector: Connector, servers: Servers, stream: Stream, part: str, window: tuple[datetime, datetime]
) -> Any:
    """A position that reads what changed in a window and no more. Raises RemoteError."""
    since, until = window
    if connector.seeker is None:
        raise ValueError("the sources of this connector know no places to go to")
    return {**connector.seeker.since(servers, stream.key, part, since), UNTIL: until.isoformat()}


def is_sought(position: Position) -> bool:
    """Whether its place in the source is still to be found."""
    return _SOUGHT in position.value


def sought_since(position: Position) -> datetime | None:
    """The time that is to be found in the source; None of a position that is found."""
    return datetime.fromisoformat(position.value[_SOUGHT]) if is_sought(position) else None


def without_sought(rows: QuerySet[Position]) -> QuerySet[Position]:
    """Those whose place in the source is known."""
    return rows.exclude(value__has_key=_SOUGHT)


def found(connector: Connector, servers: Servers, position: Position) -> dict[str, Any]:
    """The place of a position in the source, found when it was only sought. Raises RemoteError."""
    since = sought_since(position)
    if since is None or connector.seeker is None:
        return dict(position.value)
    key = position.stream.key
    place, before = connector.seeker.since(servers, key, position.partition, since), position.value.get(_FROM)
    stays = before is not None and connector.seeker.is_before(key, before, place)
    return dict(before if stays else place)


def kept(connector: Connector, rows: Collection[Position]) -> dict[str, Any]:
    """Where positions stand, short enough to be kept with every run; see `place_kept`."""
    seeker = connector.seeker
    if seeker is None:
        return {}
    return {
        row.partition: {
            _VALUE: dict(seeker.kept(row.stream.key, row.value)),
            _READ_UPTO: row.read_upto.isoformat() if row.read_upto else None,
        }
        for row in rows
    }


def place_kept(run: Run, partition: str) -> tuple[dict[str, Any], datetime | None] | None:
    """Where a run began to read a partition, and up to which time all was read then; None when it tells nothing."""
    told = run.began_with.get(partition)
    if told is None:
        return None
    upto = told[_READ_UPTO]
    return dict(told[_VALUE]), datetime.fromisoformat(upto) if upto else None


_VALUE, _READ_UPTO = "value", "read_upto"


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
    rounds = Run.objects.filter(stream__flow=flow, kind__in=[RunKind.FILL, RunKind.ROUND])
    brought = dict(rounds.order_by().values_list("stream").annotate(Sum("created")))
    rows: list[Standing] = []
    for stream in Stream.objects.filter(flow=flow).select_related("tenant"):
        now = list(connector.stream(stream.key).partitions(taken))
        known = [*now, *sorted(name for pk, name in stored if pk == stream.pk)]
        for partition in dict.fromkeys(known or [""]):
            position = stored.get((stream.pk, partition))
            why = unread.get((stream.pk, gaps.gap_id(partition)))
            read_upto = position.read_upto if position else None
            rows.append(Standing(stream, partition, partition in now, read_upto, why, brought.get(stream.pk, 0)))
    return rows
