"""Reader of ICT4H atom feeds: pages as values, a position that survives re-paging, no product's names.

A feed is a numbered chain of pages of notifications, oldest first. This room knows how to walk it and
how to remember where it was; it knows no category, no title and not what an entry's content means.
"""

from __future__ import annotations

from atomfeed.page import Entry, NotAFeed, Page, parse_page
from atomfeed.position import FeedPosition, FeedReset, StartPolicy
from atomfeed.reader import PAGE_MISSING, Feed, Reading

__all__ = [
    "PAGE_MISSING", "Entry", "Feed", "FeedPosition", "FeedReset", "NotAFeed", "Page", "Reading", "StartPolicy",
    "parse_page",
]  # fmt: skip
