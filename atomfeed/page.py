"""One page of a feed: bytes in, a value out (atomfeed.md F2 to F13).

Links say where the publisher believes it lives (often a wrong host or scheme behind a proxy), so only
the page number at the end of their path is used. Entries stand oldest first, in the order of the
publisher's log; their times have whole seconds, repeat, and order nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from lxml import etree

__all__ = ["Entry", "NotAFeed", "Page", "parse_page"]

ATOM = "{http://www.w3.org/2005/Atom}"


class NotAFeed(Exception):
    """The bytes are not an Atom feed that may be read. The text names the kind of fault, never the content."""


@dataclass(frozen=True)
class Entry:
    """One notification.

    `content` is the text as published, without surrounding white space ("" when empty); `updated` is when it was
    published, None when unreadable.
    """

    id: str
    title: str
    categories: frozenset[str]
    content: str
    updated: datetime | None


@dataclass(frozen=True)
class Page:
    """A page and its neighbours' numbers. `number` is 0 for a feed without any entry yet.

    A page with a `next` is final, one without is still growing.
    """

    number: int
    entries: tuple[Entry, ...]
    next: int | None
    prev: int | None

    @property
    def ids(self) -> list[str]:
        """Ids of the entries, oldest first, each once."""
        return list(dict.fromkeys(entry.id for entry in self.entries))


def parse_page(data: bytes, requested: int | None = None) -> Page:
    """Read a page. `requested` is the number asked for, None for the newest page.

    Takes bytes, since the declaration inside them is right about the encoding and the HTTP header often
    is not. Leading white space and a byte order mark are forgiven. Raises NotAFeed.
    """
    root = _root(data)
    links = _links(root)
    number = requested if requested is not None else _own_number(links)
    following, previous = links.get("next-archive"), links.get("prev-archive")
    if number is None or (following is not None and following <= number):
        raise NotAFeed("its links are contradictory")
    return Page(number, tuple(_entry(element) for element in root.findall(ATOM + "entry")), following, previous)


def _root(data: bytes) -> etree._Element:
    """The feed element. No entity, no document type, nothing fetched: the publisher is not trusted."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data.lstrip(b"\xef\xbb\xbf \t\r\n"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        raise NotAFeed("it is not well-formed XML")
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotAFeed("it declares a document type")
    if root.tag != ATOM + "feed":
        raise NotAFeed("its root is not an Atom feed")
    return root


def _links(root: etree._Element) -> dict[str, int]:
    """Page numbers by relation; the first link of a relation counts, as links are never repeated."""
    numbers: dict[str, int] = {}
    for link in root.findall(ATOM + "link"):
        relation, number = link.get("rel", ""), _number(link.get("href", ""))
        if number is not None:
            numbers.setdefault(relation, number)
    return numbers


def _number(href: str) -> int | None:
    """The page number at the end of a link's path; None for a named page such as "recent"."""
    try:
        path = urlsplit(href.strip()).path
    except ValueError:
        return None
    digits = re.search(r"(?:^|/)([0-9]{1,15})/?$", path)
    return int(digits[1]) if digits else None


def _own_number(links: dict[str, int]) -> int | None:
    """The number of the newest page: its `via` link says it, its neighbours imply it."""
    for relation, distance in (("via", 0), ("self", 0), ("prev-archive", 1), ("next-archive", -1)):
        if relation in links:
            return links[relation] + distance
    return None


def _entry(element: etree._Element) -> Entry:
    identity = _text(element, "id")
    if not identity:
        raise NotAFeed("an entry has no id")
    terms = (category.get("term", "") for category in element.findall(ATOM + "category"))
    return Entry(
        id=identity,
        title=_text(element, "title"),
        categories=frozenset(term for term in terms if term),
        content=_text(element, "content"),
        updated=_time(_text(element, "updated") or _text(element, "published")),
    )


def _text(element: etree._Element, name: str) -> str:
    """All text of the first child of that name: CDATA, escaped and plain text read alike."""
    child = element.find(ATOM + name)
    return "" if child is None else "".join(str(piece) for piece in child.itertext()).strip()


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
