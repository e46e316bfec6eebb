"""What writing a subject and writing an encounter have in common (avni.md A13 to A19)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulators.avni.errors import Thrown, class_cast, conflict
from simulators.avni.metadata import Organisation, User, new_uuid
from simulators.avni.rows import R, Table
from simulators.avni.store import AvniStore


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


def guard_external_id(table: Table[R], row: R) -> None:
    """Raises 409 when another row, perhaps one just being committed, has the External ID."""
    if row.external_id is None:
        return
    other = table.with_external_id(row.organisation, row.external_id)
    if other is not None and other.uuid != row.uuid:
        raise conflict()
    if table.awaits(row.organisation, row.external_id):
        raise conflict()


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
