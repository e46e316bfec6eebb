"""Reading what a client posted: properties that may be set, references, flags (openmrs.md O17 to O22)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from simulators.bahmni.errors import bad_request, illegal_properties, missing_properties
from simulators.bahmni.model import Metadata

__all__ = [
    "Body",
    "check_properties",
    "find",
    "find_named",
    "flag",
    "given_uuid",
    "maps",
    "text",
]

Body = Mapping[str, Any]

IGNORED = frozenset({"display", "links", "auditInfo", "resourceVersion"})
"""Read-only decoration a client may send back without harm."""

Row = TypeVar("Row")
Named = TypeVar("Named", bound=Metadata)


def check_properties(body: Body, allowed: Collection[str], required: Collection[str] = ()) -> None:
    """Raise 400 for properties that may not be set or that are missing."""
    if illegal := set(body) - set(allowed) - IGNORED:
        raise illegal_properties(illegal)
    if missing := [name for name in required if body.get(name) is None]:
        raise missing_properties(missing)


def given_uuid(value: Any) -> str | None:
    """The uuid of a reference: a string, or a map with `uuid`."""
    if isinstance(value, Mapping):
        value = value.get("uuid")
    return value if isinstance(value, str) and value else None


def find(table: Mapping[str, Row], value: Any) -> Row | None:
    """The row a reference means; None when it cannot be resolved, as the product does."""
    return table.get(given_uuid(value) or "")


def find_named(table: Mapping[str, Named], value: Any) -> Named | None:
    """The same where a name is accepted as well as a uuid."""
    row = find(table, value)
    if row is None and isinstance(value, str):
        row = next((each for each in table.values() if each.name == value), None)
    return row


def flag(value: Any) -> bool:
    """A boolean property; strings as the product's converter reads them."""
    if isinstance(value, str):
        return value.lower() in ("true", "1", "on", "yes")
    return bool(value)


def text(value: Any) -> str | None:
    """A string property."""
    return None if value is None else str(value)


def maps(body: Body, name: str) -> list[Body]:
    """A property that is a list of maps; absent or null is empty. Raises 400 otherwise."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise bad_request(f"Don't know how to convert the value of {name}", "ConversionUtil:200")
    return value
