"""The ways from an error to what mends it, and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from console.addresses import row_url
from console.base import TenantAdmin
from errors.catalogue import Mend
from errors.models import ErrorRecord, ErrorState
from mappings.models import Mapping, Side
from syncstatus.models import Link


def mend_url(record: ErrorRecord, mend: Mend) -> str:
    """Address of the form of the mapping that is wrong, or of a new one, filled in as far as the error knows it.

    Empty where the value that is of the wrong kind belongs to no mapping.
    """
    if mend.is_there and (wrong := _wrong_mapping(record, mend)):
        return f"{row_url(wrong)}?{urlencode({'error': record.pk})}"
    if mend.is_a_question:
        return ""
    field = "int_system_value" if mend.side == Side.INT_SYSTEM else "avni_value"
    query = {"tenant": record.tenant_id, "group": mend.group, "kind": mend.type, field: mend.value, "error": record.pk}
    if mend.side == Side.INT_SYSTEM and mend.value:  # a uuid says nothing to whoever fills in the rest
        query["about"] = record.params.get("name", "")
    return f"{reverse('admin:mappings_mapping_add')}?{urlencode(query)}"


def mend_words(mend: Mend) -> str:
    """What the way to the mapping is called."""
    return "Change mapping" if mend.is_there else "Add mapping"


def _wrong_mapping(record: ErrorRecord, mend: Mend) -> Mapping | None:
    """The mapping itself; None when somebody took it out of use meanwhile."""
    kind = {} if mend.is_a_question else {"type__group__name": mend.group, "type__name": mend.type}
    live = Mapping.objects.filter(tenant=record.tenant_id, is_voided=False, **kind)
    return live.filter(**{f"{mend.side}_value": mend.value}).first() if mend.side else None


def ignore_url(record: ErrorRecord, mend: Mend) -> str:
    """Address of the form that leaves the concept out for good; empty where that would not help."""
    if not (mend.may_be_ignored and mend.side and mend.value):
        return ""
    query = {"tenant": record.tenant_id, "side": mend.side, "concept": mend.value, "error": record.pk}
    if mend.side == Side.INT_SYSTEM:
        query["about"] = record.params.get("name", "")
    return f"{reverse('admin:mappings_ignoredconcept_add')}?{urlencode(query)}"


def awaited_url(record: ErrorRecord) -> str:
    """Address of the record that this one waits for: its own error while it has one, else its link; empty without."""
    kind, _, awaited = record.waits_for.partition(":")
    if not kind.endswith("-id"):
        return ""
    errors = ErrorRecord.objects.filter(tenant=record.tenant_id, entity_id=awaited)
    in_trouble = errors.exclude(state=ErrorState.RESOLVED).first()
    found = in_trouble or Link.objects.filter(tenant=record.tenant_id, source_id=awaited).first()
    return row_url(found) if found else ""


def back_to_the_error(screen: TenantAdmin[Any], request: HttpRequest, said: str) -> HttpResponse | None:
    """Lead back to the error that led to a form, with a word on what follows; None when none did."""
    error = request.GET.get("error", "")
    if not error.isdigit() or "_continue" in request.POST or "_addanother" in request.POST:
        return None
    screen.message_user(request, said, messages.SUCCESS)
    return HttpResponseRedirect(reverse("admin:errors_errorrecord_change", args=[int(error)]))
