"""The design entered into both servers, as an implementer and the metadata migration leave it."""

from __future__ import annotations

from typing import Final

from simulators.avni import AvniStore
from simulators.bahmni import Store, catalogue
from simulators.scenario import design, forms, programs
from simulators.scenario.correspondence import Correspondence, form_concept, hospital_concept
from simulators.scenario.ids import Ids

__all__ = ["PASSWORD", "PRIVILEGES", "enter_avni", "enter_bahmni"]

PASSWORD: Final = "only-for-simulators"  # noqa: S105 - opens nothing but a simulator
"""Of our account on both sides."""

PRIVILEGES: Final = (
    "Get Patients", "Get People", "Get Patient Identifiers", "Get Identifier Types", "Get Person Attribute Types",
    "Get Locations", "Get Concepts", "Get Concept Classes", "Get Concept Datatypes", "Get Encounters",
    "Get Observations", "Get Visits", "Get Visit Types", "Get Visit Attribute Types", "Get Encounter Types",
    "Get Encounter Roles", "Get Providers", "Get Orders", "Get Order Types", "Get Care Settings",
    "Get Order Frequencies", "Get Global Properties",
    "Add People", "Add Patients", "Add Patient Identifiers", "Add Visits", "Add Encounters", "Add Observations",
    "Edit Patients", "Edit People", "Edit Encounters", "Edit Observations", "Edit Visits", "Delete Visits",
)  # fmt: skip
"""What the hospital's administrator gave our account: nothing to purge, and nothing of patients to void."""


def enter_avni(store: AvniStore, ids: Ids, pairs: Correspondence) -> None:
    """Types, concepts and our user in Avni."""
    organisation = pairs.organisation
    store.add_subject_type(design.SUBJECT_TYPE, uuid=ids("avni", "subject type"), organisation=organisation)
    store.add_encounter_type(
        design.HOSPITAL_REGISTRATION, uuid=ids("avni", "encounter type"), organisation=organisation
    )

    def concept(name: str, kind: str, answers: tuple[str, ...] = ()) -> None:
        for answer in answers:
            store.add_concept(answer, "NA", uuid=ids("avni", "concept", answer), organisation=organisation)
        uuid = ids("avni", "concept", name)
        store.add_concept(name, kind, answers=answers, uuid=uuid, organisation=organisation)

    visits = (*forms.VISITS, forms.UNMAPPED_VISIT, forms.VISIT_WITHOUT_FORM, forms.VISIT_WITHOUT_TYPE)
    hospital_forms = (*forms.HOSPITAL_FORMS, *forms.HOSPITAL_PROGRAM_FORMS)
    for name in (*(visit.name for visit in visits), *(form.in_avni for form in hospital_forms)):
        store.add_encounter_type(name, uuid=ids("avni", "encounter type", name), organisation=organisation)
    for program in (*programs.PROGRAMS, programs.UNMAPPED_PROGRAM):
        store.add_program(program.name, uuid=ids("avni", "program", program.name), organisation=organisation)
        for visit in program.visits:
            uuid = ids("avni", "encounter type", visit.name)
            store.add_encounter_type(visit.name, uuid=uuid, organisation=organisation)
    concept(design.NUMBER, "Text")
    concept("Bahmni Entity UUID [Bahmni]", "Text")
    for question in (
        *design.QUESTIONS, *design.UNMAPPED_QUESTIONS, *forms.VISIT_QUESTIONS, *forms.UNMAPPED_VISIT_QUESTIONS,
        *programs.PROGRAM_QUESTIONS,
    ):  # fmt: skip
        concept(question.name, question.kind, question.answers)
    for name, kind in forms.MEDICINE:
        concept(name, kind)
    for one in design.ATTRIBUTES:
        concept(design.in_avni(one), one.kind, tuple(map(design.as_hospital_answer, one.answers)))
    for question in forms.HOSPITAL_QUESTIONS:
        concept(forms.in_avni_visit(question), forms.kind_in_avni(question), forms.answers_in_avni(question))
    store.add_user(pairs.avni_user, PASSWORD, organisation=organisation)


