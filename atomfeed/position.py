"""How far a feed has been read, as a plain JSON-able value.

`{"page": 7, "entry": "tag:…" or null, "seen": ["tag:…", …], "first": "tag:…" or null}`:

`page` and `entry` are the last entry delivered and the page it stood on; without an entry, everything
from the start of that page is still to come. A page number, not an address: hosts move. Never page 0.
`seen` holds the ids last delivered, in the order of the feed: an entry between them that is not among
them is new whatever its number, since a publisher may show a lower number later.
`first` is the oldest entry of the feed when reading began: it tells a rebuilt log from a re-cut one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypedDict

__all__ = ["FeedPosition", "FeedReset", "StartPolicy", "advanced", "merged"]

StartPolicy = Literal["beginning", "recent"] | int | datetime
"""Where to begin: with the first entry there is, after the newest one, with a page, or with an aware time."""

WINDOW = 50
"""Ids kept in `seen`, in entries: ten pages of the usual five. A page that is larger is kept whole."""


class FeedPosition(TypedDict):
    """See the text of this module."""

    page: int
    entry: str | None
    seen: list[str]
    first: str | None


class FeedReset(Exception):
    """The feed no longer holds the entry we stopped at. A person decides where to go on.

    `page` and `entry` are where we stopped; `rebuilt` is True when the feed's oldest entry is another one, too.
    """

    def __init__(self, position: FeedPosition, *, rebuilt: bool) -> None:
        how = "its oldest entry is another one, too" if rebuilt else "its oldest entry is still the same"
        super().__init__(f"the entry last read is neither on page {position['page']} nor near it; {how}")
        self.page = position["page"]
        self.entry = position["entry"]
        self.rebuilt = rebuilt


def merged(seen: Sequence[str], ids: Sequence[str]) -> list[str]:
    """`seen` with the ids of one page put where that page belongs, so that it stays in feed order."""
    here = set(ids)
    at = next((index for index, one in enumerate(seen) if one in here), len(seen))
    return [*seen[:at], *ids, *(one for one in seen[at:] if one not in here)]


def advanced(position: FeedPosition, page: int, ids: Sequence[str], *, past_stop: bool) -> FeedPosition:
    """The position after the entries `ids` of `page`, up to its end, were delivered.

    `past_stop`: this is the page we had stopped on, or a later one. Before it nothing is forgotten, since its own
    entries are still to be met.
    """
    seen = merged(position["seen"], ids)
    if not past_stop or not ids:
        return {**position, "seen": seen}
    seen = seen[-max(WINDOW, len(ids)) :]
    first = ids[0] if position["entry"] is None and page == 1 else position["first"]
    return {"page": page, "entry": ids[-1], "seen": seen, "first": first}
