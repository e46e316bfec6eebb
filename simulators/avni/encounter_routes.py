"""One general encounter: read, upsert, replace, patch, void (avni.md A13 to A19)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulators.avni import fields, observations, render
from simulators.avni.errors import class_cast, illegal_argument, invalid
from simulators.avni.listing import may_view, wire_version
from simulators.avni.metadata import EncounterType, Organisation, User
from simulators.avni.rows import EncounterRow, SubjectRow
from simulators.avni.saving import (
    find_one,
    guard_external_id,
    new_row_fields,
    patched_flag,
    patched_point,
    patched_text,
    stamped,
)
from simulators.avni.store import AvniStore
from simulators.avni.times import parse_ms
from simulators.server import HttpError, Request

_TIMES = {
    "Encounter date time": "encounter_ms",
    "Earliest scheduled date": "earliest_ms",
    "Max scheduled date": "max_ms",
    "Cancel date time": "cancel_ms",
}


def get(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """GET: by uuid or External ID, voided or not."""
    row = _existing(store, user, key)
    may_view(user, {row.kind})
    return _shown(store, request, row)


def post(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """POST: upsert by External ID; the subject has to be named every time and may change."""
    given = fields.document(request)
    external_id = fields.external_id(given)
    before = store.encounter_table.with_external_id(user.organisation, external_id) if external_id else None
    owner = _owner(store, user, given)
    row = _write(store, user, given, before, owner)
    return _shown(store, request, row, fresh=True)


def put(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """PUT: full replace; the subject stays. The answer shows the former last modification."""
    given = fields.document(request)
    before = _to_change(store, user, key, fields.external_id(given))
    row = _write(store, user, given, before, store.subjects[before.subject])
    return _shown(store, request, _with_audit_of(before, row), fresh=True)


def patch(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """PATCH: only the keys given; untyped, so a wrong kind is a 500."""
    given = fields.document(request)
    before = _to_change(store, user, key, patched_text(given, "External ID"))
    organisation = store.organisation(user.organisation)
    after = replace(before, **_patched(store, organisation, given, before))
    row = _validate_and_commit(store, user, before, after)
    return _shown(store, request, _with_audit_of(before, row), fresh=True)


def delete(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """DELETE: voids."""
    before = _existing(store, user, key)
    row = store.save_encounter(stamped(store, user, before, replace(before, voided=True)))
    return _shown(store, request, row)


def _existing(store: AvniStore, user: User, key: str) -> EncounterRow:
    row = find_one(store.encounter_table, store.organisation(user.organisation), key)
    if row is None:
        raise HttpError(404)
    return row


def _to_change(store: AvniStore, user: User, key: str, external_id: str | None) -> EncounterRow:
    table = store.encounter_table
    row = find_one(table, store.organisation(user.organisation), key)
    if row is None and external_id:
        row = table.with_external_id(user.organisation, external_id.strip())
    if row is None:
        raise illegal_argument(f"Encounter not found with id '{key}' or External ID '{external_id}'")
    return row


def _owner(store: AvniStore, user: User, given: dict[str, Any]) -> SubjectRow:
    table = store.subject_table
    key = fields.text(given, "Subject ID")
    external_id = fields.text(given, "Subject external ID")
    owner = find_one(table, store.organisation(user.organisation), key) if key else None
    if owner is None and external_id:
        owner = table.with_external_id(user.organisation, external_id.strip())
    if owner is None:
        raise illegal_argument(f"Individual not found with UUID '{key}' or External ID '{external_id}'")
    return owner


def _encounter_type(organisation: Organisation, name: str | None) -> EncounterType:
    found = organisation.encounter_types.get(name or "")
    if found is None:
        raise illegal_argument(f"Encounter type not found with name '{name}'")
    return found


def _write(
    store: AvniStore,
    user: User,
    given: dict[str, Any],
    before: EncounterRow | None,
    owner: SubjectRow,
) -> EncounterRow:
    """Create or fully replace. What is not given becomes null, false or empty."""
    organisation = store.organisation(user.organisation)
    kind = _encounter_type(organisation, fields.text(given, "Encounter type"))
    table = store.encounter_table
    base = before or EncounterRow(subject=owner.uuid, **new_row_fields(store, user, table, kind.name))
    times: dict[str, Any] = {field: fields.moment(given, name) for name, field in _TIMES.items()}
    after = replace(
        base,
        kind=kind.name,
        subject=owner.uuid,
        external_id=fields.external_id(given) or base.external_id,
        voided=fields.flag(given, "Voided"),
        point=fields.point(given, render.coordinates_key(store.settings, "encounter")),
        cancel_point=fields.point(given, "Cancel location"),
        observations=observations.accept(organisation, given.get("observations")),
        cancel_observations=observations.accept(organisation, given.get("cancelObservations"), "cancelObservations"),
        **times,
    )
    return _validate_and_commit(store, user, before, after)


def _validate_and_commit(
    store: AvniStore, user: User, before: EncounterRow | None, after: EncounterRow
) -> EncounterRow:
    """Keep the row or raise 400 when it has no time.

    On an existing encounter that 400 still keeps the change: the controller answers it in the
    normal way, so the transaction commits (avni.md A18).
    """
    timeless = after.encounter_ms is None and after.earliest_ms is None
    if timeless and before is None:
        raise _timeless()
    guard_external_id(store.encounter_table, after)
    row = store.save_encounter(stamped(store, user, before, after))
    if timeless:
        raise _timeless()
    return row


def _timeless() -> HttpError:
    return invalid("Encounter date time or earliest scheduled date is required")


def _patched(
    store: AvniStore,
    organisation: Organisation,
    given: dict[str, Any],
    before: EncounterRow,
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "Encounter type" in given:
        name = patched_text(given, "Encounter type")
        changes["kind"] = _encounter_type(organisation, name).name
    if external_id := (patched_text(given, "External ID") or "").strip():
        changes["external_id"] = external_id
    for name, field in _TIMES.items():
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


def _with_audit_of(before: EncounterRow, row: EncounterRow) -> EncounterRow:
    return replace(row, modified_ms=before.modified_ms, modified_by=before.modified_by)


def _shown(store: AvniStore, request: Request, row: EncounterRow, *, fresh: bool = False) -> dict[str, Any]:
    return render.encounter(
        store.organisation(row.organisation),
        store.settings,
        row,
        store.subjects[row.subject],
        wire_version(store.settings, request),
        fresh=fresh,
    )
