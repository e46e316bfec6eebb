"""What the field team asks on its visits and what the hospital's people fill in, and which of it is to travel.

Names follow `design`: what the hospital took over ends in "[Avni]", what Avni took over from the hospital in "[H]".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from simulators.scenario.design import Question, as_hospital_answer

__all__ = [
    "BOOLEAN_ANSWERS",
    "DATATYPES",
    "FASTEST_PULSE",
    "HINTS",
    "HOSPITAL_FORMS",
    "HOSPITAL_PROGRAM_FORMS",
    "HOSPITAL_QUESTIONS",
    "IGNORED_ANSWERS",
    "IGNORED_HOSPITAL_ANSWERS",
    "IGNORED_HOSPITAL_QUESTIONS",
    "IGNORED_QUESTIONS",
    "MEDICINE",
    "PULSE",
    "TOLD_AS_TEXT",
    "UNMAPPED_HOSPITAL_ANSWERS",
    "UNMAPPED_HOSPITAL_FORM",
    "UNMAPPED_HOSPITAL_QUESTIONS",
    "UNMAPPED_VISIT",
    "UNMAPPED_VISIT_ANSWERS",
    "UNMAPPED_VISIT_QUESTIONS",
    "VISITS",
    "VISIT_QUESTIONS",
    "VISIT_WITHOUT_FORM",
    "VISIT_WITHOUT_TYPE",
    "WITHOUT_UUID",
    "Form",
    "Group",
    "VisitType",
    "answers_in_avni",
    "in_avni_visit",
    "kind_in_avni",
    "visit_form",
]

# -- on visits of the field team: Avni → Bahmni -----------------------------------------------------------------------


@dataclass(frozen=True)
class VisitType:
    """A type of general encounters in Avni and what is asked in it, by names of questions."""

    name: str
    questions: tuple[str, ...]


VISIT_QUESTIONS: Final = (
    Question("Reason for the visit", "Coded", ("Illness", "Follow-up", "Pregnancy", "Accident")),
    Question(
        "Symptoms",
        "Coded",
        ("Fever", "Cough", "Breathlessness", "Loose motions", "Weakness", "Skin rash", "Did not ask"),
        many=True,
    ),
    Question("Tobacco", "Coded", ("Chews", "Smokes", "Neither")),
    Question("Foods eaten since yesterday", "Coded", ("Millet", "Pulses", "Milk", "Eggs", "Greens"), many=True),
    Question("Body temperature", "Numeric"),
    Question("Pulse at home", "Numeric"),
    Question("Upper arm in cm", "Numeric"),
    Question("Children under five", "Numeric"),
    Question("Date of the last dose", "Date"),
    Question("Medicine taken at", "DateTime"),
    Question("Time of the examination", "Time"),
    Question("Advice given", "Text"),
    Question("Notes of the visit", "Notes"),
    Question("Number of the receipt", "Id"),
    Question("Ill for", "Duration"),
    Question("Reason(s) for Institutional ANC", "Coded", ("High blood pressure", "Wish of the family")),
    Question("Blood sugar as on the strip", "Text"),
)
UNMAPPED_VISIT_QUESTIONS: Final = (
    Question("For the supervisor only", "Text"),
    Question("Photo of the house", "Image"),
    Question("Phone of a relative", "PhoneNumber"),
    Question("Medicines at home", "QuestionGroup"),
)
UNMAPPED_VISIT_ANSWERS: Final = ("Accident",)
"""Answers the hospital has a concept for, but nobody has mapped yet."""
IGNORED_QUESTIONS: Final = ("Reason(s) for Institutional ANC",)
"""Mapped, and yet left out: somebody decided so."""
IGNORED_ANSWERS: Final = ("Did not ask",)
"""Not mapped either; a record with one gets through without it."""
WITHOUT_UUID: Final = "Blood sugar as on the strip"
"""A question somebody mapped to words instead of a uuid; only the planted record answers it."""

_EVERYWHERE: Final = ("Advice given", "Notes of the visit", "For the supervisor only")
VISITS: Final = (
    VisitType(
        "Home visit",
        (
            "Reason for the visit", "Symptoms", "Tobacco", "Body temperature", "Pulse at home", "Medicine taken at",
            "Time of the examination", "Number of the receipt", "Photo of the house", "Medicines at home",
            *_EVERYWHERE,
        ),
    ),
    VisitType(
        "Follow-up of an illness",
        (
            "Symptoms", "Body temperature", "Date of the last dose", "Medicine taken at", "Phone of a relative",
            "Ill for", "Reason(s) for Institutional ANC", *_EVERYWHERE,
        ),
    ),
    VisitType(
        "Nutrition check",
        (
            "Foods eaten since yesterday", "Upper arm in cm", "Children under five", "Date of the last dose",
            "Time of the examination", *_EVERYWHERE,
        ),
    ),
)  # fmt: skip
"""Types that travel."""
UNMAPPED_VISIT: Final = VisitType("Training session", _EVERYWHERE)
"""A type that nobody has mapped: it stays in Avni."""
VISIT_WITHOUT_FORM: Final = VisitType("Health camp", ("Symptoms", *_EVERYWHERE))
VISIT_WITHOUT_TYPE: Final = VisitType("Visit after discharge", ("Symptoms", *_EVERYWHERE))
"""Types with only one of their two mappings."""

PULSE: Final = "Pulse at home"
FASTEST_PULSE: Final = 230.0
"""Above this the hospital refuses an answer to `PULSE`."""
MEDICINE: Final = (("Name of the medicine", "Text"), ("Tablets left", "Numeric"))
"""What the question group about medicines asks; (question, data type)."""

HINTS: Final = {"Notes": "Text", "Id": "Text", "Duration": "Text", "Time": "", "Boolean": "Coded"}
"""Hint of a mapping where it is not the kind itself."""
DATATYPES: Final = {"Notes": "Text", "Id": "Text", "Duration": "Text", "DateTime": "Datetime"}
"""Data type in OpenMRS where it is called otherwise."""


def visit_form(visit: VisitType) -> str:
    """The hospital's name for the form behind a type of visits."""
    return f"{visit.name} Encounter [Avni]"


