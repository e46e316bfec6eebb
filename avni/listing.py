"""Asking a list of Avni for its pages, also where a row makes its page fail.

Avni renders a page whole: one row it cannot render makes the page a 500 that says neither which row it is nor when it
was modified (avni.md A29, A60). Smaller pages show it: the rows around it come, and the row alone is refused again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from avni.client import AvniPage
from avni.wire import instant, spelled
from common.fingerprint import fingerprint
from common.http_errors import Garbled, Refused

__all__ = [
    "MILLISECOND", "PAGE_SIZE", "PATIENCE", "Ahead", "FetchPage", "Row", "Version", "ahead", "ask", "identity",
    "is_end", "readable_start", "versions", "walk",
]  # fmt: skip

MILLISECOND = timedelta(milliseconds=1)
PAGE_SIZE = 100
"""Rows asked for at a time: larger pages take Avni minutes."""

PATIENCE = 20
"""So many unreadable rows one behind the other, with no readable one between them, and we take the server to be ill,
not the rows. Stepping over them would turn an hour's trouble of the server into an error for each of its records."""

FetchPage = Callable[[datetime, int, int], AvniPage]
"""Asks for the rows modified after a time: which page (from 0), of how many rows. Ordered by time, then database id.

A window that includes the time itself (avni.md A2) is read as well, but there a row that cannot be read is not stepped
over for sure: the search for its millisecond may end in the refusal it began with.
"""

Row = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A row with what identifies its version."""

    row: Row = field(compare=False)
    id: str
    stamp: str
    at: datetime


@dataclass(frozen=True)
class Ahead:
    """What stands first in a list: so many unreadable rows, then the first readable one (None: the list ends)."""

    unreadable: int
    first: Version | None
    answer: AvniPage
    failure: Refused | None


def versions(page: AvniPage) -> list[Version]:
    """The rows of a page with their identities; a row without a time stands in time where it stands in the list.

    Raises Garbled when no row tells its time: then nothing can be known as read.
    """
    times = [_time(row) for row in page.content]
    at = next((time for time in times if time), None)
    found: list[Version] = []
    for row, time in zip(page.content, times, strict=True):
        if at is None:
            raise Garbled("no row tells its time", side="avni", method="GET", path_template="a list")
        at = time or at
        found.append(Version(row, identity(row), row["audit"]["Last modified at"] if time else spelled(at), at))
    return found


def identity(row: Row) -> str:
    """What a row is known by: its ID, or for one that has none a name made of all it says."""
    own = row.get("ID")
    return own if isinstance(own, str) and own else f"without an ID: {fingerprint(repr(row))}"


def _time(row: Row) -> datetime | None:
    try:
        return instant(row["audit"]["Last modified at"])
    except (KeyError, OverflowError, TypeError, ValueError):
        return None


def ask(fetch: FetchPage, since: datetime, page: int, size: int) -> AvniPage | Refused:
    """A page, or the 500 it is. Raises whatever else goes wrong: that would fail any other page, too."""
    try:
        return fetch(since, page, size)
    except Refused as failure:
        if failure.status != 500:
            raise
        return failure


def readable_start(fetch: FetchPage, since: datetime, size: int) -> tuple[AvniPage | None, Refused | None]:
    """The first `size` rows; where one of them cannot be read, as many before it as come in one answer, with the 500.

    No page when it is the very first. One answer, as rows that come in several may have moved in between.
    """
    answer = ask(fetch, since, 0, size)
    if not isinstance(answer, Refused):
        return answer, None
    refusal, page = answer, None
    good, bad = 0, size
    while bad - good > 1:
        middle = (good + bad) // 2
        answer = ask(fetch, since, 0, middle)
        if isinstance(answer, Refused):
            bad = middle
        else:
            good, page = middle, answer
    return page, refusal


def walk(fetch: FetchPage, since: datetime, size: int, first: AvniPage | None = None) -> Iterator[AvniPage | Refused]:
    """The whole list in pages of `size`, lazily; a page that is refused in smaller ones, in the end row by row.

    So each refusal given stands for one row. `first` is the first page where it is there already.
    Raises the refusal when PATIENCE rows one behind the other are refused.
    """
    index = refused = 0
    while True:
        step = next(step for step in _steps(size) if index % step == 0)
        answer = first or ask(fetch, since, index // step, step)
        first = None
        while isinstance(answer, Refused) and step > 1:
            step = next(smaller for smaller in _steps(size) if smaller < step)
            answer = ask(fetch, since, index // step, step)
        if isinstance(answer, Refused):
            refused += 1
            if refused == PATIENCE:
                raise answer
        else:
            refused = 0
        yield answer
        index += step
        if not isinstance(answer, Refused) and index // step >= answer.total_pages:
            return


def _steps(size: int) -> list[int]:
    """Sizes of pages, each of which the next smaller divides, down to 1: 100, 10, 1."""
    steps = [size]
    while steps[-1] > 1:
        steps.append(steps[-1] // 10 if steps[-1] % 10 == 0 else 1)
    return steps


def ahead(fetch: FetchPage, since: datetime) -> Ahead:
    """What stands first after `since`. Raises the refusal when PATIENCE rows one behind the other are refused."""
    number = 0
    failure: Refused | None = None
    while isinstance(answer := ask(fetch, since, number, 1), Refused):
        number, failure = number + 1, answer
        if number == PATIENCE:
            raise failure
    found = versions(answer)
    # Refusals may have been the moment's. At its end the list itself tells how many rows it has (avni.md A60).
    unreadable = number if found else min(number, answer.total_pages)
    return Ahead(unreadable, found[0] if found else None, answer, failure)


def is_end(fetch: FetchPage, since: datetime) -> bool:
    """Whether there is no row after `since`, readable or not."""
    answer = ask(fetch, since, 0, 1)
    return not isinstance(answer, Refused) and not answer.content
