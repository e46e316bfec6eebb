"""What all screens share: permissions from memberships, choices from one's own tenants, every edit on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import capfirst

from console.access import access, actor
from console.addresses import list_url
from tenants.audit import record
from tenants.models import AuditEntry, Tenant
from tenants.rights import Right
from tenants.scoping import TenantOwned

Row = TypeVar("Row", bound=models.Model)

if TYPE_CHECKING:
    StockAdmin = admin.ModelAdmin
    StockForm = forms.ModelForm
else:
    # Django's own, made to look generic at run time as they do to the type checker.
    class StockAdmin(admin.ModelAdmin):  # noqa: D101
        def __class_getitem__(cls, _: object) -> type:
            return cls

    class StockForm(forms.ModelForm):  # noqa: D101
        def __class_getitem__(cls, _: object) -> type:
            return cls


class TenantAdmin(StockAdmin[Row]):
    """Base of every screen over rows of a tenant.

    Each door names the right it asks for; None closes it for everybody. Which rows there are at all is decided by
    the scope the request runs in, which right holds by the tenant of the row.
    """

    view_right: Right | None = Right.SEE_LIST
    add_right: Right | None = None
    change_right: Right | None = None
    delete_right: Right | None = None
    tenant_path = "tenant"
    """Path from the row to its tenant."""
    fixed_once_added: tuple[str, ...] = ("tenant",)
    """Fields that can be set on the form for a new row only."""

    change_list_template = "console/change_list.html"
    change_form_template = "console/change_form.html"
    list_per_page = 50
    show_full_result_count = False
    save_as_continue = False
    actions_on_bottom = False

    class Media:
        css: Mapping[str, tuple[str, ...]] = {"all": ("console/console.css",)}

    # --- who may -----------------------------------------------------------------------------------------------------

    def tenant_id_of(self, row: Row) -> int | None:
        """The tenant of a row by primary key."""
        return cast("int | None", getattr(row, "tenant_id", None))

    def may(self, request: HttpRequest, right: Right | None, row: Row | None = None) -> bool:
        """Whether the right holds in the tenant of the row, or, without a row, in any tenant."""
        rights = access(request)
        return rights.may_somewhere(right) if row is None else rights.may(right, self.tenant_id_of(row))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the start page mentions this list."""
        return self.may(request, self.view_right)

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """See `view_right`."""
        return self.may(request, self.view_right, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """See `add_right`."""
        return self.may(request, self.add_right)

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """See `change_right`."""
        return self.may(request, self.change_right, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """See `delete_right`."""
        return self.may(request, self.delete_right, obj)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """For actions that run, pause, retry or ignore."""
        return self.may(request, Right.ACT)

    def has_map_permission(self, request: HttpRequest) -> bool:
        """For actions on mappings and constants."""
        return self.may(request, Right.CHANGE_MAPPING)

    def has_configure_permission(self, request: HttpRequest) -> bool:
        """For actions on connections, schedules and members."""
        return self.may(request, Right.CHANGE_CONNECTION)

    def permitted(
        self, request: HttpRequest, rows: models.QuerySet[Row], right: Right | None = None
    ) -> models.QuerySet[Row]:
        """Those of the rows chosen for an action in whose tenants the right holds; says so when some fall away."""
        allowed = rows.filter(access(request).where(right or Right.ACT, self.tenant_path))
        refused = rows.count() - allowed.count()
        if refused:
            self.message_user(request, f"{refused} left out: not allowed by your role there.", messages.WARNING)
        return allowed

    def demand(self, request: HttpRequest, right: Right, row: Row) -> None:
        """Raise PermissionDenied unless the right holds in the tenant of the row."""
        if not self.may(request, right, row):
            raise PermissionDenied

    # --- what can be chosen ------------------------------------------------------------------------------------------

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any]:
        """Offer only rows of tenants in which this person may add or change what the form is for."""
        target: Any = db_field.related_model
        right = self.change_right or self.add_right
        if right and (target is Tenant or issubclass(target, TenantOwned)):
            mine = access(request).where(right, "pk" if target is Tenant else "tenant")
            kwargs.setdefault("queryset", target.objects.filter(mine))
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        return cast("forms.ModelChoiceField[Any]", field)

    def get_readonly_fields(self, request: HttpRequest, obj: Row | None = None) -> tuple[str, ...]:
        """On an existing row, what was fixed when it was added can only be read."""
        stock = tuple(str(name) for name in super().get_readonly_fields(request, obj))
        return stock if obj is None else (*stock, *(name for name in self.fixed_once_added if name not in stock))

    # --- how it is shown ---------------------------------------------------------------------------------------------

    def headline(self, row: Row) -> str:
        """What stands above the page of a row."""
        return str(row)

    def page_of(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        """What the template of a row's page needs besides the form."""
        return {}

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """Name the tenant of each row only to people who work for several."""
        return self._without_lone_tenant(request, super().get_list_display(request))

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        """As `get_list_display`."""
        return self._without_lone_tenant(request, super().get_list_filter(request))

    def _without_lone_tenant(self, request: HttpRequest, columns: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(name for name in columns if name != "tenant" or access(request).sees_several)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Under the plain name of what is listed."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """With the headline, and what the page of the row needs besides."""
        row = self.get_object(request, object_id) if object_id and request.method == "GET" else None
        shown = row is not None and self.has_view_permission(request, row)
        extra = {"subtitle": self.headline(row), **self.page_of(request, row)} if row and shown else {}
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    # --- what is put on record ---------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Row, form: Any, change: bool) -> None:  # noqa: FBT001 - as Django calls it
        """Save, and put on record what changed. The admin's views run in a transaction, so neither stands alone."""
        changed = [name for name in form.changed_data if name in form.fields]
        before = _readable({name: form.initial.get(name) for name in changed}) if change else None
        super().save_model(request, obj, form, change)
        if changed or not change:
            after = _readable({name: form.cleaned_data.get(name) for name in changed})
            self.put_on_record(request, "change" if change else "add", obj, before=before, after=after)

    def delete_model(self, request: HttpRequest, obj: Row) -> None:
        """Put the last state on record, then delete."""
        self.put_on_record(request, "delete", obj, before=_readable(model_to_dict(obj)))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Row]) -> None:
        """Delete one by one: each leaves its own entry."""
        for row in queryset:
            self.delete_model(request, row)

    def put_on_record(
        self,
        request: HttpRequest,
        verb: str,
        row: Row,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write one audit entry, named after the model: `mapping.change`."""
        tenant = row if isinstance(row, Tenant) else cast("Tenant | None", getattr(row, "tenant", None))
        action = f"{self.opts.model_name}.{verb}"
        record(actor(request), action, row, tenant=tenant, before=before, after=after)

    def log_addition(self, request: HttpRequest, obj: Row, message: Any) -> Any:
        """Nothing: the audit entries are the one record, and Django's own log knows no tenant."""

    def log_change(self, request: HttpRequest, obj: Row, message: Any) -> Any:
        """Nothing, as for additions."""

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Row]) -> Any:
        """Nothing, as for additions."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the audit entries of the row."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return HttpResponseRedirect(reverse("admin:index"))
        query = urlencode({"object_type__exact": self.opts.label, "object_id__exact": row.pk})
        return HttpResponseRedirect(f"{list_url(AuditEntry)}?{query}")


class AdministratorOnly(StockAdmin[Any]):
    """Mixin for stock screens that belong to the installation and not to a tenant."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """For the installation's administrator."""
        return access(request).is_administrator

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For the installation's administrator."""
        return access(request).is_administrator

    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        """For the installation's administrator."""
        return access(request).is_administrator


def _readable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values of form fields as JSON-able values people can read."""
    plain = (bool, int, float, str, type(None))
    return {name: value if isinstance(value, plain) else str(value) for name, value in fields.items()}
