"""Persons: names, addresses, attributes, and what the validator refuses (openmrs.md O44 to O47)."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

from simulators.bahmni import dates
from simulators.bahmni.bodies import (
    Body,
    check_properties,
    find,
    find_named,
    flag,
    given_uuid,
    maps,
    text,
)
from simulators.bahmni.errors import bad_value, duplicate, illegal_properties, invalid
from simulators.bahmni.model import Address, Attribute, Name, Person
from simulators.bahmni.state import State

__all__ = [
    "ADDRESS_PARTS",
    "ATTRIBUTABLE_DATE",
    "adopt",
    "apply_person",
    "attribute_value",
    "create_person",
    "draft_person",
    "person_parts",
    "set_attribute",
    "update_person",
    "validate_person",
]

ATTRIBUTABLE_DATE = "org.openmrs.util.AttributableDate"
JAVA_PERSON = "org.openmrs.Person"

ADDRESS_PARTS = (
    "address1",
    "address2",
    "cityVillage",
    "stateProvince",
    "country",
    "postalCode",
    "countyDistrict",
    *(f"address{number}" for number in range(3, 16)),
    "startDate",
    "endDate",
    "latitude",
    "longitude",
)

PROPERTIES = frozenset(
    {
        "names",
        "gender",
        "age",
        "birthdate",
        "birthdateEstimated",
        "birthtime",
        "dead",
        "deathDate",
        "deathdateEstimated",
        "causeOfDeath",
        "causeOfDeathNonCoded",
        "addresses",
        "attributes",
    }
)
NAME_PROPERTIES = {
    "givenName": "given_name",
    "middleName": "middle_name",
    "familyName": "family_name",
    "familyName2": "family_name2",
}


def create_person(state: State, body: Body) -> Person:
    """POST /person. Never a feed event."""
    check_properties(body, PROPERTIES | {"uuid"}, ("names", "gender"))
    person = draft_person(state, body)
    validate_person(state, person)
    if person.uuid in state.persons:
        raise duplicate("person", person.uuid)
    adopt(state, person, None)
    state.insert_person(person)
    return person


def update_person(state: State, person: Person, body: Body) -> None:
    """POST /person/{uuid}. Never a feed event."""
    check_properties(body, PROPERTIES | {"voided", "uuid"})
    if given_uuid(body) not in (None, person.uuid):
        raise illegal_properties(["uuid"])
    apply_person(state, person, body)
    state.touch(person.audit)


def draft_person(state: State, body: Body) -> Person:
    """A new person from a map, in no table yet."""
    person = Person(given_uuid(body) or str(uuid4()), audit=state.created())
    _fill(state, person, body)
    return person


def apply_person(state: State, person: Person, body: Body) -> None:
    """Merge a map into a stored person, all or nothing."""
    draft = copy.deepcopy(person)
    _fill(state, draft, body)
    validate_person(state, draft)
    adopt(state, draft, person)
    person.__dict__.update(draft.__dict__)
    state.renamed(person)


def person_parts(person: Person) -> list[Name | Address | Attribute]:
    """Names, addresses and attributes, voided ones too."""
    return [*person.names, *person.addresses, *person.attributes]


def adopt(state: State, person: Person, before: Person | None) -> None:
    """Enter the uuids of a draft's new names, addresses and attributes. Raises 500 if taken."""
    tables = {
        "person_name": "names",
        "person_address": "addresses",
        "person_attribute": "attributes",
    }
    fresh: list[tuple[str, str]] = []
    for table, field in tables.items():
        old = {row.uuid for row in getattr(before, field)} if before else set()
        fresh.extend((table, row.uuid) for row in getattr(person, field) if row.uuid not in old)
    for table, uuid in fresh:
        if state.taken(table, uuid):
            raise duplicate(table, uuid)
    for table, uuid in fresh:
        state.claim(table, uuid)


def _fill(state: State, person: Person, body: Body) -> None:
    if "gender" in body:
        person.gender = text(body["gender"])
    if "voided" in body:
        person.voided = flag(body["voided"])
    _fill_birth(state, person, body)
    _fill_death(state, person, body)
    for each in maps(body, "names"):
        _merge_name(person, each)
    for each in maps(body, "addresses"):
        _merge_address(person, each)
    for each in maps(body, "attributes"):
        _merge_attribute(state, person, each)
    _one_preferred(person.names)
    _one_preferred(person.addresses)


def _fill_birth(state: State, person: Person, body: Body) -> None:
    zone = state.settings.zone
    if body.get("age") is not None:
        today = state.now().astimezone(zone).date()
        person.birthdate = date(today.year - int(body["age"]), 1, 1)
        person.birthdate_estimated = True
    if "birthdate" in body:
        value = body["birthdate"]
        person.birthdate = None if value is None else dates.read_date(value, zone)
    if body.get("birthdateEstimated") is not None:
        person.birthdate_estimated = flag(body["birthdateEstimated"])


def _fill_death(state: State, person: Person, body: Body) -> None:
    if "dead" in body:
        person.dead = flag(body["dead"])
    if "deathDate" in body:
        value = body["deathDate"]
        person.death_date = None if value is None else dates.read(value, state.settings.zone)
    if "causeOfDeath" in body:
        cause = find(state.concepts, body["causeOfDeath"])
        person.cause_of_death = cause.uuid if cause else None


