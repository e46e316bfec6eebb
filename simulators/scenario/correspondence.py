"""Which uuid of Avni stands for which of Bahmni, as whoever designed both knows it.

The comparer judges by this; it comes from the design alone and never from the product's mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.bahmni.state import FALSE_CONCEPT, TRUE_CONCEPT
from simulators.scenario import design, forms, programs
from simulators.scenario.ids import Ids

__all__ = [
    "Correspondence",
    "Filed",
    "FiledProgram",
    "Hospital",
    "Partner",
    "correspondence_of",
    "form_concept",
    "hospital_answer",
    "hospital_concept",
    "truth",
]


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
    program_data: str
    provider: str
    role: str
    user: str


@dataclass(frozen=True)
class Filed:
    """Where the hospital files a type of general encounters: uuids of encounter type and form."""

    encounter_type: str
    form: str


@dataclass(frozen=True)
class FiledProgram:
    """Where the hospital files a program: the type of its visits, its enrolments, and its exits."""

    visit_type: str
    enrolment: Filed
    exit: Filed


@dataclass(frozen=True)
class Correspondence:
    """Both sides of every pair, those without a mapping too; coded answers to nowhere are not among them."""

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
    visits: Mapping[str, Filed]
    """Type of general encounters, by name → where they stand in the hospital."""
    programs: Mapping[str, FiledProgram]
    """Program, by name → where it stands in the hospital."""
    program_visits: Mapping[str, Filed]
    """Type of program encounters, by name → where they stand in the hospital."""
    forms: Mapping[str, str]
    """OpenMRS concept of a form → the type of encounters, by name, that stands for it."""
    in_programs: Mapping[str, str]
    """Those of these types whose encounters stand in an enrolment → the program."""
    hospital_questions: Mapping[str, Partner]
    """OpenMRS concept of a question in a form → Avni concept."""
    ignored_in_avni: frozenset[str]
    """Avni concepts, questions and answers, that do not travel."""
    ignored_in_bahmni: frozenset[str]
    """OpenMRS concepts, questions and answers, that do not travel."""


_FIELDS = {
    "First name": "first_name",
    "Last name": "last_name",
    "Date of birth": "date_of_birth",
    "Gender": "gender",
}


def correspondence_of(ids: Ids, organisation: str) -> Correspondence:
    """The pairs of one scenario."""
    questions = (*design.QUESTIONS, *forms.VISIT_QUESTIONS, *programs.PROGRAM_QUESTIONS)
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
            for question in questions
        },
        answers={
            ids("avni", "concept", answer): ids("bahmni", "concept", answer)
            for question in questions
            for answer in question.answers
        },
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
        }
        | {
            hospital_concept(ids, answer): ids("avni", "concept", design.as_hospital_answer(answer))
            for question in forms.HOSPITAL_QUESTIONS
            for answer in question.answers
        }
        | {truth(answer): ids("avni", "concept", answer) for answer in forms.BOOLEAN_ANSWERS},
        visits={
            visit.name: Filed(ids("bahmni", "encounter type", visit.name), form_concept(ids, visit))
            for visit in (*forms.VISITS, forms.VISIT_WITHOUT_FORM, forms.VISIT_WITHOUT_TYPE)
        },
        programs={program.name: _filed_program(ids, program) for program in programs.PROGRAMS},
        program_visits={
            visit.name: Filed(ids("bahmni", "encounter type", visit.name), form_concept(ids, visit))
            for visit in programs.PROGRAM_VISITS
        },
        forms={
            hospital_concept(ids, form.name): form.in_avni
            for form in (*forms.HOSPITAL_FORMS, *forms.HOSPITAL_PROGRAM_FORMS)
        },
        in_programs={form.in_avni: form.program for form in forms.HOSPITAL_PROGRAM_FORMS},
        hospital_questions={
            hospital_concept(ids, question.name): Partner(
                ids("avni", "concept", forms.in_avni_visit(question)), forms.kind_in_avni(question)
            )
            for question in forms.HOSPITAL_QUESTIONS
            if question.name not in forms.UNMAPPED_HOSPITAL_QUESTIONS
        },
        ignored_in_avni=frozenset(
            ids("avni", "concept", name) for name in (*forms.IGNORED_QUESTIONS, *forms.IGNORED_ANSWERS)
        ),
        ignored_in_bahmni=frozenset(
            hospital_concept(ids, name) for name in (*forms.IGNORED_HOSPITAL_QUESTIONS, *forms.IGNORED_HOSPITAL_ANSWERS)
        ),
    )


def hospital_answer(ids: Ids, answer: str) -> str:
    """What stands for an answer of a person attribute on the hospital's side: a concept, or a plain yes or no."""
    return answer.lower() if answer in ("True", "False") else ids("bahmni", "concept", answer)


def hospital_concept(ids: Ids, name: str) -> str:
    """The OpenMRS concept of a form, group, question or answer of the hospital's own."""
    return ids("bahmni", "hospital concept", name)


def form_concept(ids: Ids, visit: forms.VisitType) -> str:
    """The OpenMRS concept of the form behind a type of visits of the field team."""
    return ids("bahmni", "concept", forms.visit_form(visit))


def _filed_program(ids: Ids, program: programs.Program) -> FiledProgram:
    def filed(event: str) -> Filed:
        name = programs.program_form(program, event)
        return Filed(ids("bahmni", "encounter type", name), ids("bahmni", "concept", name))

    return FiledProgram(ids("bahmni", "visit type", program.name), filed("Enrolment"), filed("Exit"))


def truth(answer: str) -> str:
    """The OpenMRS concept that a yes or no is shown as."""
    return TRUE_CONCEPT if forms.BOOLEAN_ANSWERS[answer] else FALSE_CONCEPT


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
        program_data=ids("bahmni", "concept", programs.PROGRAM_DATA),
        provider=ids("bahmni", "provider"),
        role=ids("bahmni", "encounter role"),
        user=ids("bahmni", "user"),
    )
