"""The pages before positions move: since when, which streams, about how much that is, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from console.access import actor
from console.base import TenantAdmin
from console.counting import Question, ask_and_count
from console.moments import MomentField, of_zone
from console.names import flow_label, stream_label
from console.questions import ReasonForm, answered
from engine import rewinding
from engine.rewinding import CannotMove, Moved
from syncstatus.models import Flow, Run, Stream

ONE: Final = "Choose one at a time: how much is read again is counted first."


class StreamsForm(ReasonForm):
    """Which streams of the flow; all of them at first."""

    streams = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, help_text="What is read anew; the others go on as they are."
    )

    field_order = ("streams", "since", "reason")

    def __init__(self, streams: Sequence[Stream], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._streams = {str(stream.pk): stream for stream in streams}
        choices = [(pk, stream_label(stream)) for pk, stream in self._streams.items()]
        self.fields["streams"].choices = choices  # type: ignore[attr-defined]  # of a field of choices
        self.fields["streams"].initial = list(self._streams)

    @property
    def chosen(self) -> list[Stream]:
        """In the order of dependencies."""
        return [stream for pk, stream in self._streams.items() if pk in self.cleaned_data["streams"]]


class RewindForm(StreamsForm):
    """And since when."""

    since = MomentField(help_text="What changed since then is read again. Time of the flow's zone.")


def rewind_page(screen: TenantAdmin[Any], request: HttpRequest, flows: Sequence[Flow]) -> HttpResponse | None:
    """Ask since when, count, then rewind. One flow at a time."""
    flow = the_one(screen, request, flows)
    if flow is None:
        return None
    form = RewindForm(streams_of(flow), request.POST if answered(request) else None)
    page, about = ask_and_count(
        screen,
        request,
        form,
        Question(
            title=f"Rewind {flow_label(flow)}",
            lead="What changed since then is read again and compared with the other server, whatever is remembered of "
            "it. Where both agree nothing is written; nothing is doubled.",
            button="Rewind",
            about=f"{flow.tenant}: {flow_label(flow)}, times of {flow.zone}",
            told="will be read again and compared",
        ),
        reach=lambda: rewinding.reach_of_rewind(form.chosen, of_zone(form.cleaned_data["since"], flow.zone)),
    )
    if page is None:
        since = of_zone(form.cleaned_data["since"], flow.zone)
        said = {"reason": form.cleaned_data["reason"], "actor": actor(request), "about": about}
        _do(screen, request, flow, lambda: rewinding.rewind(flow, form.chosen, since, **said))
    return page


def rewind_to_run_page(screen: TenantAdmin[Any], request: HttpRequest, runs: Sequence[Run]) -> HttpResponse | None:
    """Count what was read since the run began, then rewind its stream to there."""
    run = the_one(screen, request, runs)
    if run is None:
        return None
    stream = Stream.objects.select_related("tenant", "flow").get(pk=run.stream_id)
    flow = stream.flow
    form = ReasonForm(request.POST if answered(request) else None)
    page, about = ask_and_count(
        screen,
        request,
        form,
        Question(
            title=f"Rewind {stream_label(stream)} to before a run",
            lead="What was read since that run began is read again and compared with the other server.",
            button="Rewind",
            about=f"{flow.tenant}: {stream_label(stream)}, the run of {run.started_at:%Y-%m-%d %H:%M} UTC",
            told="will be read again and compared",
        ),
        reach=lambda: rewinding.reach_of_rewind([stream], run),
    )
    if page is None:
        said = {"reason": form.cleaned_data["reason"], "actor": actor(request), "about": about}
        _do(screen, request, flow, lambda: rewinding.rewind(flow, [stream], run, **said))
    return page


def skip_page(screen: TenantAdmin[Any], request: HttpRequest, flows: Sequence[Flow]) -> HttpResponse | None:
    """Count what would be left out, then skip it. One flow at a time."""
    flow = the_one(screen, request, flows)
    if flow is None:
        return None
    form = StreamsForm(streams_of(flow), request.POST if answered(request) else None)
    page, about = ask_and_count(
        screen,
        request,
        form,
        Question(
            title=f"Skip to now: {flow_label(flow)}",
            lead="What was not read yet is left out: it is handed over only when it changes again, when a round comes "
            "by it, or when somebody rewinds or backfills. What changed in the last two hours may be read still.",
            button="Skip to now",
            about=f"{flow.tenant}: {flow_label(flow)}",
            told="will not be read",
        ),
        reach=lambda: rewinding.reach_of_skip(form.chosen),
    )
    if page is None:
        said = {"reason": form.cleaned_data["reason"], "actor": actor(request), "about": about}
        _do(screen, request, flow, lambda: rewinding.skip(flow, form.chosen, **said))
    return page


def streams_of(flow: Flow) -> list[Stream]:
    """In the order of dependencies."""
    return list(Stream.objects.filter(flow=flow).select_related("tenant", "flow").order_by("sequence"))


def the_one(screen: TenantAdmin[Any], request: HttpRequest, rows: Sequence[Any]) -> Any:
    """The only row chosen; None, and a word about it, when there are several."""
    if len(rows) == 1:
        return rows[0]
    screen.message_user(request, ONE, messages.WARNING)
    return None


def _do(screen: TenantAdmin[Any], request: HttpRequest, flow: Flow, move: Any) -> None:
    try:
        moved: list[Moved] = move()
    except CannotMove as refusal:
        screen.message_user(request, f"{flow.tenant}: {flow_label(flow)} stays where it is. {refusal}", messages.ERROR)
        return
    for one in moved:
        where = (
            "stands before that already, and stays" if one.stayed else f"reads on from {_local(one.after, flow.zone)}"
        )
        screen.message_user(request, f"{stream_label(one.stream)}, {one.partition}: {where}.", messages.SUCCESS)


def _local(moment: datetime | None, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%d %b %Y, %H:%M}" if moment else "the beginning"
