"""One look at one stream: what was read, how each change ended, and why some did not travel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from common.outcome import Outcome
from console.base import TenantAdmin
from console.filters import StreamFilter
from console.names import reason, sentences, source_label, stream_label, target_label
from console.rewinding import rewind_to_run_page
from console.site import site
from console.words import BAD, BUSY, CARE, GOOD, NOTHING, badge, span, when
from errors.catalogue import explain
from syncstatus.models import Run, RunState

MEANINGS: Mapping[Outcome, str] = {
    Outcome.CREATED: "new in the target",
    Outcome.UPDATED: "changed in the target",
    Outcome.VOIDED: "voided in the target",
    Outcome.UNCHANGED: "the target agreed already",
    Outcome.COLLAPSED: "a later notice of the same record in the same batch spoke for it",
    Outcome.SKIPPED: "not for the target; reasons below",
    Outcome.DEFERRED: "waits for another record",
    Outcome.HELD: "waits for a person",
    Outcome.FAILED: "has an error record and is tried again",
}


@admin.register(Run, site=site)
class RunAdmin(TenantAdmin[Run]):
    """Only ever read."""

    change_form_template = "console/run.html"
    list_display = (
        "started", "stream_name", "result", "read", "written", "unchanged", "collapsed", "skipped", "open_ends",
        "failed", "took", "tenant",
    )  # fmt: skip
    list_display_links = ("started",)
    list_filter = ("tenant", StreamFilter, "state", "kind")
    list_select_related = ("tenant", "stream__tenant")
    actions = ("rewind",)
    fields = ("stream_name", "kind", "result", "started", "took", "calls", "tenant")
    readonly_fields = fields

    @admin.display(description="started", ordering="started_at")
    def started(self, run: Run) -> SafeString | str:
        """When it began, in the tenant's zone."""
        return when(run.started_at, run.tenant.zone)

    @admin.display(description="stream", ordering="stream")
    def stream_name(self, run: Run) -> str:
        """The stream by name."""
        return stream_label(run.stream)

    @admin.display(description="result", ordering="state")
    def result(self, run: Run) -> SafeString:
        """How it ended, in words; green only when everything read is accounted for."""
        if run.state == RunState.RUNNING:
            return badge("running", BUSY)
        if run.finished_changes != run.read:
            return badge("does not add up", BAD)
        if run.state == RunState.STOPPED:
            return badge(f"stopped by {run.stopped_who}" if run.stopped_who else "stopped early", CARE)
        return badge(f"{run.failed} failed", CARE) if run.failed else badge("all through", GOOD)

    @admin.display(description="written")
    def written(self, run: Run) -> int:
        """Changes that altered the target."""
        return run.created + run.updated + run.voided

    @admin.display(description="waiting")
    def open_ends(self, run: Run) -> int:
        """Changes that wait for something."""
        return run.deferred + run.held

    @admin.display(description="took")
    def took(self, run: Run) -> str:
        """From start to end."""
        return span(run.finished_at - run.started_at) if run.finished_at else NOTHING

    @admin.display(description="requests")
    def calls(self, run: Run) -> str:
        """What it cost the servers."""
        return f"{run.remote_calls} to both servers, {run.target_writes} of them writes to {target_label(run.stream)}"

    @admin.action(description="Rewind to before this run…", permissions=["act"])
    def rewind(self, request: HttpRequest, queryset: models.QuerySet[Run]) -> HttpResponse | None:
        """Say how much was read since, then read it again."""
        return rewind_to_run_page(self, request, list(self.permitted(request, queryset).select_related("stream__flow")))

    def headline(self, row: Run) -> str:
        """What was looked at."""
        return f"{row.tenant}: {stream_label(row.stream)}"

    def page_of(self, request: HttpRequest, row: Run) -> dict[str, Any]:
        """The sums."""
        return sums(row)


def sums(run: Run) -> dict[str, Any]:
    """The tables of a run's page: outcomes with their sum, reasons with their sentences, questions without mapping."""
    total = run.finished_changes
    return {
        "outcomes": [(outcome.value, MEANINGS[outcome], getattr(run, outcome.value)) for outcome in Outcome],
        "total": total,
        "read": run.read,
        "source": source_label(run.stream),
        "adds_up": badge("adds up", GOOD) if total == run.read else badge(f"{run.read - total} unaccounted for", BAD),
        "reasons": list(_reasons(run)),
        "unmapped": sorted(run.unmapped.items(), key=lambda pair: -pair[1]),
        "stopped": _stopped(run) if run.stopped_by else "",
    }


def _stopped(run: Run) -> str:
    """Why it ended early, as a sentence."""
    if not run.stopped_who:
        return reason(run.tenant, run.stopped_by)
    told = explain(run.stopped_by, {"who": run.stopped_who}, sentences(run.tenant))
    return f"{told.cause} {told.remedy}"


def _reasons(run: Run) -> Iterator[tuple[str, str, int]]:
    """(outcome or "not for this stream", sentence or title, number), most frequent first.

    Stored as "outcome: message id", and "not for this stream: title" for feed entries that no stream claims.
    """
    outcomes = {outcome.value for outcome in Outcome}
    for counted, number in sorted(run.reasons.items(), key=lambda pair: -pair[1]):
        group, _, said = counted.partition(": ")
        yield group, reason(run.tenant, said) if group in outcomes else said, number
