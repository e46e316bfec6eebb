"""The event log and its pages (atomfeed.md F1 to F24).

A page is never stored: it is a function of the rows of a category and the chunking history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from simulators.bahmni.dates import whole_second
from simulators.bahmni.model import FeedEvent
from simulators.bahmni.settings import Settings

__all__ = ["FeedError", "FeedLog", "FeedPage"]


class FeedError(Exception):
    """A page that does not exist; its text is what the server's error page shows."""


@dataclass(frozen=True)
class FeedPage:
    """Page `number` of a category; 0 is the page of an empty log."""

    number: int
    last: int
    events: list[FeedEvent]


class FeedLog:
    """Queue and log of notifications, as the publisher keeps them."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self.queue: list[FeedEvent] = []
        self.rows: list[FeedEvent] = []
        self._categories: dict[str, list[FeedEvent]] = {}

    def raise_event(
        self,
        category: str,
        title: str,
        content: str | None,
        tags: list[str] | None = None,
    ) -> list[FeedEvent]:
        """Queue an event, as many copies as the settings say, each with its own uuid."""
        raised = self._now()
        events = [
            FeedEvent(str(uuid4()), title, category, content, raised, list(tags or []))
            for _ in range(self._settings.event_copies)
        ]
        self.queue.extend(events)
        self.publish_due()
        return events

    def publish_due(self) -> None:
        """What the publisher task does every two seconds: number what has waited long enough."""
        if self._settings.feed_stopped:
            return
        delay = timedelta(seconds=self._settings.feed_delay)
        now = self._now()
        waiting = []
        for event in self.queue:
            if event.raised + delay <= now:
                event.timestamp = whole_second(event.raised + delay)
                event.number = self.rows[-1].number + 1 if self.rows else 1
                self.rows.append(event)
                self._categories.setdefault(event.category.lower(), []).append(event)
            else:
                waiting.append(event)
        self.queue = waiting

    def page(self, category: str, number: int | None) -> FeedPage:
        """A page by number, or the newest one for None. Raises FeedError out of range."""
        self.publish_due()
        rows = self.of(category)
        spans = self._spans(len(rows))
        if number is None:
            number = len(spans)
        elif number <= 0:
            raise FeedError("feedId must not be null and must be greater than 0")
        elif number > len(spans):
            raise FeedError("feed does not exist")
        begin, end = spans[number - 1] if spans else (0, 0)
        return FeedPage(number, len(spans), rows[begin:end])

    def of(self, category: str) -> list[FeedEvent]:
        """The log rows of a category, oldest first."""
        rows = self._categories.get(category.lower(), [])
        if self._settings.feed_case_sensitive:
            return [row for row in rows if row.category == category]
        return rows

    def _spans(self, count: int) -> list[tuple[int, int]]:
        """Where each page begins and ends, by position in the category's rows."""
        history = self._settings.chunking
        spans: list[tuple[int, int]] = []
        for index, (start, length) in enumerate(history):
            end = history[index + 1][0] - 1 if index + 1 < len(history) else count
            end = min(end, count)
            spans.extend((begin, min(begin + length, end)) for begin in range(start - 1, end, length))
        return spans

    def rechunk(self, length: int) -> None:
        """The wrong way to change the page size: every border moves."""
        self._settings.chunking = [(1, length)]

    def append_chunking(self, start: int, length: int) -> None:
        """The right way: from ordinal `start` on, beyond the end, pages are longer."""
        self._settings.chunking = [*self._settings.chunking, (start, length)]

    def delete(self, entry: str) -> None:
        """Surgery on the log: one row less, and every later page shifts."""
        self.replace_rows([row for row in self.rows if row.uuid != entry])

    def truncate(self, category: str, keep: int) -> None:
        """A purged log: only the newest `keep` rows of a category stay."""
        rows = self.of(category)
        gone = {id(row) for row in rows[: max(0, len(rows) - keep)]}
        self.replace_rows([row for row in self.rows if id(row) not in gone])

    def replace_rows(self, rows: list[FeedEvent]) -> None:
        """Another log altogether: surgery, a restored backup, a loaded state."""
        self.rows = rows
        self._categories = {}
        for row in rows:
            self._categories.setdefault(row.category.lower(), []).append(row)
