"""Taking a real `v=full` patient document into the store as it is.

Documents of different releases differ: attributes come with a display and a plain value, with
a concept as `{uuid, display}`, or as a label beside a `hydratedObject`. What a document names
and the store does not know (types, concepts, users) is entered along the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from simulators.bahmni import dates
from simulators.bahmni.model import (
    Address,
    Attribute,
    Audit,
    Concept,
    Identifier,
    IdentifierType,
    Location,
    Name,
    Patient,
    Person,
    PersonAttributeType,
    User,
)
from simulators.bahmni.persons import ADDRESS_PARTS, ATTRIBUTABLE_DATE, NAME_PROPERTIES, adopt
from simulators.bahmni.state import State

__all__ = ["read_patient"]

Document = Mapping[str, Any]


def read_patient(state: State, document: Document) -> Patient:
    """Store the patient of a document, bare or wrapped in {"patient": …}; no feed event.

    Raises `ApiError` 500 when the patient or one of its parts is there already.
    """
    document = document.get("patient", document)
    body = document["person"]
    person = Person(document["uuid"], audit=_audit(state, body.get("auditInfo")))
    _demographics(state, person, body)
    person.names = [_name(each, body) for each in body.get("names") or []]
    person.addresses = [_address(each, body) for each in body.get("addresses") or []]
    person.attributes = [_attribute(state, each) for each in body.get("attributes") or []]
    adopt(state, person, None)
    state.insert_person(person)
    patient = Patient(
        document["uuid"],
        voided=document.get("voided", False),
        audit=_audit(state, document.get("auditInfo")),
    )
    rows = [_identifier(state, each, patient) for each in document["identifiers"]]
    state.insert_patient(patient, rows)
    return patient


def _demographics(state: State, person: Person, body: Document) -> None:
    zone = state.settings.zone
    person.gender = body.get("gender")
    if body.get("birthdate"):
        person.birthdate = dates.read_date(body["birthdate"], zone)
    person.birthdate_estimated = body.get("birthdateEstimated", False)
    person.birthtime = body.get("birthtime")
    person.dead = body.get("dead", False)
    if body.get("deathDate"):
        person.death_date = dates.read(body["deathDate"], zone)
    person.death_date_estimated = body.get("deathdateEstimated", False)
    if body.get("causeOfDeath"):
        person.cause_of_death = _concept(state, body["causeOfDeath"])
    person.voided = body.get("voided", False)


def _name(body: Document, person: Document) -> Name:
    name = Name(body.get("uuid") or str(uuid4()), voided=body.get("voided", False))
    for key, field in NAME_PROPERTIES.items():
        setattr(name, field, body.get(key))
    name.preferred = (person.get("preferredName") or {}).get("uuid") == name.uuid
    return name


def _address(body: Document, person: Document) -> Address:
    row = Address(body.get("uuid") or str(uuid4()), voided=body.get("voided", False))
    row.parts = {part: body[part] for part in ADDRESS_PARTS if body.get(part) is not None}
    row.preferred = bool(body.get("preferred"))
    return row


def _attribute(state: State, body: Document) -> Attribute:
    value, form = _attribute_value(state, body)
    kind = body["attributeType"]
    known = state.person_attribute_types.get(kind["uuid"])
    if known is None:
        name = kind.get("display") or kind["uuid"]
        known = PersonAttributeType(kind["uuid"], name, format=form)
        state.person_attribute_types[known.uuid] = known
    elif value is not None and form == "org.openmrs.Concept":
        known.format = form
    if known.format == ATTRIBUTABLE_DATE and value is not None:
        value = str(value)[:10]
    uuid = body.get("uuid") or str(uuid4())
    return Attribute(uuid, known.uuid, value, body.get("voided", False))


def _attribute_value(state: State, body: Document) -> tuple[str | bool | int | float | None, str]:
    """The stored value and the format of a type first met with it."""
    value = body.get("value")
    if isinstance(value, Mapping):
        return _concept(state, value), "org.openmrs.Concept"
    if body.get("hydratedObject"):
        reference = {"uuid": body["hydratedObject"], "display": value}
        return _concept(state, reference), "org.openmrs.Concept"
    if value is None:  # a concept that can no longer be resolved
        return None, "org.openmrs.Concept"
    return value, _FORMATS[type(value)]


_FORMATS = {
    bool: "java.lang.Boolean",
    int: "java.lang.Integer",
    float: "java.lang.Float",
    str: "java.lang.String",
}


def _concept(state: State, reference: Document) -> str:
    uuid = str(reference["uuid"])
    if uuid not in state.concepts:
        name = str(reference.get("display") or uuid)
        state.concepts[uuid] = Concept(uuid, name, name_uuid=str(uuid4()))
    return uuid


def _identifier(state: State, body: Document, patient: Patient) -> Identifier:
    kind = body["identifierType"]
    if kind["uuid"] not in state.identifier_types:
        state.identifier_types[kind["uuid"]] = IdentifierType(
            kind["uuid"], kind.get("display") or kind["uuid"], location_behavior="NOT_USED"
        )
    place = body.get("location")
    if place and place["uuid"] not in state.locations:
        state.locations[place["uuid"]] = Location(place["uuid"], place.get("display") or "")
    return Identifier(
        body.get("uuid") or str(uuid4()),
        body["identifier"],
        kind["uuid"],
        place["uuid"] if place else None,
        bool(body.get("preferred")),
        bool(body.get("voided")),
        Audit(patient.audit.creator, patient.audit.date_created),
    )


def _audit(state: State, body: Document | None) -> Audit:
    body = body or {}
    zone = state.settings.zone
    audit = Audit(_user(state, body.get("creator")))
    audit.changed_by = _user(state, body.get("changedBy"))
    for key, field in (
        ("dateCreated", "date_created"),
        ("dateChanged", "date_changed"),
        ("dateVoided", "date_voided"),
    ):
        if body.get(key):
            setattr(audit, field, dates.read(body[key], zone))
    audit.voided_by = _user(state, body.get("voidedBy"))
    audit.void_reason = body.get("voidReason")
    return audit


def _user(state: State, reference: Document | None) -> str | None:
    """A user a document names; entered without a way to log in."""
    if not reference:
        return None
    uuid = str(reference["uuid"])
    if uuid not in state.users:
        name = str(reference.get("display") or uuid)
        state.users[uuid] = User(uuid, name, "", str(uuid4()), name, [])
    return uuid
