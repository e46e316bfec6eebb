"""One subject: read, upsert, replace, patch, void (avni.md A13 to A19, A37)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulators.avni import fields, observations, render
from simulators.avni.errors import (
    Thrown,
    class_cast,
    illegal_argument,
    invalid,
    null_pointer,
)
from simulators.avni.metadata import Organisation, SubjectType, User
from simulators.avni.paging import wire_version
from simulators.avni.privileges import may_view, may_void
from simulators.avni.rows import Location, SubjectRow
from simulators.avni.saving import (
    existing,
    guard_external_id,
    new_row_fields,
    patched_flag,
    patched_point,
    patched_text,
    stamped,
    with_audit_of,
)
from simulators.avni.store import AvniStore
from simulators.avni.times import plain_date
from simulators.server import HttpError, Request


def get(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """GET: by uuid or External ID, voided or not."""
    row = existing(store.subject_table, store.organisation(user.organisation), key)
    may_view(store, user, [row])
    return _shown(store, request, row) | {"Groups": store.groups_of(row.uuid)}


def post(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """POST: upsert by External ID; without one always a new subject."""
    given = fields.document(request)
    external_id = fields.external_id(given)
    before = store.subject_table.with_external_id(user.organisation, external_id) if external_id else None
    row = _write(store, user, request, given, before)
    return _shown(store, request, row, fresh=True)


def put(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """PUT: full replace, found by uuid or by the body's External ID.

    The answer still shows the former last modification.
    """
    given = fields.document(request)
    before = _to_change(store, user, key, fields.external_id(given))
    row = _write(store, user, request, given, before)
    return _shown(store, request, with_audit_of(before, row), fresh=True)


def patch(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """PATCH: only the keys given; untyped, so a wrong kind is a 500."""
    given = fields.document(request)
    before = _to_change(store, user, key, patched_text(given, "External ID"))
    organisation = store.organisation(user.organisation)
    changes = _patched(store, organisation, given, before, wire_version(store.settings, request))
    after = replace(before, **changes)
    kind = _subject_type(organisation, after.kind)
    row = _validate_and_commit(store, user, kind, before, after)
    return _shown(store, request, with_audit_of(before, row), fresh=True)


def delete(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """DELETE: voids; the subject's encounters stay as they are."""
    before = existing(store.subject_table, store.organisation(user.organisation), key)
    may_void(store, user, before)
    row = store.save(stamped(store, user, before, replace(before, voided=True)))
    return _shown(store, request, row) | {"Groups": store.groups_of(row.uuid)}


def _to_change(store: AvniStore, user: User, uuid: str, external_id: str | None) -> SubjectRow:
    table = store.subject_table
    row = table.get(user.organisation, uuid)
    if row is None and external_id:
        row = table.with_external_id(user.organisation, external_id.strip())
    if row is None:
        raise illegal_argument(f"Subject not found with id '{uuid}' or External ID '{external_id}'")
    return row


def _write(
    store: AvniStore,
    user: User,
    request: Request,
    given: dict[str, Any],
    before: SubjectRow | None,
) -> SubjectRow:
    """Create or fully replace. What is not given becomes null, false or empty."""
    organisation = store.organisation(user.organisation)
    kind = _subject_type(organisation, fields.text(given, "Subject type"))
    version = wire_version(store.settings, request)
    place = _place(organisation, kind, given, version)
    base = before or SubjectRow(**new_row_fields(store, user, store.subject_table, kind.name))
    after = replace(
        base,
        kind=kind.name,
        external_id=fields.external_id(given) or base.external_id,
        voided=fields.flag(given, "Voided"),
        first_name=fields.text(given, "First name"),
        middle_name=(fields.text(given, "Middle name") if kind.allow_middle_name else base.middle_name),
        last_name=fields.text(given, "Last name"),
        profile_picture=(fields.text(given, "Profile picture") if kind.allow_profile_picture else base.profile_picture),
        registration_date=fields.day(given, "Registration date"),
        location=place.uuid if place else None,
        point=fields.point(given, render.coordinates_key(store.settings, "subject")),
        subject_location=given.get("Subject location"),
        observations=observations.accept(organisation, given.get("observations")),
        **(_person(organisation, given) if kind.person else {}),
    )
    if before is None or before.location == after.location:
        return _validate_and_commit(store, user, kind, before, after)
    if before.location is None:
        raise null_pointer("old address level is null")
    row = _validate_and_commit(store, user, kind, before, after)
    # a subject that moves takes all that is its own along, newly stamped; only PATCH forgets it
    store.bulk_touch(store.records_of(row.uuid), by=user.username)
    return row


