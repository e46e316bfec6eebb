"""One program encounter: read, upsert, replace, void (avni.md A13 to A18, A48). There is no PATCH."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulators.avni import fields, render, visits
from simulators.avni.errors import conflict
from simulators.avni.metadata import User
from simulators.avni.paging import wire_version
from simulators.avni.privileges import may_view, may_void
from simulators.avni.rows import EnrolmentRow, ProgramEncounterRow
from simulators.avni.saving import (
    existing,
    find_one,
    new_row_fields,
    parent,
    stamped,
    to_change,
    with_audit_of,
)
from simulators.avni.store import AvniStore
from simulators.server import Request


def get(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """GET: by uuid or External ID, voided or not."""
    row = existing(store.program_encounter_table, store.organisation(user.organisation), key)
    may_view(store, user, [row])
    return _shown(store, request, row)


def post(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """POST: upsert by External ID; the enrolment has to be named every time and may change."""
    given = fields.document(request)
    external_id = fields.external_id(given)
    before = store.program_encounter_table.with_external_id(user.organisation, external_id) if external_id else None
    row = _write(store, user, given, before, _enrolment(store, user, given))
    return _shown(store, request, row, fresh=True)


def put(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """PUT: full replace; the enrolment stays. The answer shows the former last modification."""
    given = fields.document(request)
    organisation = store.organisation(user.organisation)
    before = to_change(store.program_encounter_table, organisation, key, fields.external_id(given))
    row = _write(store, user, given, before, store.enrolments[before.enrolment])
    return _shown(store, request, with_audit_of(before, row), fresh=True)


def delete(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """DELETE: voids."""
    before = existing(store.program_encounter_table, store.organisation(user.organisation), key)
    may_void(store, user, before)
    row = store.save(stamped(store, user, before, replace(before, voided=True)))
    return _shown(store, request, row)


def _enrolment(store: AvniStore, user: User, given: dict[str, Any]) -> EnrolmentRow:
    """The enrolment named, by uuid or External ID. Raises 500."""
    table, organisation = store.enrolment_table, store.organisation(user.organisation)
    key = fields.text(given, "Enrolment ID")
    found = find_one(table, organisation, key) if key else None
    return parent(table, organisation, found, fields.text(given, "Enrolment external ID"))


def _write(
    store: AvniStore,
    user: User,
    given: dict[str, Any],
    before: ProgramEncounterRow | None,
    enrolment: EnrolmentRow,
) -> ProgramEncounterRow:
    """Create or fully replace. Raises 409 for one both held and cancelled: the database checks it."""
    organisation = store.organisation(user.organisation)
    kind = visits.encounter_type(organisation, fields.text(given, "Encounter type"))
    table = store.program_encounter_table
    base = before or ProgramEncounterRow(enrolment=enrolment.uuid, **new_row_fields(store, user, table, kind.name))
    after = replace(base, enrolment=enrolment.uuid, **visits.content(store, organisation, given, kind))
    if after.encounter_ms is not None and after.cancel_ms is not None:
        raise conflict("an encounter is either held or cancelled")
    return visits.keep(store, user, table, before, after)


def _shown(store: AvniStore, request: Request, row: ProgramEncounterRow, *, fresh: bool = False) -> dict[str, Any]:
    return render.program_encounter(store, row, wire_version(store.settings, request), fresh=fresh)
