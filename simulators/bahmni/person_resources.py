"""The look of persons and patients (openmrs.md O37, O44)."""

from __future__ import annotations

from typing import Any

from simulators.bahmni import dates
from simulators.bahmni.metadata_resources import (
    CONCEPT,
    IDENTIFIER_TYPE,
    LOCATION,
    PERSON_ATTRIBUTE_TYPE,
)
from simulators.bahmni.model import Address, Attribute, Identifier, Name, Patient, Person
from simulators.bahmni.persons import ADDRESS_PARTS, ATTRIBUTABLE_DATE
from simulators.bahmni.rendering import (
    Node,
    Property,
    Renderer,
    Resource,
    column,
    live,
    moment,
    node,
    shown,
    to_row,
)
from simulators.bahmni.representation import DEFAULT, FULL, REF, Rep

__all__ = ["IDENTIFIER", "PATIENT", "PERSON"]

# person


def _full_name(name: Name | None) -> str:
    if name is None:
        return ""
    parts = (name.given_name, name.middle_name, name.family_name, name.family_name2)
    return " ".join(part for part in parts if part)


def _preferred(rows: list[Any]) -> Any:
    live = [row for row in rows if not row.voided]
    return next((row for row in live if row.preferred), live[0] if live else None)


def _person_display(r: Renderer, person: Person) -> str:
    return _full_name(_preferred(person.names))


def _age(r: Renderer, n: Node) -> int | None:
    born = n.row.birthdate
    if born is None:
        return None
    last = n.row.death_date or r.state.now()
    day = last.astimezone(r.state.settings.zone).date()
    return int(day.year - born.year - ((day.month, day.day) < (born.month, born.day)))


def _birthdate(r: Renderer, n: Node) -> str | None:
    if n.row.birthdate is None:
        return None
    return r.date(dates.midnight(n.row.birthdate, r.state.settings.zone))


def _attribute_type(r: Renderer, row: Attribute) -> Any:
    return r.state.person_attribute_types[row.type]


def _attribute_value(r: Renderer, n: Node) -> Any:
    row = n.row
    form = _attribute_type(r, row).format
    if form == "org.openmrs.Concept":
        return _as_ref(r, node(CONCEPT, r.state.concepts.get(row.value or "")))
    if form == "org.openmrs.Location":
        return _as_ref(r, node(LOCATION, r.state.locations.get(row.value or "")))
    if form == ATTRIBUTABLE_DATE and row.value is not None:
        return r.date(dates.read(row.value, r.state.settings.zone))
    return row.value


def _as_ref(r: Renderer, item: Node | None) -> dict[str, Any] | None:
    return r.render(item, REF) if item else None


def _attribute_display(r: Renderer, row: Attribute) -> str | None:
    kind = _attribute_type(r, row)
    if row.value is None:
        return None
    if kind.format.startswith("org.openmrs."):
        table: Any = r.state.concepts if kind.format.endswith("Concept") else r.state.locations
        target = table.get(row.value)
        return str(target.name) if target else None
    value = str(row.value).lower() if isinstance(row.value, bool) else row.value
    return f"{kind.name} = {value}"


NAME = Resource(
    "name",
    "org.openmrs.PersonName",
    "1.8",
    lambda r, row: _full_name(row),
    {
        "givenName": column("given_name"),
        "middleName": column("middle_name"),
        "familyName": column("family_name"),
        "familyName2": column("family_name2"),
        "preferred": column("preferred"),
    },
    shown("display uuid givenName middleName familyName familyName2 voided"),
    shown("display uuid givenName middleName familyName familyName2 preferred voided"),
    below="person",
)


def _part(name: str) -> Property:
    return lambda r, n: n.row.parts.get(name)


def _address_display(r: Renderer, row: Address) -> str | None:
    return row.parts.get("address1")


