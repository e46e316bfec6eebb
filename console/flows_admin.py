"""Is it flowing? One line per flow, and what one can do to it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common import clock
from common.http_errors import RemoteError
from console.access import actor
from console.asking_again import backfill_page
from console.base import StockForm, TenantAdmin
from console.dry_run import dry_run_page
from console.flow_words import errors_url, lag_in_words, last_run_link, round_line, standing_line, state_badge
from console.keeping import kept_by, tried_once
from console.names import connector, flow_label
from console.questions import ReasonForm, answered, ask
from console.rewinding import rewind_page, skip_page
from console.site import site
from console.starting import StartForm, lacks_of
from console.words import NOTHING, how_many, when
from engine import moves
from engine.overview import FlowOverview, overview
from engine.positions import standings
from engine.rounds import progress
from engine.starting import Start, spelled
from syncstatus.cron import cron_in_words, fires_after, validate_cron
from syncstatus.models import Flow, StartPolicy
from tenants.models import AuditEntry, validate_zone
from tenants.rights import Right


class ScheduleForm(StockForm[Flow]):
    """When the flow runs. On and off, pause and resume are acts of their own: see the list."""

    cron = forms.CharField(
        max_length=100,
        validators=[validate_cron],
        help_text="minute hour day-of-month month day-of-week, e.g. */5 * * * * or 0 6-20 * * 1-6",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    zone = forms.CharField(
        max_length=64,
        validators=[validate_zone],
        help_text="Zone the times are meant in, e.g. Asia/Kolkata.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    retry_cron = forms.CharField(
        label="Retries",
        max_length=100,
        validators=[validate_cron],
        help_text="* * * * * for as soon as it is their turn, * 22-23,0-5 * * * for nights only. It is about records "
        "that failed: what waits for another record goes on when that arrives, and what a person retries at once.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


class FlowList(ChangeList):
    """The list with what there is to know of its flows, in a number of queries that does not grow with them."""

    def get_results(self, request: HttpRequest) -> None:
        """Hang the status of each flow on its row."""
        super().get_results(request)
        rows = list(self.result_list)
        for seen in overview(rows):
            seen.flow.seen = seen  # type: ignore[attr-defined]  # see _seen
        self.result_list = rows


@admin.register(Flow, site=site)
class FlowAdmin(TenantAdmin[Flow]):
    """The schedule can be edited; everything else one does to a flow is an action with a name."""

    form = ScheduleForm
    change_right = Right.CHANGE_CONNECTION
    fixed_once_added = ()
    list_display = ("name", "tenant", "state", "lag", "last_run", "next_run", "waiting", "errors")
    list_display_links = ("name",)
    list_filter = ("tenant",)
    list_select_related = ("tenant",)
    actions = (
        "run_now", "pause", "stop", "resume", "dry_run", "rewind", "backfill", "skip", "switch_on", "switch_off",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("name", "tenant", "state_now", "begins", "reads", "rounds")}),
        ("Schedule", {"fields": ("cron", "zone", "in_words", "next_five")}),
        ("Trying failed records again", {"fields": ("retry_cron", "retry_in_words", "next_five_retries")}),
    )
    readonly_fields = (
        "name", "tenant", "state_now", "begins", "reads", "rounds", "in_words", "next_five", "retry_in_words",
        "next_five_retries",
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """See `FlowList`."""
        return FlowList

    def headline(self, row: Flow) -> str:
        """The direction, and whose."""
        return f"{row.tenant}: {flow_label(row)}"

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """The tenant always: it is what one looks for."""
        return self.list_display

    # --- columns -----------------------------------------------------------------------------------------------------

    @admin.display(description="flow", ordering="key")
    def name(self, flow: Flow) -> str:
        """The direction in words."""
        return flow_label(flow)

    @admin.display(description="state")
    def state(self, flow: Flow) -> SafeString:
        """In words."""
        return state_badge(_seen(flow))

    @admin.display(description="lag")
    def lag(self, flow: Flow) -> SafeString | str:
        """How old the oldest unfinished change is."""
        return lag_in_words(_seen(flow))

    @admin.display(description="last run")
    def last_run(self, flow: Flow) -> SafeString | str:
        """When the flow last looked at a stream, and the way to what came of it."""
        return last_run_link(_seen(flow))

    @admin.display(description="next run")
    def next_run(self, flow: Flow) -> SafeString | str:
        """By the schedule, while it is on."""
        return when(_seen(flow).next_run_at, flow.zone)

    @admin.display(description="waiting")
    def waiting(self, flow: Flow) -> SafeString | str:
        """Records that wait for another or for their next attempt."""
        return _counted(flow, _seen(flow).waiting)

    @admin.display(description="errors")
    def errors(self, flow: Flow) -> SafeString | str:
        """Records that failed or wait for a person, and the way to them."""
        return _counted(flow, _seen(flow).errors)

    @admin.display(description="state")
    def state_now(self, flow: Flow) -> SafeString:
        """As in the list; of a paused flow with the reason somebody gave, and who stopped it if somebody did."""
        said = state_badge(overview([flow])[0])
        if not flow.is_paused:
            return said
        acts = AuditEntry.objects.filter(object_type="syncstatus.Flow", object_id=str(flow.pk))
        paused = acts.filter(action__in=("pause", "stop")).order_by("-pk")
        reason = paused.values_list("reason", flat=True).first()
        why = f"Paused because: {reason}" if reason else ""
        who = f"Stopped by {flow.stopped_by}" if flow.stopped_by else ""
        lines = format_html_join("", "<div>{}</div>", ((line,) for line in (who, why) if line))
        return format_html("{}{}", said, lines)

    @admin.display(description="began")
    def begins(self, flow: Flow) -> str:
        """The start policy somebody chose."""
        if not flow.start_policy:
            return "not yet: switching it on asks where to begin"
        where = "" if flow.start_policy in (StartPolicy.BEGINNING, StartPolicy.RECENT) else f": {spelled(flow)}"
        said = f"{flow.get_start_policy_display()}{where}"
        return said if flow.began_at else f"not yet; it will, {said}"

    @admin.display(description="reads")
    def reads(self, flow: Flow) -> SafeString | str:
        """Each stream with what it reads and how far it has come."""
        rows = [standing_line(standing, flow.zone) for standing in standings(flow)] if connector(flow.tenant) else []
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((row,) for row in rows)))

    @admin.display(description="what no change tells")
    def rounds(self, flow: Flow) -> SafeString | str:
        """Each stream that is gone through again and again, with how far, and how long a full round takes."""
        rows = [round_line(one, flow.zone) for one in progress(flow)] if connector(flow.tenant) else []
        lines = format_html_join("", "<li>{}</li>", ((row,) for row in rows))
        return format_html("<ul>{}</ul>", lines) if rows else "nothing of this flow needs to be gone through"

    @admin.display(description="in words")
    def in_words(self, flow: Flow) -> str:
        """The schedule as a sentence."""
        return f"{cron_in_words(flow.cron)}, time in {flow.zone}"

    @admin.display(description="next five times")
    def next_five(self, flow: Flow) -> SafeString | str:
        """The next five times by the schedule, whether the flow is on or not."""
        return _next_five(flow.cron, flow.zone)

    @admin.display(description="in words")
    def retry_in_words(self, flow: Flow) -> str:
        """The schedule of retries as a sentence."""
        return f"{cron_in_words(flow.retry_cron)}, time in {flow.zone}"

    @admin.display(description="next five times")
    def next_five_retries(self, flow: Flow) -> SafeString | str:
        """The next five times at which failed records may be tried again."""
        return _next_five(flow.retry_cron, flow.zone)

    # --- actions -----------------------------------------------------------------------------------------------------

    @admin.action(description="Run now", permissions=["act"])
    def run_now(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> None:
        """Look at the flows now instead of at their next time."""
        flows = self._chosen(request, queryset, Right.ACT)
        off = [flow for flow in flows if not flow.is_on] if len(flows) > 1 else []
        for flow in flows:
            if flow in off:
                continue
            once = tried_once(flow)
            try:
                moves.run_now(flow, actor=actor(request))
            except moves.CannotStart as refusal:
                self._say(request, flow, "is not looked at now. " + " ".join(refusal.reasons), messages.ERROR)
                if flow.at_brake:
                    self._say(request, flow, kept_by(flow), messages.WARNING)
            else:
                self._say(request, flow, f"is being looked at now. {once}".strip(), messages.SUCCESS)
        if off:
            left_out = f"{how_many(len(off), 'flow')} left out because {'it is' if len(off) == 1 else 'they are'} off."
            self.message_user(request, left_out, messages.WARNING)

    @admin.action(description="Pause…", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> HttpResponse | None:
        """Ask why, then hold the flows."""
        flows = self._chosen(request, queryset, Right.ACT)
        form = ReasonForm(request.POST if answered(request) else None)
        if answered(request) and form.is_valid():
            for flow in flows:
                changed = moves.pause(flow, actor=actor(request), reason=form.cleaned_data["reason"])
                self._say(request, flow, "is paused." if changed else "was paused already.", messages.SUCCESS)
            return None
        return ask(
            self,
            request,
            form,
            title="Pause flows",
            lead="Nothing is lost while a flow is paused: it goes on where it stands. The schedule stays.",
            button="Pause",
            rows=[f"{flow.tenant}: {flow_label(flow)}" for flow in flows],
            count=len(flows),
        )

    @admin.action(description="Stop the run under way…", permissions=["act"])
    def stop(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> HttpResponse | None:
        """Ask why, then pause the flows and end their runs."""
        flows = self._chosen(request, queryset, Right.ACT)
        form = ReasonForm(request.POST if answered(request) else None)
        if answered(request) and form.is_valid():
            for flow in flows:
                under_way = moves.stop(flow, actor=actor(request), reason=form.cleaned_data["reason"])
                ending = "its run ends after the batch in hand." if under_way else "no run was under way."
                self._say(request, flow, f"is paused; {ending}", messages.SUCCESS)
            return None
        return ask(
            self,
            request,
            form,
            title="Stop flows in the middle of a run",
            lead="The flow is paused. A run under way ends after the batch in hand (at most 100 records), which is "
            "finished and kept. Nothing is lost: resumed, the flow goes on where it stands.",
            button="Stop",
            rows=[f"{flow.tenant}: {flow_label(flow)}" for flow in flows],
            count=len(flows),
        )

    @admin.action(description="Resume", permissions=["act"])
    def resume(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> None:
        """Let paused flows go on."""
        for flow in self._chosen(request, queryset, Right.ACT):
            changed = moves.resume(flow, actor=actor(request))
            self._say(request, flow, "goes on." if changed else "was not paused.", messages.SUCCESS)

    @admin.action(description="Dry run", permissions=["act"])
    def dry_run(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> HttpResponse:
        """Show what the next changes would do, without writing."""
        return dry_run_page(self, request, self._chosen(request, queryset, Right.ACT))

    @admin.action(description="Rewind…", permissions=["act"])
    def rewind(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> HttpResponse | None:
        """Ask since when a flow is to be read again, say how much that is, then move its positions."""
        return rewind_page(self, request, self._chosen(request, queryset, Right.ACT))

    @admin.action(description="Backfill…", permissions=["act"])
    def backfill(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> HttpResponse | None:
        """Ask what of a flow is to be read besides, say how much that is, then have it done."""
        return backfill_page(self, request, self._chosen(request, queryset, Right.ACT))

    @admin.action(description="Skip to now…", permissions=["configure"])
    def skip(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> HttpResponse | None:
        """Say how much would not be read, then let a flow go on with what changes from now on."""
        return skip_page(self, request, self._chosen(request, queryset, Right.CHANGE_CONNECTION))

    @admin.action(description="Switch on…", permissions=["configure"])
    def switch_on(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> HttpResponse | None:
        """Show everything that is missing; when nothing is, ask where to begin, then switch on."""
        flows = self._chosen(request, queryset, Right.CHANGE_CONNECTION)
        lacks = {flow: lacks_of(flow) for flow in flows}
        form = StartForm(flows, request.POST if answered(request) else None)
        if answered(request) and form.is_valid() and not any(lacks.values()):
            for flow in flows:
                self._switch_on(request, flow, form.start_for(flow))
            return None
        return ask(
            self,
            request,
            form,
            title="Switch on flows",
            lead="From then on they run by their schedule and write to the other server.",
            button="" if any(lacks.values()) or not flows else "Switch on",
            rows=[f"{flow.tenant}: {flow_label(flow)}, {cron_in_words(flow.cron)}" for flow in flows],
            count=len(flows),
            extra={"lacking": [(f"{flow.tenant}: {flow_label(flow)}", rows) for flow, rows in lacks.items() if rows]},
            template="console/start.html",
        )

    @admin.action(description="Switch off", permissions=["configure"])
    def switch_off(self, request: HttpRequest, queryset: models.QuerySet[Flow]) -> None:
        """Stop the flows and their schedules; they remember where they stand."""
        for flow in self._chosen(request, queryset, Right.CHANGE_CONNECTION):
            changed = moves.switch_off(flow, actor=actor(request))
            self._say(request, flow, "is off." if changed else "was off already.", messages.SUCCESS)

    def _switch_on(self, request: HttpRequest, flow: Flow, start: Start | None) -> None:
        try:
            moves.switch_on(flow, start=start, actor=actor(request))
        except moves.CannotStart as refusal:
            self._say(request, flow, "stays off. " + " ".join(refusal.reasons), messages.ERROR)
        except RemoteError as trouble:
            self._say(request, flow, f"stays off: where to begin could not be asked. {trouble}", messages.ERROR)
        else:
            self._say(request, flow, "is on.", messages.SUCCESS)

    def _chosen(self, request: HttpRequest, queryset: models.QuerySet[Flow], right: Right) -> list[Flow]:
        return list(self.permitted(request, queryset, right).select_related("tenant"))

    def _say(self, request: HttpRequest, flow: Flow, said: str, level: int) -> None:
        self.message_user(request, format_html("{}: {} {}", flow.tenant, flow_label(flow), said), level)


def _next_five(cron: str, zone: str) -> SafeString | str:
    try:
        soon = [moment for _, moment in zip(range(5), fires_after(cron, zone, clock.now()), strict=False)]
    except ValidationError as refusal:
        return " ".join(refusal.messages)
    listed = format_html_join("", "<li>{}</li>", ((when(moment, zone),) for moment in soon))
    return format_html("<ol>{}</ol>", listed) if soon else NOTHING


def _seen(flow: Flow) -> FlowOverview:
    seen: FlowOverview = flow.seen  # type: ignore[attr-defined]  # hung on the row by FlowList
    return seen


def _counted(flow: Flow, count: int) -> SafeString | str:
    return format_html('<a href="{}">{}</a>', errors_url(flow), how_many(count, "record")) if count else "0"
