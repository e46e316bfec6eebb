"""One feed page as the Atom document the OpenMRS module writes (atomfeed.md F1 to F12)."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from simulators.bahmni.feeds import FeedError, FeedPage
from simulators.bahmni.model import FeedEvent
from simulators.bahmni.settings import Settings

__all__ = ["render_page"]

LINE_END = "\r\n"
"""The pretty printer of the original writes Windows line ends."""


def render_page(page: FeedPage, settings: Settings, folder: str, self_url: str, today: datetime) -> bytes:
    """The document. `folder` is the URL up to the page number, `today` midnight in the zone."""
    links = [("self", self_url), ("via", f"{folder}/{page.number}")]
    if page.number < page.last:
        links.append(("next-archive", f"{folder}/{page.number + 1}"))
    if page.number > 1:
        links.append(("prev-archive", f"{folder}/{page.number - 1}"))
    stamps = [event.timestamp for event in page.events if event.timestamp]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"  <title>{escape(settings.feed_title)}</title>",
        *(f'  <link rel="{rel}" type="application/atom+xml" href={quoteattr(url)} />' for rel, url in links),
        "  <author>",
        "    <name>OpenMRS</name>",
        "  </author>",
        f"  <id>{escape(settings.feed_id_prefix)}+{page.number}</id>",
        '  <generator uri="https://github.com/ICT4H/atomfeed">OpenMRS Feed Publisher</generator>',
        f"  <updated>{_stamp(max(stamps, default=today))}</updated>",
    ]
    for event in page.events:
        lines.extend(_entry(event))
    lines.append("</feed>")
    return (LINE_END.join(lines) + LINE_END).encode()


def _entry(event: FeedEvent) -> list[str]:
    content = event.content
    if content is not None and "]]>" in content:
        raise FeedError("The data is not legal for a CDATA section")
    stamp = _stamp(event.timestamp or event.raised)
    terms = {event.category, *event.tags} - {""}
    kind = 'type="application/vnd.atomfeed+xml"'
    body = f"<content {kind} />"
    if content is not None:
        body = f"<content {kind}><![CDATA[{content}]]></content>"
    return [
        "  <entry>",
        f"    <title>{escape(event.title)}</title>",
        *(f"    <category term={quoteattr(term)} />" for term in sorted(terms)),
        f"    <id>tag:atomfeed.ict4h.org:{event.uuid}</id>",
        f"    <updated>{stamp}</updated>",
        f"    <published>{stamp}</published>",
        f"    {body}",
        "  </entry>",
    ]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
