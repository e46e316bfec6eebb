"""The page on which a person decides about a record that waits for her: both sides, what may be decided, and why."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.http_errors import RemoteError
from console.access import actor
from console.addresses import row_url
from console.base import TenantAdmin
from console.keeping import kept_by
from console.names import side_label, stream_label
from console.words import when
from engine import decisions
from engine.confronting import Confrontation, confront
from engine.decisions import CannotDecide, Offer
from engine.ended_by import in_words, in_words_of
from engine.registry import connector_of
from errors.catalogue import explain
from errors.models import Decision, ErrorRecord, ErrorState
from errors.specs import Move
from tenants.secrets import SecretUnreadable


class DecisionForm(forms.Form):
    """What is decided, about whom, and why."""

    move = forms.ChoiceField(widget=forms.RadioSelect, label="Decision")
    chosen = forms.ChoiceField(widget=forms.RadioSelect, required=False, label="Which one")
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="One sentence that still makes sense in a year.",
    )
    state = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, record: ErrorRecord, offered: list[Offer], *args: Any, **more: Any) -> None:
        """Offer what may be decided about the record."""
        super().__init__(*args, **more)
        kind, candidates = record.conflict.get("kind", ""), record.conflict.get("candidates", [])
        self._choices("move", [(offer.move.value, f"{offer.label}. {offer.follows}") for offer in offered])
        if len(candidates) > 1 and Move.SAME in [offer.move for offer in offered]:
            self._choices("chosen", [(one, f"{kind.capitalize()} {one}") for one in candidates])
            self.fields["chosen"].help_text = f"Only where one {kind} is to be linked."
        else:
            del self.fields["chosen"]

    def clean(self) -> dict[str, Any]:
        """Of several candidates one must be meant."""
        given = super().clean() or {}
        if given.get("move") == Move.SAME.value and "chosen" in self.fields and not given.get("chosen"):
            self.add_error("chosen", "Choose one of those it may be.")
        return given

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        cast(forms.ChoiceField, self.fields[name]).choices = choices


def decide_page(screen: TenantAdmin[ErrorRecord], request: HttpRequest, record: ErrorRecord) -> HttpResponse:
    """Show what there is to decide, then take the decision. For people who may see values: both servers are read.

    Where they cannot be read, nothing can be decided: nobody writes over what she was not shown. The state of what is
    shown goes with the form, and no other page tells it.
    """
    if "answered" in request.POST:
        form = DecisionForm(record, decisions.offers(record), request.POST)
        if form.is_valid():
            refusal = _take(request, record, form)
            said = f"Your decision was not taken. {refusal}" if refusal else _carried_out(record)
            screen.message_user(request, said, messages.WARNING if refusal else messages.SUCCESS)
            return HttpResponseRedirect(row_url(record))
    failure, met = "", None
    try:
        met = confront(record, actor(request))
    except SecretUnreadable as error:
        failure = str(error)
    except RemoteError as error:
        failure = in_words(error, record.stream)
    if met and met.failed:
        failure, met = in_words_of(*met.failed, record.stream), None
    if met is None or not met.is_met:
        return _page(screen, request, record, None, met, failure)
    return _page(screen, request, record, _form(screen, request, record), met, failure)


def _carried_out(record: ErrorRecord) -> SafeString | str:
    if kept := kept_by(record.stream.flow):
        return format_html("Decided. It is not carried out yet. {} This page tells what comes of it.", kept)
    return "Decided. It is carried out now; this page tells what came of it."


def _form(screen: TenantAdmin[ErrorRecord], request: HttpRequest, record: ErrorRecord) -> DecisionForm:
    """The form about what is shown now: as the person left it, if it is about this still."""
    offered, state = decisions.offers(record), record.conflict["state"]
    if request.POST.get("state") == state:
        return DecisionForm(record, offered, request.POST)
    if "state" in request.POST:
        said = "It has changed since you looked. This is how it stands now."
        screen.message_user(request, said, messages.WARNING)
    return DecisionForm(record, offered, initial={"state": state, "reason": request.POST.get("reason", "")})


def _take(request: HttpRequest, record: ErrorRecord, form: DecisionForm) -> str:
    """Why the decision was not taken; empty when it was."""
    given = form.cleaned_data
    try:
        decisions.decide(
            record, Move(given["move"]), state=given["state"], reason=given["reason"], actor=actor(request),
            chosen=given.get("chosen", ""),
        )  # fmt: skip
    except CannotDecide as refusal:
        return str(refusal)
    return ""


def _page(
    screen: TenantAdmin[ErrorRecord], request: HttpRequest, record: ErrorRecord, form: DecisionForm | None,
    met: Confrontation | None, failure: str,
) -> HttpResponse:  # fmt: skip
    connector = connector_of(record.tenant)
    spec = connector.stream(record.stream.key)
    columns = list(dict.fromkeys(one for difference in met.differences for one in difference.there)) if met else []
    kind = str(record.conflict.get("kind", "")).capitalize()
    target = side_label(record.tenant, spec.target_side)
    told = explain(record.message, record.params, connector.sentences)
    context = {
        **screen.admin_site.each_context(request),
        "title": "Decide about a record",
        "about": f"{stream_label(record.stream)}: {record.entity_id}",
        "cause": told.cause,
        "remedy": told.remedy,
        "opts": screen.opts,
        "media": screen.media,
        "form": form,
        "failure": failure,
        "is_over": met is not None and not met.is_met,
        "source": side_label(record.tenant, spec.source_side),
        "columns": [f"{target}: {kind} {one}" for one in columns] or [target],
        "rows": [
            (one.what, one.here, [one.there.get(column, "") for column in columns], _differs(one.here, one.there))
            for one in (met.differences if met else ())
        ],
        "back": row_url(record),
    }
    return TemplateResponse(request, "console/decide.html", context)


def _differs(here: str, there: Any) -> bool:
    return any(value != here for value in there.values())


def decided_about(record: ErrorRecord) -> list[dict[str, str]]:
    """What was decided about a record, newest first, in words."""
    connector = connector_of(record.tenant)
    spec = connector.stream(record.stream.key)
    rows = Decision.objects.filter(record=record).select_related("user")
    return [
        {
            "what": decisions.label(Move(row.move), spec),
            "about": row.chosen,
            "reason": row.reason,
            "who": row.user.get_username() if row.user else "",
            "at": str(when(row.decided_at, record.tenant.zone)),
            "came": _came(row, record),
        }
        for row in rows[:20]
    ]


def _came(made: Decision, record: ErrorRecord) -> str:
    """What came of a decision, in words."""
    if not made.outcome:
        return "to be carried out"
    if made.used_at is None and record.state == ErrorState.HELD and made.state != record.conflict.get("state"):
        return "not carried out: it changed since, and is held as it is now"
    return made.outcome
