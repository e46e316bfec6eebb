"""Where each partition of each stream is read on from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bahmni.connector import CONNECTOR
from bahmni.takeover.brought.importing import Import
from bahmni.takeover.deciding import Decision
from bahmni.takeover.understood.positions import WatchedPosition
from mappings.snapshot import Snapshot
from syncstatus.models import Position
from tenants import audit


def bring(under_way: Import, taken: Snapshot) -> None:
    """Open those that the Java service tells of, and advise about the others; `taken` says what is read by now."""
    stored = {(row.stream.key, row.partition): row for row in Position.objects.select_related("stream")}
    open_parts = {
        (key, part): spec.part(part)
        for flow in CONNECTOR.flows
        for spec in flow.streams
        for key in [spec.key]
        for part in spec.partitions(taken)
        if part and (key, part) not in stored
    }
    for watched in under_way.found.watched:
        parts = [part for part in CONNECTOR.stream(watched.stream).partitions(taken) if part]
        decisions = [_position(under_way, watched.stream, part, watched.value, stored, watched) for part in parts]
        for part in parts:
            open_parts.pop((watched.stream, part), None)
        _tell_position(under_way, decisions, watched.table, watched.stream)
    for feed in under_way.found.feeds:
        decision = _position(under_way, feed.stream, feed.category, dict(feed.position), stored, None)
        open_parts.pop((feed.stream, feed.category), None)
        _tell_position(under_way, [decision], under_way.service.tables["markers"].name, feed.stream)
    under_way.tally.advice += [
        f"How far {_label(key)}, {part}, was read is not known: where it begins is asked when the flow is switched on."
        for (key, _), part in open_parts.items()
    ]


def _position(
    under_way: Import, stream: str, part: str, value: dict[str, Any], stored: Mapping[tuple[str, str], Position],
    watched: WatchedPosition | None,
) -> Decision:  # fmt: skip
    row = stored.get((stream, part))
    decision = under_way.decide("position", f"{stream}\n{part}", value, row.value if row else None)
    if decision is Decision.WRITE:
        row = row or Position(tenant=under_way.tenant, stream=under_way.streams[stream], partition=part)
        before = row.value if row.pk else None
        row.value, row.read_upto = value, watched.read_upto if watched else None
        row.save()
        audit.record(
            under_way.actor,
            "position.move",
            row,
            tenant=under_way.tenant,
            before={"value": before},
            after={"value": value},
        )
    return decision


def _tell_position(under_way: Import, decisions: list[Decision], table: str, stream: str) -> None:
    """One row there may be several positions here: it came over when one did."""
    if not decisions:
        under_way.tally.leave(table, f"{_label(stream)}: no mapping or constant names what is read")
    else:
        order = (Decision.WRITE, Decision.THERE, Decision.KEPT)
        best = min(decisions, key=order.index)
        under_way.tell(best, table, kept=f"{_label(stream)}: read on from elsewhere here by now")


def _label(key: str) -> str:
    return CONNECTOR.stream(key).label.lower()
