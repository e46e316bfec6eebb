"""The two servers of a tenant: where they are, how we sign in, and whether all is well with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common import clock
from console.access import actor
from console.base import StockForm, TenantAdmin
from console.names import connector, side_label, side_spec
from console.site import site
from console.words import BAD, GOOD, OFF, badge
from engine.identity import FACTS
from engine.registry import CheckStep, SideSpec, connector_of, connectors
from engine.work import setting_of
from tenants.audit import record
from tenants.models import Connection, Tenant
from tenants.rights import Right
from tenants.secrets import Secret, SecretUnreadable


class SecretInput(forms.PasswordInput):
    """A field one can write to and never read: it says only since when a secret is set."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password", "class": "vTextField"}, render_value=False)


class NewAddress(models.TextChoices):
    """What a person means by another address of a server at work."""

    WRITE = "write", "It is the right server: read from it and write to it from now on"
    WAIT = "wait", "Not yet: hand nothing over until somebody binds the tenant to it (under Tenants)"


class ConnectionForm(StockForm[Connection]):
    """Offers the sides and ways to sign in of the installed connectors; takes a secret without ever giving it back."""

    class Meta:
        labels: Mapping[str, str] = {
            "base_url": "Address (URL)",
            "username": "User name",
            "max_parallel": "Requests at a time",
        }
        help_texts: Mapping[str, str] = {"max_parallel": "More is faster and leans harder on the server."}

    new_secret = forms.CharField(required=False, label="Secret", widget=SecretInput, strip=False)
    new_address = forms.ChoiceField(
        required=False,
        label="If the address changes",
        choices=NewAddress.choices,
        widget=forms.RadioSelect,
        help_text="The tenant is at work: another address is another server, unless you say it is the right one.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sides = {side.key: side for side in self._sides()}
        if "side" in self.fields:
            self.fields["side"] = forms.ChoiceField(choices=[(key, side.label) for key, side in sides.items()])
        if "sign_in" in self.fields:
            asked = [side for key, side in sides.items() if self.instance.side in ("", key)]
            ways = {key: label for side in asked for key, label in side.sign_ins.items()}
            self.fields["sign_in"] = forms.ChoiceField(choices=list(ways.items()), label="How to sign in")
        if not self.instance.pk or not self.instance.tenant.bound_to:
            self.fields.pop("new_address", None)
        if "new_secret" in self.fields:
            self._say_what_is_set()

    def _sides(self) -> Iterable[SideSpec]:
        if not self.instance.pk:
            return (side for known in connectors().values() for side in known.sides)
        known = connector(self.instance.tenant)
        return known.sides if known else ()

    def _say_what_is_set(self) -> None:
        field, row = self.fields["new_secret"], self.instance
        if row.secret:
            since = f" on {row.secret_set_at:%d %b %Y}" if row.secret_set_at else ""
            field.widget.attrs["placeholder"] = f"set{since}"
            field.help_text = "Leave empty to keep it. It is stored encrypted and never shown."
        else:
            field.help_text = "Stored encrypted and never shown."

    def clean(self) -> dict[str, Any] | None:
        """The way to sign in belongs to the side; a kept secret goes only to the server it was entered for."""
        cleaned = super().clean()
        tenant = self.instance.tenant if self.instance.pk else self.cleaned_data.get("tenant")
        side_key = self.cleaned_data.get("side") or self.instance.side
        if tenant and side_key:
            self._check_side(tenant, side_key)
        self._check_new_address()
        moved = _server(self.initial.get("base_url", "")) != _server(self.cleaned_data.get("base_url", ""))
        if self.instance.pk and self.instance.secret and moved and not self.cleaned_data.get("new_secret"):
            self.add_error("new_secret", "The address names another server: enter the secret for it.")
        return cleaned

    def _check_new_address(self) -> None:
        """Of a tenant at work somebody says whether another address may be written to."""
        row, url = self.instance, self.cleaned_data.get("base_url")
        is_another = url is not None and "new_address" in self.fields and url not in (row.bound_url, row.base_url)
        if is_another and not self.cleaned_data.get("new_address"):
            self.add_error("new_address", "The address is another one: say whether it is the right server.")

    def _check_side(self, tenant: Tenant, side_key: str) -> None:
        side = side_spec(tenant, side_key)
        if side is None:
            self.add_error("side", f"{tenant} has no such side.")
        elif self.cleaned_data.get("sign_in") and self.cleaned_data["sign_in"] not in side.sign_ins:
            self.add_error("sign_in", f"{side.label} offers: {', '.join(map(str, side.sign_ins.values()))}.")
        elif not self.instance.pk and Connection.objects.filter(tenant=tenant, side=side_key).exists():
            self.add_error("side", "This side has a connection already; change that one.")


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


@admin.register(Connection, site=site)
class ConnectionAdmin(TenantAdmin[Connection]):
    """One row per server of a tenant."""

    form = ConnectionForm
    add_right = change_right = Right.CHANGE_CONNECTION
    fixed_once_added = ("tenant",)
    list_display = ("label", "tenant", "base_url", "username", "secret_state")
    list_display_links = ("label",)
    list_filter = ("tenant",)
    list_select_related = ("tenant",)
    actions = ("check_connections",)
    fields = (
        "tenant", "side", "base_url", "new_address", "sign_in", "username", "new_secret", "secret_source", "zone",
        "max_parallel", "known_by",
    )  # fmt: skip
    readonly_fields = ("label", "secret_source", "known_by")

    def get_fields(self, request: HttpRequest, obj: Connection | None = None) -> tuple[str, ...]:
        """Who may only look sees no field for a secret at all."""
        fields = tuple("label" if obj and name == "side" else str(name) for name in self.fields)
        may_write = self.may(request, Right.CHANGE_CONNECTION, obj)
        shown = fields if may_write else tuple(name for name in fields if name not in ("new_secret", "new_address"))
        if obj is None or not obj.tenant.bound_to:
            shown = tuple(name for name in shown if name != "new_address")
        shown = shown if obj else tuple(name for name in shown if name != "known_by")
        return shown if obj and obj.secret_source else tuple(name for name in shown if name != "secret_source")

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:  # noqa: FBT001
        """Seal a new secret. The record says that it changed, not what it is."""
        plain = form.cleaned_data.get("new_secret")
        if plain:
            obj.secret, obj.secret_set_at, obj.secret_source = Secret.of(plain), clock.now(), ""
            form.cleaned_data["new_secret"] = "changed"  # noqa: S105 - what the record says
            form.initial["new_secret"] = "set" if change else ""
        if "base_url" in form.changed_data and form.cleaned_data.get("new_address") == NewAddress.WRITE:
            obj.bound_url = obj.base_url
        super().save_model(request, obj, form, change)

    def headline(self, row: Connection) -> str:
        """The server, and whose."""
        return f"{row.tenant}: {self.label(row)}"

    @admin.display(description="server", ordering="side")
    def label(self, row: Connection) -> str:
        """The side by the name people use."""
        return side_label(row.tenant, row.side)

    @admin.display(description="secret")
    def secret_state(self, row: Connection) -> SafeString:
        """Whether a secret is set."""
        return badge("set", GOOD) if row.secret else badge("not set", OFF)

    @admin.display(description="known by")
    def known_by(self, row: Connection) -> SafeString | str:
        """What the server said of itself; when it says something else, the flows wait at the brake."""
        spec = side_spec(row.tenant, row.side)
        facts = row.identity.get(FACTS, {})
        said = [(fact.label, facts[fact.key]) for fact in (spec.facts if spec else ()) if fact.key in facts]
        listed = format_html_join("", "<li>{}: {}</li>", said)
        return format_html("<ul>{}</ul>", listed) if said else "not asked yet"

    @admin.action(description="Check connections", permissions=["act"])
    def check_connections(self, request: HttpRequest, queryset: models.QuerySet[Connection]) -> HttpResponse:
        """Ask the servers of the chosen rows' tenants, step by step; nothing is written to them."""
        tenants = Tenant.objects.filter(pk__in=self.permitted(request, queryset).values("tenant")).order_by("name")
        return check_page(self, request, list(tenants))


def check_page(screen: TenantAdmin[Any], request: HttpRequest, tenants: list[Tenant]) -> HttpResponse:
    """The page with the steps of the connection check of each tenant."""
    context = {
        **screen.admin_site.each_context(request),
        "title": "Check of the connections",
        "opts": screen.opts,
        "media": screen.media,
        "reports": [_report(request, tenant) for tenant in tenants],
    }
    return TemplateResponse(request, "console/check.html", context)


def _report(request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
    try:
        steps = connector_of(tenant).check(setting_of(tenant, refuse_writes=True))
    except SecretUnreadable as trouble:
        return {"tenant": tenant, "trouble": str(trouble)}
    except KeyError:
        return {"tenant": tenant, "trouble": f"The connector {tenant.connector!r} is not installed."}
    failed = sum(not step.ok for step in steps)
    record(actor(request), "connection.check", tenant, tenant=tenant, after={"steps": len(steps), "failed": failed})
    return {"tenant": tenant, "sides": _by_side(tenant, steps)}


def _by_side(tenant: Tenant, steps: list[CheckStep]) -> list[dict[str, Any]]:
    sides: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        said = badge("good", GOOD) if step.ok else badge("to mend", BAD)
        sides.setdefault(step.side, []).append({"step": step, "badge": said})
    return [{"label": side_label(tenant, key), "steps": rows} for key, rows in sides.items()]
