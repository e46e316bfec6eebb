"""Many mappings at once: what a file wants, compared with what is there, then all of it or nothing.

`plan` looks and says; `carry_out` does what was planned, in one transaction, with one entry on record per mapping.
Files (CSV, the declaration of a tenant) differ only in how they are read.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from mappings.in_bulk import BATCH, as_planned, refuse_the_unsound, unsound_text
from mappings.models import DataTypeHint, MappingType, Unmapped
from mappings.models import Mapping as MappingRow
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_scope

FIELDS: Final = ("avni_value", "avni_uuid", "int_system_value", "data_type_hint", "when_unmapped", "about")
"""What a mapping holds besides its kind and whether it is in use."""

_LONGEST: Final = {"avni_value": 255, "int_system_value": 255, "about": 1000}

_Identity = tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """One mapping as a file wants it; None where the file says nothing. `line` is where it stands."""

    group: str
    type: str
    avni_value: str = ""
    int_system_value: str = ""
    avni_uuid: str | None = None
    data_type_hint: str | None = None
    when_unmapped: str | None = None
    about: str | None = None
    voided: bool = False
    line: int = 0

    @property
    def fields(self) -> dict[str, Any]:
        """What is said, as the columns hold it. Raises ValueError for a uuid that is none."""
        said = {name: getattr(self, name) for name in FIELDS if getattr(self, name) is not None}
        if self.avni_uuid is not None:
            said["avni_uuid"] = UUID(self.avni_uuid) if self.avni_uuid else None
        return said


@dataclass(frozen=True)
class Edit:
    """One mapping to be added (no `mapping_id`) or changed; `before` and `after` hold the columns that differ."""

    wanted: Wanted
    type_id: int
    mapping_id: int | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Edits:
    """Everything a file would do. With anything refused, nothing of it may be done."""

    tenant_id: int
    revision: int
    added: tuple[Edit, ...] = ()
    changed: tuple[Edit, ...] = ()
    unchanged: tuple[Wanted, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    """(line, reason with remedy)"""


def plan(tenant: Tenant, wanted: Iterable[Wanted], *, prune: bool = False) -> Edits:
    """Compare what is wanted with what is there.

    A wanted mapping meets the one that answers the same question: the only one of its kind, else the one with the
    same Avni value, else (where many may share that) the one with the same value of the other system. Nothing absent
    is touched, unless `prune` voids it.
    """
    with tenant_scope(tenant):
        return _Planner(tenant).plan(wanted, prune=prune)


def carry_out(edits: Edits, actor: Actor) -> None:
    """Do all of it or nothing. Raises mappings.in_bulk.EditsRefused."""
    refuse_the_unsound(edits)
    if not edits.added and not edits.changed:
        return
    with as_planned(edits) as tenant:
        kinds = MappingType.objects.select_related("group").in_bulk()
        _change(edits.changed, kinds, tenant, actor)
        _add(edits.added, kinds, tenant, actor)


class _Planner:
    """Sorts wanted mappings into added, changed, unchanged and refused against one tenant's rows."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        # First the revision, then the rows: a change in between is then noticed, not overlooked.
        self.revision = Tenant.objects.values_list("mapping_revision", flat=True).get(pk=tenant.pk)
        kinds = MappingType.objects.filter(tenant=tenant).select_related("group")
        self.kinds = {(kind.group.name, kind.name): kind for kind in kinds}
        self.rows = list(MappingRow.objects.filter(tenant=tenant).select_related("type__group").order_by("pk"))
        self.live = {
            question_of(row.type, row.avni_value, row.int_system_value): row for row in self.rows if not row.is_voided
        }
        self.live_values = {_values(row): row for row in self.rows if not row.is_voided}
        self.voided_values = {_values(row): row for row in self.rows if row.is_voided}
        self.added: list[Edit] = []
        self.changed: dict[int, Edit] = {}
        self.unchanged: list[Wanted] = []
        self.refused: list[tuple[int, str]] = []
        self.met: set[int] = set()

    def plan(self, wanted: Iterable[Wanted], *, prune: bool) -> Edits:
        sound = [(each, kind) for each in wanted if (kind := self._kind_of_sound(each))]
        seen: dict[_Identity, int] = {}
        for each, kind in sound:
            if not each.voided:
                identity = question_of(kind, each.avni_value, each.int_system_value)
                if identity in seen:
                    self.refused.append(
                        (each.line, f"means the same mapping as line {seen[identity]}; keep one of them")
                    )
                else:
                    seen[identity] = each.line
                    self._want(each, kind, identity)
        for each, kind in sound:
            if each.voided:
                self._want_voided(each, kind, seen)
        if prune:
            for row in self.live.values():
                if row.pk not in self.met:
                    self._void(row, Wanted(row.type.group.name, row.type.name, row.avni_value, row.int_system_value))
        self._refuse_collisions()
        return Edits(
            tenant_id=self.tenant.pk,
            revision=self.revision,
            added=tuple(self.added),
            changed=tuple(self.changed.values()),
            unchanged=tuple(self.unchanged),
            refused=tuple(sorted(self.refused)),
        )

    def _kind_of_sound(self, wanted: Wanted) -> MappingType | None:
        """The kind of a mapping that can be stored; None, and the reason among the refused, otherwise."""
        kind = self.kinds.get((wanted.group, wanted.type))
        reason = self._no_such_kind(wanted) if kind is None else _unsound(wanted)
        if reason:
            self.refused.append((wanted.line, reason))
            return None
        return kind

    def _no_such_kind(self, wanted: Wanted) -> str:
        names = [f"{group} / {name}" for group, name in self.kinds]
        near = difflib.get_close_matches(f"{wanted.group} / {wanted.type}", names, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; the list of mapping types names those that exist"
        return f"there is no kind of mapping {wanted.group} / {wanted.type}{hint}"

    def _want(self, wanted: Wanted, kind: MappingType, identity: _Identity) -> None:
        row = self.live.get(identity) or self.voided_values.get((kind.pk, wanted.avni_value, wanted.int_system_value))
        if row is None:
            self.added.append(Edit(wanted, kind.pk, None, {}, wanted.fields))
            return
        self.met.add(row.pk)
        after = {name: value for name, value in wanted.fields.items() if getattr(row, name) != value}
        if row.is_voided:
            after["is_voided"] = False
        if after:
            before = {name: getattr(row, name) for name in after}
            self.changed[row.pk] = Edit(wanted, kind.pk, row.pk, before, after)
        else:
            self.unchanged.append(wanted)

    def _want_voided(self, wanted: Wanted, kind: MappingType, seen: Mapping[_Identity, int]) -> None:
        row = self.live_values.get((kind.pk, wanted.avni_value, wanted.int_system_value))
        if row is None:
            self.unchanged.append(wanted)
        elif row.pk in self.met:
            line = seen[question_of(kind, wanted.avni_value, wanted.int_system_value)]
            self.refused.append((wanted.line, f"is voided here and in use on line {line}; keep one of them"))
        else:
            self._void(row, wanted)

    def _void(self, row: MappingRow, wanted: Wanted) -> None:
        self.met.add(row.pk)
        self.changed[row.pk] = Edit(wanted, row.type_id, row.pk, {"is_voided": False}, {"is_voided": True})

    def _refuse_collisions(self) -> None:
        """Refuse what would leave two mappings where one value may have only one partner."""
        kinds = {kind.pk: kind for kind in self.kinds.values()}
        taken: dict[tuple[int, str, str], tuple[int, str]] = {}
        edited = sorted((*self.changed.values(), *self.added), key=lambda edit: edit.wanted.line)
        rows = [(row, 0) for row in self.rows if row.pk not in self.changed and not row.is_voided]
        by_pk = {row.pk: row for row in self.rows}
        rows += [
            (_edited(by_pk.get(edit.mapping_id or 0), edit, kinds[edit.type_id]), edit.wanted.line) for edit in edited
        ]
        for row, line in rows:
            row.set_unique_keys()
            for side, key in (("Avni", row.avni_key), ("the other system", row.int_system_key)):
                if key is None:
                    continue
                other = taken.setdefault((row.type_id, side, key), (line, str(row)))
                if other != (line, str(row)) and line:
                    where = f"line {other[0]}" if other[0] else f"the mapping {other[1]}"
                    self.refused.append((line, f"its value of {side} has a partner already: {where}; void that first"))
                    break


def _unsound(wanted: Wanted) -> str:
    """Why a mapping cannot be stored as it is; empty when it can."""
    if not wanted.avni_value and not wanted.int_system_value:
        return "both values are empty; give at least one"
    if reason := unsound_text(wanted, _LONGEST):
        return reason
    for name, choices in (("data_type_hint", DataTypeHint.values), ("when_unmapped", Unmapped.values)):
        word = getattr(wanted, name)
        if word and word not in choices:
            return f"{name} {word!r} is none of {', '.join(choices)}"
    try:
        _ = wanted.fields
    except ValueError:
        return f"avni_uuid {wanted.avni_uuid!r} is not a uuid"
    return ""


def question_of(kind: MappingType, avni_value: str, int_system_value: str) -> _Identity:
    """What a mapping answers, after the key of its kind: no two that are live may share it."""
    place = str(kind.pk)
    if kind.is_single:
        return (place, "single")
    if kind.avni_is_unique and avni_value:
        return (place, "avni", avni_value)
    if kind.int_system_is_unique and int_system_value:
        return (place, "int", int_system_value)
    return (place, "both", avni_value, int_system_value)


def _values(row: MappingRow) -> tuple[int, str, str]:
    return (row.type_id, row.avni_value, row.int_system_value)


def _edited(row: MappingRow | None, edit: Edit, kind: MappingType) -> MappingRow:
    """The row as it would be after the edit, beside the one that is."""
    values = {name: getattr(row, name) for name in (*FIELDS, "is_voided")} if row else {}
    return MappingRow(type=kind, **{**values, **edit.after})


def _change(edits: Sequence[Edit], kinds: Mapping[int, MappingType], tenant: Tenant, actor: Actor) -> None:
    """Change rows in bulk. Their unique keys are taken off first, so that two may exchange their values."""
    ids = [edit.mapping_id for edit in edits if edit.mapping_id]
    for start in range(0, len(ids), BATCH):
        MappingRow.objects.filter(pk__in=ids[start : start + BATCH]).update(avni_key=None, int_system_key=None)
    rows = MappingRow.objects.in_bulk(ids)
    for edit in edits:
        row = rows[edit.mapping_id or 0]
        row.type = kinds[edit.type_id]
        for name, value in edit.after.items():
            setattr(row, name, value)
        row.set_unique_keys()
        audit.record(actor, "mapping.change", row, tenant=tenant, before=_plain(edit.before), after=_plain(edit.after))
    columns = [*FIELDS, "is_voided", "avni_key", "int_system_key"]
    MappingRow.objects.bulk_update(rows.values(), columns, batch_size=BATCH)


def _add(edits: Sequence[Edit], kinds: Mapping[int, MappingType], tenant: Tenant, actor: Actor) -> None:
    rows = [MappingRow(tenant=tenant, type=kinds[edit.type_id], **edit.after) for edit in edits]
    for row in rows:
        row.set_unique_keys()
    for edit, row in zip(edits, MappingRow.objects.bulk_create(rows, batch_size=BATCH), strict=True):
        audit.record(actor, "mapping.add", row, tenant=tenant, after=_plain(edit.after))


def _plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in columns.items()}
