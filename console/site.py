"""The admin site: stock Django, entered by membership, its start page grouped by what people come to do."""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template.response import TemplateResponse

from console import incident_words
from console.access import access, access_of
from console.deeds import deed, done_to
from console.flow_words import flow_row
from console.notices import notices
from console.words import how_many, when
from engine.overview import overview
from syncstatus.models import Flow
from tenants import log_ins
from tenants.models import AuditEntry

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Daily work", ("Flow", "Incident", "Brake", "ErrorRecord", "Run", "Link")),
    ("What stands for what", ("Mapping", "MappingType", "IgnoredConcept", "Constant")),
    ("Set-up", ("Tenant", "Connection", "Membership", "ErrorType", "AuditEntry")),
    ("Installation", ("User", "LogInTrouble", "PeriodicTask", "CrontabSchedule", "IntervalSchedule")),
)
"""Headings of the start page, and the models (by class name) below each."""

SHOWN = 50
"""Flows on the start page; the list has them all."""


class LogInForm(AuthenticationForm):
    """Lets in who has a membership in a tenant, and the installation's administrators; slows down who guesses."""

    def clean(self) -> dict[str, Any]:
        """Look at the password, unless too many wrong ones came before it."""
        name, address = str(self.cleaned_data.get("username") or ""), address_of(self.request)
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        wait = log_ins.attempt(name, address)
        if wait:
            minutes = how_many(ceil(wait.total_seconds() / 60), "minute")
            raise forms.ValidationError(
                f"Too many wrong passwords. Try again in {minutes}, or ask the installation's administrator to "
                "unlock it.",
                code="locked",
            )
        try:
            return super().clean()
        except forms.ValidationError:
            log_ins.failed(name)
            raise

    def confirm_login_allowed(self, user: User) -> None:
        """Say who can help, instead of letting in to an empty page. The password was right."""
        log_ins.succeeded(str(self.cleaned_data["username"]), address_of(self.request))
        super().confirm_login_allowed(user)
        if not access_of(user).is_somebody:
            raise forms.ValidationError(
                "You are not a member of any tenant yet. Ask an owner of your tenant to add you.", code="no-membership"
            )


def address_of(request: HttpRequest | None) -> str:
    """Where a request comes from, as far as that can be believed."""
    if request is None:
        return ""
    said = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
    return said if said and settings.TRUST_FORWARDED_FOR else str(request.META.get("REMOTE_ADDR", ""))


class ConsoleSite(AdminSite):
    """Everything an operator needs, and nothing of a tenant they do not belong to."""

    site_header = "Avni integration"
    site_title = "Avni integration"
    index_title = "Home"
    index_template = "console/index.html"
    login_form = LogInForm
    enable_nav_sidebar = False
    site_url = None  # there is no other site to view

    def has_permission(self, request: HttpRequest) -> bool:
        """By membership; Django's staff flag says nothing here."""
        return request.user.is_active and access(request).is_somebody

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """On every page what stops the data from flowing; asked for when the page is drawn."""
        lines = {"notices": partial(notices, request), "open_incidents": incident_words.lines}
        return {**super().each_context(request), **lines}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Above the lists, whether the data is flowing; beside them, what this person did last."""
        mine = AuditEntry.objects.filter(user=request.user.pk).select_related("tenant")[:10]
        recent = [
            (entry, deed(entry.action), done_to(entry), when(entry.at, entry.tenant.zone if entry.tenant else "UTC"))
            for entry in mine
        ]
        flows = overview(Flow.objects.select_related("tenant")[:SHOWN])
        extra = {"flows": [flow_row(seen) for seen in flows], "recent": recent, **(extra_context or {})}
        return super().index(request, extra)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The models by our headings on the start page; by application, as stock, below an application's address."""
        stock = super().get_app_list(request, app_label)
        if app_label:
            return stock
        models = {model["object_name"]: model for app in stock for model in app["models"]}
        grouped = [(heading, [models.pop(name) for name in names if name in models]) for heading, names in GROUPS]
        return [
            {"name": heading, "app_label": "", "app_url": "", "has_module_perms": True, "models": rows}
            for heading, rows in [*grouped, ("More", list(models.values()))]
            if rows
        ]


site = ConsoleSite(name="admin")
