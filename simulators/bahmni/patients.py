"""Patients and their identifiers (openmrs.md O38 to O43)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import uuid4

from simulators.bahmni.bodies import (
    Body,
    check_properties,
    find,
    find_named,
    flag,
    given_uuid,
    maps,
)
from simulators.bahmni.dates import whole_second
from simulators.bahmni.errors import (
    bad_request,
    bad_value,
    duplicate,
    illegal_properties,
    invalid,
    server_error,
)
from simulators.bahmni.model import Identifier, Patient
from simulators.bahmni.persons import adopt, apply_person, draft_person, person_parts, validate_person
from simulators.bahmni.state import State
from simulators.bahmni.visits import unvoid_visit, void_visit

__all__ = [
    "create_patient",
    "save_identifier",
    "unvoid_patient",
    "update_identifier",
    "update_patient",
    "void_identifier",
    "void_patient",
]

JAVA_IDENTIFIER = "org.openmrs.PatientIdentifier"
PATIENT_DELETED = "Patient deleted"


def create_patient(state: State, body: Body) -> Patient:
    """POST /patient: person and identifiers in one go, and a feed event."""
    person_uuid = given_uuid(body.get("person"))
    allowed = {"person", "identifiers"}
    if body.get("uuid") is not None and body["uuid"] == person_uuid:
        allowed.add("uuid")
    check_properties(body, allowed)
    if body.get("person") is None:
        raise bad_request("The person property is missing", "PatientResource1_8:207")
    if not maps(body, "identifiers"):
        raise bad_request("The identifiers property is missing", "PatientResource1_8:210")
    if isinstance(body["person"], Mapping):
        return _create_with_person(state, body)
    person = find(state.persons, body["person"])
    if person is None:
        raise bad_request("The person property is missing", "PatientResource1_8:207")
    patient = state.patients.get(person.uuid)
    rows = _identifiers(state, body, person.uuid)
    validate_person(state, person)
    if patient is None:
        patient = Patient(person.uuid, audit=state.created())
        state.insert_patient(patient, rows)
    else:  # nothing stops a repeat: a second identical row, or a duplicate key if it has a uuid
        _insert_all(state, patient, rows)
    state.patient_saved(patient.uuid)
    return patient


def _create_with_person(state: State, body: Body) -> Patient:
    if given_uuid(body["person"]) in state.persons:
        raise server_error(
            "a different object with the same identifier value was already associated with the "
            "session : [org.openmrs.Patient#1]",
            "org.springframework.orm.hibernate5.SessionFactoryUtils:213",
        )
    person = draft_person(state, body["person"])
    validate_person(state, person)
    rows = _identifiers(state, body, person.uuid)
    for row in rows:
        if row.uuid in state.identifiers:
            raise duplicate("patient_identifier", row.uuid)
    adopt(state, person, None)
    state.insert_person(person)
    patient = Patient(person.uuid, audit=state.created())
    state.insert_patient(patient, rows)
    state.patient_saved(patient.uuid)
    return patient


def update_patient(state: State, patient: Patient, body: Body) -> None:
    """POST /patient/{uuid}: the person's part only; PatientService.savePatient, so an event."""
    person = body.get("person")
    if "identifiers" in body:
        raise bad_value(
            "identifiers",
            "org.openmrs.Patient",
            "Identifiers can only be set for newly created objects!",
        )
    check_properties(body, {"person", "voided", "uuid"})
    if "uuid" in body and body["uuid"] != patient.uuid:
        raise illegal_properties(["uuid"])
    if isinstance(person, Mapping):
        if given_uuid(person) not in (None, patient.uuid):
            raise illegal_properties(["uuid"])
        apply_person(state, state.persons[patient.uuid], person)
    if "voided" in body:
        patient.voided = flag(body["voided"])
    state.touch(patient.audit)
    state.touch(state.persons[patient.uuid].audit)
    state.patient_saved(patient.uuid)


def void_patient(state: State, patient: Patient, reason: str) -> None:
    """DELETE: the patient, its identifiers, its person's data, its visits. No feed event."""
    if patient.voided:
        return
    for visit in state.visits_of(patient.uuid):
        void_visit(state, visit, PATIENT_DELETED)
    now = whole_second(state.now())
    patient.voided = True
    state.strike(patient.audit, reason)
    for row in patient.identifiers:
        if not row.voided:
            row.voided = True
            state.strike(row.audit, reason)
    person = state.persons[patient.uuid]
    person.voided = True
    state.strike(person.audit, reason)
    for part in person_parts(person):
        if not part.voided:
            part.voided, part.date_voided = True, now
    state.renamed(person)


