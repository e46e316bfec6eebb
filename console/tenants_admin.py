"""Tenants, who may work with them, and the record of what people did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from console.access import access, actor
from console.base import StockForm, TenantAdmin
from console.deeds import deed, done_to, kind_of_thing
from console.names import side_label
from console.questions import ReasonForm, answered, ask
from console.site import site
from console.words import BAD, GOOD, NOTHING, OFF, badge, when
from engine import seal_moves
from engine.overview import in_words_of
from engine.registry import connectors
from tenants import seal
from tenants.models import AuditEntry, Connection, Membership, Tenant
from tenants.rights import RIGHTS_OF_ROLE, Right


class TenantForm(StockForm[Tenant]):
    """Offers the connectors that are installed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "connector" in self.fields:
            choices = [(key, connector.label) for key, connector in connectors().items()]
            self.fields["connector"] = forms.ChoiceField(choices=choices, help_text="The system joined with Avni.")


@admin.register(Tenant, site=site)
class TenantsAdmin(TenantAdmin[Tenant]):
    """The installation's administrator adds tenants; their owners edit what may change later. Nobody deletes one."""

    form = TenantForm
    change_right = Right.CHANGE_CONNECTION
    tenant_path = "pk"
    # The namespace seeds every id made for this tenant, and "born here" lets a look-up be left out: both are promises.
    fixed_once_added = ("name", "connector", "namespace", "born_here")
    list_display = ("title_or_name", "name", "connector", "zone", "installation")
    search_fields = ("name", "title")
    actions = ("bind",)
    readonly_fields = ("installation",)
    fieldsets = (
        (None, {"fields": ("name", "title", "connector", "zone")}),
        ("Identity", {"fields": ("namespace", "born_here")}),
        (
            "First meeting of a subject and a patient",
            {
                "fields": ("match_name_likeness", "match_birth_years"),
                "description": "When both sides know the same number, name and year of birth must agree this well; "
                "otherwise the record is held for a person.",
            },
        ),
        ("Name, gender, birth date and address", {"fields": ("follows_demographics",)}),
        ("Where it may write from", {"fields": ("installation",)}),
    )

    def tenant_id_of(self, row: Tenant) -> int | None:
        """A tenant is its own tenant."""
        return row.pk

    def has_add_permission(self, request: HttpRequest) -> bool:
        """For the installation's administrator."""
        return access(request).is_administrator

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Tenant]:
        """With what tells whether they are sealed."""
        return seal.seen(super().get_queryset(request))

    @admin.display(description="bound to")
    def installation(self, tenant: Tenant) -> SafeString:
        """Whether it may write from here, in words."""
        if not tenant.bound_to:
            return badge("not yet: bound when a flow is first switched on", OFF)
        why = seal.reason_of(tenant)
        if why:
            return format_html('{}<p class="trouble">{}</p>', badge("sealed: reads only", BAD), in_words_of(why))
        return format_html("{} {}", badge("this installation", GOOD), when(tenant.bound_at, tenant.zone))

    @admin.action(description="Bind to this installation…", permissions=["configure"])
    def bind(self, request: HttpRequest, queryset: models.QuerySet[Tenant]) -> HttpResponse | None:
        """Show where sealed tenants would write to, ask why, then let them."""
        tenants = list(self.permitted(request, queryset, Right.CHANGE_CONNECTION))
        rows = [tenant for tenant in tenants if seal.reason_of(tenant)]
        form = ReasonForm(request.POST if answered(request) else None)
        if answered(request) and form.is_valid():
            for tenant in rows:
                seal_moves.bind(tenant, reason=form.cleaned_data["reason"], actor=actor(request))
                self.message_user(request, f"{tenant} is bound to this installation and goes on.", messages.SUCCESS)
            return None
        lines = [line for tenant in rows for line in _addresses(tenant)]
        return ask(
            self,
            request,
            form,
            title="Bind to this installation",
            lead="From then on this installation writes to these servers. If the tenant still runs in another "
            "installation, switch its flows off there first: two would write the same records."
            if rows
            else "None of the chosen tenants is sealed.",
            button="Bind" if rows else "",
            rows=lines,
            count=len(lines),
        )

    @admin.display(description="title", ordering="title")
    def title_or_name(self, tenant: Tenant) -> str:
        """What people read."""
        return str(tenant)


def _addresses(tenant: Tenant) -> list[str]:
    """Each server of a tenant with its address, and the one it had before."""
    rows = Connection.objects.filter(tenant=tenant)
    was = {row.pk: f" (it was {row.bound_url})" for row in rows if row.bound_url not in ("", row.base_url)}
    return [f"{tenant}: {side_label(tenant, row.side)} {row.base_url}{was.get(row.pk, '')}" for row in rows]


