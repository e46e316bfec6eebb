"""Lookups: concepts, drugs, locations, types, roles, providers, forms, by uuid and as lists (openmrs.md O108, O110)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simulators.bahmni import metadata_resources as look
from simulators.bahmni import places
from simulators.bahmni.calls import Call, Handler, Route
from simulators.bahmni.errors import bad_request, not_found, server_error
from simulators.bahmni.model import Concept, Location, Metadata, Provider
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
    "drug": ("drugs", look.DRUG),
    "form": ("forms", look.FORM),
    "ordertype": ("order_types", look.ORDER_TYPE),
    "caresetting": ("care_settings", look.CARE_SETTING),
    "orderfrequency": ("order_frequencies", look.ORDER_FREQUENCY),
}
NO_NAMES = frozenset({"provider", "encounterrole", "visitattributetype", "concept", "form", "drug", "orderfrequency"})
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
        rows = FILTERS.get(table, _by_words)(call, rows)
        return call.page([Node(resource, row) for row in rows])

    return handler


def _words(call: Call) -> list[str]:
    return (call.first("q") or "").lower().split()


def _begins(name: str, words: Iterable[str]) -> bool:
    """Whether each word is the beginning of a word of the name."""
    parts = name.lower().split()
    return all(any(part.startswith(word) for part in parts) for word in words)


def _by_words(call: Call, rows: list[Any]) -> list[Any]:
    _refuse_handlers(call)
    return [row for row in rows if _begins(row.name, _words(call))]


def _refuse_handlers(call: Call, *known: str) -> None:
    """Raise 400 for the id of a search there is not."""
    search = call.first("s")
    if search not in (None, "default", *known):
        raise bad_request(f"The search with id {search} does not exist")


# locations and providers


def _locations(call: Call, rows: list[Location]) -> list[Location]:
    """By words, by one tag, or by several of which all or any have to be there."""
    _refuse_handlers(call, "byTags")
    if call.first("s") == "byTags":
        wanted = [tag.strip() for tag in (call.first("tags") or "").split(",")]
        enough = any if call.first("operator") == "ANY" else all
        return [row for row in rows if enough(tag in row.tags for tag in wanted)]
    tag = call.first("tag")
    return [row for row in rows if _begins(row.name, _words(call)) and (tag is None or tag in row.tags)]


def visit_location(call: Call) -> Response:
    """The place a visit is opened at by whoever is logged in at a location. Raises 500 where there is none."""
    return Response(200, {"uuid": places.visit_location(call.state, call.uuid).uuid})


def _providers(call: Call, rows: list[Provider]) -> list[Provider]:
    """By words of name and identifier, or the one of a user."""
    _refuse_handlers(call)
    if (user := call.first("user")) is not None:
        known = call.state.users.get(user)
        return [row for row in rows if known is not None and row.uuid == known.provider]
    return [row for row in rows if _begins(f"{row.name} {row.identifier or ''}", _words(call))]


# concepts


def _concepts(call: Call) -> list[Concept]:
    return list(call.state.concepts.values())


def _wanted_concepts(call: Call, rows: list[Concept]) -> list[Concept]:
    """By fully specified names, by a name, by mapping, by references, by words, as answers or members, or all."""
    _refuse_handlers(call, "byFullySpecifiedName")
    if call.first("s") == "byFullySpecifiedName":
        names = {name.lower() for name in call.request.query.get("name", [])}
        return _some(call, [row for row in rows if row.name.lower() in names])
    if (name := call.first("name")) is not None:
        rows = _some(call, [row for row in rows if _is_called(call, row, name)])
    if (kind := call.first("class")) is not None:
        rows = [row for row in rows if row.concept_class == kind]
    if (source := call.first("source")) is not None:
        rows = [row for row in rows if f"{source}:{call.first('code')}" in row.mappings]
    if (term := call.first("term")) is not None:
        rows = [row for row in rows if any(term in (each, each.partition(":")[2]) for each in row.mappings)]
    if (references := call.first("references")) is not None:
        wanted = set(references.split(","))
        rows = [row for row in rows if row.uuid in wanted or wanted & set(row.mappings)]
    for parameter, column in (("answerTo", "answers"), ("memberOf", "set_members")):
        if (uuid := call.first(parameter)) is not None:
            parent = call.state.concepts.get(uuid)
            listed = getattr(parent, column) if parent else []
            rows = [row for row in rows if row.uuid in listed]
    words = _words(call)
    return [row for row in rows if any(_begins(name, words) for name in _names(row))]


def _names(row: Concept) -> list[str]:
    return [name for name in (row.name, row.preferred, row.short) if name]


def _is_called(call: Call, row: Concept, name: str) -> bool:
    """Exactly, by the fully specified or the preferred name; by the beginnings of words if asked for."""
    if call.first("searchType") == "fuzzy":
        return any(_begins(each, name.lower().split()) for each in _names(row))
    return name.lower() in (row.name.lower(), row.display.lower())


def _some(call: Call, rows: list[Concept]) -> list[Concept]:
    """What a search by name found; in older releases finding nothing is a 500."""
    if not rows and call.state.settings.unknown_concept_name_fails:
        raise server_error("Concept.not.found")
    return rows


FILTERS: dict[str, Callable[[Call, list[Any]], list[Any]]] = {
    "concepts": _wanted_concepts,
    "locations": _locations,
    "providers": _providers,
}
"""Tables whose lists know more than words."""

ROUTES: dict[tuple[str, str], dict[str, Route]] = {
    ("bahmnicore/visitLocation", "{uuid}"): {"GET": Route(visit_location, LOOKUPS["location"])},
}
for _alias, (_table, _resource) in TABLES.items():
    ROUTES[_alias, ""] = {"GET": Route(_list(_table, _resource), LOOKUPS[_alias])}
    ROUTES[_alias, "{uuid}"] = {"GET": Route(_get(_alias, _table, _resource), LOOKUPS[_alias])}