# -- in the hospital: Bahmni → Avni -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Questions that stand together below a form; `times`: it may be filled in so often."""

    name: str
    members: tuple[Question | Group, ...]
    times: int = 1


@dataclass(frozen=True)
class Form:
    """A form of the hospital, and the type of encounters that stands for it in Avni; in a program if that is named."""

    name: str
    in_avni: str
    members: tuple[Question | Group, ...]
    program: str = ""


BOOLEAN_ANSWERS: Final = {"Yes [H]": True, "No [H]": False}

HOSPITAL_FORMS: Final = (
    Form(
        "Vitals",
        "Vitals (Hospital)",
        (
            Question("Pulse rate", "Numeric"),
            Question("Respiratory rate", "Numeric"),
            Group("Blood pressure", (Question("Systolic", "Numeric"), Question("Diastolic", "Numeric"))),
            Question("Posture", "Coded", ("Sitting", "Lying", "Standing")),
            Question(
                "Abnormal signs", "Coded", ("Pallor", "Oedema", "Cyanosis", "Jaundice", "Not recorded"), many=True
            ),
            Question("Remarks on vitals", "Text"),
            Question("Ward", "Text"),
            Question("Bed the patient prefers", "Text"),
        ),
    ),
    Form(
        "History and Examination",
        "History and Examination (Hospital)",
        (
            Group(
                "Chief complaint data",
                (
                    Question("Chief complaint", "Coded", ("Fever at night", "Headache", "Joint pain", "Wound")),
                    Question("Bed the patient prefers", "Text"),
                ),
                times=3,
            ),
            Question("History of the illness", "Text"),
            Question("Illness began on", "Date"),
            Question("To be seen again at", "DateTime"),
            Question("Uses tobacco", "Boolean"),
            Group(
                "Examination",
                (
                    Group(
                        "Chest",
                        (
                            Question("Breath sounds", "Coded", ("Clear", "Wheeze", "Crackles", "Stridor"), many=True),
                            Question("Chest in cm", "Numeric"),
                        ),
                    ),
                ),
            ),
        ),
    ),
    Form(
        "Discharge Summary",
        "Discharge Summary (Hospital)",
        (
            Question("Diagnosis in words", "Text"),
            Question("Condition on leaving", "Coded", ("Better", "As before", "Referred")),
            Question("Left on", "Date"),
            Question("Weight as told", "Text"),
        ),
    ),
)
HOSPITAL_PROGRAM_FORMS: Final = (
    Form(
        "Tuberculosis Review",
        "Tuberculosis Review (Hospital)",
        (
            Question("Pulse rate", "Numeric"),
            Question("History of the illness", "Text"),
            Question("Condition on leaving", "Coded", ("Better", "As before", "Referred")),
            Question("To be seen again at", "DateTime"),
        ),
        program="Tuberculosis care",
    ),
)
"""Forms that become program encounters in Avni."""
UNMAPPED_HOSPITAL_FORM: Final = Form("Nursing Notes", "", (Question("Pulse rate", "Numeric"), Question("Ward", "Text")))
"""A form nobody has mapped: it stays in the hospital, whatever its questions are."""
UNMAPPED_HOSPITAL_QUESTIONS: Final = ("Bed the patient prefers",)
UNMAPPED_HOSPITAL_ANSWERS: Final = ("Stridor",)
IGNORED_HOSPITAL_QUESTIONS: Final = ("Ward",)
"""Mapped, and yet left out."""
IGNORED_HOSPITAL_ANSWERS: Final = ("Not recorded",)
TOLD_AS_TEXT: Final = "Weight as told"
"""A text in the hospital that somebody mapped as a number; only the planted record answers it otherwise."""


def _asked_in(form: Form | Group) -> Iterator[Question]:
    """The questions of a form at any depth, each as often as it stands there."""
    for member in form.members:
        if isinstance(member, Group):
            yield from _asked_in(member)
        else:
            yield member


HOSPITAL_QUESTIONS: Final = tuple(dict.fromkeys(question for form in HOSPITAL_FORMS for question in _asked_in(form)))
"""What is asked in the forms that travel, each question once."""


def answers_in_avni(question: Question) -> tuple[str, ...]:
    """Avni's names for the answers to a question of the hospital."""
    return tuple(BOOLEAN_ANSWERS) if question.kind == "Boolean" else tuple(map(as_hospital_answer, question.answers))


def kind_in_avni(question: Question) -> str:
    """The data type behind which Avni keeps a question of the hospital, as its mapping says."""
    if question.name == TOLD_AS_TEXT:
        return "Numeric"
    return "Coded" if question.kind == "Boolean" else question.kind


def in_avni_visit(question: Question) -> str:
    """Avni's name for a question of the hospital."""
    return f"{question.name} [H]"
