"""The programs of the field team: what is asked when somebody is enrolled, on program visits, and on the exit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulators.scenario.design import Question
from simulators.scenario.forms import VisitType

__all__ = [
    "PROGRAMS",
    "PROGRAM_DATA",
    "PROGRAM_QUESTIONS",
    "PROGRAM_VISITS",
    "UNMAPPED_PROGRAM",
    "Program",
    "program_form",
]


@dataclass(frozen=True)
class Program:
    """A program: names of the questions on enrolment and exit, and its types of visits."""

    name: str
    questions: tuple[str, ...]
    exit_questions: tuple[str, ...]
    visits: tuple[VisitType, ...]


PROGRAM_QUESTIONS: Final = (
    Question("Category of the patient", "Coded", ("New", "Relapse", "After default")),
    Question("Risks", "Coded", ("Anaemia", "Twins", "Earlier caesarean", "High sugar"), many=True),
    Question("Weight on enrolment", "Numeric"),
    Question("Treatment began on", "Date"),
    Question("Remarks on enrolment", "Text"),
    Question("Reason for the exit", "Coded", ("Cured", "Moved away", "Delivered")),
    Question("Remarks on the exit", "Notes"),
    Question("Tablets taken", "Numeric"),
    Question("Side effects", "Coded", ("Nausea", "Itching", "Joint pains"), many=True),
    Question("Told on the visit", "Text"),
    Question("Last felt at", "DateTime"),
)

_VISIT: Final = ("Tablets taken", "Side effects", "Told on the visit", "Last felt at")
PROGRAMS: Final = (
    Program(
        "Tuberculosis care",
        ("Category of the patient", "Weight on enrolment", "Treatment began on", "Remarks on enrolment"),
        ("Reason for the exit", "Remarks on the exit"),
        (VisitType("Tuberculosis follow-up", _VISIT),),
    ),
    Program(
        "Pregnancy",
        ("Risks", "Weight on enrolment", "Remarks on enrolment"),
        ("Reason for the exit", "Remarks on the exit"),
        (VisitType("Antenatal visit", (*_VISIT, "Body temperature")),),
    ),
)
PROGRAM_VISITS: Final = tuple(visit for program in PROGRAMS for visit in program.visits)
UNMAPPED_PROGRAM: Final = Program("Youth club", ("Remarks on enrolment",), (), ())
"""A program that nobody has mapped: it stays in Avni."""
PROGRAM_DATA: Final = "Program Data"
"""What the hospital calls the text that tells program, event and day."""


def program_form(program: Program, event: str) -> str:
    """The hospital's name for the form of an event of a program, "Enrolment" or "Exit"."""
    return f"{program.name} {event} [Avni]"
