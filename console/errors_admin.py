"""What did not get through: why, what mends it, and the two things one can do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.access import access, actor
from console.addresses import list_url, row_url
from console.asking_again import replay_page
from console.base import TenantAdmin
from console.deciding import decide_page, decided_about
from console.filters import StreamFilter
from console.keeping import kept_by
from console.live import live_page
from console.mending import awaited_url, ignore_url, mend_url, mend_words
from console.names import entity_label, flow_label, sentences, source_label, stream_label
from console.questions import ReasonForm, answered, ask, chosen
from console.site import site
from console.words import BAD, BUSY, CARE, GOOD, NOTHING, OFF, badge, how_many, when
from engine import backfill_moves, decisions, gaps, moves, slots
from errors import standing
from errors.catalogue import Explanation, explain
from errors.models import OPEN_STATES, ErrorLog, ErrorRecord, ErrorState, FollowUp
from syncstatus.models import Flow, Link
from syncstatus.schedule import retried_from
from tenants.rights import Right

FEELINGS = {
    ErrorState.RETRYING: BUSY,
    ErrorState.DEFERRED: CARE,
    ErrorState.HELD: BAD,
    ErrorState.CLOSED: OFF,
    ErrorState.IGNORED: OFF,
    ErrorState.APART: OFF,
    ErrorState.RESOLVED: GOOD,
}


WHOSE: dict[str, str] = {FollowUp.INTERNAL: "for our own engineers", FollowUp.EXTERNAL: "for the other system"}
"""Whose business an error is, where its type says so."""


class StateFilter(admin.SimpleListFilter):
    """By state; what is open when nothing is asked for."""

    title = "state"
    parameter_name = "state"
    OPEN, ALL = "open", "all"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The open ones together, each state, and everything."""
        return [(self.OPEN, "open"), *[(state.value, state.label) for state in ErrorState], (self.ALL, "all")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Without Django's own "all": here it has a name in the address, since nothing means open."""
        stock = super().choices(changelist)
        next(stock)
        yield from stock

    def value(self) -> str:
        """The state asked for."""
        return super().value() or self.OPEN

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[ErrorRecord]) -> models.QuerySet[ErrorRecord]:
        """The rows of that state."""
        asked = self.value()
        if asked == self.ALL:
            return queryset
        return queryset.filter(state__in=OPEN_STATES if asked == self.OPEN else [asked])


def explanation(record: ErrorRecord) -> Explanation:
    """The sentence of a record, in the words of its connector."""
    return explain(record.message, record.params, sentences(record.tenant))


def kind_of(record: ErrorRecord) -> str:
    """What the error is about: a record of the stream, or a part of the source nobody could read."""
    return "Part of the source" if gaps.stands_for(record.entity_id) else entity_label(record.stream)


def name_of(record: ErrorRecord) -> str:
    """By what people can look it up: a record's id in the source; of a part its name, or its place in one."""
    if not gaps.stands_for(record.entity_id):
        return record.entity_id
    named = [str(record.params.get("part") or ""), gaps.place_of(record.entity_id)]
    return ", ".join(filter(None, named)) or stream_label(record.stream)


def waits(record: ErrorRecord, *, values: bool) -> str:
    """What releases a waiting record; the value in it only for those who may see values."""
    kind, _, value = record.waits_for.partition(":")
    if not kind:
        return NOTHING
    of = kind.removesuffix("-id")  # an id of a record is nobody's secret, a patient number is
    return f"{of} {value if values or of != kind else '•••'}".strip()


