"""Mappings as CSV, for spreadsheets: out with everything, in with a preview, then all or nothing.

A cell that a spreadsheet would run as a formula leaves with an apostrophe in front and loses it on the way back, so
that a file may travel through a spreadsheet and return unchanged.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from mappings.edits import Edits, Wanted, carry_out, plan
from mappings.models import Mapping
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_scope

COLUMNS: Final = ("group", "type", "avni_value", "avni_uuid", "int_system_value", "data_type_hint", "about", "voided")
NEEDED: Final = frozenset({"group", "type", "avni_value", "int_system_value"})

Preview = Edits
"""What a file would do: added, changed, unchanged, and refused with line and reason."""

_FORMULA: Final = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
"""A cell some spreadsheet takes for a formula, or one that was guarded against that before."""

_YES: Final = frozenset({"true", "yes", "y", "1"})
_NO: Final = frozenset({"false", "no", "n", "0", ""})


def export(tenant: Tenant) -> str:
    """All mappings of the tenant as CSV (RFC 4180), voided ones last."""
    with tenant_scope(tenant):
        kinds = ("type__group__name", "type__name", "avni_value", "pk")
        rows = Mapping.objects.filter(tenant=tenant).select_related("type__group").order_by("is_voided", *kinds)
        used: set[tuple[int, str, str]] = set()
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for row in rows:
            values = (row.type_id, row.avni_value, row.int_system_value)
            if values not in used:  # a voided row that equals a live one says nothing, and would contradict it
                used.add(values)
                writer.writerow([_guarded(cell) for cell in _cells(row)])
    return text.getvalue()


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
    """Do what the preview showed, all or nothing, on record. Raises mappings.edits.EditsRefused."""
    carry_out(preview, actor)


def _cells(row: Mapping) -> list[str]:
    return [
        row.type.group.name,
        row.type.name,
        row.avni_value,
        str(row.avni_uuid or ""),
        row.int_system_value,
        row.data_type_hint,
        row.about,
        "yes" if row.is_voided else "no",
    ]


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _read(text: str, refused: list[tuple[int, str]]) -> Iterator[Wanted]:
    """The mappings of a file; what cannot be read goes to `refused`."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), _dialect(text), strict=True)
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        trouble = _header_trouble(header)
        if trouble:
            refused.append((1, trouble))
            return
        end = lines.line_num
        for cells in lines:
            line, end = end + 1, lines.line_num
            if any(cells):
                wanted = _wanted(header, cells, line)
                if isinstance(wanted, str):
                    refused.append((line, wanted))
                else:
                    yield wanted
    except csv.Error as failure:
        refused.append((lines.line_num, f"not CSV: {failure}"))


def _dialect(text: str) -> type[csv.Dialect]:
    """Comma, or what a spreadsheet in another language puts instead: told by the header."""
    header = text.partition("\n")[0]

    class Dialect(csv.excel):
        delimiter = max(",;\t", key=header.count)

    return Dialect


def _header_trouble(header: list[str]) -> str:
    lacking = sorted(NEEDED - set(header))
    if lacking:
        return f"the first line lacks the columns {', '.join(lacking)}; take those of an export"
    strange = [name for name in header if name not in COLUMNS]
    if strange:
        return f"there is no column {strange[0]!r}; the columns are {', '.join(COLUMNS)}"
    if len(set(header)) < len(header):
        return "a column stands there twice"
    return ""


def _wanted(header: list[str], cells: list[str], line: int) -> Wanted | str:
    """One line as a mapping, or why it is none."""
    if len(cells) != len(header):
        return f"has {len(cells)} cells instead of {len(header)}"
    said = {name: _bare(cell) for name, cell in zip(header, cells, strict=True)}
    voided = said.get("voided", "").strip().lower()
    if voided not in _YES | _NO:
        return f"voided says {said['voided']!r}; write yes or no"
    return Wanted(
        # Names are typed by people; values stand as they are on the wire, blanks and all.
        group=said["group"].strip(),
        type=said["type"].strip(),
        avni_value=said["avni_value"],
        int_system_value=said["int_system_value"].strip(),
        avni_uuid=said["avni_uuid"].strip() if "avni_uuid" in said else None,
        data_type_hint=said["data_type_hint"].strip() if "data_type_hint" in said else None,
        about=said.get("about"),
        voided=voided in _YES,
        line=line,
    )
