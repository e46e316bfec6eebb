"""Reading a window of "modified since" without losing a row and without repeating one for ever.

What makes it hard (and a watermark alone wrong):

- the server's lower bound is open, its times have milliseconds, and a thousand rows may share one: we ask from
  a millisecond earlier and drop the versions we know (avni.md A1, A5, A6);
- rows move while we page: an edit lifts a row to the end, and everything behind it shifts into a page already
  read. So each request begins at a time and reads its first page; only where a single millisecond fills more
  than a page do we ask for page 1, 2, …, and then go round again until two rounds saw the same rows;
- a row becomes visible when its transaction commits, later than its time says: the position never passes the
  server's own clock less a margin, and an overlap can be read again (avni.md A3, A7).

The position is `{"ts": "2026-…Z", "known": {"<ID>": "<its time>", …}}`: everything before `ts` has been delivered,
and of the rows at `ts` (or at most the overlap before it) those in `known`, at that version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict

from avni.client import AvniPage
from avni.wire import instant, spelled
from common.http_errors import Garbled

__all__ = ["MARGIN", "FetchPage", "WindowPosition", "read_window", "window_start"]

MILLISECOND = timedelta(milliseconds=1)
MARGIN = timedelta(seconds=10)
"""How far behind the server's clock we stay. Avni's own hosting hides the newest 10 s for the same reason,
installations elsewhere hide nothing."""

FetchPage = Callable[[datetime, int], AvniPage]
"""Asks for the rows modified after a time, one page of them (from 0), ordered by time and then by database id."""

Row = dict[str, Any]


class WindowPosition(TypedDict):
    """See the text of this module."""

    ts: str
    known: dict[str, str]


@dataclass(frozen=True)
class _Version:
    """A row with what identifies its version."""

    row: Row
    id: str
    stamp: str
    at: datetime


def window_start(at: datetime) -> WindowPosition:
    """The position before everything modified at `at` or later."""
    return {"ts": spelled(at), "known": {}}


def read_window(
    position: WindowPosition, fetch: FetchPage, *, margin: timedelta = MARGIN, overlap: timedelta = timedelta(0)
) -> Iterator[tuple[list[Row], WindowPosition]]:
    """What is new since `position`: rows in the server's order, and the position once they are handled.

    There may be no rows: then only the position moved, past a millisecond whose rows are all through.
    Ends when nothing more is visible before the server's clock less `margin`. `overlap` is how far before the
    position to look again for rows that became visible late. It may differ from call to call; a longer one than
    last time delivers the rows of the difference once more. By default nothing is re-read, and `known` holds only
    the rows of the position's own millisecond: that much is needed to ask again from there.
    Raises Garbled and what `fetch` raises.
    """
    at = instant(position["ts"]) - overlap
    while True:
        page = fetch(at - MILLISECOND, 0)
        versions = _versions(page)
        settled = [version for version in versions if version.at < page.server_date - margin]
        last_page = page.total_pages <= 1 or len(settled) < len(versions) or not versions
        if not last_page and settled[-1].at <= at:
            # One millisecond fills the page and goes on behind it.
            for crowd in _crowd(at, page, fetch):
                yield from _delivery(position, crowd, overlap)
                position = _after(position, crowd, overlap)
            at += MILLISECOND
            passed = _moved(position, at, overlap)
            if passed != position:
                yield [], passed
            position = passed
            continue
        yield from _delivery(position, settled, overlap)
        position = _after(position, settled, overlap)
        if last_page:
            return
        at = settled[-1].at


def _crowd(at: datetime, first: AvniPage, fetch: FetchPage) -> Iterator[list[_Version]]:
    """All rows of one millisecond, page by page, in rounds until two rounds saw the same rows.

    A row edited between two pages leaves the millisecond, and its successors shift forward over a page border
    unseen. But then the next round sees other rows than this one, and goes round again.
    """
    before: set[str] | None = None
    page: AvniPage | None = first
    while True:
        seen: set[str] = set()
        number = 0
        while True:
            page = page or fetch(at - MILLISECOND, number)
            crowd = [version for version in _versions(page) if version.at <= at]
            seen.update(version.id for version in crowd)
            yield crowd
            ended = len(crowd) < len(page.content) or number + 1 >= page.total_pages
            page = None
            if ended:
                break
            number += 1
        if seen == before:
            return
        before = seen


def _versions(page: AvniPage) -> list[_Version]:
    """The rows of a page with their identities. Raises Garbled: without these nothing can be known as read."""
    try:
        return [_version(row) for row in page.content]
    except (AttributeError, KeyError, TypeError, ValueError):
        failure = Garbled("a row lacks its ID or its time", side="avni", method="GET", path_template="a list")
    raise failure


def _version(row: Row) -> _Version:
    stamp = row["audit"]["Last modified at"]
    return _Version(row, str(row["ID"]), stamp, instant(stamp))


def _delivery(
    position: WindowPosition, versions: Sequence[_Version], overlap: timedelta
) -> Iterator[tuple[list[Row], WindowPosition]]:
    """The rows among `versions` that are not known, with the position after them; nothing when all are."""
    fresh = [version.row for version in versions if position["known"].get(version.id) != version.stamp]
    if fresh:
        yield fresh, _after(position, versions, overlap)


def _after(position: WindowPosition, versions: Sequence[_Version], overlap: timedelta) -> WindowPosition:
    """The position once `versions` are handled. It never goes back: late rows are older than it."""
    known = position["known"] | {version.id: version.stamp for version in versions}
    latest = max([instant(position["ts"]), *(version.at for version in versions)])
    return _moved({"ts": position["ts"], "known": known}, latest, overlap)


def _moved(position: WindowPosition, to: datetime, overlap: timedelta) -> WindowPosition:
    """The position at `to`, or where it is if that is later, remembering no more than the overlap needs."""
    at = max(instant(position["ts"]), to)
    oldest = at - overlap
    return {
        "ts": spelled(at),
        "known": {one: stamp for one, stamp in position["known"].items() if instant(stamp) >= oldest},
    }
