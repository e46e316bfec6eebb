"""What people asked to be read besides the normal course: how far it is, and how to end it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from console.access import actor
from console.base import TenantAdmin
from console.filters import StreamFilter
from console.names import reason, stream_label
from console.questions import ReasonForm, answered, ask
from console.site import site
from console.words import BUSY, CARE, GOOD, NOTHING, OFF, badge, how_many, when
from engine import backfill_moves
from syncstatus.backfills import OPEN, Backfill, BackfillKind, BackfillState

FEELINGS = {
    BackfillState.WAITING: BUSY,
    BackfillState.RUNNING: BUSY,
    BackfillState.DONE: GOOD,
    BackfillState.CANCELLED: OFF,
}

SHOWN = 100
"""Ids named on the page."""


@admin.register(Backfill, site=site)
class BackfillAdmin(TenantAdmin[Backfill]):
    """Only ever read, and cancelled."""

    list_display = ("asked", "stream_name", "what", "state_word", "progress", "asked_by", "tenant")
    list_display_links = ("asked",)
    list_filter = ("tenant", StreamFilter, "state", "kind")
    list_select_related = ("tenant", "stream__tenant", "stream__flow")
    actions = ("cancel",)
    fields = (
        "stream_name", "what", "state_word", "progress", "ends", "unknown_ids", "asked", "asked_by", "reason", "began",
        "ended", "tenant",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="asked for", ordering="asked_at")
    def asked(self, row: Backfill) -> SafeString | str:
        """When, in the tenant's zone."""
        return when(row.asked_at, row.tenant.zone)

    @admin.display(description="stream", ordering="stream")
    def stream_name(self, row: Backfill) -> str:
        """The stream by name."""
        return stream_label(row.stream)

    @admin.display(description="what")
    def what(self, row: Backfill) -> SafeString | str:
        """The window, or how many records."""
        if row.kind != BackfillKind.WINDOW:
            return (
                f"{how_many(len(row.ids), 'record')}, {'sent again' if row.kind == BackfillKind.REPLAY else 'by ids'}"
            )
        zone = row.stream.flow.zone
        ends = [(when(row.since, zone), when(row.until, zone))]
        return format_html_join("", "what changed from {} until before {}", ends)

    @admin.display(description="state", ordering="state")
    def state_word(self, row: Backfill) -> SafeString:
        """In words; why it does not get on, if it does not."""
        state = BackfillState(row.state)
        if row.is_open and row.trouble:
            return badge(f"{state.label}: {reason(row.tenant, row.trouble)}", CARE)
        return badge(str(state.label), FEELINGS[state])

    @admin.display(description="gone through")
    def progress(self, row: Backfill) -> str:
        """So far, and of about how many."""
        return f"{row.read:,} of about {row.about:,}" if row.about is not None else f"{row.read:,}"

    @admin.display(description="how they ended")
    def ends(self, row: Backfill) -> str:
        """By outcome."""
        return ", ".join(f"{number:,} {outcome}" for outcome, number in row.counts.items()) or NOTHING

    @admin.display(description="not in the source")
    def unknown_ids(self, row: Backfill) -> SafeString | str:
        """Ids the source holds no record of, one by one."""
        shown = format_html_join("", '<div class="id">{}</div>', ((one,) for one in row.unknown[:SHOWN]))
        return shown or NOTHING

    @admin.display(description="began")
    def began(self, row: Backfill) -> SafeString | str:
        """When its first turn came."""
        return when(row.began_at, row.tenant.zone)

    @admin.display(description="ended")
    def ended(self, row: Backfill) -> SafeString | str:
        """When it was through or cancelled."""
        return when(row.finished_at, row.tenant.zone)

    def headline(self, row: Backfill) -> str:
        """Of which stream."""
        return f"{row.tenant}: {stream_label(row.stream)}"

    @admin.action(description="Cancel…", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: models.QuerySet[Backfill]) -> HttpResponse | None:
        """Ask why, then let nothing more of them be read."""
        rows = list(self.permitted(request, queryset.filter(state__in=OPEN)).select_related("stream__tenant", "tenant"))
        form = ReasonForm(request.POST if answered(request) else None)
        if answered(request) and form.is_valid():
            said = {"reason": form.cleaned_data["reason"], "actor": actor(request)}
            done = sum(backfill_moves.cancel(row, **said) for row in rows)
            self.message_user(request, f"{how_many(done, 'backfill')} cancelled.", messages.SUCCESS)
            return None
        return ask(
            self,
            request,
            form,
            title="Cancel backfills",
            lead="What is through stays; nothing more is read of them.",
            button=f"Cancel {how_many(len(rows), 'backfill')}" if rows else "",
            rows=[str(row) for row in rows],
            count=len(rows),
        )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Backfill]:
        """With what every line names."""
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("tenant", "stream__tenant", "stream__flow")
