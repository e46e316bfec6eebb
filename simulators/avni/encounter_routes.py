"""One general encounter: read, upsert, replace, patch, void (avni.md A13 to A19)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulators.avni import fields, observations, render, visits
from simulators.avni.errors import class_cast
from simulators.avni.metadata import Organisation, User
from simulators.avni.paging import wire_version
from simulators.avni.privileges import may_view, may_void
from simulators.avni.rows import EncounterRow, SubjectRow
from simulators.avni.saving import (
    existing,
    find_one,
    new_row_fields,
    parent,
    patched_flag,
    patched_point,
    patched_text,
    stamped,
    to_change,
    with_audit_of,
)
from simulators.avni.store import AvniStore
from simulators.avni.times import parse_ms
from simulators.server import Request


def get(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """GET: by uuid or External ID, voided or not."""
    row = existing(store.encounter_table, store.organisation(user.organisation), key)
    may_view(store, user, [row])
    return _shown(store, request, row)


def post(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """POST: upsert by External ID; the subject has to be named every time and may change."""
    given = fields.document(request)
    external_id = fields.external_id(given)
    before = store.encounter_table.with_external_id(user.organisation, external_id) if external_id else None
    row = _write(store, user, given, before, _owner(store, user, given))
    return _shown(store, request, row, fresh=True)


def put(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """PUT: full replace; the subject stays. The answer shows the former last modification."""
    given = fields.document(request)
    organisation = store.organisation(user.organisation)
    before = to_change(store.encounter_table, organisation, key, fields.external_id(given))
    row = _write(store, user, given, before, store.subjects[before.subject])
    return _shown(store, request, with_audit_of(before, row), fresh=True)


def patch(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """PATCH: only the keys given; untyped, so a wrong kind is a 500."""
    given = fields.document(request)
    organisation = store.organisation(user.organisation)
    before = to_change(store.encounter_table, organisation, key, patched_text(given, "External ID"))
    after = replace(before, **_patched(store, organisation, given, before))
    row = visits.keep(store, user, store.encounter_table, before, after)
    return _shown(store, request, with_audit_of(before, row), fresh=True)


def delete(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """DELETE: voids."""
    before = existing(store.encounter_table, store.organisation(user.organisation), key)
    may_void(store, user, before)
    row = store.save(stamped(store, user, before, replace(before, voided=True)))
    return _shown(store, request, row)


def _owner(store: AvniStore, user: User, given: dict[str, Any]) -> SubjectRow:
    """The subject named, whose `Subject ID` may be its uuid or its External ID. Raises 500."""
    table, organisation = store.subject_table, store.organisation(user.organisation)
    key = fields.text(given, "Subject ID")
    found = find_one(table, organisation, key) if key else None
    return parent(table, organisation, found, fields.text(given, "Subject external ID"))


def _write(
    store: AvniStore,
    user: User,
    given: dict[str, Any],
    before: EncounterRow | None,
    owner: SubjectRow,
) -> EncounterRow:
    """Create or fully replace."""
    organisation = store.organisation(user.organisation)
    kind = visits.encounter_type(organisation, fields.text(given, "Encounter type"))
    table = store.encounter_table
    base = before or EncounterRow(subject=owner.uuid, **new_row_fields(store, user, table, kind.name))
    after = replace(base, subject=owner.uuid, **visits.content(store, organisation, given, kind))
    return visits.keep(store, user, table, before, after)


def _patched(
    store: AvniStore,
    organisation: Organisation,
    given: dict[str, Any],
    before: EncounterRow,
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "Encounter type" in given:
        name = patched_text(given, "Encounter type")
        changes["kind"] = visits.encounter_type(organisation, name).name
    if external_id := (patched_text(given, "External ID") or "").strip():
        changes["external_id"] = external_id
    for name, field in visits.TIMES.items():
        if name in given:
            changes[field] = _patched_moment(store, given, name)
    for name, field in (
        ("observations", "observations"),
        ("cancelObservations", "cancel_observations"),
    ):
        if name in given:
            kept = getattr(before, field)
            changes[field] = observations.patch(organisation, kept, given[name])
    for name, field in (
        (render.coordinates_key(store.settings, "encounter"), "point"),
        ("Cancel location", "cancel_point"),
    ):
        if name in given:
            changes[field] = patched_point(given[name])
    if "Voided" in given:
        changes["voided"] = patched_flag(given, "Voided")
    return changes


def _patched_moment(store: AvniStore, given: dict[str, Any], name: str) -> int | None:
    """In a PATCH times are text only, and without an offset the server's zone holds."""
    value = patched_text(given, name)
    if value is None:
        return None
    try:
        return parse_ms(value, store.settings.zone_offset_minutes)
    except ValueError:
        raise class_cast(f"{name} is no date time") from None


def _shown(store: AvniStore, request: Request, row: EncounterRow, *, fresh: bool = False) -> dict[str, Any]:
    return render.encounter(store, row, wire_version(store.settings, request), fresh=fresh)