def _merge_name(person: Person, body: Body) -> None:
    uuid = given_uuid(body)
    name = next((row for row in person.names if row.uuid == uuid), None)
    if name is None:
        name = Name(uuid or str(uuid4()))
        person.names.append(name)
    for key, field in NAME_PROPERTIES.items():
        if key in body:
            setattr(name, field, text(body[key]))
    _flags(name, body)


def _merge_address(person: Person, body: Body) -> None:
    uuid = given_uuid(body)
    address = next((row for row in person.addresses if row.uuid == uuid), None)
    if address is None:
        address = Address(uuid or str(uuid4()))
        person.addresses.append(address)
    for key in ADDRESS_PARTS:
        if key in body:
            address.parts[key] = text(body[key])
    _flags(address, body)


def _flags(row: Name | Address, body: Body) -> None:
    if body.get("preferred") is not None:
        row.preferred = flag(body["preferred"])
    if body.get("voided") is not None:
        row.voided = flag(body["voided"])


def _one_preferred(rows: list[Name] | list[Address]) -> None:
    """The first preferred row wins; without one the first row that is not voided."""
    live = [row for row in rows if not row.voided]
    chosen = next((row for row in live if row.preferred), live[0] if live else None)
    for row in rows:
        row.preferred = row is chosen


def _merge_attribute(state: State, person: Person, body: Body) -> None:
    kind = find_named(state.person_attribute_types, body.get("attributeType"))
    if kind is None and (uuid := given_uuid(body)):
        row = next((row for row in person.attributes if row.uuid == uuid), None)
        kind = state.person_attribute_types.get(row.type) if row else None
    if kind is None:
        raise bad_value("attributes", JAVA_PERSON, "attributeType cannot be null")
    value = attribute_value(state, kind.format, body.get("value"))
    set_attribute(state, person, kind.uuid, value, given_uuid(body))


def set_attribute(state: State, person: Person, kind: str, value: Any, uuid: str | None = None) -> bool:
    """Give the attribute of a type another value: the old row is voided. True if it changed."""
    live = [row for row in person.attributes if row.type == kind and not row.voided]
    if live and live[0].value == value and type(live[0].value) is type(value):
        return False
    for row in live:
        row.voided, row.date_voided = True, dates.whole_second(state.now())
    if value is None:
        return bool(live)
    known = {row.uuid for row in person.attributes}
    fresh = uuid if uuid and uuid not in known else str(uuid4())
    person.attributes.append(Attribute(fresh, kind, value))
    return True


def attribute_value(state: State, java: str, value: Any) -> str | bool | int | float | None:
    """A posted attribute value in the type's own kind. Raises 400 for an unknown concept."""
    if value is None or value == "":
        return None
    if java in ("org.openmrs.Concept", "org.openmrs.Location"):
        table: dict[str, Any] = state.concepts if java.endswith("Concept") else state.locations
        row = find(table, value)
        if row is None:
            raise bad_value("attributes", JAVA_PERSON, "the referenced object does not exist")
        return str(row.uuid)
    try:
        return _ATTRIBUTE_READERS.get(java, str)(value)
    except (TypeError, ValueError):
        raise bad_value("attributes", JAVA_PERSON, "not a number") from None


_ATTRIBUTE_READERS: dict[str, Callable[[Any], str | bool | int | float]] = {
    "java.lang.Boolean": flag,
    "java.lang.Integer": int,
    "java.lang.Float": float,
    "java.lang.Double": float,
    ATTRIBUTABLE_DATE: lambda value: str(value)[:10],
}


def validate_person(state: State, person: Person) -> None:
    """Raise the validation error of the first complaints there are."""
    complaints = [*_name_complaints(state, person), *_date_complaints(state, person)]
    if not person.gender:
        complaints.append(("gender", "Person.gender.required"))
    if complaints:
        raise invalid(*complaints)


def _name_complaints(state: State, person: Person) -> list[tuple[str, str]]:
    live = [name for name in person.names if not name.voided]
    if not live and not person.voided:
        return [("names", "Patient.names.required.given.family")]
    pattern = state.settings.name_pattern
    found: list[tuple[str, str]] = []
    for index, name in enumerate(live):
        if not (name.given_name or "").strip():
            found.append((f"names[{index}]", "Patient.names.required.given.family"))
        for key, field in NAME_PROPERTIES.items():
            part = getattr(name, field)
            if pattern and part and not re.search(pattern, part):
                code = f"{key[0].upper()}{key[1:].rstrip('2')}.invalid"
                found.append((f"names[{index}].{key}", code))
    return found


def _date_complaints(state: State, person: Person) -> list[tuple[str, str]]:
    if person.birthdate is None:
        return []
    now = state.now().astimezone(state.settings.zone).date()
    if person.birthdate > now:
        return [("birthdate", "error.date.future")]
    if person.birthdate.year < now.year - state.settings.oldest_age:
        return [("birthdate", "error.date.nonsensical")]
    return []
