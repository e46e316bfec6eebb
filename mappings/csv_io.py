"""Mappings as CSV, for spreadsheets: out with everything, in with a preview, then all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings import csv_table
from mappings.edits import Edits, Wanted, carry_out, plan
from mappings.models import Mapping
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_scope

COLUMNS: Final = (
    "group",
    "type",
    "avni_value",
    "avni_uuid",
    "int_system_value",
    "data_type_hint",
    "when_unmapped",
    "about",
    "voided",
)
NEEDED: Final = frozenset({"group", "type", "avni_value", "int_system_value"})

Preview = Edits
"""What a file would do: added, changed, unchanged, and refused with line and reason."""

_YES: Final = frozenset({"true", "yes", "y", "1"})
_NO: Final = frozenset({"false", "no", "n", "0", ""})


def export(tenant: Tenant) -> str:
    """All mappings of the tenant as CSV (RFC 4180), voided ones last."""
    with tenant_scope(tenant):
        kinds = ("type__group__name", "type__name", "avni_value", "pk")
        rows = Mapping.objects.filter(tenant=tenant).select_related("type__group").order_by("is_voided", *kinds)
        first: dict[tuple[int, str, str], Mapping] = {}
        for row in rows:
            # A voided row that equals a live one says nothing, and would contradict it.
            first.setdefault((row.type_id, row.avni_value, row.int_system_value), row)
    return csv_table.write(COLUMNS, map(_cells, first.values()))


def preview(tenant: Tenant, text: str) -> Preview:
    """What importing the file would do. Never raises for what stands in the file: see `refused`."""
    refused: list[tuple[int, str]] = []
    wanted = list(_read(text, refused))
    edits = plan(tenant, wanted)
    return Edits(
        tenant_id=edits.tenant_id,
        revision=edits.revision,
        added=edits.added,
        changed=edits.changed,
        unchanged=edits.unchanged,
        refused=tuple(sorted([*refused, *edits.refused])),
    )


def apply(preview: Preview, actor: Actor) -> None:
    """Do what the preview showed, all or nothing, on record. Raises mappings.in_bulk.EditsRefused."""
    carry_out(preview, actor)


def _cells(row: Mapping) -> list[str]:
    return [
        row.type.group.name,
        row.type.name,
        row.avni_value,
        str(row.avni_uuid or ""),
        row.int_system_value,
        row.data_type_hint,
        row.when_unmapped,
        row.about,
        "yes" if row.is_voided else "no",
    ]


def _read(text: str, refused: list[tuple[int, str]]) -> Iterator[Wanted]:
    """The mappings of a file; what cannot be read goes to `refused`."""
    for line, said in csv_table.read(text, COLUMNS, NEEDED, refused):
        voided = said.get("voided", "").strip().lower()
        if voided not in _YES | _NO:
            refused.append((line, f"voided says {said['voided']!r}; write yes or no"))
            continue
        yield Wanted(
            # Names are typed by people; values stand as they are on the wire, blanks and all.
            group=said["group"].strip(),
            type=said["type"].strip(),
            avni_value=said["avni_value"],
            int_system_value=said["int_system_value"].strip(),
            avni_uuid=said["avni_uuid"].strip() if "avni_uuid" in said else None,
            data_type_hint=said["data_type_hint"].strip() if "data_type_hint" in said else None,
            when_unmapped=said["when_unmapped"].strip() if "when_unmapped" in said else None,
            about=said.get("about"),
            voided=voided in _YES,
            line=line,
        )
