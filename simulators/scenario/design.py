"""What the field team asks and what the hospital keeps, and how each thing is called on either side.

Names differ as they do in reality: what the hospital took over from Avni ends in "[Avni]", what Avni took over from the
hospital in "[HP]" (person attributes) or "[H]" (everything else). No uuid is ever shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "ATTRIBUTES",
    "DEMOGRAPHICS",
    "FORM",
    "HOSPITAL_REGISTRATION",
    "NUMBER",
    "PREFIX",
    "QUESTIONS",
    "SUBJECT_TYPE",
    "UNMAPPED_ANSWERS",
    "UNMAPPED_ATTRIBUTES",
    "UNMAPPED_ATTRIBUTE_ANSWERS",
    "UNMAPPED_QUESTIONS",
    "Attribute",
    "Question",
    "as_hospital_answer",
    "in_avni",
    "in_bahmni",
]

SUBJECT_TYPE: Final = "Individual"
HOSPITAL_REGISTRATION: Final = "Bahmni Patient Registration"
NUMBER: Final = "Health Card Number"
"""The Avni question that holds the number of subject and patient, without the hospital's prefix."""
PREFIX: Final = "COM"
FORM: Final = "Individual Registration [Avni]"


@dataclass(frozen=True)
class Question:
    """A question of the registration form in Avni. `kind` is a data type of Avni; `many`: several answers at once."""

    name: str
    kind: str
    answers: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True)
class Attribute:
    """A person attribute of the hospital. `java` is its format, `kind` the data type of its concept in Avni."""

    name: str
    label: str
    java: str
    kind: str
    answers: tuple[str, ...] = ()


QUESTIONS: Final = (
    Question("Education", "Coded", ("No schooling", "Primary school", "Secondary school", "College")),
    Question(
        "Chronic illnesses",
        "Coded",
        ("Diabetes", "Hypertension", "Asthma", "Sickle cell disease", "Tuberculosis"),
        many=True,
    ),
    Question("Water source", "Coded", ("Well", "Hand pump", "Piped water", "Tanker")),
    Question("Household size", "Numeric"),
    Question("Weight in kg", "Numeric"),
    Question("Directions to the house", "Text"),
    Question("Date of last check-up", "Date"),
)
UNMAPPED_QUESTIONS: Final = (Question("Name of the field worker", "Text"),)
UNMAPPED_ANSWERS: Final = ("Tanker",)
"""Answers the hospital has a concept for, but nobody has mapped yet."""

DEMOGRAPHICS: Final = (
    ("First name", "Text"),
    ("Last name", "Text"),
    ("Date of birth", "Date"),
    ("Gender", "Text"),
)
"""What Avni shows among a subject's answers and the hospital also keeps as answers; (question, data type)."""

_CONCEPT: Final = "org.openmrs.Concept"
ATTRIBUTES: Final = (
    Attribute("caste", "Caste", "java.lang.String", "Text"),
    Attribute(
        "class", "Class", _CONCEPT, "Coded", ("General", "Other backward class", "Scheduled caste", "Nomadic tribe")
    ),
    Attribute("occupation", "Occupation", _CONCEPT, "Coded", ("Farmer", "Weaver", "Teacher", "At home")),
    Attribute("distanceFromCentre", "Distance from centre", "java.lang.Integer", "Numeric"),
    Attribute("monthlyIncome", "Monthly income", "java.lang.Float", "Numeric"),
    Attribute("firstVisit", "First visit", "org.openmrs.util.AttributableDate", "Date"),
    Attribute("hasRationCard", "Has ration card", "java.lang.Boolean", "Coded", ("True", "False")),
)
UNMAPPED_ATTRIBUTES: Final = (Attribute("primaryContact", "Primary contact", "java.lang.String", "Text"),)
UNMAPPED_ATTRIBUTE_ANSWERS: Final = ("Nomadic tribe",)


def in_bahmni(name: str) -> str:
    """The hospital's name for something of Avni."""
    return f"{name} [Avni]"


def in_avni(attribute: Attribute) -> str:
    """Avni's name for a person attribute of the hospital."""
    return f"{attribute.label} [HP]"


def as_hospital_answer(answer: str) -> str:
    """Avni's name for an answer of the hospital."""
    return f"{answer} [H]"
