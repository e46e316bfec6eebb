"""The kinds of error administrators know by name: what tells them, in which order, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.access import access, actor
from console.addresses import list_url
from console.base import StockForm, TenantAdmin
from console.errors_admin import StateFilter
from console.names import connector
from console.site import site
from console.words import CARE, GOOD, NOTHING, OFF, badge, how_many, span
from engine import error_types
from errors.classification import Comparison, problem_with
from errors.models import OPEN_STATES, ErrorRecord, ErrorState, ErrorType
from errors.specs import ErrorTypeSpec
from tenants.models import Tenant
from tenants.rights import Right

RULE = (
    "comparison", "comparison_value", "follow_up", "first_wait_minutes", "longest_wait_minutes", "most_attempts",
    "is_voided",
)  # fmt: skip
"""What a form or file may change of a type."""

SHOWN = 50
"""Sentences listed when a rule is tried; all of them are counted."""


class ErrorTypeForm(StockForm[ErrorType]):
    """One type. What is wrong with its pattern or its waits the model says."""

    class Meta:
        labels: Mapping[str, str] = {
            "comparison": "Told by its text",
            "comparison_value": "Text",
            "first_wait_minutes": "First wait (minutes)",
            "longest_wait_minutes": "Longest wait (minutes)",
            "most_attempts": "Most attempts",
        }
        help_texts: Mapping[str, str] = {
            "name": "Errors that name this type themselves have it unless the text of another type fits them.",
            "comparison": "Compared is the sentence in the column “what is wrong” of the error records. “equals” and "
            "“contains” take capitals and small letters as one; “matches” takes a regular expression (RE2) for the "
            "whole sentence: put .* at its ends to find a part, (?i) in front to ignore case.",
            "comparison_value": "“Try it” shows which records this fits, before anything is saved.",
            "follow_up": "Records of a type “do not try again” leave the open errors and come back when they change at "
            "their source or when somebody retries them. “For our own engineers” and “for the other system” "
            "are tried again, and can be filtered by. What waits for another record or for a person goes on "
            "waiting whatever its type.",
            "first_wait_minutes": "After the first failure. Each further wait is twice as long, up to the longest.",
            "longest_wait_minutes": "60 is an hour, 360 six hours, 1440 a day; at most 43200 (30 days).",
            "most_attempts": "How often in a row a record may fail, the first time counted; then it waits for a "
            "person. Without limit when empty.",
            "is_voided": "It tells no errors any more. Records that got through keep it.",
        }
        widgets: Mapping[str, Any] = {"comparison_value": forms.Textarea(attrs={"rows": 2, "cols": 80})}

    order = forms.IntegerField(
        min_value=1,
        required=False,
        help_text="The types are asked in this order, and the first whose text fits has the error. A type put in the "
        "place of another pushes that one and those behind it down. A new one comes last when this is empty.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "order" in self.fields:
            self.initial["order"] = self.instance.place
            self.fields["order"].required = True


class TryForm(forms.Form):
    """A rule to try on the records there are."""

    tenant: forms.ModelChoiceField[Tenant] = forms.ModelChoiceField(queryset=None)
    comparison = forms.ChoiceField(label="Told by its text", choices=[*Comparison.choices[1:]])
    comparison_value = forms.CharField(label="Text", widget=forms.Textarea(attrs={"rows": 2, "cols": 80}))

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["tenant"]
        if isinstance(field, forms.ModelChoiceField):
            mine = Tenant.objects.filter(access(request).where(Right.CHANGE_MAPPING, "pk"))
            field.queryset = mine
            if len(mine) == 1:
                field.initial, field.widget = mine[0].pk, forms.HiddenInput()

    def clean(self) -> dict[str, Any] | None:
        """As it would be said when the type is saved."""
        cleaned = super().clean()
        problem = problem_with(self.cleaned_data.get("comparison", ""), self.cleaned_data.get("comparison_value", ""))
        if problem and "comparison_value" in self.cleaned_data:
            self.add_error("comparison_value", problem)
        return cleaned


@admin.register(ErrorType, site=site)
class ErrorTypeAdmin(TenantAdmin[ErrorType]):
    """In the order in which they are asked. Nothing is deleted: a type is switched off, and may be taken back."""

    form = ErrorTypeForm
    add_right = change_right = Right.CHANGE_MAPPING
    fixed_once_added = ("tenant", "name")
    change_form_template = "console/error_type.html"
    list_display = ("in_order", "name", "told_by", "follow_up", "retried", "open_records", "state", "tenant")
    list_display_links = ("name",)
    list_filter = ("tenant", "follow_up", "is_voided")
    list_select_related = ("tenant",)
    search_fields = ("name", "comparison_value")
    ordering = ("tenant__name", models.F("place").asc(nulls_last=True), "pk")
    actions = ("void", "unvoid")
    readonly_fields = ("used_for",)
    fieldsets = (
        (None, {"fields": ("tenant", "name", "used_for")}),
        ("What tells it", {"fields": ("comparison", "comparison_value", "order")}),
        (
            "What follows",
            {"fields": ("follow_up", "first_wait_minutes", "longest_wait_minutes", "most_attempts", "is_voided")},
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """The stock addresses, the one that moves a type by one place, and the one that tries a rule."""
        wrap = self.admin_site.admin_view
        return [
            path("try/", wrap(self.try_view), name="errors_errortype_try"),
            path("<int:pk>/move/", wrap(self.move_view), name="errors_errortype_move"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ErrorType]:
        """With the number of records, and a mark whether this reader may move a type."""
        opened = models.Count("records", filter=models.Q(records__state__in=OPEN_STATES))
        closed = models.Count("records", filter=models.Q(records__state=ErrorState.CLOSED))
        may_map = access(request).says(Right.CHANGE_MAPPING)
        return super().get_queryset(request).annotate(opened=opened, closed=closed, may_map=may_map)

    # --- columns -----------------------------------------------------------------------------------------------------

    @admin.display(description="order", ordering="place")
    def in_order(self, kind: ErrorType) -> SafeString:
        """The place, with the ways up and down for those who may."""
        place = NOTHING if kind.place is None else str(kind.place)
        if not getattr(kind, "may_map", False):
            return format_html("{}", place)
        button = (
            '<button class="step" formaction="{}" name="way" value="{}" title="{}">'
            '<span aria-hidden="true">{}</span><span class="visually-hidden">Move {} {}</span></button>'
        )
        address = reverse("admin:errors_errortype_move", args=[kind.pk])
        up, down = (
            format_html(button, address, way, way.capitalize(), arrow, kind.name, way)
            for way, arrow in (("up", "▲"), ("down", "▼"))
        )
        return format_html('<span class="place">{}</span>{}{}', place, up, down)

    @admin.display(description="told by")
    def told_by(self, kind: ErrorType) -> SafeString | str:
        """The rule in words; that a type can have no errors is said as well."""
        parts = []
        if kind.comparison:
            parts.append(f"text {Comparison(kind.comparison).value} “{kind.comparison_value}”")
        if _spec(kind):
            parts.append("errors that name it")
        if kind.comparison and problem_with(kind.comparison, kind.comparison_value):
            return format_html("{} {}", ", or ".join(parts), badge("cannot be used: open it", CARE))
        return ", or ".join(parts) or badge("nothing: give it a text", CARE)

    @admin.display(description="tried again")
    def retried(self, kind: ErrorType) -> str:
        """The policy in words."""
        if kind.is_terminal:
            return "not by itself"
        policy = kind.policy
        waits = f"after {span(policy.first)}"
        if policy.longest > policy.first:
            waits += f", ever later up to {span(policy.longest)}"
        most = policy.most_attempts
        return f"{waits}; {how_many(most, 'attempt')} at most" if most else f"{waits}; without limit"

    @admin.display(description="open errors")
    def open_records(self, kind: ErrorType) -> SafeString:
        """How many, and the way to them; those that are not tried again besides."""
        address = f"{list_url(ErrorRecord)}?{urlencode({'type__id__exact': kind.pk})}"
        opened, closed = getattr(kind, "opened", 0), getattr(kind, "closed", 0)
        link = format_html('<a href="{}">{}</a>', address, opened)
        if not closed:
            return link
        address += f"&{urlencode({StateFilter.parameter_name: ErrorState.CLOSED})}"
        return format_html('{}, <a href="{}">{} not tried again</a>', link, address, closed)

    @admin.display(description="state", ordering="is_voided")
    def state(self, kind: ErrorType) -> SafeString:
        """Whether it is asked at all."""
        return badge("switched off", OFF) if kind.is_voided else badge("in use", GOOD)

    @admin.display(description="order")
    def order(self, kind: ErrorType) -> str:
        """The place, where the form is only read."""
        return NOTHING if kind.place is None else str(kind.place)

    @admin.display(description="what it is")
    def used_for(self, kind: ErrorType) -> str:
        """What the connector declares of it."""
        spec = _spec(kind)
        return spec.used_for if spec else NOTHING

    # --- the form ----------------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: ErrorType | None = None) -> Any:
        """What a type of people's own is, only they know; a new one is in use."""
        shown = super().get_fieldsets(request, obj)
        left_out = {name for name, is_there in (("used_for", obj and _spec(obj)), ("is_voided", obj)) if not is_there}
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in left_out]})
            for title, options in shown
        ]

    def page_of(self, request: HttpRequest, row: ErrorType) -> dict[str, Any]:
        """Where its rule can be tried."""
        return {"tried_for": row.tenant_id} if self.may(request, Right.CHANGE_MAPPING, row) else {}

    def save_model(self, request: HttpRequest, obj: ErrorType, form: Any, change: bool) -> None:  # noqa: FBT001
        """Apply it to the records there are, and say to how many. It is put on record where it is done."""
        place = form.cleaned_data["order"] if "order" in form.changed_data else None
        if change:
            changes = {name: form.cleaned_data[name] for name in RULE if name in form.changed_data}
            effect = error_types.change(obj, changes, actor=actor(request), place=place)
        else:
            effect = error_types.add(obj, actor=actor(request), place=place)
        self.message_user(request, str(effect), messages.INFO)

    # --- order, trying, switching off --------------------------------------------------------------------------------

    def move_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Move a type one place up or down, from the list; back to the list as it was."""
        kind = get_object_or_404(self.get_queryset(request).select_related("tenant"), pk=pk)
        back = HttpResponseRedirect(list_url(ErrorType))
        if request.method != "POST":
            return back
        self.demand(request, Right.CHANGE_MAPPING, kind)
        step = -1 if request.POST.get("way") == "up" else 1
        effect = error_types.move(kind, (kind.place or 0) + step, actor=actor(request))
        self.message_user(request, f"{kind.name} is number {kind.place} now. {effect}", messages.SUCCESS)
        return back

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """Which records a rule would fit, and what type they have now. Nothing is changed."""
        if not access(request).may_somewhere(Right.CHANGE_MAPPING):
            raise PermissionDenied
        form = TryForm(request, request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "title": "Try a rule",
            "opts": self.opts,
            "media": self.media,
            "form": form,
        }
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            found = error_types.matching(asked["tenant"], asked["comparison"], asked["comparison_value"])
            context |= {
                "tried": True,
                "matches": found[:SHOWN],
                "more": max(len(found) - SHOWN, 0),
                "records": how_many(sum(match.records for match in found), "record"),
            }
        return TemplateResponse(request, "console/try_rule.html", context)

    @admin.action(description="Switch off", permissions=["map"])
    def void(self, request: HttpRequest, queryset: models.QuerySet[ErrorType]) -> None:
        """Ask the chosen types no more; their open records get the type that is theirs then."""
        self._switch(request, queryset.filter(is_voided=False), is_voided=True)

    @admin.action(description="Take back into use", permissions=["map"])
    def unvoid(self, request: HttpRequest, queryset: models.QuerySet[ErrorType]) -> None:
        """Ask the chosen types again, in their old places."""
        self._switch(request, queryset.filter(is_voided=True), is_voided=False)

    def _switch(self, request: HttpRequest, queryset: models.QuerySet[ErrorType], *, is_voided: bool) -> None:
        rows = self.permitted(request, queryset, Right.CHANGE_MAPPING).select_related("tenant")
        what = "switched off" if is_voided else "taken back into use"
        for row in rows:
            try:
                effect = error_types.change(row, {"is_voided": is_voided}, actor=actor(request))
            except forms.ValidationError as refusal:
                self.message_user(request, f"{row.name}: {' '.join(refusal.messages)}", messages.ERROR)
                continue
            self.message_user(request, f"{row.name}: {what}. {effect}", messages.SUCCESS)


def _spec(kind: ErrorType) -> ErrorTypeSpec | None:
    """What the connector declares of a type of this name."""
    known = connector(kind.tenant)
    return next((spec for spec in known.error_types if spec.name == kind.name), None) if known else None
