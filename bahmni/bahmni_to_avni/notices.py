"""A feed of Bahmni as pages of changes: which entries are about records of one kind, and what becomes of the others.

Stands on atomfeed.md F1 (an entry only says that something changed), F11 (its content), F25 (one category carries
several kinds).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from atomfeed.page import Entry
from atomfeed.position import FeedPosition, FeedReset
from atomfeed.reader import Feed, Reading
from bahmni import vocabulary as v
from engine.ports import UNTIL, Change, JsonObject, Page
from engine.verdicts import NotThere


@dataclass(frozen=True)
class Notices:
    """The entries of one feed whose title is `title` and whose content names a record by `path` (group 1: its uuid)."""

    feed: Feed
    title: str
    path: re.Pattern[str]

    def pages(self, position: JsonObject) -> Iterator[Page]:
        """Notifications since the position, oldest first. What an entry says is not believed, only fetched.

        Raises NotThere when the feed no longer holds the entry we stopped at.
        """
        if UNTIL in position:
            yield from self._bounded(position)
            return
        for reading in self._readings(cast(FeedPosition, position)):
            changes = tuple(change for entry in reading.entries if (change := self._change(entry)))
            others = Counter(entry.title for entry in reading.entries if self._change(entry) is None)
            newest = changes[-1].source_time if changes else None
            yield Page(changes, cast(JsonObject, reading.position), newest, dict(others))

    def _bounded(self, position: JsonObject) -> Iterator[Page]:
        """The same, as far as the position says; some time beyond, as times do not order a feed to the second (F61)."""
        bound, until = {UNTIL: position[UNTIL]}, datetime.fromisoformat(position[UNTIL])
        inner = cast(FeedPosition, {key: value for key, value in position.items() if key != UNTIL})
        for reading in self._readings(inner):
            near = [entry for entry in reading.entries if entry.updated is None or entry.updated < until + v.A_MOMENT]
            entries = [entry for entry in near if entry.updated is None or entry.updated < until]
            changes = tuple(change for entry in entries if (change := self._change(entry)))
            yield Page(changes, {**reading.position, **bound}, changes[-1].source_time if changes else None)
            if reading.entries and not near:
                return

    def _readings(self, position: FeedPosition) -> Iterator[Reading]:
        try:
            yield from self.feed.read(position)
        except FeedReset:
            raise NotThere("bahmni.feed-reset", place=f"the {self.title.lower()} feed") from None

    def _change(self, entry: Entry) -> Change | None:
        """The record an entry is about, or None for an entry of another kind."""
        about = self.path.search(entry.content)
        return Change(about[1], entry.id, entry.updated) if entry.title == self.title and about else None
