"""Pages are read ahead and joined. A batch is what one commit finishes: small to repeat, large enough to be cheap."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from common import clock
from engine.ports import Change, Gap, Page

MOST_CHANGES = 100
LONGEST_GATHERING = 2.0
"""Seconds: a slow source should not keep finished pages waiting."""


@dataclass
class Batch:
    """Some pages, in the order they were read."""

    pages: list[Page] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        """All changes, in the order they were read."""
        return [change for page in self.pages for change in page.changes]

    @property
    def gaps(self) -> list[Gap]:
        """All places that could not be read."""
        return [gap for page in self.pages for gap in page.gaps]

    def newest(self) -> tuple[dict[str, Change], list[Change]]:
        """The last change of each entity, by id, and the earlier ones it speaks for."""
        newest: dict[str, Change] = {}
        collapsed: list[Change] = []
        for change in self.changes:
            if earlier := newest.pop(change.entity_id, None):
                collapsed.append(earlier)
            newest[change.entity_id] = change
        return newest, collapsed

    def finished_pages(self, unfinished: set[str]) -> Sequence[Page]:
        """The pages from the front of which no entity is in `unfinished`: as far as a position may move."""
        for number, page in enumerate(self.pages):
            if any(change.entity_id in unfinished for change in page.changes):
                return self.pages[:number]
        return self.pages


def batches(pages: Iterator[Page]) -> Generator[Batch, None, None]:
    """Join pages to batches; the next pages are read in the background while a batch is being handed over.

    When the source fails, what it gave before comes as a last batch, and then its exception.
    """
    reader = _ReadAhead(pages)
    try:
        batch, begun = Batch(), clock.monotonic()
        for page in reader:
            batch.pages.append(page)
            full = sum(len(page.changes) for page in batch.pages) >= MOST_CHANGES
            if full or clock.monotonic() - begun >= LONGEST_GATHERING:
                yield batch
                batch, begun = Batch(), clock.monotonic()
        if batch.pages:
            yield batch
        if reader.failure:
            raise reader.failure
    finally:
        reader.stop()


class _ReadAhead:
    """An iterator driven by a thread of its own, a bounded number of pages ahead. What it raised is in `failure`."""

    def __init__(self, pages: Iterator[Page], *, ahead: int = 24) -> None:
        self._pages = pages
        self.failure: BaseException | None = None
        self._items: queue.Queue[Page | None] = queue.Queue(maxsize=ahead)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._drive, name="read-ahead", daemon=True)
        self._thread.start()

    def _drive(self) -> None:
        try:
            for page in self._pages:
                if not self._put(page):
                    return
        except BaseException as failure:  # noqa: BLE001  # it is raised again where the pages are used
            self.failure = failure
        self._put(None)

    def _put(self, item: Page | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._items.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def __iter__(self) -> Iterator[Page]:
        while (page := self._items.get()) is not None:
            yield page

    def stop(self) -> None:
        """Let the thread end after the page it is at."""
        self._stopped.set()
        self._thread.join()
