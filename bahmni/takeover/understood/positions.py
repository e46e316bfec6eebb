"""How far the Java service had read each stream of Avni and each feed. Stands on java-service.md J9, J14."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atomfeed.position import FeedPosition
from avni.windows import window_start
from bahmni.takeover.database import JavaService, Row
from bahmni.takeover.tally import NOT_USED, Tally
from bahmni.takeover.understood.terms import FEEDS, STREAMS, utc

_FEED_PAGE: Final = re.compile(r"/atomfeed/([A-Za-z]+)/([0-9]+|recent)/?(?:[?#].*)?$")


@dataclass(frozen=True)
class WatchedPosition:
    """How far the Java service had read a stream of Avni."""

    stream: str
    read_upto: datetime
    table: str

    @property
    def value(self) -> dict[str, Any]:
        """As our position: everything from that millisecond on, for the service skipped what shared it (J9)."""
        return dict(window_start(self.read_upto))


@dataclass(frozen=True)
class FeedMarker:
    """The entry of a feed that the Java service handled last, and the page it stood on."""

    stream: str
    category: str
    position: FeedPosition


def watched(service: JavaService, streams: Collection[str], tally: Tally) -> tuple[WatchedPosition, ...]:
    """Watermarks by stream. In the new layout the table of the old one is dead, and counts where the other has none."""
    found: dict[str, WatchedPosition] = {}
    for word in ("status", "avni_status"):
        table = service.tables[word].name
        for row in service.rows(word):
            entity, time = str(row["entity"]), row.get("time")
            stream = STREAMS.get(entity, "")
            if time is None:
                of_a_first_run = "a row number of a first run; of a feed the marker counts"
                tally.leave(table, f"{entity}: {of_a_first_run if row.get('number') is not None else 'it has no time'}")
            elif not stream or stream in FEEDS.values():
                tally.leave(table, f"{entity}: {NOT_USED}")
            elif stream not in streams:
                tally.leave(table, f"{entity}: this release does not carry them")
            elif stream in found:
                tally.leave(table, f"{entity}: {found[stream].table} says it already")
            else:
                found[stream] = WatchedPosition(stream, utc(time), table)
    return tuple(found.values())


def feeds(service: JavaService, tally: Tally) -> tuple[FeedMarker, ...]:
    """Markers by category, whatever host they name (J14). Of several the one that is furthest counts."""
    table, best = service.tables["markers"].name, dict[str, FeedMarker]()
    for row in sorted(service.rows("markers"), key=lambda row: _page_of(row)[1], reverse=True):
        category, page = _page_of(row)
        entry = (row["entry"] or "").strip()
        if category not in FEEDS:
            tally.leave(table, "a feed that is not read here")
        elif page < 1 or not entry:
            tally.leave(table, f"{category}: it names no page or no entry")
        elif category in best:
            tally.leave(table, f"{category}: an earlier place in the same feed, under another address")
        else:
            position: FeedPosition = {"page": page, "entry": entry, "seen": [entry], "first": None}
            best[category] = FeedMarker(FEEDS[category], category, position)
    return tuple(best.values())


def _page_of(row: Row) -> tuple[str, int]:
    """Category and page of a marker; page 0 for one that names none."""
    of_entry, of_feed = (_FEED_PAGE.search(str(row[word] or "")) for word in ("page", "feed"))
    either = of_entry or of_feed
    category = either[1].lower() if either else ""
    return category, int(of_entry[2]) if of_entry and of_entry[2].isdigit() else 0
