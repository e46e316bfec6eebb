"""What stops the data from flowing, as the line at the top of every page and the list of incidents say it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import clock
from console.addresses import row_url
from console.words import BAD, GOOD, badge, span, when
from engine.incidents import Open, open_ones
from syncstatus.models import Incident, IncidentKind

SHOWN = 5
"""Lines at the top of a page; the list has them all."""


@dataclass(frozen=True)
class Line:
    """One open incident in a sentence, with the way to its page."""

    who: str
    cause: str
    since: SafeString | str
    next: SafeString | str
    url: str
    door: str = "See what to do"


def lines() -> list[Line]:
    """The open incidents within the scope, the oldest first: one query while there are none."""
    return [
        Line(
            who=str(one.tenant),
            cause=one.told.cause,
            since=when(one.incident.opened_at, one.tenant.zone),
            next=what_comes_next(one),
            url=row_url(one.incident),
        )
        for one in open_ones()[:SHOWN]
    ]


def what_comes_next(one: Open) -> SafeString | str:
    """When it is asked again, or who must act."""
    if one.incident.kind == IncidentKind.FAULTS:
        return "It stays paused until a person resumes it."
    if one.next_probe_at is None:
        return "It is not tried again until a person has mended the connection."
    if one.next_probe_at <= clock.now():
        return "It is asked again the next time a flow needs it."
    return format_html("It is asked again at {}.", when(one.next_probe_at, one.tenant.zone))


def state_badge(row: Incident) -> SafeString:
    """Open, or for how long it was."""
    if row.recovered_at is None:
        return badge("open", BAD)
    return badge(f"over after {span(row.recovered_at - row.opened_at)}", GOOD)
