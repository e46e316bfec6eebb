"""The right end state, brought about by hand through the simulators: no line of the product has a part in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulators.avni.rows import SubjectRow
from simulators.avni.times import indian_day, to_ms
from simulators.bahmni import encounters
from simulators.bahmni.model import Patient
from simulators.scenario import Scenario, design

Obs = dict[str, Any]
BY_NAME = {question.name: question for question in design.QUESTIONS}
GENDER = {"Female": "F", "Male": "M", "Other": "U"}


def hand_over(made: Scenario) -> None:
    """Write to both servers, under our accounts, what a faultless service would have written."""
    stuck = {planted.source_id for planted in made.planted}
    for subject in list(made.avni.subjects.values()):
        if not subject.voided and subject.uuid not in stuck:
            register_in_bahmni(made, subject)
    for patient in list(made.bahmni.patients.values()):
        if patient.uuid not in stuck and patient.identifiers[0].identifier.startswith(design.PREFIX):
            register_in_avni(made, patient)


def register_in_bahmni(made: Scenario, subject: SubjectRow) -> None:
    """Patient, visit and encounter of a subject."""
    store, ours = made.bahmni.as_user(made.pairs.hospital.user), made.pairs.hospital
    identifier = design.PREFIX + subject.observations[made.pairs.number]
    patient = holder(made, identifier)
    if patient is None:
        patient = store.hospital_create_patient(
            subject.first_name or "",
            subject.last_name or "",
            identifier,
            identifier_type=ours.identifier_type,
            gender=GENDER[subject.gender or ""],
            birthdate=subject.date_of_birth or "",
        ).uuid
    attributes = [
        {"attributeType": ours.visit_marker, "value": subject.uuid},
        {"attributeType": ours.visit_event_date, "value": subject.registration_date},
    ]
    visit = store.hospital_create_visit(
        patient=patient, visitType=ours.visit_type, location=ours.location, startDatetime=subject.registration_date,
        attributes=attributes,
    )  # fmt: skip
    body = {
        "patient": patient,
        "encounterType": ours.encounter_type,
        "location": ours.location,
        "visit": visit.uuid,
        "encounterDatetime": subject.registration_date,
        "encounterProviders": [{"provider": ours.provider, "encounterRole": ours.role}],
        "obs": [{"concept": ours.form, "groupMembers": answers(made, subject)}],
    }
    encounters.create_encounter(store, body)
    store.as_user(None)


def answers(made: Scenario, subject: SubjectRow) -> list[Obs]:
    """The observations of a registration, question by question."""
    names = {
        concept.uuid: concept.name for concept in made.avni.organisation(made.pairs.organisation).concepts.values()
    }
    members: list[Obs] = [
        {"concept": made.pairs.hospital.marker, "value": subject.uuid},
        {"concept": made.pairs.hospital.event_date, "value": subject.registration_date},
        {"concept": concept(made, "First name"), "value": subject.first_name},
        {"concept": concept(made, "Last name"), "value": subject.last_name},
        {"concept": concept(made, "Date of birth"), "value": subject.date_of_birth},
        {"concept": concept(made, "Gender"), "value": subject.gender},
    ]
    for uuid, value in subject.observations.items():
        question = BY_NAME.get(names[uuid])
        if question is None or (question.kind == "Text" and not value.strip()):
            continue
        for one in value if question.many else [value]:
            told = concept(made, names[one]) if question.kind == "Coded" else one
            told = indian_day(told) if question.kind == "Date" else told
            members.append({"concept": concept(made, question.name), "value": told})
    return members


def register_in_avni(made: Scenario, patient: Patient) -> None:
    """The registration encounter of a patient."""
    number = patient.identifiers[0].identifier.removeprefix(design.PREFIX)
    owner = next(row.uuid for row in made.avni.subjects.values() if row.observations.get(made.pairs.number) == number)
    observations: dict[str, Any] = {"Bahmni Entity UUID [Bahmni]": patient.uuid}
    for one in design.ATTRIBUTES:
        kind = made.ids("bahmni", "attribute", one.name)
        for row in made.bahmni.persons[patient.uuid].attributes:
            if row.type == kind and not row.voided:
                observations[design.in_avni(one)] = shown_in_avni(made, one, row.value)
    assert patient.audit.date_created
    made.avni.put_encounter(
        encounter_type=design.HOSPITAL_REGISTRATION,
        subject=owner,
        observations=observations,
        by=made.pairs.avni_user,
        encounter_ms=to_ms(patient.audit.date_created),
    )


def shown_in_avni(made: Scenario, one: design.Attribute, value: Any) -> Any:
    """A person attribute as Avni writes it."""
    if isinstance(value, bool):
        return "True [H]" if value else "False [H]"
    if one.kind == "Coded":
        return design.as_hospital_answer(made.bahmni.concepts[value].name)
    if one.kind == "Date":
        day = datetime.fromisoformat(value).date()
        return f"{day.fromordinal(day.toordinal() - 1).isoformat()}T18:30:00.000Z"
    return value


def holder(made: Scenario, identifier: str) -> str | None:
    """Uuid of the patient with the identifier."""
    rows = made.bahmni.patients.values()
    return next((row.uuid for row in rows if any(one.identifier == identifier for one in row.identifiers)), None)


def concept(made: Scenario, name: str) -> str:
    """The OpenMRS concept of a question or answer of Avni."""
    return made.ids("bahmni", "concept", name)
