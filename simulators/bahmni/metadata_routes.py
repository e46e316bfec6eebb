"""Lookups: concepts, locations, types, roles, providers, by uuid and as lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulators.bahmni import metadata_resources as look
from simulators.bahmni.calls import Call, Handler, Route
from simulators.bahmni.errors import bad_request, not_found
from simulators.bahmni.model import Concept, Metadata
from simulators.bahmni.privileges import LOOKUPS
from simulators.bahmni.rendering import Node, Resource
from simulators.server import Response

__all__ = ["ROUTES"]

TABLES = {
    "concept": ("concepts", look.CONCEPT),
    "location": ("locations", look.LOCATION),
    "encountertype": ("encounter_types", look.ENCOUNTER_TYPE),
    "visittype": ("visit_types", look.VISIT_TYPE),
    "visitattributetype": ("visit_attribute_types", look.VISIT_ATTRIBUTE_TYPE),
    "personattributetype": ("person_attribute_types", look.PERSON_ATTRIBUTE_TYPE),
    "patientidentifiertype": ("identifier_types", look.IDENTIFIER_TYPE),
    "provider": ("providers", look.PROVIDER),
    "encounterrole": ("encounter_roles", look.ENCOUNTER_ROLE),
}
NO_NAMES = frozenset({"provider", "encounterrole", "visitattributetype", "concept"})
"""Resources whose rows are found by uuid only."""


def _get(alias: str, table: str, resource: Resource) -> Handler:
    def handler(call: Call) -> Response:
        rows: Mapping[str, Metadata] = getattr(call.state, table)
        row = rows.get(call.uuid)
        if row is None and alias == "concept":
            row = next((each for each in _concepts(call) if call.uuid in each.mappings), None)
        if row is None and alias not in NO_NAMES:
            row = next((each for each in rows.values() if each.name == call.uuid), None)
        if row is None:
            raise not_found()
        return call.one(resource, row)

    return handler


def _list(table: str, resource: Resource) -> Handler:
    def handler(call: Call) -> Response:
        rows: list[Any] = list(getattr(call.state, table).values())
        if call.first("includeAll") != "true":
            rows = [row for row in rows if not row.retired]
        if table == "concepts":
            rows = _wanted_concepts(call, rows)
        words = (call.first("q") or "").lower().split()
        rows = [row for row in rows if _begins(row.name, words)]
        if (tag := call.first("tag")) is not None:
            rows = [row for row in rows if tag in getattr(row, "tags", ())]
        return call.page([Node(resource, row) for row in rows])

    return handler


def _concepts(call: Call) -> list[Concept]:
    return list(call.state.concepts.values())


def _wanted_concepts(call: Call, rows: list[Concept]) -> list[Concept]:
    """By exact name, by references, or all."""
    search = call.first("s")
    if search not in (None, "default", "byFullySpecifiedName"):
        raise bad_request(f"The search with id {search} does not exist")
    if (name := call.first("name")) is not None:
        rows = [row for row in rows if row.name.lower() == name.lower()]
    if (references := call.first("references")) is not None:
        wanted = set(references.split(","))
        rows = [row for row in rows if row.uuid in wanted or wanted & set(row.mappings)]
    if (source := call.first("source")) is not None:
        rows = [row for row in rows if f"{source}:{call.first('code')}" in row.mappings]
    return rows


def _begins(name: str, words: list[str]) -> bool:
    """Whether each word is the beginning of a word of the name."""
    parts = name.lower().split()
    return all(any(part.startswith(word) for part in parts) for word in words)


ROUTES: dict[tuple[str, str], dict[str, Route]] = {}
for _alias, (_table, _resource) in TABLES.items():
    ROUTES[_alias, ""] = {"GET": Route(_list(_table, _resource), LOOKUPS[_alias])}
    ROUTES[_alias, "{uuid}"] = {"GET": Route(_get(_alias, _table, _resource), LOOKUPS[_alias])}
