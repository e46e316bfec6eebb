"""Mappings and records in memory, as the translators get them: no database, no server."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.subject_plan import Policy
from bahmni.same_person import Likeness
from mappings.snapshot import Entry, Pair, Snapshot

NAMESPACE = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
ZONE = ZoneInfo("Asia/Kolkata")
LIKENESS = Likeness(0.7, 2)
POLICY = Policy(NAMESPACE, LIKENESS)
NUMBER = "Sangam Number"
MARKER = "Bahmni Entity UUID [Bahmni]"
PREFIX = "TRI"
VISIT = "Household visit"
"""An encounter type of Avni."""
PROGRAM, CHECK_UP = "Pregnancy", "ANC visit"
"""A program of Avni, and a type of its encounters."""

KINDS = {
    "Marital status": "Coded",
    "Medical problems": "Coded",
    "Height": "Numeric",
    "Weight": "Numeric",
    "Occupation": "Text",
    "Remarks": "Text",
    "Marriage date": "Date",
    "Last visit": "Date",
    "Seen at": "DateTime",
}
ANSWERS = {
    "Marital status": ("Married", "Unmarried", "Widowed"),
    "Medical problems": ("Asthma", "Diabetes", "Anaemia", "None"),
}
ATTRIBUTES = {
    "Caste": "",
    "Family size": "Numeric",
    "Since": "Date",
    "Class": "Coded",
    "Literate": "Coded",
}
CLASSES = ("General", "Backward")


def uuid_of(name: str) -> str:
    """The uuid a name has in these tests."""
    return str(uuid5(NAMESPACE, name))


def snapshot() -> Snapshot:
    """All mappings and constants both streams need, and questions of every kind."""
    table: dict[Pair, list[Entry]] = {
        v.IDENTIFIER_CONCEPT: [Entry(NUMBER, "Patient Identifier", "")],
        v.REGISTRATION_ENCOUNTER_TYPE: [Entry("", uuid_of("encounter type"), "")],
        v.REGISTRATION_FORM: [Entry("", uuid_of("form"), "")],
        v.MARKER_CONCEPT: [Entry("", uuid_of("marker"), "")],
        v.EVENT_DATE_CONCEPT: [Entry("", uuid_of("event date"), "")],
        v.VISIT_MARKER: [Entry("", uuid_of("visit marker"), "")],
        v.VISIT_EVENT_DATE: [Entry("", uuid_of("visit event date"), "")],
        v.BAHMNI_MARKER_CONCEPT: [Entry(MARKER, "", "")],
        v.GENERAL_ENCOUNTER_TYPE: [Entry(VISIT, uuid_of("visit encounter type"), "")],
        v.GENERAL_ENCOUNTER_FORM: [Entry(VISIT, uuid_of("visit form"), "")],
        v.PROGRAM_DATA_CONCEPT: [Entry("", uuid_of("program data"), "")],
        v.ENROLMENT_TYPE: [Entry(PROGRAM, uuid_of("enrolment type"), "")],
        v.ENROLMENT_FORM: [Entry(PROGRAM, uuid_of("enrolment form"), "")],
        v.EXIT_TYPE: [Entry(PROGRAM, uuid_of("exit type"), "")],
        v.EXIT_FORM: [Entry(PROGRAM, uuid_of("exit form"), "")],
        v.PROGRAM_VISIT_TYPE: [Entry(PROGRAM, uuid_of("program visit type"), "")],
        v.PROGRAM_ENCOUNTER_TYPE: [Entry(CHECK_UP, uuid_of("program encounter type"), "")],
        v.PROGRAM_ENCOUNTER_FORM: [Entry(CHECK_UP, uuid_of("program encounter form"), "")],
        v.CONCEPT: [Entry(name, uuid_of(name), kind) for name, kind in KINDS.items()]
        + [Entry(answer, uuid_of(answer), "") for answers in ANSWERS.values() for answer in answers]
        + [Entry(name, uuid_of(name), "") for name in CLASSES]
        + [Entry("Yes", "true", ""), Entry("No", "false", "")],
        v.PERSON_ATTRIBUTE: [Entry(f"{name} [HP]", uuid_of(name), kind) for name, kind in ATTRIBUTES.items()],
    }
    constants = {
        v.IDENTIFIER_PREFIX: PREFIX,
        v.PROVIDER: uuid_of("provider"),
        v.ENCOUNTER_ROLE: uuid_of("role"),
        v.LOCATION: uuid_of("location"),
        v.IDENTIFIER_TYPE: uuid_of("identifier type"),
        v.VISIT_TYPE: uuid_of("visit type"),
        v.SUBJECT_TYPE: "Individual",
    }
    groups_of_many = ("ProgramEnrolment", "ProgramEncounter", "GeneralEncounter", "Observation")
    singles = {
        pair: entries[0]
        for pair, entries in table.items()
        if pair[0] not in groups_of_many and pair != v.PERSON_ATTRIBUTE
    }
    return Snapshot(
        MappingProxyType({pair: {entry.avni_value: entry for entry in rows} for pair, rows in table.items()}),
        MappingProxyType({pair: {entry.int_system_value: entry for entry in rows} for pair, rows in table.items()}),
        MappingProxyType(singles),
        MappingProxyType({key: (value,) for key, value in constants.items()}),
    )


def subject(number: Any = "1001", **more: Any) -> dict[str, Any]:
    """A subject as Avni's version 2 writes it; `observations` are laid over the usual ones."""
    usual = {"First name": "Asha", "Last name": "Devi", "Gender": "Female", "Date of birth": "1990-04-01"}
    return {
        "ID": more.pop("id", None) or uuid_of(f"subject {number}"),
        "Voided": more.pop("voided", False),
        "Registration date": more.pop("registered", "2026-01-05"),
        "observations": {**usual, NUMBER: number, **more.pop("observations", {})},
        "audit": {
            "Created at": "2026-01-05T06:00:00.000Z",
            "Last modified at": more.pop("modified", "2026-01-05T06:00:00.000Z"),
        },
        **more,
    }


