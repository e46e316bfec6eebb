"""Mappings and the like as files: out for a spreadsheet, in by way of a preview to be confirmed, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from console.access import access, actor
from console.addresses import list_url
from console.base import Row, TenantAdmin
from console.words import NOTHING
from mappings import csv_io, ignored_csv
from mappings.edits import Edit, Wanted
from mappings.ignoring import Reworded, WantedIgnored
from mappings.in_bulk import EditsRefused
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.rights import Right

SHOWN = 200
"""Rows of each kind the preview lists; all of them are counted."""

LARGEST = 2_000_000
"""Bytes. Some ten thousand mappings; the text travels back once more with the confirmation."""


class Preview(Protocol):
    """What a file would do, as `mappings` tells it."""

    @property
    def revision(self) -> int:
        """The state of the tenant it was made from."""

    @property
    def added(self) -> Sequence[Any]:
        """Rows that are new."""

    @property
    def changed(self) -> Sequence[Any]:
        """Rows that are there with other words."""

    @property
    def unchanged(self) -> Sequence[Any]:
        """Rows that are there as they stand in the file."""

    @property
    def refused(self) -> Sequence[tuple[int, str]]:
        """(line, why)."""


@dataclass(frozen=True)
class Line:
    """A line of a file in its preview: what stands there, and what it changes as (column, before, after)."""

    number: int
    cells: tuple[str, ...]
    differences: tuple[tuple[str, object, object], ...] = ()


@dataclass(frozen=True)
class Files:
    """How the rows of a screen go out as a file and come in again."""

    name: str
    """In the plural, as in a file's name and in sentences."""
    columns: tuple[str, ...]
    heads: tuple[str, ...]
    """Above the cells of a `Line`."""
    export: Callable[[Tenant], str]
    preview: Callable[[Tenant, str], Preview]
    apply: Callable[[Any, Actor], None]
    line: Callable[[Any], Line]
    """Of an element of `added` or `changed`."""


class FilesAdmin(TenantAdmin[Row]):
    """A list with doors to its files, as far as they are open."""

    files: Files
    change_list_template = "console/mappings.html"

    def get_urls(self) -> list[URLPattern]:
        """The stock addresses, and those of the files."""
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name=self._name("import")),
            path("export/", wrap(self.export_view), name=self._name("export")),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the doors to the files as far as they are open."""
        doors = {
            "export_url": reverse(f"admin:{self._name('export')}"),
            "import_url": reverse(f"admin:{self._name('import')}") if self.has_map_permission(request) else "",
        }
        return super().changelist_view(request, {**doors, **(extra_context or {})})

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Upload, preview, confirm."""
        if not access(request).may_somewhere(Right.CHANGE_MAPPING):
            raise PermissionDenied
        if request.method == "POST" and "text" in request.POST:
            return self._confirmed(request)
        form = UploadForm(request, self.files, request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            return self._preview_page(request, form.cleaned_data["tenant"], form.cleaned_data["file"])
        return self._page(request, "console/import.html", {"title": f"Import {self.files.name}", "form": form})

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """One tenant's rows as CSV; asks for the tenant where there are several."""
        if not access(request).may_somewhere(Right.SEE_LIST):
            raise PermissionDenied
        asked = request.GET.get("tenant", "")
        tenants = list(Tenant.objects.all())
        if not asked and len(tenants) != 1:
            extra = {"title": f"Export {self.files.name}", "tenants": tenants}
            return self._page(request, "console/export.html", extra)
        tenant = get_object_or_404(Tenant.objects.all(), pk=asked) if asked.isdigit() else tenants[0]
        answer = HttpResponse(self.files.export(tenant), content_type="text/csv; charset=utf-8")
        name = f"{tenant.name}-{self.files.name.replace(' ', '-')}.csv"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    def _name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def _confirmed(self, request: HttpRequest) -> HttpResponse:
        form = ConfirmForm(request, request.POST)
        if not form.is_valid():
            raise PermissionDenied
        tenant: Tenant = form.cleaned_data["tenant"]
        text: str = form.cleaned_data["text"]
        preview = self.files.preview(tenant, text)
        if preview.revision != form.cleaned_data["revision"] or not self._applied(preview, request):
            self.message_user(request, "The mappings changed since the preview. Look again.", messages.WARNING)
            return self._preview_page(request, Tenant.objects.get(pk=tenant.pk), text)
        said = f"{len(preview.added)} added, {len(preview.changed)} changed, {len(preview.unchanged)} as they were."
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(list_url(self.model))

    def _applied(self, preview: Preview, request: HttpRequest) -> bool:
        try:
            self.files.apply(preview, actor(request))
        except EditsRefused:
            return False
        return True

    def _preview_page(self, request: HttpRequest, tenant: Tenant, text: str) -> HttpResponse:
        preview = self.files.preview(tenant, text)
        initial = {"tenant": tenant.pk, "text": text, "revision": preview.revision}
        extra = {
            "title": f"Preview for {tenant}",
            "preview": preview,
            "heads": self.files.heads,
            "added": [self.files.line(each) for each in preview.added[:SHOWN]],
            "changed": [self.files.line(each) for each in preview.changed[:SHOWN]],
            "shown": SHOWN,
            "form": ConfirmForm(request, initial=initial),
            "import_url": reverse(f"admin:{self._name('import')}"),
        }
        return self._page(request, "console/import_preview.html", extra)

    def _page(self, request: HttpRequest, template: str, extra: dict[str, Any]) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media, **extra}
        return TemplateResponse(request, template, context)


class UploadForm(forms.Form):
    """Which tenant, which file."""

    tenant: forms.ModelChoiceField[Tenant] = forms.ModelChoiceField(queryset=None)
    file = forms.FileField(label="CSV file", widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}))

    def __init__(self, request: HttpRequest, files: Files, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Tenant.objects.filter(access(request).where(Right.CHANGE_MAPPING, "pk"))
        field = self.fields["tenant"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = mine
            field.initial = mine.first() if len(mine) == 1 else None
        self.fields["file"].help_text = (
            f"With the columns of an export: {', '.join(files.columns)}. "
            f"{files.name.capitalize()} that the file does not name stay as they are."
        )

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


def _mapping_line(edit: Edit) -> Line:
    wanted: Wanted = edit.wanted
    remark = (wanted.about or NOTHING) + (" (voided)" if wanted.voided else "")
    cells = (f"{wanted.group} / {wanted.type}", wanted.avni_value or NOTHING, wanted.int_system_value or NOTHING)
    told = tuple((name, edit.before.get(name) or NOTHING, value or NOTHING) for name, value in edit.after.items())
    return Line(wanted.line, (*cells, remark), told)


def _ignored_line(edit: WantedIgnored | Reworded) -> Line:
    wanted = edit.wanted if isinstance(edit, Reworded) else edit
    told = (("about", edit.before or NOTHING, wanted.about or NOTHING),) if isinstance(edit, Reworded) else ()
    return Line(wanted.line, (wanted.side, wanted.concept, wanted.about or NOTHING), told)


MAPPINGS = Files(
    "mappings", csv_io.COLUMNS, ("Kind", "Avni", "Other system", "Name or remark"),
    csv_io.export, csv_io.preview, csv_io.apply, _mapping_line,
)  # fmt: skip
IGNORED = Files(
    "ignored concepts", ignored_csv.COLUMNS, ("Side", "Concept", "Why"),
    ignored_csv.export, ignored_csv.preview, ignored_csv.apply, _ignored_line,
)  # fmt: skip
