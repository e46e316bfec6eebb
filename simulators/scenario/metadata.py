"""The design entered into both servers, as an implementer and the metadata migration leave it."""

from __future__ import annotations

from typing import Final

from simulators.avni import AvniStore
from simulators.bahmni import Store, catalogue
from simulators.scenario import design
from simulators.scenario.correspondence import Correspondence
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
    "Edit Encounters", "Edit Observations",
)  # fmt: skip
"""What the hospital's administrator gave our account: enough to read and to add, nothing to delete or purge."""


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

    concept(design.NUMBER, "Text")
    concept("Bahmni Entity UUID [Bahmni]", "Text")
    for question in (*design.QUESTIONS, *design.UNMAPPED_QUESTIONS):
        concept(question.name, question.kind, question.answers)
    for one in design.ATTRIBUTES:
        concept(design.in_avni(one), one.kind, tuple(map(design.as_hospital_answer, one.answers)))
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
    for one in (*design.ATTRIBUTES, *design.UNMAPPED_ATTRIBUTES):
        if one.java == "org.openmrs.Concept":
            for answer in one.answers:
                store.add_concept(answer, uuid=ids("bahmni", "concept", answer))
        store.add_person_attribute_type(one.name, one.java, uuid=ids("bahmni", "attribute", one.name))


def _concept(store: Store, ids: Ids, name: str, kind: str, answers: tuple[str, ...] = ()) -> str:
    uuids = [ids("bahmni", "concept", answer) for answer in answers]
    for answer, uuid in zip(answers, uuids, strict=True):
        store.add_concept(design.in_bahmni(answer), uuid=uuid)
    return store.add_concept(design.in_bahmni(name), kind, uuids, uuid=ids("bahmni", "concept", name)).uuid