def _validate_and_commit(
    store: AvniStore,
    user: User,
    kind: SubjectType,
    before: SubjectRow | None,
    after: SubjectRow,
) -> SubjectRow:
    """Keep the row or raise the complaint about it.

    A 400 on an existing subject still keeps the change: the controller answers it in the
    normal way, so the transaction commits (avni.md A18).
    """
    complaint = _complaint(kind, after)
    if complaint is None:
        return _commit(store, user, before, after)
    if before is not None and complaint.response.status == 400:
        _commit(store, user, before, after)
    raise complaint


def _person(organisation: Organisation, given: dict[str, Any]) -> dict[str, Any]:
    gender = fields.text(given, "Gender")
    return {
        "date_of_birth": fields.day(given, "Date of birth"),
        "gender": gender if gender in organisation.genders else None,
    }


def _subject_type(organisation: Organisation, name: str | None) -> SubjectType:
    found = organisation.subject_types.get(name or "")
    if found is None:
        raise illegal_argument(f"Subject type not found with name '{name}'")
    return found


def _place(organisation: Organisation, kind: SubjectType, given: dict[str, Any], version: int) -> Location | None:
    """Where the subject lives; an unknown address vanishes for types that may do without."""
    if version >= 3:
        address = given.get("Address map")
        if not isinstance(address, dict):
            raise null_pointer("Address map is null")
        found = organisation.at_address_map(address)
    else:
        found = organisation.at_address(fields.text(given, "Address") or "")
    if len(found) > 1:
        raise Thrown(
            500,
            "org.springframework.dao.IncorrectResultSizeDataAccessException",
            "2 results",
        )
    if not found and not kind.allow_empty_location:
        raise illegal_argument("Address not found")
    if found and kind.places and found[0].kind not in kind.places:
        raise illegal_argument(f"{kind.name} cannot be registered at {found[0].kind}")
    return found[0] if found else None


def _complaint(kind: SubjectType, row: SubjectRow) -> HttpError | None:
    if not row.first_name:
        return invalid("Firstname is required")
    if kind.person and row.gender is None:
        return invalid("Gender is required")
    if row.registration_date is None:
        if not kind.person:
            return invalid("Registration date is required")
        return Thrown(
            500,
            "jakarta.validation.ConstraintViolationException",
            "registrationDate null",
        )
    return None


def _commit(store: AvniStore, user: User, before: SubjectRow | None, after: SubjectRow) -> SubjectRow:
    guard_external_id(store.subject_table, after)
    return store.save(stamped(store, user, before, after))


def _patched(
    store: AvniStore,
    organisation: Organisation,
    given: dict[str, Any],
    before: SubjectRow,
    version: int,
) -> dict[str, Any]:
    name = patched_text(given, "Subject type") if "Subject type" in given else before.kind
    kind = _subject_type(organisation, name)
    changes = {"kind": kind.name} | _patched_names(kind, given)
    if kind.person:
        changes |= _patched_person(organisation, given)
    if "Registration date" in given:
        changes["registration_date"] = _patched_day(given, "Registration date", optional=True)
    if "observations" in given:
        changes["observations"] = observations.patch(organisation, before.observations, given["observations"])
    if (coordinates := render.coordinates_key(store.settings, "subject")) in given:
        changes["point"] = patched_point(given[coordinates])
    if ("Address map" if version >= 3 else "Address") in given:
        changes["location"] = _patched_place(organisation, kind, given, version)
    if "Voided" in given:
        changes["voided"] = patched_flag(given, "Voided")
    return changes


def _patched_names(kind: SubjectType, given: dict[str, Any]) -> dict[str, Any]:
    allowed = {"First name": "first_name", "Last name": "last_name"}
    if kind.allow_middle_name:
        allowed["Middle name"] = "middle_name"
    changes: dict[str, Any] = {field: patched_text(given, name) for name, field in allowed.items() if name in given}
    if external_id := (patched_text(given, "External ID") or "").strip():
        changes["external_id"] = external_id
    return changes


def _patched_person(organisation: Organisation, given: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "Date of birth" in given:
        changes["date_of_birth"] = _patched_day(given, "Date of birth", optional=False)
    if "Gender" in given:
        gender = patched_text(given, "Gender")
        changes["gender"] = gender if gender in organisation.genders else None
    return changes


def _patched_day(given: dict[str, Any], name: str, *, optional: bool) -> str | None:
    value = patched_text(given, name)
    if value is None:
        if optional:
            return None
        raise null_pointer(name)
    try:
        return plain_date(value)
    except ValueError:
        raise class_cast(f"{name} is no date") from None


def _patched_place(organisation: Organisation, kind: SubjectType, given: dict[str, Any], version: int) -> str:
    place = _place(organisation, kind, given, version)
    if place is None:
        raise illegal_argument("Address not found")
    return place.uuid


def _shown(store: AvniStore, request: Request, row: SubjectRow, *, fresh: bool = False) -> dict[str, Any]:
    return render.subject(store, row, wire_version(store.settings, request), fresh=fresh)