def encounter(subject_id: str, **more: Any) -> dict[str, Any]:
    """A general encounter of a subject as Avni's version 2 writes it, held at noon of 10 January 2026 in India."""
    return {
        "ID": more.pop("id", None) or uuid_of(f"encounter of {subject_id}"),
        "Subject ID": subject_id,
        "Voided": more.pop("voided", False),
        "Encounter type": more.pop("kind", VISIT),
        "Encounter date time": more.pop("at", "2026-01-10T06:30:00.000Z"),
        "Earliest scheduled date": None,
        "Cancel date time": None,
        "observations": more.pop("observations", {}),
        "cancelObservations": {},
        "audit": {
            "Created at": "2026-01-10T07:00:00.000Z",
            "Last modified at": more.pop("modified", "2026-01-10T07:00:00.000Z"),
        },
        **more,
    }


def enrolment(subject_id: str, **more: Any) -> dict[str, Any]:
    """An enrolment of a subject as Avni's version 2 writes it, begun at noon of 10 January 2026 in India."""
    return {
        "ID": more.pop("id", None) or uuid_of(f"enrolment of {subject_id}"),
        "Subject ID": subject_id,
        "Voided": more.pop("voided", False),
        "Program": more.pop("program", PROGRAM),
        "Enrolment datetime": more.pop("at", "2026-01-10T06:30:00.000Z"),
        "Exit datetime": more.pop("exited", None),
        "observations": more.pop("observations", {}),
        "exitObservations": more.pop("exit_observations", {}),
        "encounters": more.pop("encounters", []),
        "audit": {
            "Created at": "2026-01-10T07:00:00.000Z",
            "Last modified at": more.pop("modified", "2026-01-10T07:00:00.000Z"),
        },
        **more,
    }


def program_encounter(subject_id: str, enrolment_id: str, **more: Any) -> dict[str, Any]:
    """An encounter in an enrolment as Avni's version 2 writes it, held like `encounter`."""
    usual = {"kind": CHECK_UP, "id": uuid_of(f"encounter in {enrolment_id}")}
    return encounter(subject_id, **{"Enrolment ID": enrolment_id, "Program": PROGRAM, **usual, **more})


def patient(number: str = "1001", **more: Any) -> dict[str, Any]:
    """A patient as OpenMRS renders what the stream asks for; `attributes` by name."""
    voided = more.pop("voided", False)
    rows = [
        {"value": value, "voided": False, "attributeType": {"uuid": uuid_of(name), "display": name}}
        for name, value in more.pop("attributes", {}).items()
    ]
    number_row = {
        "identifier": PREFIX + number,
        "identifierType": {"uuid": uuid_of("identifier type")},
        "preferred": True,
        "voided": voided,
    }
    return {
        "uuid": more.pop("uuid", uuid_of(f"patient {number}")),
        "voided": voided,
        "identifiers": [number_row],
        "person": {
            "gender": "F",
            "birthdate": "1990-04-01T00:00:00.000+0530",
            "preferredName": {"givenName": "Asha", "familyName": "Devi"},
            "attributes": rows,
        },
        "auditInfo": {"dateCreated": "2026-01-05T11:30:00.000+0530"},
        **more,
    }


def coded(name: str) -> dict[str, str]:
    """A coded attribute's value as OpenMRS renders it."""
    return {"uuid": uuid_of(name), "display": name}
