"""Ignored concepts as CSV, for spreadsheets: out with everything, in with a preview, then all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from mappings import csv_table
from mappings.ignoring import IgnoreEdits, WantedIgnored, carry_out, plan
from mappings.models import IgnoredConcept, Side
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_scope

COLUMNS: Final = ("side", "concept", "about")
NEEDED: Final = frozenset({"side", "concept"})

Preview = IgnoreEdits
"""What a file would do: added, changed, unchanged, and refused with line and reason."""


def export(tenant: Tenant) -> str:
    """All ignored concepts of the tenant as CSV (RFC 4180)."""
    with tenant_scope(tenant):
        rows = list(IgnoredConcept.objects.filter(tenant=tenant).values_list("side", "concept", "about"))
    return csv_table.write(COLUMNS, rows)


def preview(tenant: Tenant, text: str) -> Preview:
    """What importing the file would do. Never raises for what stands in the file: see `refused`."""
    refused: list[tuple[int, str]] = []
    edits = plan(tenant, list(_read(text, refused)))
    return replace(edits, refused=tuple(sorted([*refused, *edits.refused])))


def apply(preview: Preview, actor: Actor) -> None:
    """Do what the preview showed, all or nothing, on record. Raises mappings.in_bulk.EditsRefused."""
    carry_out(preview, actor)


def _read(text: str, refused: list[tuple[int, str]]) -> Iterator[WantedIgnored]:
    for line, said in csv_table.read(text, COLUMNS, NEEDED, refused):
        side, concept = said["side"].strip().lower(), said["concept"]
        # A name of Avni stands as it is on the wire, blanks and all.
        yield WantedIgnored(side, concept if side == Side.AVNI else concept.strip(), said.get("about"), line)
