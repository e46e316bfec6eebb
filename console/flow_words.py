"""How a flow fares, as the start page and the list say it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.addresses import list_url, row_url
from console.names import part_label, stream_label
from console.words import BAD, BUSY, CARE, GOOD, OFF, badge, how_many, span, when
from engine.overview import FlowOverview
from engine.positions import Standing
from engine.rounds import Progress
from errors.models import ErrorRecord
from syncstatus.models import Flow
from syncstatus.state import State

FEELINGS = {
    State.OFF: OFF,
    State.PAUSED: OFF,
    State.RUNNING: BUSY,
    State.OK: GOOD,
    State.LATE: CARE,
    State.ERRORS: CARE,
    State.HELD: CARE,
    State.SOURCE_DOWN: BAD,
    State.TARGET_DOWN: BAD,
    State.CREDENTIALS: BAD,
    State.BRAKE: BAD,
    State.SEALED: BAD,
}


def state_badge(seen: FlowOverview) -> SafeString:
    """The state in words, with its icon; below it why the last look ended early, and the door out of the brake."""
    state = badge(seen.state_in_words, FEELINGS[seen.state])
    if seen.brake is None:
        return format_html('{}<p class="trouble">{}</p>', state, seen.trouble) if seen.trouble else state
    door = format_html('<a href="{}">{}</a>', row_url(seen.brake), "See what waits, and let it go on")
    return format_html('{}<p class="trouble">{} {}</p>', state, seen.trouble, door)


def lag_in_words(seen: FlowOverview) -> SafeString | str:
    """How far behind; unknown is said as such, with the time of the last good look."""
    if seen.lag.behind is not None:
        return span(seen.lag.behind) if seen.lag.behind else "none"
    if seen.lag.last_good_look_at is None:
        return "unknown"
    return format_html("unknown; last good look {}", when(seen.lag.last_good_look_at, seen.flow.zone))


def last_run_link(seen: FlowOverview) -> SafeString | str:
    """When the flow last looked at a stream, and the way to what came of it."""
    run = seen.last_run
    return format_html('<a href="{}">{}</a>', row_url(run), when(run.started_at, seen.flow.zone)) if run else "never"


def standing_line(standing: Standing, zone: str) -> SafeString:
    """One partition: "Subjects: Individual, read up to 5 Jan 2026, 11:30", and what keeps it from being read."""
    stream = stream_label(standing.stream)
    if not standing.partition:
        return format_html("{}: nothing; no mapping or constant names what to read", stream)
    upto = _upto(standing, zone)
    if not standing.is_named:
        upto = format_html("no longer read; {}", upto)
    line = format_html("{}: {}, {}", stream, part_label(standing), upto)
    if standing.unread is None:
        return line
    return format_html('{} <a href="{}">{}</a>', line, row_url(standing.unread), badge("cannot be read", CARE))


def _upto(standing: Standing, zone: str) -> SafeString | str:
    """How far the changes are read; before the first one, what came otherwise."""
    if standing.read_upto:
        return format_html("read up to {}", when(standing.read_upto, zone))
    if standing.by_rounds:
        return f"no change read yet; {how_many(standing.by_rounds, 'record')} created by going through what was there"
    return "nothing read yet"


def round_line(going: Progress, zone: str) -> SafeString:
    """What a stream is gone through for, how far the round is, and how long the last full one took."""
    row = going.row
    said = format_html("{}: {}", going.label, going.spec.label)
    if row.began_at:
        what = "First fill" if going.is_filling else "Round under way"
        of = format_html(" of about {}", f"{row.last_seen:,}") if row.last_seen else ""
        said = format_html("{}. {} since {}: {}{} so far", said, what, when(row.began_at, zone), f"{row.seen:,}", of)
    if row.last_took is None or row.last_finished_at is None:
        return format_html("{}. No full round yet.", said)
    took, ended = span(row.last_took), when(row.last_finished_at, zone)
    return format_html("{}. The last full round took {} and ended {}.", said, took, ended)


def errors_url(flow: Flow) -> str:
    """Address of the open errors of a flow."""
    return f"{list_url(ErrorRecord)}?{urlencode({'stream__flow__id__exact': flow.pk})}"


def flow_row(seen: FlowOverview) -> dict[str, Any]:
    """One line of the start page."""
    return {
        "tenant": seen.flow.tenant,
        "label": seen.label,
        "url": row_url(seen.flow),
        "state": state_badge(seen),
        "lag": lag_in_words(seen),
        "last_run": last_run_link(seen),
        "next_run": when(seen.next_run_at, seen.flow.zone),
        "waiting": seen.waiting,
        "errors": seen.errors,
        "errors_url": errors_url(seen.flow),
    }
