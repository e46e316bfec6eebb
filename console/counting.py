"""Moves that are counted before they are done: the first answer shows about how many changes, the second does it.

What was counted is named in the page; when somebody changes the question afterwards, it is counted anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest
from django.template.response import TemplateResponse

from common.fingerprint import fingerprint
from console.base import TenantAdmin
from console.names import stream_label, stream_spec
from console.questions import answered, ask
from console.words import how_many
from engine.rewinding import Reach, total

_COUNTED: Final = "counted"


@dataclass(frozen=True)
class Question:
    """What the page says. `told` is what the number is of: "will be read again and compared"."""

    title: str
    lead: str
    button: str
    about: str
    told: str


def ask_and_count(
    screen: TenantAdmin[Any],
    request: HttpRequest,
    form: forms.Form,
    question: Question,
    reach: Callable[[], Sequence[Reach]],
) -> tuple[TemplateResponse | None, int | None]:
    """The page to show, or None when the move is to be done, with the number that people were told.

    `reach` asks servers: outside any transaction, and only when the form is filled in.
    """
    confirmed, about = _confirmed(request, form)
    if confirmed:
        return None, about
    reaches = list(reach()) if answered(request) and form.is_valid() else []
    context: dict[str, Any] = {"reaches": [_told(one) for one in reaches]}
    if reaches:
        number = total(reaches)
        context["counted"] = _in_words(number, question.told)
        context["hidden"] = [(_COUNTED, Signer().sign_object({"of": _asked(form), "about": number}))]
    page = ask(
        screen,
        request,
        form,
        title=question.title,
        lead=question.lead,
        button=question.button if reaches else "Count first",
        rows=[question.about],
        count=1,
        extra=context,
        template="console/move.html",
    )
    return page, None


def _confirmed(request: HttpRequest, form: forms.Form) -> tuple[bool, int | None]:
    if not answered(request) or not form.is_valid() or _COUNTED not in request.POST:
        return False, None
    try:
        counted = Signer().unsign_object(request.POST[_COUNTED])
    except BadSignature:
        return False, None
    return counted["of"] == _asked(form), counted["about"]


def _asked(form: forms.Form) -> str:
    """What the number is of: all that was answered but the reason."""
    return fingerprint([[name, str(value)] for name, value in form.cleaned_data.items() if name != "reason"])


def _told(reach: Reach) -> tuple[str, str, str, str]:
    spec = stream_spec(reach.stream)
    part = spec.part(reach.partition) if spec else reach.partition
    number = "unknown" if reach.changes is None else f"{reach.changes:,}"
    return stream_label(reach.stream), part, number, reach.trouble


def _in_words(number: int | None, told: str) -> str:
    if number is None:
        return f"How many changes {told} cannot be told now; it can be done all the same."
    return f"About {how_many(number, 'change')} {told}."
