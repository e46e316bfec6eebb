"""The pages before something is read besides: a window or a list of records of a flow, or records sent again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse

from common import clock
from console.access import actor
from console.base import TenantAdmin
from console.counting import Question, ask_and_count
from console.moments import MomentField, of_zone
from console.names import flow_label, stream_label
from console.questions import ReasonForm, answered, ask
from console.rewinding import streams_of, the_one
from console.words import how_many
from engine import backfill_moves
from engine.rewinding import CannotMove, Reach
from syncstatus.models import Flow, Stream


class BackfillForm(ReasonForm):
    """Which stream, and a window of it or some of its records."""

    stream = forms.ChoiceField(widget=forms.RadioSelect)
    since = MomentField(label="From", required=False, help_text="Of a window. Time of the flow's zone.")
    until = MomentField(label="Until before", required=False, help_text="Now, when left out.")
    ids = forms.CharField(
        label="Or records by their ids",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text="As the source knows them, one on each line.",
    )

    field_order = ("stream", "since", "until", "ids", "reason")

    def __init__(self, flow: Flow, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._zone = flow.zone
        self._streams = {str(stream.pk): stream for stream in streams_of(flow)}
        choices = [(pk, stream_label(stream)) for pk, stream in self._streams.items()]
        self.fields["stream"].choices = choices  # type: ignore[attr-defined]  # of a field of choices

    def clean(self) -> dict[str, Any]:
        """Either a window or ids; a window that ends now ends at this moment, also when it is confirmed."""
        said = super().clean() or {}
        if bool(said.get("since")) is bool((said.get("ids") or "").strip()):
            self.add_error(None, "Say either from when on, or which records.")
        return said

    @property
    def chosen(self) -> Stream:
        """The stream."""
        return self._streams[self.cleaned_data["stream"]]

    @property
    def ids_said(self) -> list[str]:
        """The records; none for a window."""
        return str(self.cleaned_data["ids"]).split()

    @property
    def window(self) -> tuple[Any, Any]:
        """From and until."""
        until = self.cleaned_data["until"]
        since = of_zone(self.cleaned_data["since"], self._zone)
        return since, of_zone(until, self._zone) if until else clock.now()

    def reach(self) -> list[Reach]:
        """About how many changes."""
        if self.ids_said:
            return [Reach(self.chosen, "by their ids", len(self.ids_said))]
        return backfill_moves.reach_of_window([self.chosen], *self.window)


def backfill_page(screen: TenantAdmin[Any], request: HttpRequest, flows: Sequence[Flow]) -> HttpResponse | None:
    """Ask what, count, then have it read besides. One flow at a time."""
    flow = the_one(screen, request, flows)
    if flow is None:
        return None
    form = BackfillForm(flow, request.POST if answered(request) else None)
    page, about = ask_and_count(
        screen,
        request,
        form,
        Question(
            title=f"Backfill {flow_label(flow)}",
            lead="It is read and compared once, after all that is new; the flow goes on where it stands. How far it is "
            "stands in the list of backfills.",
            button="Ask for it",
            about=f"{flow.tenant}: {flow_label(flow)}, times of {flow.zone}",
            told="will be read and compared",
        ),
        reach=form.reach,
    )
    if page is not None:
        return page

    def do() -> str:
        said = {"reason": form.cleaned_data["reason"], "actor": actor(request)}
        if form.ids_said:
            backfill_moves.ask_for_ids(form.chosen, form.ids_said, **said)
        else:
            backfill_moves.ask_for_window([form.chosen], *form.window, about=about, **said)
        return f"{flow.tenant}: {stream_label(form.chosen)} is asked for; it follows what is new."

    _try(screen, request, do)
    return None


def replay_page(
    screen: TenantAdmin[Any], request: HttpRequest, rows: models.QuerySet[Any], do: Callable[..., int], chosen: str
) -> HttpResponse | None:
    """Say how many records are sent again, ask why, then have it done."""
    form = ReasonForm(request.POST if answered(request) else None)
    if answered(request) and form.is_valid():
        said = {"reason": form.cleaned_data["reason"], "actor": actor(request), "chosen": chosen}
        _try(screen, request, lambda: f"{how_many(do(rows, **said), 'record')} will be read and compared again.")
        return None
    count = rows.count()
    return ask(
        screen,
        request,
        form,
        title="Send again",
        lead=f"{how_many(count, 'record')} will be read and compared with the other server, whatever is remembered. "
        "Where both agree nothing is written; nothing is doubled.",
        button=f"Send {how_many(count, 'record')} again" if count else "",
        rows=list(rows[:20]),
        count=count,
    )


def _try(screen: TenantAdmin[Any], request: HttpRequest, do: Callable[[], str]) -> None:
    try:
        screen.message_user(request, do(), messages.SUCCESS)
    except CannotMove as refusal:
        screen.message_user(request, f"Nothing was asked for. {refusal}", messages.ERROR)
