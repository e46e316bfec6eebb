"""All of a Java service's database in one look.

What comes out are items, each with the rows it stands for; rows that nothing can be made of are tallied with the
reason. Stands on java-service.md J6 to J16.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bahmni.takeover.database import JavaService
from bahmni.takeover.tally import Tally
from bahmni.takeover.understood import configuration, mappings, positions, troubles
from bahmni.takeover.understood.mappings import Wish
from bahmni.takeover.understood.positions import FeedMarker, WatchedPosition
from bahmni.takeover.understood.troubles import Trouble


@dataclass(frozen=True)
class Found:
    """Everything a Java service's database says that we understand."""

    constants: Mapping[str, tuple[str, ...]]
    mappings: tuple[Wish, ...]
    voided_mappings: tuple[Wish, ...]
    ignored: tuple[str, ...]
    """Uuids of concepts in OpenMRS."""
    error_types: Mapping[str, Mapping[str, Any]]
    watched: tuple[WatchedPosition, ...]
    feeds: tuple[FeedMarker, ...]
    troubles: tuple[Trouble, ...]
    config: Mapping[str, str]
    feed_addresses: tuple[str, ...]


def understand(service: JavaService, streams: Collection[str], tally: Tally) -> Found:
    """Everything in it in our words. `streams` are those that this release carries; the others' rows stay behind."""
    for table in service.tables.values():
        tally.read(table.name, len(table.rows), table.of_others)
    tally.unread.update(service.unread)
    live, voided = mappings.mappings(service, tally)
    return Found(
        constants=configuration.constants(service, tally),
        mappings=live,
        voided_mappings=voided,
        ignored=configuration.ignored(service, tally),
        error_types=configuration.error_types(service, tally),
        watched=positions.watched(service, streams, tally),
        feeds=positions.feeds(service, tally),
        troubles=troubles.troubles(service, streams, tally),
        config=configuration.config(service),
        feed_addresses=tuple(str(row["feed"]) for row in service.rows("markers")),
    )
