"""One program enrolment: read, upsert, replace, exit, void (avni.md A13 to A18, A47). There is no PATCH."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulators.avni import fields, observations, render
from simulators.avni.errors import Thrown, illegal_argument
from simulators.avni.metadata import Organisation, Program, User
from simulators.avni.paging import wire_version
from simulators.avni.privileges import may_view, may_void
from simulators.avni.rows import EnrolmentRow, SubjectRow
from simulators.avni.saving import (
    existing,
    guard_external_id,
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
    row = existing(store.enrolment_table, store.organisation(user.organisation), key)
    may_view(store, user, [row])
    return _shown(store, request, row)


def post(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """POST: upsert by External ID; the subject has to be named every time and may change."""
    given = fields.document(request)
    external_id = fields.external_id(given)
    before = store.enrolment_table.with_external_id(user.organisation, external_id) if external_id else None
    row = _write(store, user, given, before, _owner(store, user, given))
    return _shown(store, request, row, fresh=True)


def put(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """PUT: full replace; the subject stays. The answer shows the former last modification."""
    given = fields.document(request)
    organisation = store.organisation(user.organisation)
    before = to_change(store.enrolment_table, organisation, key, fields.external_id(given))
    row = _write(store, user, given, before, store.subjects[before.subject])
    return _shown(store, request, with_audit_of(before, row), fresh=True)


def delete(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """DELETE: voids; the enrolment's encounters stay as they are. It is voided before the privilege is asked for."""
    before = existing(store.enrolment_table, store.organisation(user.organisation), key)
    row = store.save(stamped(store, user, before, replace(before, voided=True)))
    may_void(store, user, row)
    return _shown(store, request, row)


def _owner(store: AvniStore, user: User, given: dict[str, Any]) -> SubjectRow:
    """The subject named; unlike for encounters, `Subject ID` is its uuid only. Raises 500."""
    table, organisation = store.subject_table, store.organisation(user.organisation)
    found = table.get(user.organisation, fields.text(given, "Subject ID") or "")
    return parent(table, organisation, found, fields.text(given, "Subject external ID"))


def _program(organisation: Organisation, name: str | None) -> Program:
    found = organisation.programs.get(name or "")
    if found is None:
        raise illegal_argument(f"Program not found with name '{name}'")
    return found


def _write(
    store: AvniStore,
    user: User,
    given: dict[str, Any],
    before: EnrolmentRow | None,
    owner: SubjectRow,
) -> EnrolmentRow:
    """Create or fully replace: what is not given becomes null, false or empty. Raises 500, 409."""
    organisation = store.organisation(user.organisation)
    program = _program(organisation, fields.text(given, "Program"))
    table = store.enrolment_table
    base = before or EnrolmentRow(subject=owner.uuid, **new_row_fields(store, user, table, program.name))
    after = replace(
        base,
        kind=program.name,
        subject=owner.uuid,
        external_id=fields.external_id(given) or base.external_id,
        voided=fields.flag(given, "Voided"),
        point=fields.point(given, render.coordinates_key(store.settings, "enrolment")),
        exit_point=fields.point(given, "Exit location"),
        enrolment_ms=fields.moment(given, "Enrolment datetime"),
        exit_ms=fields.moment(given, "Exit datetime"),
        observations=observations.accept(organisation, given.get("observations")),
        exit_observations=observations.accept(organisation, given.get("exitObservations"), "exitObservations"),
    )
    if after.enrolment_ms is None:
        raise Thrown(500, "jakarta.validation.ConstraintViolationException", "enrolmentDateTime null")
    guard_external_id(table, after)
    return store.save(stamped(store, user, before, after))


def _shown(store: AvniStore, request: Request, row: EnrolmentRow, *, fresh: bool = False) -> dict[str, Any]:
    return render.enrolment(store, row, wire_version(store.settings, request), fresh=fresh)
