"""Which uuid of Avni stands for which of Bahmni, as whoever designed both knows it.

The comparer judges by this; it comes from the design alone and never from the product's mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.scenario import design
from simulators.scenario.ids import Ids

__all__ = ["Correspondence", "Hospital", "Partner", "correspondence_of"]


@dataclass(frozen=True)
class Partner:
    """The concept on the other side, and the data type of Avni that says how values compare."""

    uuid: str
    kind: str


@dataclass(frozen=True)
class Hospital:
    """Uuids of the hospital's metadata that a handed-over registration hangs on."""

    identifier_type: str
    location: str
    visit_type: str
    visit_marker: str
    visit_event_date: str
    encounter_type: str
    form: str
    marker: str
    event_date: str
    provider: str
    role: str
    user: str


@dataclass(frozen=True)
class Correspondence:
    """Both sides of every pair. Coded answers to nowhere are not among them, answers without a mapping are."""

    organisation: str
    subject_type: str
    hospital_registration: str
    number: str
    prefix: str
    avni_marker: str
    avni_user: str
    hospital: Hospital
    questions: Mapping[str, Partner]
    """Avni concept → OpenMRS concept."""
    answers: Mapping[str, str]
    """Avni answer → OpenMRS concept."""
    demographics: Mapping[str, Partner]
    """Field of a subject's row → OpenMRS concept."""
    attributes: Mapping[str, Partner]
    """Person attribute type → Avni concept."""
    hospital_answers: Mapping[str, str]
    """OpenMRS concept, or "true" and "false" → Avni answer."""


_FIELDS = {
    "First name": "first_name",
    "Last name": "last_name",
    "Date of birth": "date_of_birth",
    "Gender": "gender",
}


def correspondence_of(ids: Ids, organisation: str) -> Correspondence:
    """The pairs of one scenario."""
    coded = [answer for question in design.QUESTIONS for answer in question.answers]
    return Correspondence(
        organisation=organisation,
        subject_type=design.SUBJECT_TYPE,
        hospital_registration=design.HOSPITAL_REGISTRATION,
        number=ids("avni", "concept", design.NUMBER),
        prefix=design.PREFIX,
        avni_marker=ids("avni", "concept", "Bahmni Entity UUID [Bahmni]"),
        avni_user=f"integration@{organisation}",
        hospital=_hospital(ids),
        questions={
            ids("avni", "concept", question.name): Partner(ids("bahmni", "concept", question.name), question.kind)
            for question in design.QUESTIONS
        },
        answers={ids("avni", "concept", answer): ids("bahmni", "concept", answer) for answer in coded},
        demographics={
            _FIELDS[name]: Partner(ids("bahmni", "concept", name), kind) for name, kind in design.DEMOGRAPHICS
        },
        attributes={
            ids("bahmni", "attribute", one.name): Partner(ids("avni", "concept", design.in_avni(one)), one.kind)
            for one in design.ATTRIBUTES
        },
        hospital_answers={
            hospital_answer(ids, answer): ids("avni", "concept", design.as_hospital_answer(answer))
            for one in design.ATTRIBUTES
            for answer in one.answers
        },
    )


def hospital_answer(ids: Ids, answer: str) -> str:
    """What stands for an answer of a person attribute on the hospital's side: a concept, or a plain yes or no."""
    return answer.lower() if answer in ("True", "False") else ids("bahmni", "concept", answer)


def _hospital(ids: Ids) -> Hospital:
    return Hospital(
        identifier_type=ids("bahmni", "identifier type"),
        location=ids("bahmni", "location"),
        visit_type=ids("bahmni", "visit type"),
        visit_marker=ids("bahmni", "visit attribute type", "marker"),
        visit_event_date=ids("bahmni", "visit attribute type", "event date"),
        encounter_type=ids("bahmni", "encounter type"),
        form=ids("bahmni", "concept", design.FORM),
        marker=ids("bahmni", "concept", "Avni Entity UUID"),
        event_date=ids("bahmni", "concept", "Event Date"),
        provider=ids("bahmni", "provider"),
        role=ids("bahmni", "encounter role"),
        user=ids("bahmni", "user"),
    )
