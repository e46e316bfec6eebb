"""Pages between an action and its effect: what will happen to how many rows, and what must be said first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django.template.response import TemplateResponse

SHOWN = 20
"""Rows named on the page; of the others it gives the number."""


class ReasonForm(forms.Form):
    """Why; kept with the audit entry."""

    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60, "autofocus": True}),
        help_text="One sentence that still makes sense in a year.",
    )


def answered(request: HttpRequest) -> bool:
    """Whether the form came from such a page (and not from the list's own action bar)."""
    return request.method == "POST" and "answered" in request.POST


def ask(  # noqa: PLR0913 - what a page has to say, by name
    screen: ModelAdmin[Any],
    request: HttpRequest,
    form: forms.Form,
    *,
    title: str,
    lead: str,
    button: str,
    rows: Sequence[object],
    count: int,
    extra: dict[str, Any] | None = None,
    template: str = "console/ask.html",
) -> TemplateResponse:
    """The page. It posts the same selection to the same address again, so the list's filters still hold."""
    context = {
        **screen.admin_site.each_context(request),
        "title": title,
        "lead": lead,
        "button": button,
        "form": form,
        "rows": [str(row) for row in rows[:SHOWN]],
        "more": max(count - SHOWN, 0),
        "opts": screen.opts,
        "media": screen.media,
        "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "checkbox": ACTION_CHECKBOX_NAME,
        "action": request.POST.get("action", ""),
        "select_across": request.POST.get("select_across", "0"),
        **(extra or {}),
    }
    return TemplateResponse(request, template, context)


def chosen(request: HttpRequest) -> str:
    """In words, for the record, which rows an action was given."""
    if request.POST.get("select_across") == "1":
        return f"all that match {request.GET.urlencode() or 'the list as it opens'}"
    return f"{len(request.POST.getlist(ACTION_CHECKBOX_NAME))} chosen by hand"
