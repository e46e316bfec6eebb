"""The right end state, brought about by hand through the simulators: no line of the product has a part in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from simulators.avni.rows import EncounterRow, SubjectRow
from simulators.avni.times import IST, from_ms, indian_day, iso, to_ms
from simulators.bahmni import encounters
from simulators.bahmni.model import Encounter, Patient
from simulators.bahmni.model import Obs as ObsRow
from simulators.bahmni.state import TRUE_CONCEPT
from simulators.comparer import Before, Finding, compare
from simulators.scenario import Scenario, Size, build, design, forms

Obs = dict[str, Any]
BY_NAME = {question.name: question for question in (*design.QUESTIONS, *forms.VISIT_QUESTIONS)}
ASKED = {question.name: question for question in forms.HOSPITAL_QUESTIONS}
TRAVEL = {visit.name for visit in forms.VISITS}
LEFT_OUT = {*forms.IGNORED_QUESTIONS, *forms.IGNORED_ANSWERS}
STAYS = {*forms.IGNORED_HOSPITAL_QUESTIONS, *forms.IGNORED_HOSPITAL_ANSWERS, *forms.UNMAPPED_HOSPITAL_QUESTIONS}
GENDER = {"Female": "F", "Male": "M", "Other": "U"}


class Case:
    """A scenario handed over by hand, with what both servers held before."""

    def __init__(self, seed: int, size: Size) -> None:
        self.made = build(seed=seed, size=size)
        self.before = Before(self.made.avni.dump(), self.made.bahmni.dump())
        hand_over(self.made)

    def findings(self) -> list[Finding]:
        """What the comparer says of the stores as they are now."""
        return compare(self.before, self.made.avni.dump(), self.made.bahmni.dump(), self.made)


def hand_over(made: Scenario) -> None:
    """Write to both servers, under our accounts, what a faultless service would have written."""
    stuck = {planted.source_id for planted in made.planted}
    for subject in list(made.avni.subjects.values()):
        if not subject.voided and subject.uuid not in stuck:
            register_in_bahmni(made, subject)
    for patient in list(made.bahmni.patients.values()):
        if patient.uuid not in stuck and patient.identifiers[0].identifier.startswith(design.PREFIX):
            register_in_avni(made, patient)
    stuck |= {waiting.source_id for waiting in made.waiting}
    for visit in list(made.avni.encounters.values()):
        if visit.kind in TRAVEL and visit.encounter_ms and not visit.voided and visit.uuid not in stuck:
            bring_to_bahmni(made, visit)
    for consultation in list(made.bahmni.encounters.values()):
        number = made.bahmni.patients[consultation.patient].identifiers[0].identifier
        if number.startswith(design.PREFIX) and not consultation.voided and consultation.uuid not in stuck:
            bring_to_avni(made, consultation)


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
    members: list[Obs] = [
        {"concept": made.pairs.hospital.marker, "value": subject.uuid},
        {"concept": made.pairs.hospital.event_date, "value": subject.registration_date},
        {"concept": concept(made, "First name"), "value": subject.first_name},
        {"concept": concept(made, "Last name"), "value": subject.last_name},
        {"concept": concept(made, "Date of birth"), "value": subject.date_of_birth},
        {"concept": concept(made, "Gender"), "value": subject.gender},
    ]
    return [*members, *answered(made, subject.observations)]


def bring_to_bahmni(made: Scenario, visit: EncounterRow) -> None:
    """A visit of the field team as an encounter in the registration visit."""
    store, ours = made.bahmni.as_user(made.pairs.hospital.user), made.pairs.hospital
    filed = made.pairs.visits[visit.kind]
    marked = (row for row in store.obs.values() if row.concept == ours.marker and row.value == visit.subject)
    marker = next(row for row in marked if not row.voided)
    registration = store.encounters[marker.encounter or ""]
    begins = store.visits[registration.visit or ""].start
    day = from_ms(visit.encounter_ms or 0).astimezone(IST).date()
    members: list[Obs] = [
        {"concept": ours.marker, "value": visit.uuid},
        {"concept": ours.event_date, "value": day.isoformat()},
        *answered(made, visit.observations),
    ]
    body = {
        "patient": registration.patient,
        "encounterType": filed.encounter_type,
        "location": ours.location,
        "visit": registration.visit,
        "encounterDatetime": max(day, begins.astimezone(IST).date()).isoformat(),
        "encounterProviders": [{"provider": ours.provider, "encounterRole": ours.role}],
        "obs": [{"concept": filed.form, "groupMembers": members}],
    }
    encounters.create_encounter(store, body)
    store.as_user(None)


def answered(made: Scenario, observations: dict[str, Any]) -> Iterator[Obs]:
    """What the field team was answered, question by question."""
    names = {
        concept.uuid: concept.name for concept in made.avni.organisation(made.pairs.organisation).concepts.values()
    }
    for uuid, value in observations.items():
        question = BY_NAME.get(names[uuid])
        if question is None or question.name in LEFT_OUT or (isinstance(value, str) and not value.strip()):
            continue
        for one in value if question.many else [value]:
            if question.kind == "Coded" and names[one] in LEFT_OUT:
                continue
            told = concept(made, names[one]) if question.kind == "Coded" else one
            told = indian_day(told) if question.kind == "Date" else told
            if question.kind == "DateTime":
                told = datetime.fromisoformat(told).astimezone(IST).strftime("%Y-%m-%d %H:%M")
            yield {"concept": concept(made, question.name), "value": told}


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


def bring_to_avni(made: Scenario, consultation: Encounter) -> None:
    """Each mapped form of a consultation as a general encounter of the subject."""
    number = made.bahmni.patients[consultation.patient].identifiers[0].identifier.removeprefix(design.PREFIX)
    owner = next(row.uuid for row in made.avni.subjects.values() if row.observations.get(made.pairs.number) == number)
    rows = [row for row in made.bahmni.obs_of(consultation.uuid) if not row.voided]
    for form in forms.HOSPITAL_FORMS:
        for top in rows:
            if top.group is None and made.bahmni.concepts[top.concept].name == form.name:
                made.avni.put_encounter(
                    encounter_type=form.in_avni,
                    subject=owner,
                    observations={"Bahmni Entity UUID [Bahmni]": consultation.uuid, **told(made, below(rows, top))},
                    by=made.pairs.avni_user,
                    encounter_ms=to_ms(consultation.moment),
                )


def below(rows: list[ObsRow], group: ObsRow) -> Iterator[ObsRow]:
    """The leaves of a group."""
    for row in rows:
        if row.group == group.uuid:
            yield from below(rows, row) if row.value is None else [row]


def told(made: Scenario, leaves: Iterator[ObsRow]) -> dict[str, Any]:
    """What the hospital was answered, by Avni's names."""
    said: dict[str, Any] = {}
    for row in leaves:
        name = made.bahmni.concepts[row.concept].name
        value: Any = row.value
        question = ASKED.get(name)
        if question is None or name in STAYS:
            continue
        if question.kind == "Coded":
            answer = made.bahmni.concepts[value].name
            if answer not in STAYS:
                chosen = said.setdefault(f"{name} [H]", [])
                chosen += [f"{answer} [H]"] if f"{answer} [H]" not in chosen else []
            continue
        if question.kind == "Boolean":
            value = "Yes [H]" if value == TRUE_CONCEPT else "No [H]"
        elif question.kind == "Date":
            value = iso(to_ms(datetime.fromisoformat(value).replace(tzinfo=IST)))
        elif question.kind == "DateTime":
            value = iso(to_ms(datetime.fromisoformat(value).astimezone(UTC)))
        elif name == forms.TOLD_AS_TEXT:
            value = float(value)
        said[f"{name} [H]"] = value
    return said


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