_ADDRESS_SHOWN = shown(" ".join(["display uuid preferred", *ADDRESS_PARTS, "voided"]))
ADDRESS = Resource(
    "address",
    "org.openmrs.PersonAddress",
    "2.0",
    _address_display,
    {"preferred": column("preferred"), **{name: _part(name) for name in ADDRESS_PARTS}},
    _ADDRESS_SHOWN,
    _ADDRESS_SHOWN,
    below="person",
)
_ATTRIBUTE_SHOWN: dict[str, Rep] = {
    **shown("display uuid value"),
    "attributeType": REF,
    "voided": DEFAULT,
}
ATTRIBUTE = Resource(
    "attribute",
    "org.openmrs.PersonAttribute",
    "1.8",
    _attribute_display,
    {
        "value": _attribute_value,
        "attributeType": to_row(PERSON_ATTRIBUTE_TYPE, "person_attribute_types", "type"),
    },
    _ATTRIBUTE_SHOWN,
    _ATTRIBUTE_SHOWN,
    below="person",
)
_PERSON_PLAIN = "uuid display gender age birthdate birthdateEstimated dead deathDate"
_PERSON_TAIL = "voided birthtime deathdateEstimated"
PERSON = Resource(
    "person",
    "org.openmrs.Person",
    "1.11",
    _person_display,
    {
        "gender": column("gender"),
        "age": _age,
        "birthdate": _birthdate,
        "birthdateEstimated": column("birthdate_estimated"),
        "birthtime": column("birthtime"),
        "dead": column("dead"),
        "deathDate": moment("death_date"),
        "deathdateEstimated": column("death_date_estimated"),
        "causeOfDeath": to_row(CONCEPT, "concepts", "cause_of_death"),
        "preferredName": lambda r, n: node(NAME, _preferred(n.row.names), n.row),
        "preferredAddress": lambda r, n: node(ADDRESS, _preferred(n.row.addresses), n.row),
        "names": lambda r, n: live(n.row.names, NAME, n.row),
        "addresses": lambda r, n: live(n.row.addresses, ADDRESS, n.row),
        "attributes": lambda r, n: live(n.row.attributes, ATTRIBUTE, n.row),
    },
    {
        **shown(_PERSON_PLAIN),
        **shown("causeOfDeath preferredName preferredAddress attributes", REF),
        **shown(_PERSON_TAIL),
    },
    {
        **shown(_PERSON_PLAIN),
        "causeOfDeath": REF,
        **shown("preferredName preferredAddress names addresses attributes"),
        **shown(f"{_PERSON_TAIL} auditInfo"),
    },
)


# patient


def _patient_display(r: Renderer, patient: Patient) -> str:
    identifier = r.state.preferred_identifier(patient)
    name = _person_display(r, r.state.persons[patient.uuid])
    return f"{identifier.identifier} - {name}" if identifier else name


def _identifier_display(r: Renderer, row: Identifier) -> str:
    return f"{r.state.identifier_types[row.type].name} = {row.identifier}"


_IDENTIFIER_SHOWN: dict[str, Rep] = {
    **shown("display uuid identifier"),
    **shown("identifierType location", REF),
    **shown("preferred voided"),
}
IDENTIFIER = Resource(
    "identifier",
    "org.openmrs.PatientIdentifier",
    "1.8",
    _identifier_display,
    {
        "identifier": column("identifier"),
        "identifierType": to_row(IDENTIFIER_TYPE, "identifier_types", "type"),
        "location": to_row(LOCATION, "locations", "location"),
        "preferred": column("preferred"),
    },
    _IDENTIFIER_SHOWN,
    {**_IDENTIFIER_SHOWN, "auditInfo": DEFAULT},
    below="patient",
)
PATIENT = Resource(
    "patient",
    "org.openmrs.Patient",
    "1.8",
    _patient_display,
    {
        "identifiers": lambda r, n: live(n.row.identifiers, IDENTIFIER, n.row),
        "person": to_row(PERSON, "persons", "uuid"),
    },
    {**shown("uuid display"), "identifiers": REF, **shown("person voided")},
    {
        **shown("uuid display identifiers"),
        "person": FULL,
        **shown("voided auditInfo"),
    },
)
