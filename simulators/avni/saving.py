"""What writing records of all kinds has in common (avni.md A13 to A19)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulators.avni.errors import Thrown, class_cast, conflict, illegal_argument
from simulators.avni.metadata import Organisation, User, new_uuid
from simulators.avni.store import AvniStore
from simulators.avni.table import R, Table
from simulators.server import HttpError


def find_one(table: Table[R], organisation: Organisation, uuid_or_external_id: str) -> R | None:
    """The row with that uuid or External ID. Raises 500 when it means two rows."""
    found = table.find(organisation.name, uuid_or_external_id)
    if len(found) > 1:
        raise Thrown(
            500,
            "org.springframework.dao.IncorrectResultSizeDataAccessException",
            "2 results",
        )
    return found[0] if found else None


def existing(table: Table[R], organisation: Organisation, key: str) -> R:
    """The row to read or void. Raises 404 without a body."""
    row = find_one(table, organisation, key)
    if row is None:
        raise HttpError(404)
    return row


def to_change(table: Table[R], organisation: Organisation, key: str, external_id: str | None) -> R:
    """The row to change, by uuid or External ID, else by the External ID in the body. Raises 500."""
    row = find_one(table, organisation, key)
    if row is None and external_id:
        row = table.with_external_id(organisation.name, external_id.strip())
    if row is None:
        raise illegal_argument(f"Nothing found with id '{key}' or External ID '{external_id}'")
    return row


def parent(table: Table[R], organisation: Organisation, found: R | None, external_id: str | None) -> R:
    """The record to which one belongs: as its key found it, else by its External ID. Raises 500."""
    if found is None and external_id:
        found = table.with_external_id(organisation.name, external_id.strip())
    if found is None:
        raise illegal_argument(f"Nothing to belong to found with the id given or External ID '{external_id}'")
    return found


def new_row_fields(store: AvniStore, user: User, table: Table[R], kind: str) -> dict[str, Any]:
    """The fields every new row starts with. No caller can choose a uuid."""
    now = store.now_ms()
    return {
        "uuid": new_uuid(),
        "seq": table.next_seq(),
        "organisation": user.organisation,
        "kind": kind,
        "created_ms": now,
        "modified_ms": now,
        "created_by": user.username,
        "modified_by": user.username,
    }


def stamped(store: AvniStore, user: User, before: R | None, after: R) -> R:
    """The row as it will be kept: newly stamped, unless nothing in it changed."""
    if before is not None and after == before:
        return before
    return replace(after, modified_ms=store.now_ms(), modified_by=user.username)


def with_audit_of(before: R, row: R) -> R:
    """The row as PUT and PATCH answer it: with the former last modification (avni.md A18)."""
    return replace(row, modified_ms=before.modified_ms, modified_by=before.modified_by)


def guard_external_id(table: Table[R], row: R) -> None:
    """Raises 409 when another row, perhaps one just being committed, has the External ID."""
    if row.external_id is None:
        return
    other = table.with_external_id(row.organisation, row.external_id)
    if other is not None and other.uuid != row.uuid:
        raise conflict("duplicate key value")
    if table.awaits(row.organisation, row.external_id):
        raise conflict("duplicate key value")


def patched_point(value: Any) -> dict[str, float] | None:
    """Coordinates in a PATCH: capital X and Y, and no whole numbers. Raises 500 otherwise."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise class_cast("coordinates are not a map")
    x, y = value.get("X"), value.get("Y")
    if not isinstance(x, float) or not isinstance(y, float):
        raise class_cast("coordinates are not java.lang.Double")
    return {"x": x, "y": y}


def patched_text(given: dict[str, Any], name: str) -> str | None:
    """Text or null in a PATCH. Raises 500 for another kind."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise class_cast(f"{name} is not java.lang.String")
    return value


def patched_flag(given: dict[str, Any], name: str) -> bool:
    """A truth value in a PATCH. Raises 500 for null and all else."""
    value = given.get(name)
    if not isinstance(value, bool):
        raise class_cast(f"{name} is not java.lang.Boolean")
    return value
