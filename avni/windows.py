"""Reading a window of "modified since" without losing a row and without repeating one for ever.

What makes it hard (and a watermark alone wrong):

- the server's lower bound is open, its times have milliseconds, and a thousand rows may share one: we ask from
  a millisecond earlier and drop the versions we know (avni.md A1, A5, A6);
- rows move while we page: an edit lifts a row to the end, and everything behind it shifts into a page already
  read. So each request begins at a time and reads its first page; only where a single millisecond fills more
  than a page do we ask for page 1, 2, …, and then go round again until two rounds saw the same rows;
- a row becomes visible when its transaction commits, later than its time says: the position never passes the
  server's own clock less a margin, and an overlap can be read again (avni.md A3, A7);
- a row that the server cannot render makes its page a 500 (avni.md A29). The rows before it are read, its millisecond
  is found, the others of that millisecond are read one by one, and what remains is told as a gap (`avni.gaps`).

The position is `{"ts": "2026-…Z", "known": {"<ID>": "<its time>", …}}`: everything before `ts` has been delivered
or told as a gap, and of the rows at `ts` (or at most the overlap before it) those in `known`, at that version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from avni.gaps import MARGIN, Gap, TooYoung, Whole, find_unreadable, read_gap, read_whole
from avni.listing import MILLISECOND, PAGE_SIZE, PATIENCE, FetchPage, Row, Version, readable_start, versions
from avni.wire import instant, spelled

__all__ = [
    "MARGIN", "PAGE_SIZE", "FetchPage", "Gap", "Reading", "WindowPosition", "read_gap", "read_window", "window_start",
]  # fmt: skip


class WindowPosition(TypedDict):
    """See the text of this module."""

    ts: str
    known: dict[str, str]


@dataclass(frozen=True)
class Reading:
    """Rows in the server's order, gaps found, and the position once both are handled.

    There may be neither: then only the position moved, past a millisecond whose rows are all through.
    """

    rows: list[Row]
    position: WindowPosition
    gaps: tuple[Gap, ...] = ()


def window_start(at: datetime) -> WindowPosition:
    """The position before everything modified at `at` or later."""
    return {"ts": spelled(at), "known": {}}


def read_window(
    position: WindowPosition, fetch: FetchPage, *, margin: timedelta = MARGIN, overlap: timedelta = timedelta(0),
    size: int = PAGE_SIZE,
) -> Iterator[Reading]:  # fmt: skip
    """What is new since `position`, oldest first; a gap comes after the rows before it and those beside it.

    Ends when nothing more is visible before the server's clock less `margin`, or when rows cannot be read and what
    follows them is younger than that: then they are looked at next time. `overlap` is how far before the
    position to look again for rows that became visible late. It may differ from call to call; a longer one than
    last time delivers the rows of the difference once more. By default nothing is re-read, and `known` holds only
    the rows of the position's own millisecond: that much is needed to ask again from there. A gap is told again
    whenever its millisecond is read again. `size`: rows of a page.
    Raises Garbled and what `fetch` raises. A Refused is raised unless it is a 500, and a 500 when PATIENCE rows one
    behind the other cannot be read, or when rows were refused as often and were readable or gone when looked for.
    """
    with suppress(TooYoung):
        yield from _readings(_Cursor(position, overlap), fetch, margin, size)


def _readings(cursor: _Cursor, fetch: FetchPage, margin: timedelta, size: int) -> Iterator[Reading]:
    at = cursor.start
    request = size
    stumbles = 0
    while True:
        page, failure = readable_start(fetch, at - MILLISECOND, request)
        crowd = None
        if page:
            stumbles = 0
            found = versions(page)
            settled = [version for version in found if version.at < page.server_date - margin]
            last_page = page.total_pages <= 1 or len(settled) < len(found) or not found
            if last_page or settled[-1].at > at:
                yield from cursor.deliver(settled)
                if last_page:
                    return
                at = settled[-1].at
                if not failure:
                    request = size
                    continue
            elif not failure and request == size:
                crowd = page
        else:
            stumbles += 1
            if failure and stumbles == PATIENCE:
                raise failure
            unreadable = find_unreadable(at, fetch, margin=margin)
            if not unreadable:
                continue
            at = unreadable
        # One millisecond fills the page and goes on behind it; or it holds a row that cannot be read, or may.
        yield from _through(cursor, at, read_whole(at, fetch, size=size, margin=margin, first=crowd))
        at += MILLISECOND
        request = 1 if failure else size


def _through(cursor: _Cursor, at: datetime, parts: Iterable[list[Version] | Whole]) -> Iterator[Reading]:
    """The rows of one whole millisecond, then the gap in it with the position behind it."""
    for part in parts:
        if isinstance(part, Whole):
            yield from cursor.pass_by(at, part.gap)
        else:
            yield from cursor.deliver(part)


class _Cursor:
    """The position as far as we are, and what of the rows found is new to it."""

    def __init__(self, position: WindowPosition, overlap: timedelta) -> None:
        self._position = position
        self._overlap = overlap

    @property
    def start(self) -> datetime:
        """The millisecond to begin with."""
        return instant(spelled(instant(self._position["ts"]) - self._overlap))

    def deliver(self, found: Sequence[Version]) -> Iterator[Reading]:
        """The rows among `found` that are not known, with the position after them; nothing when all are."""
        before = self._position["known"]
        fresh = [version.row for version in found if before.get(version.id) != version.stamp]
        known = before | {version.id: version.stamp for version in found}
        self._move(known, [version.at for version in found])
        if fresh:
            yield Reading(fresh, self._position)

    def pass_by(self, at: datetime, gap: Gap | None) -> Iterator[Reading]:
        """The position behind a millisecond whose rows are all through, with the gap in it; nothing when we are."""
        before = self._position
        self._move(before["known"], [at + MILLISECOND])
        if gap or self._position != before:
            yield Reading([], self._position, (gap,) if gap else ())

    def _move(self, known: dict[str, str], times: Sequence[datetime]) -> None:
        """To the latest of these times, never back (late rows are older), remembering what the overlap needs."""
        at = max([instant(self._position["ts"]), *times])
        oldest = at - self._overlap
        self._position = {
            "ts": spelled(at),
            "known": {one: stamp for one, stamp in known.items() if instant(stamp) >= oldest},
        }
