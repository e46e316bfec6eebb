"""What stands for what: mappings, their kinds, what is left out on purpose, and the tenant's constants."""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from console.base import StockForm, TenantAdmin
from console.mapping_files import IGNORED, MAPPINGS, FilesAdmin
from console.mending import back_to_the_error
from console.names import connector
from console.site import site
from console.words import CARE, GOOD, NOTHING, OFF, badge
from mappings.models import Constant, IgnoredConcept, Mapping, MappingType
from mappings.specs import ConstantSpec
from tenants.models import Tenant
from tenants.rights import Right


class MappingForm(StockForm[Mapping]):
    """One pair. Its tenant is that of its type, so the two cannot disagree."""

    class Meta:
        labels: ReadOnly[str, str] = {
            "type": "Kind",
            "avni_value": "Value in Avni",
            "avni_uuid": "Its uuid in Avni",
            "int_system_value": "Value in the other system",
            "about": "Its name or a remark",
            "data_type_hint": "Kind of answer",
            "when_unmapped": "Without a mapping",
            "is_voided": "Voided",
        }

    def clean(self) -> dict[str, Any] | None:
        """Say in words what the unique keys would refuse."""
        cleaned = super().clean()
        kind = self.cleaned_data.get("type") or (self.instance.type if self.instance.pk else None)
        if kind is None:
            return cleaned
        draft = Mapping(tenant_id=kind.tenant_id, type=kind)
        for name in ("avni_value", "int_system_value", "is_voided"):
            setattr(draft, name, self.cleaned_data.get(name, getattr(self.instance, name)))
        if not draft.avni_value and not draft.int_system_value:  # as files refuse it: an export must come in again
            self.add_error(None, "Both values are empty. Give at least one.")
            return cleaned
        draft.set_unique_keys()
        others = Mapping.objects.filter(tenant=kind.tenant_id, type=kind).exclude(pk=self.instance.pk)
        twins = {
            "avni_value": ("avni_key", draft.avni_key),
            "int_system_value": ("int_system_key", draft.int_system_key),
        }
        for field, (column, key) in twins.items():
            twin = others.filter(**{column: key}).first() if key is not None else None
            if twin and field in self.fields:
                self.add_error(field, "There can be only one: " + _told(kind, twin))
                break
        self.instance.tenant_id = kind.tenant_id
        return cleaned


def _told(kind: MappingType, twin: Mapping) -> str:
    pair = f"{twin.avni_value or NOTHING} ↔ {twin.about or twin.int_system_value or NOTHING}"
    return f"this kind is looked up without a value, and {pair} is set." if kind.is_single else f"{pair} is mapped."


