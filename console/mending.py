"""The ways from an error to what mends it, and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from console.base import TenantAdmin
from errors.catalogue import Mend
from errors.models import ErrorRecord
from mappings.models import Side


def mend_url(record: ErrorRecord, mend: Mend) -> str:
    """Address of the mapping form, filled in as far as the error knows it."""
    field = "int_system_value" if mend.side == Side.INT_SYSTEM else "avni_value"
    query = {"tenant": record.tenant_id, "group": mend.group, "kind": mend.type, field: mend.value, "error": record.pk}
    return f"{reverse('admin:mappings_mapping_add')}?{urlencode(query)}"


def ignore_url(record: ErrorRecord, mend: Mend) -> str:
    """Address of the form that leaves the concept out for good; empty where that would not help."""
    if not (mend.may_be_ignored and mend.side and mend.value):
        return ""
    query = {"tenant": record.tenant_id, "side": mend.side, "concept": mend.value, "error": record.pk}
    return f"{reverse('admin:mappings_ignoredconcept_add')}?{urlencode(query)}"


def back_to_the_error(screen: TenantAdmin[Any], request: HttpRequest, said: str) -> HttpResponse | None:
    """Lead back to the error that led to a form, with a word on what follows; None when none did."""
    error = request.GET.get("error", "")
    if not error.isdigit() or "_continue" in request.POST or "_addanother" in request.POST:
        return None
    screen.message_user(request, said, messages.SUCCESS)
    return HttpResponseRedirect(reverse("admin:errors_errorrecord_change", args=[int(error)]))
