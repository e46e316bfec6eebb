"""Which record stands for which: search by uuid or number, and see both sides."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.outcome import Outcome
from console.access import access
from console.addresses import list_url, row_url
from console.asking_again import replay_page
from console.base import TenantAdmin
from console.filters import StreamFilter
from console.live import live_page
from console.names import counterparts, entity_label, reason, source_label, stream_label, target_label
from console.questions import chosen
from console.site import site
from console.words import BAD, CARE, GOOD, NOTHING, OFF, badge, when
from engine import backfill_moves
from engine.registry import Counterpart
from errors.models import ErrorRecord
from syncstatus.models import Link
from tenants.rights import Right

FEELINGS = {
    Outcome.SKIPPED: OFF,
    Outcome.DEFERRED: CARE,
    Outcome.HELD: BAD,
    Outcome.FAILED: BAD,
}
HIDDEN = "•••"
UUID = re.compile(r"[0-9A-Za-z-]{36,38}")
"""36 characters, up to 38 in old data of OpenMRS."""


@admin.register(Link, site=site)
class LinkAdmin(TenantAdmin[Link]):
    """Only ever read. Numbers of patients are shown to, and found by, those who may see values."""

    change_form_template = "console/link.html"
    list_display = ("source_side", "target_side", "number", "result", "updated", "tenant")
    list_display_links = ("source_side",)
    list_filter = ("tenant", StreamFilter, "outcome")
    list_select_related = ("tenant", "stream__tenant", "run")
    ordering = ("-pk",)
    actions = ("replay",)
    search_fields = ("source_id",)  # shows the search box; what it finds is decided below
    search_help_text = "The whole uuid of a record on either side, or a patient's number with its prefix."
    fields = (
        "source_side", "target_side", "number", "created_here", "outcome_word", "why", "suspect", "source_seen",
        "updated", "last_run", "stream_name", "tenant",
    )  # fmt: skip
    readonly_fields = fields

    @admin.action(description="Send again…", permissions=["act"])
    def replay(self, request: HttpRequest, queryset: models.QuerySet[Link]) -> HttpResponse | None:
        """Say how many records that is and ask why, then have them compared with the target again."""
        return replay_page(self, request, self.permitted(request, queryset), backfill_moves.replay, chosen(request))

    def get_urls(self) -> list[URLPattern]:
        """The stock addresses, and the one that looks at both servers."""
        show = path("<int:pk>/show/", self.admin_site.admin_view(self.show_view), name="syncstatus_link_show")
        return [show, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Link]:
        """Each with a mark whether this reader may see its values."""
        return super().get_queryset(request).annotate(values_shown=access(request).says(Right.SEE_VALUES))

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Link], search_term: str
    ) -> tuple[models.QuerySet[Link], bool]:
        """Whole ids only, so that the keys of the table serve; a number only where values may be seen.

        A visit, or one of several records that stand for one, has no key: only where nothing else is found, all
        links are gone through.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        uuids = {term, term.lower()}
        by_id = models.Q(source_id__in=uuids) | models.Q(target_id__in=uuids) | models.Q(target_parent_id__in=uuids)
        by_number = models.Q(identifier__in={term, term.upper()}) & access(request).where(Right.SEE_VALUES)
        found = queryset.filter(by_id | by_number)
        if not UUID.fullmatch(term) or found.exists():
            return found, False
        others = Cast("other_targets", models.TextField())
        return queryset.annotate(others=others).filter(others__contains=f': "{term.lower()}"'), False

    # --- columns -----------------------------------------------------------------------------------------------------

    @admin.display(description="stands in the source as")
    def source_side(self, link: Link) -> SafeString:
        """The record read, by what it is and where."""
        said = f"{source_label(link.stream)}: {entity_label(link.stream)}"
        return format_html('<div>{}</div><span class="id">{}</span>', said, link.source_id)

    @admin.display(description="stands in the target as")
    def target_side(self, link: Link) -> SafeString | str:
        """The records that stand for it, each by what it is."""
        known = [(one.label, one.id, _voided(one)) for one in counterparts(link)]
        rows = format_html_join("", '<tr><th scope="row">{}</th><td><span class="id">{}</span> {}</td></tr>', known)
        table = '<div>{}</div><table class="records"><tbody>{}</tbody></table>'
        return format_html(table, target_label(link.stream), rows) if known else NOTHING

    @admin.display(description="patient number", ordering="identifier")
    def number(self, link: Link) -> str:
        """The number both sides know, for those who may see it."""
        if not link.identifier:
            return NOTHING
        return link.identifier if getattr(link, "values_shown", False) else HIDDEN

    @admin.display(description="last outcome", ordering="outcome")
    def outcome_word(self, link: Link) -> SafeString:
        """How its last change ended."""
        outcome = Outcome(link.outcome)
        return badge(outcome.value, FEELINGS.get(outcome, GOOD))

    @admin.display(description="last outcome", ordering="outcome")
    def result(self, link: Link) -> SafeString:
        """Outcome and reason in one cell."""
        said = self.why(link) if link.reason else ""
        return format_html("{}<div>{}</div>", self.outcome_word(link), said)

    @admin.display(description="why")
    def why(self, link: Link) -> str:
        """The reason, as a sentence."""
        return reason(link.tenant, link.reason) if link.reason else NOTHING

    @admin.display(description="stream", ordering="stream")
    def stream_name(self, link: Link) -> str:
        """The stream by name."""
        return stream_label(link.stream)

    @admin.display(description="last handled", ordering="updated_at")
    def updated(self, link: Link) -> SafeString | str:
        """When we last dealt with it."""
        return when(link.updated_at, link.tenant.zone)

    @admin.display(description="last changed in the source")
    def source_seen(self, link: Link) -> SafeString | str:
        """As the source says."""
        return when(link.source_time, link.tenant.zone)

    @admin.display(description="created by us")
    def created_here(self, link: Link) -> str:
        """Which kinds of the target's records we made."""
        if not link.target_id:
            return NOTHING
        return ", ".join(map(str, link.created_by_us)) or "nothing: what stands there was there before"

    @admin.display(description="trusted")
    def suspect(self, link: Link) -> SafeString:
        """Whether it was being written when its worker disappeared."""
        if link.is_suspect:
            return badge("compared with the target before it is used again", CARE)
        return badge("yes", GOOD)

    @admin.display(description="last run")
    def last_run(self, link: Link) -> SafeString | str:
        """The run that handled it last."""
        if link.run is None:
            return NOTHING
        return format_html('<a href="{}">{}</a>', row_url(link.run), when(link.run.started_at, link.tenant.zone))

    # --- the page of one link ----------------------------------------------------------------------------------------

    def headline(self, row: Link) -> str:
        """What it is about."""
        return f"{entity_label(row.stream)} {row.source_id}"

    def page_of(self, request: HttpRequest, row: Link) -> dict[str, Any]:
        """The doors that are open to this person."""
        error = ErrorRecord.objects.filter(stream=row.stream_id, entity_id=row.source_id).first()
        return {
            "may_see": self.may(request, Right.SEE_VALUES, row),
            "may_act": self.may(request, Right.ACT, row),
            "list_url": list_url(Link),
            "show_url": reverse("admin:syncstatus_link_show", args=[row.pk]),
            "error_url": row_url(error) if error else "",
        }

    def show_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Read both servers now and show what stands there: by right, put on record, never stored."""
        link = get_object_or_404(self.get_queryset(request).select_related("tenant", "stream__tenant"), pk=pk)
        if request.method != "POST":  # an address from the history or a bookmark leads to the door, not through it
            return HttpResponseRedirect(row_url(link))
        self.demand(request, Right.SEE_VALUES, link)
        return live_page(self, request, link, f"{entity_label(link.stream)} {link.source_id}")


def _voided(one: Counterpart) -> SafeString | str:
    return badge("voided by us", OFF) if one.is_voided_by_us else ""
