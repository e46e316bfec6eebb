"""Many ignored concepts at once, as `edits` does it for mappings: looked at first, then all of it or nothing.

Unlike a mapping, an ignored concept that is taken out is gone: the audit remembers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mappings import revision
from mappings.in_bulk import BATCH, as_planned, refuse_the_unsound, unsound_text
from mappings.models import IgnoredConcept, Side
from mappings.specs import IgnoredConceptSpec
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_scope

_LONGEST: Final = {"concept": 255, "about": 1000}


@dataclass(frozen=True)
class WantedIgnored:
    """One concept as a file wants it ignored; `about` is None where the file says nothing. `line`: where it stands."""

    side: str
    concept: str
    about: str | None = None
    line: int = 0

    def __str__(self) -> str:
        return f"{self.side} {self.concept}"


@dataclass(frozen=True)
class Reworded:
    """A concept that is ignored already, for another reason than the file gives."""

    wanted: WantedIgnored
    row_id: int
    before: str


@dataclass(frozen=True)
class IgnoreEdits:
    """Everything a file would do. With anything refused, nothing of it may be done."""

    tenant_id: int
    revision: int
    added: tuple[WantedIgnored, ...] = ()
    changed: tuple[Reworded, ...] = ()
    removed: Mapping[int, str] = field(default_factory=dict)
    """What travels again: by primary key, as people read it."""
    unchanged: tuple[WantedIgnored, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    """(line, reason with remedy)"""


def plan(tenant: Tenant, wanted: Iterable[WantedIgnored], *, prune: bool = False) -> IgnoreEdits:
    """Compare what is wanted with what is there. Nothing absent is touched, unless `prune` takes it out."""
    with tenant_scope(tenant):
        # First the revision, then the rows: a change in between is then noticed, not overlooked.
        now = Tenant.objects.values_list("mapping_revision", flat=True).get(pk=tenant.pk)
        there = {(row.side, row.concept): row for row in IgnoredConcept.objects.filter(tenant=tenant)}
    seen: dict[tuple[str, str], int] = {}
    added, changed, unchanged, refused = [], [], [], []
    for each in wanted:
        key = (each.side, each.concept)
        reason = _unsound(each) or (f"is ignored on line {seen[key]} already; keep one of them" if key in seen else "")
        if reason:
            refused.append((each.line, reason))
            continue
        seen[key] = each.line
        row = there.get(key)
        if row is None:
            added.append(each)
        elif each.about is not None and each.about != row.about:
            changed.append(Reworded(each, row.pk, row.about))
        else:
            unchanged.append(each)
    gone = [row for key, row in there.items() if prune and key not in seen]
    return IgnoreEdits(
        tenant_id=tenant.pk,
        revision=now,
        added=tuple(added),
        changed=tuple(changed),
        removed={row.pk: f"{row.side} {row.concept}" for row in gone},
        unchanged=tuple(unchanged),
        refused=tuple(sorted(refused)),
    )


def carry_out(edits: IgnoreEdits, actor: Actor) -> None:
    """Do all of it or nothing, one entry on record per concept. Raises mappings.in_bulk.EditsRefused."""
    refuse_the_unsound(edits)
    if not (edits.added or edits.changed or edits.removed):
        return
    with as_planned(edits) as tenant:
        _add(edits, tenant, actor)
        _reword(edits, tenant, actor)
        _remove(edits, tenant, actor)


def begin_with(tenant: Tenant, specs: Iterable[IgnoredConceptSpec]) -> None:
    """Give a new tenant what its connector leaves out from the beginning.

    Only at birth: a concept somebody took out later must not come back with the next release.
    """
    rows = [
        IgnoredConcept(tenant=tenant, side=spec.side, concept=spec.concept, about=spec.about) for spec in specs
    ]  # fmt: skip
    with tenant_scope(tenant):
        IgnoredConcept.objects.bulk_create(rows, ignore_conflicts=True)
        revision.bump(tenant)


def _unsound(wanted: WantedIgnored) -> str:
    """Why a concept cannot be stored as it is; empty when it can."""
    if wanted.side not in Side.values:
        return f"side {wanted.side!r} is none of {', '.join(Side.values)}"
    if not wanted.concept:
        return "the concept is empty; give its name in Avni or its uuid in the other system"
    return unsound_text(wanted, _LONGEST)


def _add(edits: IgnoreEdits, tenant: Tenant, actor: Actor) -> None:
    rows = [
        IgnoredConcept(tenant=tenant, side=each.side, concept=each.concept, about=each.about or "")
        for each in edits.added
    ]
    for row in IgnoredConcept.objects.bulk_create(rows, batch_size=BATCH):
        after = {"side": row.side, "concept": row.concept, "about": row.about}
        audit.record(actor, "ignoredconcept.add", row, tenant=tenant, after=after)


def _reword(edits: IgnoreEdits, tenant: Tenant, actor: Actor) -> None:
    rows = IgnoredConcept.objects.in_bulk([each.row_id for each in edits.changed])
    for each in edits.changed:
        row = rows[each.row_id]
        row.about = each.wanted.about or ""
        after = {"about": row.about}
        audit.record(actor, "ignoredconcept.change", row, tenant=tenant, before={"about": each.before}, after=after)
    IgnoredConcept.objects.bulk_update(rows.values(), ["about"], batch_size=BATCH)


def _remove(edits: IgnoreEdits, tenant: Tenant, actor: Actor) -> None:
    ids = list(edits.removed)
    for row in IgnoredConcept.objects.in_bulk(ids).values():
        before = {"side": row.side, "concept": row.concept, "about": row.about}
        audit.record(actor, "ignoredconcept.delete", row, tenant=tenant, before=before)
    for start in range(0, len(ids), BATCH):
        IgnoredConcept.objects.filter(pk__in=ids[start : start + BATCH]).delete()
