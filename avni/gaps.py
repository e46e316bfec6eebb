"""Finding the rows of a list that cannot be read: in which millisecond they stand, and how many there are.

What it rests on: before the server's clock less a margin rows only leave a list, by being edited; none comes (avni.md
A7, A61). So where a row stands at the same place in the list as at an earlier request, none of those before it has left
meanwhile, and whatever was asked between the two requests shows one and the same state. The end of the list serves
as well (A60), as long as nothing is younger than the margin. A 500 alone proves nothing: it may be the moment's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from avni.client import AvniPage
from avni.listing import (
    MILLISECOND,
    PAGE_SIZE,
    PATIENCE,
    FetchPage,
    Row,
    Version,
    ahead,
    ask,
    is_end,
    versions,
    walk,
)
from avni.wire import instant, spelled
from common.http_errors import Refused

__all__ = ["MARGIN", "Gap", "TooYoung", "Whole", "find_unreadable", "read_gap", "read_whole"]

MARGIN = timedelta(seconds=10)
"""How far behind the server's clock we stay. Avni's own hosting hides the newest 10 s for the same reason,
installations elsewhere hide nothing."""


@dataclass(frozen=True)
class Gap:
    """A millisecond with rows that cannot be read: `at` (UTC), how many `rows`, and the server's answer for one."""

    at: datetime
    rows: int
    failure: Refused = field(compare=False)

    @property
    def name(self) -> str:
        """The gap's name, the same whenever it is met again."""
        return spelled(self.at)


@dataclass(frozen=True)
class Whole:
    """A millisecond is read: the ids of all its readable rows, and the gap in it."""

    ids: frozenset[str]
    gap: Gap | None


class TooYoung(Exception):
    """It cannot be told yet which rows are unreadable: what follows them is younger than the margin."""

    def __init__(self, failure: Refused) -> None:
        super().__init__(failure)
        self.failure = failure


@dataclass(frozen=True)
class _Round:
    """What one reading of a millisecond saw.

    `refused`: unreadable rows of it and behind it, up to `following`, the first readable row later than it (None: the
    list ends); `behind`: how many of them are later; `agreed`: whether both were counted up to the same row.
    """

    ids: frozenset[str]
    refused: int = 0
    behind: int = 0
    following: Version | None = None
    agreed: bool = True


def read_gap(
    at: datetime, fetch: FetchPage, *, margin: timedelta = MARGIN, size: int = PAGE_SIZE
) -> tuple[list[Row], Gap | None]:
    """Read the rows of exactly this millisecond: those readable now, and the gap that remains.

    Rows edited since are not among them: they are in the list at their new time. Raises what `fetch` raises; Refused
    also where it cannot be told now, because what follows is younger than the margin or the server is ill.
    """
    found: dict[str, Row] = {}
    ids: frozenset[str] = frozenset()
    gap = None
    try:
        for part in read_whole(at, fetch, size=size, margin=margin):
            if isinstance(part, Whole):
                ids, gap = part.ids, part.gap
            else:
                found.update((version.id, version.row) for version in part)
    except TooYoung as young:
        raise young.failure from None
    return [row for identity, row in found.items() if identity in ids], gap


def read_whole(
    at: datetime, fetch: FetchPage, *, size: int, margin: timedelta, first: AvniPage | None = None
) -> Iterator[list[Version] | Whole]:
    """All rows of one millisecond, page by page, in rounds until two rounds saw the same; in the end the Whole.

    A row edited between two pages leaves the millisecond, and its successors shift forward over a page border
    unseen. But then the next round sees other rows than this one, and goes round again.
    `first`: the first page of the list from this millisecond on, where it is there already.
    Raises TooYoung, Garbled and what `fetch` raises; Refused also after PATIENCE rounds with unreadable rows.
    """
    before: _Round | None = None
    settled: datetime | None = None
    rounds = 0
    while True:
        ids: set[str] = set()
        refused = 0
        failure: Refused | None = None
        following: Version | None = None
        for answer in walk(fetch, at - MILLISECOND, size, first):
            if isinstance(answer, Refused):
                refused, failure = refused + 1, answer
                continue
            settled = settled or _last_settled(answer, margin)
            found = versions(answer)
            here = [version for version in found if version.at <= at]
            ids.update(version.id for version in here)
            yield here
            if len(here) < len(found):
                following = found[len(here)]
                break
        first = None
        seen = _Round(frozenset(ids))
        if failure and settled:
            # Those refused last may be later than the millisecond: as many as stand in the list behind it.
            behind = ahead(fetch, at)
            seen = _Round(frozenset(ids), refused, behind.unreadable, following, behind.first == following)
            _need_settled(fetch, following, settled, failure)
        if seen.agreed and seen == before:
            unreadable = seen.refused - seen.behind
            yield Whole(seen.ids, Gap(at, unreadable, failure) if failure and unreadable > 0 else None)
            return
        before = seen
        rounds += 1
        if failure and rounds >= PATIENCE:
            raise failure


def find_unreadable(at: datetime, fetch: FetchPage, *, margin: timedelta) -> datetime | None:
    """The millisecond of the first row from `at` on, where that cannot be read; None when it can.

    Between `at` and that millisecond there is no row, readable or not. By now the row may have left it.
    Raises TooYoung, Garbled and what `fetch` raises; Refused also when PATIENCE rows in a row are refused.
    """
    start = ahead(fetch, at - MILLISECOND)
    if not start.failure or not start.unreadable:
        return None
    settled = _last_settled(start.answer, margin)
    if settled < at:
        raise TooYoung(start.failure)
    _need_settled(fetch, start.first, settled, start.failure)
    empty, reached = at - MILLISECOND, start.first.at if start.first else settled
    while reached - empty > MILLISECOND:
        middle = empty + (reached - empty) // MILLISECOND // 2 * MILLISECOND
        # The list from here on is as long as from `at` on: so nothing stands between them.
        answer = ask(fetch, middle, start.unreadable, 1)
        if isinstance(answer, Refused):
            reached = middle
        elif start.first:
            empty, reached = (middle, reached) if versions(answer)[:1] == [start.first] else (empty, middle)
        else:
            empty, reached = (middle, reached) if answer.total_pages == start.unreadable else (empty, middle)
    _need_settled(fetch, start.first, settled, start.failure)
    return empty + MILLISECOND


def _need_settled(fetch: FetchPage, following: Version | None, settled: datetime, failure: Refused) -> None:
    """Raise TooYoung unless rows up to `following`, or else to the end of the list, could only leave meanwhile."""
    is_settled = following.at <= settled if following else is_end(fetch, settled)
    if not is_settled:
        raise TooYoung(failure)


def _last_settled(answer: AvniPage, margin: timedelta) -> datetime:
    """The last whole millisecond before the server's clock less the margin."""
    return instant(spelled(answer.server_date - margin - timedelta(microseconds=1)))