@admin.register(ErrorRecord, site=site)
class ErrorRecordAdmin(TenantAdmin[ErrorRecord]):
    """The list to mend from. Records are never edited: they are retried, ignored with a reason, or get through."""

    change_form_template = "console/error.html"
    list_display = ("sentence", "entity", "state_and_retry", "kind", "mend", "tenant")
    list_display_links = ("sentence",)
    list_filter = (
        "tenant",
        ("type", admin.RelatedOnlyFieldListFilter),
        "type__follow_up",
        StreamFilter,
        StateFilter,
    )
    list_select_related = ("tenant", "stream__tenant", "stream__flow", "type")
    search_fields = ("entity_id__exact", "message__exact")
    search_help_text = "The whole id of a record, or a message id."
    actions = ("retry", "replay", "ignore")
    fields = (
        "cause", "remedy", "state_word", "entity", "stream_name", "kind", "waits", "times", "next_retry", "ignored",
        "tenant",
    )  # fmt: skip
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        """The stock addresses, and the one that looks at both servers."""
        show = path("<int:pk>/show/", self.admin_site.admin_view(self.show_view), name="errors_errorrecord_show")
        view = self.admin_site.admin_view(self.decide_view)
        decide = path("<int:pk>/decide/", view, name="errors_errorrecord_decide")
        return [show, decide, *super().get_urls()]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The list of flows leads here by flow."""
        return lookup == "stream__flow__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ErrorRecord]:
        """Each with a mark whether this reader may mend a mapping."""
        return super().get_queryset(request).annotate(may_map=access(request).says(Right.CHANGE_MAPPING))

    # --- columns -----------------------------------------------------------------------------------------------------

    @admin.display(description="what is wrong", ordering="message")
    def sentence(self, record: ErrorRecord) -> SafeString:
        """The cause in words; below it, why it is not tried again, if its type says so."""
        noted = standing.note(record)
        below = format_html('<div class="trouble">{}</div>', noted.cause) if noted else ""
        return format_html("{}{}", explanation(record).cause, below)

    @admin.display(description="error type", ordering="type__place")
    def kind(self, record: ErrorRecord) -> SafeString | str:
        """The type by name, and whose business it is."""
        if record.type is None:
            return NOTHING
        whose = WHOSE.get(record.type.follow_up, "")
        return format_html("<div>{}</div><div>{}</div>", record.type.name, whose)

    @admin.display(description="record", ordering="entity_id")
    def entity(self, record: ErrorRecord) -> SafeString:
        """Where and what it is, and its id there."""
        said = f"{source_label(record.stream)}: {kind_of(record)}"
        return format_html('<div>{}</div><span class="id">{}</span>', said, name_of(record))

    @admin.display(description="stream", ordering="stream")
    def stream_name(self, record: ErrorRecord) -> str:
        """The stream by name."""
        return stream_label(record.stream)

    @admin.display(description="state", ordering="state")
    def state_word(self, record: ErrorRecord) -> SafeString:
        """The state in words."""
        state = ErrorState(record.state)
        return badge(str(state.label), FEELINGS[state])

    @admin.display(description="state, next retry", ordering="next_attempt_at")
    def state_and_retry(self, record: ErrorRecord) -> SafeString:
        """The state in words; below it when it is tried again by itself, if it is."""
        below = format_html('<div class="trouble">{}</div>', self.next_retry(record)) if record.next_attempt_at else ""
        return format_html("{}{}", self.state_word(record), below)

    @admin.display(description="next retry", ordering="next_attempt_at")
    def next_retry(self, record: ErrorRecord) -> SafeString | str:
        """When it is tried again by itself: a failed one not before the schedule of its flow lets it."""
        due = record.next_attempt_at
        if due and slots.is_tried_by_schedule(record):
            due = retried_from(record.stream.flow, due)
        return when(due, record.tenant.zone)

    @admin.display(description="mend")
    def mend(self, record: ErrorRecord) -> SafeString | str:
        """The way to the mapping that is missing or wrong, if that is the cause."""
        mends = explanation(record).mends
        if mends is None or record.state not in OPEN_STATES or not getattr(record, "may_map", False):
            return NOTHING
        if mends.is_a_question:  # whether it has a mapping is asked on its own page, not for each row
            return NOTHING
        return format_html('<a href="{}">{}</a>', mend_url(record, mends), mend_words(mends))

    @admin.display(description="cause")
    def cause(self, record: ErrorRecord) -> str:
        """What happened."""
        return explanation(record).cause

    @admin.display(description="what to do")
    def remedy(self, record: ErrorRecord) -> str:
        """What mends it, while there is something to mend."""
        if record.state == ErrorState.RESOLVED:
            return "Nothing: the record got through. The cause is that of its last failure."
        return standing.remedy(record, sentences(record.tenant))

    @admin.display(description="seen")
    def times(self, record: ErrorRecord) -> SafeString:
        """First and last."""
        zone = record.tenant.zone
        return format_html("first {}, last {}", when(record.first_seen_at, zone), when(record.last_seen_at, zone))

    @admin.display(description="ignored because")
    def ignored(self, record: ErrorRecord) -> str:
        """The reason a person gave."""
        return record.ignored_reason or NOTHING

    # --- the page of one record --------------------------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: ErrorRecord | None = None) -> tuple[str, ...]:
        """Leave out what does not apply; name what it waits for only as far as the reader may see values."""
        fields = [str(name) for name in self.fields]
        if obj and not obj.ignored_reason:
            fields.remove("ignored")
        fields[fields.index("waits")] = "waits_in_full" if self.may(request, Right.SEE_VALUES, obj) else "waits"
        return tuple(name for name in fields if obj is None or obj.waits_for or not name.startswith("waits"))

    def get_readonly_fields(self, request: HttpRequest, obj: ErrorRecord | None = None) -> tuple[str, ...]:
        """All of it."""
        return self.get_fields(request, obj)

    @admin.display(description="waits for")
    def waits(self, record: ErrorRecord) -> str:
        """Without the value."""
        return waits(record, values=False)

    @admin.display(description="waits for")
    def waits_in_full(self, record: ErrorRecord) -> str:
        """With the value."""
        return waits(record, values=True)

    def headline(self, row: ErrorRecord) -> str:
        """What it is about."""
        return f"{kind_of(row)} {name_of(row)}"

    def page_of(self, request: HttpRequest, row: ErrorRecord) -> dict[str, Any]:
        """The attempts, and the doors that are open to this person."""
        mends = explanation(row).mends
        may_map = self.may(request, Right.CHANGE_MAPPING, row) and row.state in OPEN_STATES
        link = Link.objects.filter(stream=row.stream_id, source_id=row.entity_id).first()
        return {
            "attempts": list(self._attempts(row)),
            "may_act": self.may(request, Right.ACT, row) and row.state != ErrorState.RESOLVED,
            "may_ignore": self.may(request, Right.ACT, row) and row.state in OPEN_STATES,
            "may_see": self.may(request, Right.SEE_VALUES, row) and not gaps.stands_for(row.entity_id),
            "mend_url": mend_url(row, mends) if mends and may_map else "",
            "mend_words": "Change the mapping" if mends and mends.is_there else "Add the missing mapping",
            "ignore_concept_url": ignore_url(row, mends) if mends and may_map else "",
            "link_url": row_url(link) if link else "",
            "awaited_url": awaited_url(row),
            "list_url": f"{list_url(ErrorRecord)}?{urlencode({'state': StateFilter.ALL})}",
            "offers": decisions.offers(row) if self.may(request, Right.ACT, row) else [],
            "decided": decided_about(row),
            "decide_url": reverse("admin:errors_errorrecord_decide", args=[row.pk]),
            "show_url": reverse("admin:errors_errorrecord_show", args=[row.pk]),
        }

    def _attempts(self, record: ErrorRecord) -> Iterator[dict[str, Any]]:
        words = sentences(record.tenant)
        for log in ErrorLog.objects.filter(record=record)[:50]:
            yield {
                "number": log.attempt,
                "at": when(log.started_at, record.tenant.zone),
                "outcome": log.outcome or ("cut off" if log.finished_at is None else NOTHING),
                "sentence": explain(log.message, log.params, words).cause if log.message else NOTHING,
                "run": row_url(log.run) if log.run else "",
            }

    def show_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Read both servers now and show what stands there: by right, put on record, never stored."""
        record = get_object_or_404(self.get_queryset(request).select_related("tenant", "stream__tenant"), pk=pk)
        if request.method != "POST":  # reading values is an act: no link, no prefetch does it
            return HttpResponseRedirect(row_url(record))
        self.demand(request, Right.SEE_VALUES, record)
        return live_page(self, request, record, f"{entity_label(record.stream)} {record.entity_id}")

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show both sides and ask what a person decides; then have it carried out. Nobody decides unseen."""
        record = get_object_or_404(self.get_queryset(request).select_related("tenant", "stream__tenant"), pk=pk)
        if request.method != "POST":
            return HttpResponseRedirect(row_url(record))
        self.demand(request, Right.ACT, record)
        self.demand(request, Right.SEE_VALUES, record)
        if not decisions.offers(record):
            unheard = "Your decision was not taken. " if answered(request) else ""
            why = decisions.why_not(record, request.POST.get("state", ""))
            self.message_user(request, f"{unheard}{why}", messages.WARNING)
            return HttpResponseRedirect(row_url(record))
        return decide_page(self, request, record)

    # --- actions -----------------------------------------------------------------------------------------------------

    @admin.action(description="Retry now", permissions=["act"])
    def retry(self, request: HttpRequest, queryset: models.QuerySet[ErrorRecord]) -> HttpResponse | None:
        """Try the chosen records again at once; asked for on the page of one, go back to that page."""
        only = queryset.first() if "from_its_page" in request.POST else None
        records = self.permitted(request, queryset)
        flows = list(Flow.objects.filter(streams__in=records.values("stream")).distinct().select_related("tenant"))
        done = moves.retry(records, actor=actor(request), chosen=chosen(request))
        kept = [(flow, why) for flow in flows if (why := kept_by(flow))] if done else []
        said = "will be tried again now." if done else "to try again: choose records that did not get through."
        if kept:
            said = f"will be tried again, but {'not' if len(kept) == len(flows) else 'not all of them'} now."
        self.message_user(request, f"{how_many(done, 'record')} {said}", messages.SUCCESS if done else messages.WARNING)
        for flow, why in kept:
            self.message_user(request, format_html("{}: {} {}", flow.tenant, flow_label(flow), why), messages.WARNING)
        return HttpResponseRedirect(row_url(only)) if only else None

    @admin.action(description="Send again…", permissions=["act"])
    def replay(self, request: HttpRequest, queryset: models.QuerySet[ErrorRecord]) -> HttpResponse | None:
        """Have the records compared with the target again, also those that got through."""
        records = self.permitted(request, queryset).exclude(entity_id__startswith=gaps.BEGIN)
        return replay_page(self, request, records, backfill_moves.replay_errors, chosen(request))

    @admin.action(description="Ignore, with a reason…", permissions=["act"])
    def ignore(self, request: HttpRequest, queryset: models.QuerySet[ErrorRecord]) -> HttpResponse | None:
        """Ask why, then ignore the chosen records until they change in the source."""
        allowed = self.permitted(request, queryset.filter(state__in=OPEN_STATES))
        form: forms.Form = ReasonForm(request.POST if answered(request) else None)
        if answered(request) and form.is_valid():
            done = moves.ignore(
                allowed, reason=form.cleaned_data["reason"], actor=actor(request), chosen=chosen(request)
            )
            self.message_user(request, f"{how_many(done, 'record')} ignored.", messages.SUCCESS)
            return None
        count = allowed.count()
        lead = f"{how_many(count, 'record')} will be left behind until they change in the source."
        if allowed.filter(entity_id__startswith=gaps.BEGIN).exists():
            lead += " A part of the source is read again only when somebody retries it."
        rows = [f"{kind_of(row)} {name_of(row)}: {explanation(row).cause}" for row in _named(allowed)]
        return ask(
            self,
            request,
            form,
            title="Ignore errors",
            lead=lead,
            button=f"Ignore {how_many(count, 'record')}" if count else "",
            rows=rows,
            count=count,
        )


def _named(rows: models.QuerySet[ErrorRecord]) -> models.QuerySet[ErrorRecord]:
    return rows.select_related("tenant", "stream__tenant")[:20]
