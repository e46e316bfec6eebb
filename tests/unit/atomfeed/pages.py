"""A publisher in memory: entries in a log, cut into pages on request, with the manners of the real one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from atomfeed import PAGE_MISSING, Feed, FeedPosition
from common.http_errors import Refused

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
"""Entry n is published n seconds later."""


def name(number: int) -> str:
    return f"tag:atomfeed.ict4h.org:{number}"


def entry_xml(identity: str, published: datetime = BEGAN, content: str = "<![CDATA[/x]]>") -> str:
    time = published.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'<entry><title>Thing</title><category term="thing" /><id>{escape(identity)}</id><updated>{time}</updated>'
        f"<published>{time}</published>"
        f'<content type="application/vnd.atomfeed+xml">{content}</content></entry>'
    )


def page_xml(links: dict[str, str], entries: Sequence[str]) -> bytes:
    shown = "".join(f'<link rel="{rel}" type="application/atom+xml" href="{href}" />' for rel, href in links.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>Log</title>'
        f"{shown}<id>+1</id>{''.join(entries)}</feed>"
    ).encode()


class Log:
    """Ids in order. `size` entries a page; `holes` are pages that show nothing although they are linked."""

    base = "/ws/atomfeed/thing"

    def __init__(self, ids: Sequence[str], size: int = 5) -> None:
        self.ids = list(ids)
        self.size = size
        self.published = {identity: BEGAN + timedelta(seconds=n) for n, identity in enumerate(ids, 1)}
        self.fetched: list[str] = []
        self.host = "http://wrong-host:8080/openmrs"

    @property
    def last(self) -> int:
        return -(-len(self.ids) // self.size)

    def add(self, *ids: str) -> None:
        self.ids.extend(ids)

    def fetch(self, path: str) -> bytes:
        asked = path.removeprefix(self.base + "/")
        self.fetched.append(asked)
        number = self.last if asked == "recent" else int(asked)
        if asked != "recent" and not 0 < number <= self.last:
            refusal = Refused("refused", side="test", method="GET", path_template=path, status=500)
            refusal.codes = (PAGE_MISSING,)
            raise refusal
        shown = self.ids[max(0, number - 1) * self.size : number * self.size]
        entries = [entry_xml(one, self.published.get(one, BEGAN)) for one in shown]
        return page_xml(self._links(asked, number), entries)

    def _links(self, asked: str, number: int) -> dict[str, str]:
        place = f"{self.host}{self.base}"
        links = {"self": f"{place}/{asked}", "via": f"{place}/{number}"}
        if number < self.last:
            links["next-archive"] = f"{place}/{number + 1}"
        if number > 1:
            links["prev-archive"] = f"{place}/{number - 1}"
        return links

    @property
    def feed(self) -> Feed:
        return Feed(self.fetch, self.base, side="test")


def read_all(log: Log, position: FeedPosition, back: int = 0) -> tuple[list[str], FeedPosition]:
    """Every new id, and the position at the end."""
    ids: list[str] = []
    for reading in log.feed.read(position, back=back):
        ids += [entry.id for entry in reading.entries]
        position = reading.position
    return ids, position