def unvoid_patient(state: State, patient: Patient) -> None:
    """POST {"deleted": "false"}: what went with the patient comes back, with a feed event."""
    when = patient.audit.date_voided
    person = state.persons[patient.uuid]
    patient.voided = person.voided = False
    state.unstrike(patient.audit)
    state.unstrike(person.audit)
    for row in patient.identifiers:
        if row.audit.date_voided == when:
            row.voided = False
            state.unstrike(row.audit)
    for part in person_parts(person):
        if part.date_voided == when:
            part.voided, part.date_voided = False, None
    for visit in state.visits_of(patient.uuid):
        if visit.audit.void_reason == PATIENT_DELETED and visit.audit.date_voided == when:
            unvoid_visit(state, visit)
    state.renamed(person)
    state.patient_saved(patient.uuid)


def save_identifier(state: State, patient: Patient, body: Body) -> Identifier:
    """POST /patient/{uuid}/identifier. No feed event, no trace in any audit but its own."""
    check_properties(
        body,
        {"identifier", "identifierType", "location", "preferred", "uuid"},
        ("identifier", "identifierType"),
    )
    row = _identifier(state, body)
    _validate(state, patient.uuid, row)
    if row.preferred:
        _prefer(patient, row)
    state.insert_identifier(patient, row)
    return row


def update_identifier(state: State, patient: Patient, row: Identifier, body: Body) -> None:
    """POST /patient/{uuid}/identifier/{uuid}. No feed event."""
    check_properties(
        body,
        {"identifier", "identifierType", "location", "preferred", "voided", "uuid"},
    )
    merged = {
        "identifier": row.identifier,
        "identifierType": row.type,
        "location": row.location,
        **body,
        "uuid": row.uuid,
    }
    draft = _identifier(state, merged)
    _validate(state, patient.uuid, draft)
    state.rewrite_identifier(patient, row, draft.identifier, draft.type)
    row.location = draft.location
    if "preferred" in body:
        row.preferred = draft.preferred
        if row.preferred:
            _prefer(patient, row)
    if "voided" in body:
        row.voided = flag(body["voided"])
    state.touch(row.audit)


def void_identifier(state: State, row: Identifier, reason: str) -> None:
    """DELETE /patient/{uuid}/identifier/{uuid}. No feed event; prefix search still finds it."""
    if not row.voided:
        row.voided = True
        state.strike(row.audit, reason)


def _prefer(patient: Patient, chosen: Identifier) -> None:
    for row in patient.identifiers:
        row.preferred = row is chosen


def _insert_all(state: State, patient: Patient, rows: list[Identifier]) -> None:
    for row in rows:
        if row.uuid in state.identifiers:
            raise duplicate("patient_identifier", row.uuid)
    for row in rows:
        state.insert_identifier(patient, row)


def _identifiers(state: State, body: Body, patient: str) -> list[Identifier]:
    rows = [_identifier(state, each) for each in maps(body, "identifiers")]
    if sum(row.preferred for row in rows) > 1:
        raise bad_request("Only one identifier may be preferred", "PatientResource1_8:98")
    if not any(row.preferred for row in rows):
        rows[0].preferred = True
    for row in rows:
        _validate(state, patient, row)
    used = {row.type for row in rows}
    if any(kind.required and kind.uuid not in used for kind in state.identifier_types.values()):
        raise server_error(
            "org.openmrs.api.MissingRequiredIdentifierException: Patient is missing the following "
            "required identifier(s)"
        )
    return rows


def _identifier(state: State, body: Body) -> Identifier:
    kind = find_named(state.identifier_types, body.get("identifierType"))
    if kind is None:
        raise bad_value("identifierType", JAVA_IDENTIFIER, "the type does not exist")
    location = find(state.locations, body.get("location"))
    if location is None and body.get("location") is not None:
        raise bad_value("location", JAVA_IDENTIFIER, "the location does not exist")
    return Identifier(
        given_uuid(body) or str(uuid4()),
        str(body.get("identifier") or ""),
        kind.uuid,
        location.uuid if location else None,
        flag(body.get("preferred")),
        flag(body.get("voided")),
        state.created(),
    )


def _validate(state: State, patient: str, row: Identifier) -> None:
    kind = state.identifier_types[row.type]
    if not row.identifier.strip():
        raise invalid(("identifier", "PatientIdentifier.error.nullOrBlank"))
    if kind.format and not re.fullmatch(kind.format, row.identifier):
        raise invalid(("", f"Identifier {row.identifier} does not match : {kind.format}"))
    if kind.location_behavior != "NOT_USED" and row.location is None:
        raise invalid(("", f"Identifier {row.identifier} must have a location"))
    if kind.uniqueness_behavior != "NON_UNIQUE" and _in_use(state, patient, row):
        raise invalid(("", f"Identifier {row.identifier} already in use by another patient"))


def _in_use(state: State, patient: str, row: Identifier) -> bool:
    """An application check over other patients; no key in the database backs it."""
    by_location = state.identifier_types[row.type].uniqueness_behavior == "LOCATION"
    for holder in state.index.holders(row.type, row.identifier):
        other = state.patients[holder]
        if holder == patient or other.voided:
            continue
        for each in other.identifiers:
            same = each.type == row.type and each.identifier.lower() == row.identifier.lower()
            if same and not each.voided and (not by_location or each.location == row.location):
                return True
    return False
