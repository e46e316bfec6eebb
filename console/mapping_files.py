"""Mappings as a file: out for a spreadsheet, back in by way of a preview that must be confirmed, all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from console.access import access, actor
from console.addresses import list_url
from console.words import NOTHING
from mappings import csv_io
from mappings.edits import Edit, EditsRefused
from mappings.models import Mapping
from tenants.models import Tenant
from tenants.rights import Right

if TYPE_CHECKING:
    from console.mappings_admin import MappingAdmin

SHOWN = 200
"""Rows of each kind the preview lists; all of them are counted."""

LARGEST = 2_000_000
"""Bytes. Some ten thousand mappings; the text travels back once more with the confirmation."""


class UploadForm(forms.Form):
    """Which tenant, which file."""

    tenant: forms.ModelChoiceField[Tenant] = forms.ModelChoiceField(queryset=None)
    file = forms.FileField(
        label="CSV file",
        help_text="With the columns of an export: group, type, avni_value, avni_uuid, int_system_value, "
        "data_type_hint, about, voided. Mappings that the file does not name stay as they are.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Tenant.objects.filter(access(request).where(Right.CHANGE_MAPPING, "pk"))
        field = self.fields["tenant"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = mine
            field.initial = mine.first() if len(mine) == 1 else None

    def clean_file(self) -> str:
        """The text of the file."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST:
            raise forms.ValidationError("The file is larger than 2 MB. Split it.")
        try:
            return bytes(file.read()).decode("utf-8-sig")
        except UnicodeDecodeError as failure:
            raise forms.ValidationError("The file is not UTF-8. Save it as “CSV UTF-8”.") from failure


class ConfirmForm(forms.Form):
    """The file again, and the state of the mappings the preview was made from."""

    tenant: forms.ModelChoiceField[Tenant] = forms.ModelChoiceField(queryset=None, widget=forms.HiddenInput)
    text = forms.CharField(widget=forms.HiddenInput, strip=False)
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["tenant"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Tenant.objects.filter(access(request).where(Right.CHANGE_MAPPING, "pk"))


def import_view(screen: MappingAdmin, request: HttpRequest) -> HttpResponse:
    """Upload, preview, confirm."""
    if not access(request).may_somewhere(Right.CHANGE_MAPPING):
        raise PermissionDenied
    if request.method == "POST" and "text" in request.POST:
        return _confirmed(screen, request)
    form = UploadForm(request, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        return _preview_page(screen, request, form.cleaned_data["tenant"], form.cleaned_data["file"])
    return _page(screen, request, "console/import.html", {"title": "Import mappings", "form": form})


def _confirmed(screen: MappingAdmin, request: HttpRequest) -> HttpResponse:
    form = ConfirmForm(request, request.POST)
    if not form.is_valid():
        raise PermissionDenied
    tenant: Tenant = form.cleaned_data["tenant"]
    text: str = form.cleaned_data["text"]
    preview = csv_io.preview(tenant, text)
    if preview.revision != form.cleaned_data["revision"] or not _applied(preview, request):
        screen.message_user(request, "The mappings changed since the preview. Look again.", messages.WARNING)
        return _preview_page(screen, request, Tenant.objects.get(pk=tenant.pk), text)
    said = f"{len(preview.added)} added, {len(preview.changed)} changed, {len(preview.unchanged)} as they were."
    screen.message_user(request, said, messages.SUCCESS)
    return HttpResponseRedirect(list_url(Mapping))


def _applied(preview: csv_io.Preview, request: HttpRequest) -> bool:
    try:
        csv_io.apply(preview, actor(request))
    except EditsRefused:
        return False
    return True


def _preview_page(screen: MappingAdmin, request: HttpRequest, tenant: Tenant, text: str) -> HttpResponse:
    preview = csv_io.preview(tenant, text)
    initial = {"tenant": tenant.pk, "text": text, "revision": preview.revision}
    extra = {
        "title": f"Preview for {tenant}",
        "preview": preview,
        "added": [edit.wanted for edit in preview.added[:SHOWN]],
        "changed": [(edit.wanted, _differences(edit)) for edit in preview.changed[:SHOWN]],
        "shown": SHOWN,
        "form": ConfirmForm(request, initial=initial),
    }
    return _page(screen, request, "console/import_preview.html", extra)


def _differences(edit: Edit) -> list[tuple[str, object, object]]:
    return [(name, edit.before.get(name) or NOTHING, value or NOTHING) for name, value in edit.after.items()]


def _page(screen: MappingAdmin, request: HttpRequest, template: str, extra: dict[str, Any]) -> TemplateResponse:
    context = {**screen.admin_site.each_context(request), "opts": screen.opts, "media": screen.media, **extra}
    return TemplateResponse(request, template, context)


def export_view(screen: MappingAdmin, request: HttpRequest) -> HttpResponse:
    """One tenant's mappings as CSV; asks for the tenant where there are several."""
    if not access(request).may_somewhere(Right.SEE_LIST):
        raise PermissionDenied
    asked = request.GET.get("tenant", "")
    tenants = list(Tenant.objects.all())
    if not asked and len(tenants) != 1:
        return _page(screen, request, "console/export.html", {"title": "Export mappings", "tenants": tenants})
    tenant = get_object_or_404(Tenant.objects.all(), pk=asked) if asked.isdigit() else tenants[0]
    answer = HttpResponse(csv_io.export(tenant), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{tenant.name}-mappings.csv"'
    return answer
