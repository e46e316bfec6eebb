"""Where streams stand: one position per partition, opened when the tenant's settings first name it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from common import clock
from engine.registry import Connector, Servers, Setting
from syncstatus.models import Flow, Position, StartPolicy, Stream


def named(connector: Connector, stream: Stream, setting: Setting) -> list[str]:
    """The partitions a stream is read in by what the settings say now, in a stable order."""
    return list(dict.fromkeys(connector.stream(stream.key).partitions(setting.snapshot)))


def beginning(flow: Flow, policy: str) -> datetime | None:
    """Since when records count: None for the very first, else when the flow was first switched on."""
    return None if policy == StartPolicy.BEGINNING else flow.began_at or clock.now()


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