@admin.register(Mapping, site=site)
class MappingAdmin(FilesAdmin[Mapping]):
    """Search, filters, files in and out. Nothing is deleted: a mapping is voided, and may be taken back."""

    form = MappingForm
    files = MAPPINGS
    add_right = change_right = Right.CHANGE_MAPPING
    fixed_once_added = ("type",)
    list_display = ("kind", "in_avni", "partner", "in_other_system", "kind_of_answer", "state", "tenant")
    list_display_links = ("kind", "in_avni")
    list_filter = (
        "tenant",
        ("type__group", admin.RelatedOnlyFieldListFilter),
        ("type", admin.RelatedOnlyFieldListFilter),
        "data_type_hint",
        "when_unmapped",
        "is_voided",
    )
    list_select_related = ("tenant", "type__group")
    search_fields = ("avni_value", "int_system_value", "about", "avni_uuid__iexact")
    search_help_text = "Name in Avni, value or name in the other system, uuid."
    actions = ("void", "unvoid")
    fields = (
        "type", "why", "avni_value", "avni_uuid", "int_system_value", "about", "data_type_hint", "when_unmapped",
        "is_voided",
    )  # fmt: skip
    readonly_fields = ("why",)

    def get_fields(self, request: HttpRequest, obj: Mapping | None = None) -> tuple[str, ...]:
        """What the kind is for can be told once it is chosen."""
        fields = tuple(str(name) for name in self.fields)
        return fields if obj else tuple(name for name in fields if name not in ("why", "is_voided"))

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any]:
        """Kinds with their group (and tenant, where there are several) in one query."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "type" and field.queryset is not None:
            field.queryset = field.queryset.select_related("group", "tenant").order_by("tenant", "group__name", "name")
            several = len({kind.tenant_id for kind in field.queryset}) > 1
            field.label_from_instance = lambda kind: f"{kind.tenant}: {kind}" if several else str(kind)  # type: ignore[assignment]
        return field

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Besides Django's own names, take `tenant`, `group` and `kind` by name, as the links from errors give them."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        asked = {name: str(initial.pop(name)) for name in ("tenant", "group", "kind") if name in initial}
        if asked.get("tenant", "").isdigit():
            kinds = MappingType.objects.filter(
                tenant=int(asked["tenant"]), group__name=asked.get("group", ""), name=asked.get("kind", "")
            )
            initial["type"] = kinds.values_list("pk", flat=True).first()
        return initial

    def response_add(self, request: HttpRequest, obj: Mapping, post_url_continue: str | None = None) -> HttpResponse:
        """Back to the error that asked for the mapping, if one did."""
        back = back_to_the_error(self, request, "The mapping is saved. Retry the record now.")
        return back or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Mapping) -> HttpResponse:
        """Likewise."""
        back = back_to_the_error(self, request, "The mapping is changed. Retry the record now.")
        return back or super().response_change(request, obj)

    @admin.display(description="kind", ordering="type__name")
    def kind(self, mapping: Mapping) -> str:
        """Group and type."""
        return str(mapping.type)

    @admin.display(description="in Avni", ordering="avni_value")
    def in_avni(self, mapping: Mapping) -> str:
        """Named as on the form, here and below."""
        return mapping.avni_value or NOTHING

    @admin.display(description="in the other system", ordering="int_system_value")
    def in_other_system(self, mapping: Mapping) -> str:
        """Likewise."""
        return mapping.int_system_value or NOTHING

    @admin.display(description="kind of answer", ordering="data_type_hint")
    def kind_of_answer(self, mapping: Mapping) -> str:
        """Likewise."""
        return mapping.get_data_type_hint_display() or NOTHING

    @admin.display(description="stands for (name)", ordering="about")
    def partner(self, mapping: Mapping) -> str:
        """The name of the partner where it is known, so that a uuid is not alone."""
        return mapping.about or NOTHING

    @admin.display(description="state", ordering="is_voided")
    def state(self, mapping: Mapping) -> SafeString:
        """Live, voided, or without a partner."""
        if mapping.is_voided:
            return badge("voided", OFF)
        lonely = not mapping.int_system_value and not mapping.avni_value
        return badge("empty", CARE) if lonely else badge("in use", GOOD)

    @admin.display(description="what it is for")
    def why(self, mapping: Mapping) -> str:
        """Used for, and what happens when it is missing."""
        return f"{mapping.type.used_for} When missing: {mapping.type.when_missing}" if mapping.type_id else NOTHING

    @admin.action(description="Void", permissions=["map"])
    def void(self, request: HttpRequest, queryset: models.QuerySet[Mapping]) -> None:
        """Take the chosen mappings out of use."""
        self._set_voided(request, queryset.filter(is_voided=False), voided=True)

    @admin.action(description="Take back into use", permissions=["map"])
    def unvoid(self, request: HttpRequest, queryset: models.QuerySet[Mapping]) -> None:
        """Put voided mappings back into use, where no other has taken their place."""
        self._set_voided(request, queryset.filter(is_voided=True), voided=False)

    def _set_voided(self, request: HttpRequest, queryset: models.QuerySet[Mapping], *, voided: bool) -> None:
        done = refused = 0
        rows = self.permitted(request, queryset, Right.CHANGE_MAPPING).select_related("tenant", "type__group")
        with transaction.atomic():
            for row in rows:
                row.is_voided = voided
                try:
                    with transaction.atomic():
                        row.save()
                except IntegrityError:
                    refused += 1
                    continue
                self.put_on_record(request, "void" if voided else "unvoid", row)
                done += 1
        self.message_user(request, f"{done} {'voided' if voided else 'taken back into use'}.", messages.SUCCESS)
        if refused:
            self.message_user(request, f"{refused} left voided: another took their place.", messages.WARNING)


@admin.register(MappingType, site=site)
class MappingTypeAdmin(TenantAdmin[MappingType]):
    """The kinds a connector looks up: what each is for and what happens while it is missing. Declared, not edited."""

    list_display = ("kind", "used_for", "when_missing", "needed", "mapped", "tenant")
    list_filter = ("tenant", "is_mandatory", ("group", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("tenant", "group")
    search_fields = ("name", "used_for")
    fields = ("tenant", "group", "name", "used_for", "when_missing", "is_mandatory", "is_single")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[MappingType]:
        """With the number of live mappings."""
        live = models.Count("mappings", filter=models.Q(mappings__is_voided=False))
        return super().get_queryset(request).annotate(live=live)

    @admin.display(description="kind", ordering="name")
    def kind(self, kind: MappingType) -> str:
        """Group and type."""
        return str(kind)

    @admin.display(description="to start", ordering="is_mandatory")
    def needed(self, kind: MappingType) -> SafeString | str:
        """Whether a flow does not start without it, and whether that is met."""
        if not kind.is_mandatory:
            return NOTHING
        return badge("needed, there", GOOD) if getattr(kind, "live", 0) else badge("needed, missing", CARE)

    @admin.display(description="mappings")
    def mapped(self, kind: MappingType) -> str:
        """How many live mappings it has."""
        return str(getattr(kind, "live", 0))


@admin.register(IgnoredConcept, site=site)
class IgnoredConceptAdmin(FilesAdmin[IgnoredConcept]):
    """Questions and answers that do not travel because somebody decided so. Taken out, they travel again."""

    files = IGNORED
    add_right = change_right = delete_right = Right.CHANGE_MAPPING
    fixed_once_added = ("tenant", "side", "concept")
    list_display = ("concept", "side", "why", "tenant")
    list_filter = ("tenant", "side")
    list_select_related = ("tenant",)
    search_fields = ("concept", "about")
    search_help_text = "Name in Avni, uuid in the other system, reason."
    fields = ("tenant", "side", "concept", "about")

    def response_add(
        self, request: HttpRequest, obj: IgnoredConcept, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Back to the error that named the concept, if one did."""
        back = back_to_the_error(self, request, "The concept is ignored from now on. Retry the record now.")
        return back or super().response_add(request, obj, post_url_continue)

    @admin.display(description="why", ordering="about")
    def why(self, ignored: IgnoredConcept) -> str:
        """What somebody wrote down."""
        return ignored.about or NOTHING


