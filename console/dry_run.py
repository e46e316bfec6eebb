"""The dry run as a page: what the next changes of a flow would do, with nothing written anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from common.http_errors import RemoteError
from common.outcome import Outcome
from console.access import actor
from console.base import TenantAdmin
from console.names import entity_label, flow_label, sentences, stream_label
from console.starting import lacks_of
from console.words import BAD, BUSY, CARE, GOOD, OFF, badge
from engine.ended_by import in_words
from engine.rehearsal import Rehearsal, Rehearsed
from errors.catalogue import explain
from syncstatus.models import Flow, Stream
from tenants.audit import record
from tenants.secrets import SecretUnreadable

LIMIT = 25
"""Changes looked at per stream: the page is waited for. The `sync --dry-run` command knows no such haste."""

FEELINGS = {
    Outcome.UNCHANGED: OFF,
    Outcome.SKIPPED: OFF,
    Outcome.DEFERRED: CARE,
    Outcome.HELD: BAD,
    Outcome.FAILED: BAD,
}


def dry_run_page(screen: TenantAdmin[Any], request: HttpRequest, flows: Iterable[Flow]) -> HttpResponse:
    """Go through the next changes of each flow over a transport that refuses every write."""
    rehearsal = Rehearsal()
    context = {
        **screen.admin_site.each_context(request),
        "title": "Dry run",
        "opts": screen.opts,
        "media": screen.media,
        "reports": [report for flow in flows for report in _reports(request, flow, rehearsal)],
        "limit": LIMIT,
    }
    return TemplateResponse(request, "console/dry_run.html", context)


def _reports(request: HttpRequest, flow: Flow, rehearsal: Rehearsal) -> Iterator[dict[str, Any]]:
    title = f"{flow.tenant}: {flow_label(flow)}"
    lacks = lacks_of(flow)
    if lacks:
        yield {"title": title, "trouble": f"Not tried: {len(lacks)} missing. “Switch on” lists them."}
        return
    record(actor(request), "flow.dry-run", flow, tenant=flow.tenant)
    for stream in Stream.objects.filter(flow=flow).select_related("tenant"):
        yield {"title": f"{title}, {stream_label(stream)}", **_told(stream, rehearsal)}


def _told(stream: Stream, rehearsal: Rehearsal) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    try:
        rows.extend(_row(told) for told in rehearsal.of(stream, limit=LIMIT))
    except SecretUnreadable as trouble:
        return {"rows": rows, "trouble": str(trouble)}
    except RemoteError as trouble:
        return {"rows": rows, "trouble": in_words(trouble, stream)}
    return {"rows": rows}


def _row(told: Rehearsed) -> dict[str, Any]:
    result, stream = told.result, told.stream
    explained = explain(result.message, result.params, sentences(stream.tenant)) if result.message else None
    if told.part:
        outcome = badge("cannot be read", BAD)
    elif told.follows:
        outcome = badge("handed over after what it waits for", BUSY)
    else:
        outcome = badge(result.outcome.value, FEELINGS.get(result.outcome, GOOD))
    return {
        "entity": "Part of the source" if told.part else entity_label(stream),
        "id": told.part or result.change.entity_id,
        "outcome": outcome,
        "writes": result.planned,
        "why": f"{explained.cause} {explained.remedy if told.part else ''}".strip() if explained else "",
        "more": told.in_addition,
    }