def enter_bahmni(store: Store, ids: Ids, pairs: Correspondence) -> None:
    """Concepts, types, places and our user in Bahmni, beside what every hospital has."""
    catalogue.install(store)
    ours = pairs.hospital
    store.add_location("Community", uuid=ours.location, tags=["Visit Location"])
    store.add_identifier_type("Community Number", uuid=ours.identifier_type)
    store.add_visit_type("Community - DO NOT OPEN", uuid=ours.visit_type)
    store.add_encounter_type("Community Registration", uuid=ours.encounter_type)
    store.add_encounter_role("Community Worker", uuid=ours.role)
    store.add_provider("Community", uuid=ours.provider, identifier="community")
    store.add_visit_attribute_type("Avni Entity UUID [Avni]", uuid=ours.visit_marker)
    store.add_visit_attribute_type("Event Date [Avni]", uuid=ours.visit_event_date)
    store.add_concept("Avni Entity UUID [Avni]", "Text", uuid=ours.marker)
    store.add_concept("Event Date [Avni]", "Date", uuid=ours.event_date)
    store.add_user("avni-integration", PASSWORD, privileges=list(PRIVILEGES), uuid=ours.user, provider=ours.provider)
    demographics = [_concept(store, ids, name, kind) for name, kind in design.DEMOGRAPHICS]
    questions = [_concept(store, ids, one.name, one.kind, one.answers) for one in design.QUESTIONS]
    members = [ours.marker, ours.event_date, *demographics, *questions]
    store.add_concept(design.FORM, uuid=ours.form, concept_class="Misc", set_members=members)
    asked = _enter_visits(store, ids, ours.marker, ours.event_date)
    _enter_programs(store, ids, pairs, asked)
    for form in (*forms.HOSPITAL_FORMS, *forms.HOSPITAL_PROGRAM_FORMS, forms.UNMAPPED_HOSPITAL_FORM):
        _enter_form(store, ids, form)
    for one in (*design.ATTRIBUTES, *design.UNMAPPED_ATTRIBUTES):
        if one.java == "org.openmrs.Concept":
            for answer in one.answers:
                store.add_concept(answer, uuid=ids("bahmni", "concept", answer))
        store.add_person_attribute_type(one.name, one.java, uuid=ids("bahmni", "attribute", one.name))


def _concept(store: Store, ids: Ids, name: str, kind: str, answers: tuple[str, ...] = (), **limits: float) -> str:
    uuids = [ids("bahmni", "concept", answer) for answer in answers]
    for answer, uuid in zip(answers, uuids, strict=True):
        store.add_concept(design.in_bahmni(answer), uuid=uuid)
    datatype, uuid = forms.DATATYPES.get(kind, kind), ids("bahmni", "concept", name)
    return store.add_concept(design.in_bahmni(name), datatype, uuids, uuid=uuid, **limits).uuid


def _enter_visits(store: Store, ids: Ids, marker: str, event_date: str) -> dict[str, str]:
    """What the migration made of the field team's types of visits: encounter types, questions (given), forms."""
    limits = {forms.PULSE: {"low_absolute": 0.0, "hi_absolute": forms.FASTEST_PULSE}}
    asked = {
        one.name: _concept(store, ids, one.name, one.kind, one.answers, **limits.get(one.name, {}))
        for one in (*forms.VISIT_QUESTIONS, *programs.PROGRAM_QUESTIONS)
    }
    for visit in (*forms.VISITS, forms.VISIT_WITHOUT_FORM, forms.VISIT_WITHOUT_TYPE, *programs.PROGRAM_VISITS):
        store.add_encounter_type(design.in_bahmni(visit.name), uuid=ids("bahmni", "encounter type", visit.name))
        members = [marker, event_date, *(asked[name] for name in visit.questions if name in asked)]
        name = forms.visit_form(visit)
        store.add_concept(name, uuid=form_concept(ids, visit), concept_class="Misc", set_members=members)
    return asked


def _enter_programs(store: Store, ids: Ids, pairs: Correspondence, asked: dict[str, str]) -> None:
    """What the migration made of the programs: a visit type each, and an encounter type and a form for each event."""
    ours = pairs.hospital
    store.add_concept(design.in_bahmni(programs.PROGRAM_DATA), "Text", uuid=ours.program_data)
    for program in programs.PROGRAMS:
        filed = pairs.programs[program.name]
        store.add_visit_type(design.in_bahmni(program.name), uuid=filed.visit_type)
        events = (("Enrolment", filed.enrolment, program.questions), ("Exit", filed.exit, program.exit_questions))
        for event, place, questions in events:
            name = programs.program_form(program, event)
            store.add_encounter_type(name, uuid=place.encounter_type)
            members = [ours.marker, ours.event_date, ours.program_data, *(asked[question] for question in questions)]
            store.add_concept(name, uuid=place.form, concept_class="Misc", set_members=members)


def _enter_form(store: Store, ids: Ids, form: forms.Form | forms.Group) -> str:
    """A form or group of the hospital's own, with everything in it; its concept."""
    members = [
        _enter_form(store, ids, member) if isinstance(member, forms.Group) else _enter_question(store, ids, member)
        for member in form.members
    ]
    uuid = hospital_concept(ids, form.name)
    return store.add_concept(form.name, uuid=uuid, concept_class="Misc", set_members=members).uuid


def _enter_question(store: Store, ids: Ids, question: design.Question) -> str:
    uuid = hospital_concept(ids, question.name)
    if uuid not in store.concepts:
        answers = [hospital_concept(ids, answer) for answer in question.answers]
        for name, answer in zip(question.answers, answers, strict=True):
            store.add_concept(name, uuid=answer)
        store.add_concept(question.name, forms.DATATYPES.get(question.kind, question.kind), answers, uuid=uuid)
    return uuid
