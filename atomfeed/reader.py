"""Walking a feed from a position, and choosing a first position (atomfeed.md F14 to F19, F24).

An idle look costs one request: the page we stopped on is still the newest and holds nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import dropwhile, takewhile

from atomfeed.page import Entry, NotAFeed, Page, parse_page
from atomfeed.position import FeedPosition, FeedReset, StartPolicy, advanced
from common.http_errors import Garbled, NotFound, Refused

__all__ = ["PAGE_MISSING", "Feed", "Reading"]

PAGE_MISSING = "feed.page-missing"
"""The code with which a `fetch` refuses (`common.http_errors.Refused`) a page that does not exist."""

SEARCHED = 200
"""Pages looked through in each direction for an entry that is no longer on its page: seconds, not hours."""

LARGEST_PAGE = 8 * 1024 * 1024
"""Bytes. A page of five entries is 2 kB, one of a thousand 400 kB."""


@dataclass(frozen=True)
class Reading:
    """Entries to handle, oldest first, and the position once they are handled.

    There may be no entry: then only the position changed, because the feed was cut into other pages.
    """

    entries: tuple[Entry, ...]
    position: FeedPosition


class Feed:
    """One category of one publisher."""

    def __init__(self, fetch: Callable[[str], bytes], base: str, *, side: str = "feed") -> None:
        """`fetch` gets a path, `base` + "/recent" or "/7", and returns the bytes of the page.

        It raises Refused with the code PAGE_MISSING, or NotFound, for a page that does not exist, and whatever
        else it likes for trouble; that passes through. `side` names the server in errors.
        """
        self._fetch = fetch
        self._base = base.rstrip("/")
        self._side = side

    def newest(self) -> Page:
        """The page that still grows. Raises Garbled."""
        return self._load(None)

    def page(self, number: int) -> Page | None:
        """A numbered page, None when there is none. Raises Garbled."""
        try:
            return self._load(number) if number > 0 else None
        except NotFound:
            return None
        except Refused as refusal:
            if PAGE_MISSING in refusal.codes:
                return None
            raise

    def oldest(self) -> str | None:
        """Id of the feed's first entry, None while there is none: no other publisher has it. One request."""
        return self._first_id()

    def holds(self, position: FeedPosition) -> bool:
        """Whether the entry at `position` is still in the feed: on its page (one request) or, re-cut, near it."""
        try:
            self._stop(position)
        except FeedReset:
            return False
        return True

    def start(self, policy: StartPolicy) -> FeedPosition:
        """The position from which `policy` begins. Raises ValueError for a page that does not exist."""
        newest = self.newest()
        first = self._first_id()
        if newest.number == 0 or policy == "beginning":
            # An empty feed starts at its future first page under every policy: what comes later is new.
            return _before_page(1, first)
        if policy == "recent":
            return advanced(_before_page(newest.number, first), newest.number, newest.ids, past_stop=True)
        if isinstance(policy, datetime):
            return self._start_at(policy, newest.number, first)
        if not 0 < policy <= newest.number:
            raise ValueError("the feed has no such page")
        return _before_page(policy, first)

    def read(self, position: FeedPosition, *, back: int = 0) -> Iterator[Reading]:
        """What is new since `position`, page by page, oldest first.

        `back`: how many earlier pages to look at again for entries that appeared late; whatever stands between the
        entries in `seen` and is not among them is delivered. Raises FeedReset, Garbled, and ValueError for a position
        that is none.
        """
        if position["page"] < 1:
            raise ValueError("a position stands on page 1 or later")
        stop = self._stop(position)
        if stop is None:
            return
        began = position["entry"] is None
        begin = stop.number if began else max(1, min(stop.number, position["page"]) - back)
        for page in self._pages(begin, stop):
            known = {*position["seen"], position["entry"]}
            if not began and known.isdisjoint(page.ids):
                continue
            entries = page.entries if began else _from_known(page, known)
            began = True
            fresh = _fresh(entries, known)
            ids = list(dict.fromkeys(entry.id for entry in entries))
            after = advanced(position, page.number, ids, past_stop=page.number >= stop.number)
            if fresh or after != position:
                yield Reading(fresh, after)
            position = after

    def ahead(self, position: FeedPosition) -> int:
        """About how many entries come after `position`, with few requests however many they are (F14, F60).

        Between two pages of one size all are taken to be of that size. Raises FeedReset, Garbled.
        """
        stop = self._stop(position)
        if stop is None:
            return 0
        here = len(stop.ids)
        if position["entry"] is not None:
            here -= stop.ids.index(position["entry"]) + 1
        newest = self.newest()
        if newest.number <= stop.number:
            return here
        sizes = {stop.number: len(stop.ids), newest.number: len(newest.ids)}
        return here + len(newest.ids) + self._between(stop.number + 1, newest.number - 1, sizes)

    def _between(self, low: int, high: int, sizes: dict[int, int]) -> int:
        """Entries on the pages from `low` to `high`; `sizes` are those known by now."""
        if low > high:
            return 0
        for number in (low, high):
            if number not in sizes:
                page = self.page(number)
                sizes[number] = len(page.ids) if page else 0
        if sizes[low] == sizes[high] or high - low <= 1:
            return (high - low + 1) * sizes[low] if sizes[low] == sizes[high] else sizes[low] + sizes[high]
        middle = (low + high) // 2
        return self._between(low, middle, sizes) + self._between(middle + 1, high, sizes)

    def _stop(self, position: FeedPosition) -> Page | None:
        """The page we stopped on as it is today, found by its entry; None while the feed is empty."""
        nothing_seen_yet = position["entry"] is None and position["first"] is None
        if nothing_seen_yet and self.newest().number == 0:
            return None
        page = self.page(position["page"])
        if page is not None and (position["entry"] is None or position["entry"] in page.ids):
            return page
        found = self._search(position["page"], position["entry"]) if position["entry"] else None
        if found is None:
            raise FeedReset(position, rebuilt=self._first_id() != position["first"])
        return found

    def _search(self, around: int, entry: str) -> Page | None:
        """The page that holds `entry` now: forward first, as pages grow, then backward; bounded both ways."""
        for number in range(around + 1, around + 1 + SEARCHED):
            page = self.page(number)
            if page is None:
                break
            if entry in page.ids:
                return page
        last = min(around, self.newest().number + 1)
        for number in range(last - 1, max(0, last - 1 - SEARCHED), -1):
            page = self.page(number)
            if page is not None and entry in page.ids:
                return page
        return None

    def _pages(self, begin: int, stop: Page) -> Iterator[Page]:
        """The pages from `begin` to the newest, by their links; `stop` is not fetched again."""
        number: int | None = begin
        while number is not None:
            page = stop if number == stop.number else self.page(number)
            if page is None:
                raise self._garbled("a page it links to does not exist")
            yield page
            number = page.next

    def _start_at(self, time: datetime, newest: int, first: str | None) -> FeedPosition:
        """Before the first entry published at `time` or later, found by halving."""
        if time.tzinfo is None:
            raise ValueError("a start needs an aware time")
        low, high = 1, newest
        while low < high:
            middle = (low + high) // 2
            page = self.page(middle)
            if page is not None and page.entries and len(_before(page, time)) == len(page.entries):
                low = middle + 1
            else:
                high = middle
        page = self.page(low)
        earlier = [] if page is None else [entry.id for entry in _before(page, time)]
        return advanced(_before_page(low, first), low, list(dict.fromkeys(earlier)), past_stop=True)

    def _first_id(self) -> str | None:
        """The oldest entry of the feed."""
        page = self.page(1)
        return page.ids[0] if page is not None and page.ids else None

    def _load(self, number: int | None) -> Page:
        data = self._fetch(f"{self._base}/{'recent' if number is None else number}")
        if len(data) > LARGEST_PAGE:
            raise self._garbled("a page is larger than allowed")
        try:
            page = parse_page(data, number)
        except NotAFeed as fault:
            failure = self._garbled(str(fault))
        else:
            return page
        raise failure

    def _garbled(self, reason: str) -> Garbled:
        return Garbled(reason, side=self._side, method="GET", path_template=f"{self._base}/{{page}}")


def _before_page(number: int, first: str | None) -> FeedPosition:
    """Nothing on this page has been delivered yet."""
    return {"page": number, "entry": None, "seen": [], "first": first}


def _from_known(page: Page, known: set[str | None]) -> Sequence[Entry]:
    """The page without its head, which was read before our memory begins.

    An entry that appeared late at the end of that head cannot be told from it here, and so is not noted as seen:
    looking further back finds it.
    """
    return list(dropwhile(lambda entry: entry.id not in known, page.entries))


def _fresh(entries: Sequence[Entry], known: set[str | None]) -> tuple[Entry, ...]:
    """Entries not seen yet, each id once: a publisher with two nodes writes rows twice."""
    fresh = {entry.id: entry for entry in reversed(entries) if entry.id not in known}
    return tuple(entry for entry in entries if fresh.get(entry.id) is entry)


def _before(page: Page, time: datetime) -> list[Entry]:
    """The entries at the head of the page that were published before `time`."""
    return list(takewhile(lambda entry: entry.updated is not None and entry.updated < time, page.entries))
