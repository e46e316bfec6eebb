"""Places in the sources of both directions: where a date lies, what comes behind a place, which of two comes first.

Stands on avni.md A8, A60, A120 (`totalPages` of pages of one row counts rows) and atomfeed.md F2, F9, F14, F60 (times
of a feed order nothing to the second; page sizes change rarely).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, cast

from atomfeed.position import FeedPosition, FeedReset
from atomfeed.reader import Feed
from avni.client import AvniPage
from avni.listing import MILLISECOND, FetchPage, ahead
from avni.windows import WindowPosition, window_start
from avni.wire import instant
from bahmni import vocabulary as v
from bahmni.servers import BahmniServers
from engine.ports import JsonObject
from engine.registry import Servers
from engine.verdicts import NotThere

FEEDS: Final = (v.PATIENT, v.ENCOUNTER)
"""The streams that read one."""


class Seeker:
    """See `engine.registry.Seeker`."""

    def since(self, servers: Servers, stream_key: str, partition: str, since: datetime) -> JsonObject:
        """Of Avni the time itself, without a request; in a feed the place is found by halving."""
        if stream_key in FEEDS:
            return _as_json(_feed(servers, partition).start(since - v.A_MOMENT))
        return _as_json(window_start(since))

    def page(self, servers: Servers, stream_key: str, partition: str, page: int) -> tuple[JsonObject, datetime | None]:
        """Two requests."""
        if stream_key not in FEEDS:
            raise ValueError("Avni has no pages to begin with")
        feed = _feed(servers, partition)
        position = feed.start(page)
        shown = feed.page(page)
        times = [entry.updated for entry in shown.entries if entry.updated] if shown else []
        return _as_json(position), min(times, default=None)

    def ahead(self, servers: Servers, stream_key: str, partition: str, position: JsonObject) -> int:
        """One request of Avni; of a feed as many as halving takes. Entries of a feed may be of other kinds, too."""
        if stream_key in FEEDS:
            try:
                return _feed(servers, partition).ahead(cast(FeedPosition, position))
            except FeedReset:
                raise NotThere("bahmni.feed-reset", place=f"the {partition} feed") from None
        at = cast(WindowPosition, position)
        rows = ahead(_list(servers, stream_key, partition), instant(at["ts"]) - MILLISECOND).answer.total_pages
        return max(0, rows - len(at["known"]))

    def is_before(self, stream_key: str, one: JsonObject, other: JsonObject) -> bool:
        """By time in Avni; in a feed by page, on one page by what was seen there."""
        if stream_key not in FEEDS:
            return instant(one["ts"]) < instant(other["ts"])
        if one["page"] != other["page"]:
            return bool(one["page"] < other["page"])
        return one["entry"] != other["entry"] and (one["entry"] is None or one["entry"] in other["seen"])

    def kept(self, stream_key: str, position: JsonObject) -> JsonObject:
        """Without the ids that stand before or beside the place."""
        if stream_key in FEEDS:
            return {**position, "seen": [position["entry"]] if position["entry"] else []}
        return {**position, "known": {}}


def _feed(servers: Servers, partition: str) -> Feed:
    return cast(BahmniServers, servers).feed(partition)


def _list(servers: Servers, stream_key: str, partition: str) -> FetchPage:
    avni = cast(BahmniServers, servers).avni
    lists: dict[str, Callable[..., AvniPage]] = {
        v.SUBJECT: avni.subjects,
        v.ENROLMENT: avni.enrolments,
        v.PROGRAM_ENCOUNTER: avni.program_encounters,
        v.GENERAL_ENCOUNTER: avni.encounters,
    }
    ask = lists[stream_key]
    return lambda since, page, size: ask(since, partition, page=page, size=size)


def _as_json(position: Mapping[str, Any]) -> JsonObject:
    return dict(position)