class MembershipForm(StockForm[Membership]):
    """Asks for a log-in name instead of listing everybody: the people of other tenants are nobody's business."""

    log_in = forms.CharField(
        max_length=150, label="Log-in name", help_text="The installation's administrator creates log-ins."
    )

    def clean_log_in(self) -> str:
        """Find the person."""
        name = str(self.cleaned_data["log_in"]).strip()
        person = User.objects.filter(username=name, is_active=True).first()
        if person is None:
            raise forms.ValidationError("Nobody can log in under this name. Ask the installation's administrator.")
        self.instance.user = person
        return name

    def clean(self) -> dict[str, Any] | None:
        """One role per person and tenant."""
        cleaned = super().clean()
        tenant = self.cleaned_data.get("tenant")
        if tenant and "log_in" in self.cleaned_data:
            twice = Membership.objects.filter(tenant=tenant, user=self.instance.user).exclude(pk=self.instance.pk)
            if twice.exists():
                self.add_error("log_in", "This person has a role in this tenant already; change that one.")
        return cleaned


class RoleForm(StockForm[Membership]):
    """The role of somebody who is a member."""


@admin.register(Membership, site=site)
class MembershipAdmin(TenantAdmin[Membership]):
    """Who may do what in a tenant."""

    add_right = change_right = delete_right = Right.CHANGE_CONNECTION
    fixed_once_added = ("tenant", "user")
    list_display = ("user", "tenant", "role", "rights")
    list_filter = ("tenant", "role")
    list_select_related = ("tenant", "user")
    search_fields = ("user__username",)

    def get_form(
        self,
        request: HttpRequest,
        obj: Membership | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - as Django calls it
        **kwargs: Any,
    ) -> type[forms.ModelForm[Membership]]:
        """A new member is named by log-in; later only the role changes."""
        kwargs["form"] = RoleForm if obj else MembershipForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        """See `get_form`."""
        return ("user", "tenant", "role") if obj else ("log_in", "tenant", "role")

    @admin.display(description="may")
    def rights(self, membership: Membership) -> str:
        """The rights behind the role, in words."""
        return ", ".join(right.label for right in Right if right in RIGHTS_OF_ROLE[membership.role])


class DeedFilter(admin.AllValuesFieldListFilter):
    """By what was done, in words."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Those that are on record."""
        for choice in super().choices(changelist):
            yield {**choice, "display": deed(str(choice["display"]))}


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(TenantAdmin[AuditEntry]):
    """What people did. Only ever read."""

    list_display = ("time", "who", "door", "what", "thing", "tenant", "reason")
    list_filter = ("tenant", "door", ("action", DeedFilter))
    list_select_related = ("tenant", "user")
    search_fields = ("object_label", "action", "user__username")
    fields = ("time", "who", "door", "what", "thing", "tenant", "reason", "changes")
    readonly_fields = fields

    def headline(self, row: AuditEntry) -> str:
        """What was done to what."""
        return f"{deed(row.action)}: {done_to(row)}"

    @admin.display(description="time", ordering="at")
    def time(self, entry: AuditEntry) -> SafeString | str:
        """When, in the tenant's zone."""
        return when(entry.at, entry.tenant.zone if entry.tenant else "UTC")

    @admin.display(description="who", ordering="user__username")
    def who(self, entry: AuditEntry) -> str:
        """The person, or the door alone when none stood behind it."""
        return str(entry.user) if entry.user else NOTHING

    @admin.display(description="what", ordering="action")
    def what(self, entry: AuditEntry) -> str:
        """The act in words."""
        return deed(entry.action)

    @admin.display(description="object")
    def thing(self, entry: AuditEntry) -> str:
        """What it was done to."""
        return f"{capfirst(kind_of_thing(entry))}: {done_to(entry)}"

    @admin.display(description="changes")
    def changes(self, entry: AuditEntry) -> SafeString | str:
        """Before and after, field by field."""
        before, after = entry.before or {}, entry.after or {}
        names = list(dict.fromkeys([*before, *after]))
        if not names:
            return NOTHING
        rows = format_html("")
        for name in names:
            row = '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>'
            rows += format_html(row, name, _said(before, name), _said(after, name))
        head = '<tr><th scope="col">Field</th><th scope="col">Before</th><th scope="col">After</th></tr>'
        return format_html(f'<table class="plain"><thead>{head}</thead><tbody>{{}}</tbody></table>', rows)


def _said(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if name not in fields or value in (None, ""):
        return NOTHING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