class ConstantForm(StockForm[Constant]):
    """One setting."""

    def clean_value(self) -> str:
        """Refuse what the key cannot hold: it would pass for not set."""
        value = str(self.cleaned_data["value"])
        tenant = self.cleaned_data.get("tenant") or (self.instance.tenant if self.instance.tenant_id else None)
        spec = _spec(tenant, self.cleaned_data.get("key") or self.instance.key)
        if value and spec and spec.choices and value not in spec.choices:
            raise ValidationError(f"Enter one of {', '.join(spec.choices)}, or nothing.")
        return value


def _spec(tenant: Tenant | None, key: str) -> ConstantSpec | None:
    """What the tenant's connector declares of a key."""
    known = connector(tenant) if tenant else None
    return next((spec for spec in known.constants if spec.key == key), None) if known else None


@admin.register(Constant, site=site)
class ConstantAdmin(TenantAdmin[Constant]):
    """Settings of a tenant by key."""

    form = ConstantForm
    add_right = change_right = delete_right = Right.CHANGE_MAPPING
    fixed_once_added = ("tenant", "key", "ordinal")
    list_display = ("key", "said", "used_for", "tenant")
    list_filter = ("tenant",)
    list_select_related = ("tenant",)
    search_fields = ("key", "value")
    fields = ("tenant", "key", "used_for", "ordinal", "value")
    readonly_fields = ("used_for",)

    def has_delete_permission(self, request: HttpRequest, obj: Constant | None = None) -> bool:
        """Elements of a list can go; the first row of a key stays, empty if need be."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.ordinal > 0)

    @admin.display(description="value", ordering="value")
    def said(self, constant: Constant) -> SafeString | str:
        """The value, or that it is missing."""
        return constant.value or badge("not set", CARE)

    @admin.display(description="used for")
    def used_for(self, constant: Constant) -> str:
        """What the connector declares of the key."""
        spec = _spec(constant.tenant if constant.tenant_id else None, constant.key)
        return spec.used_for + (" One row per element." if spec.is_list else "") if spec else NOTHING
