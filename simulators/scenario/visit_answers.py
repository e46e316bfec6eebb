"""What somebody answered on a visit of the field team, in every kind of question Avni has, as Avni keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, Final

from simulators.avni.times import IST, iso, to_ms
from simulators.scenario import forms, programs
from simulators.scenario.design import Question
from simulators.scenario.forms import VisitType

__all__ = ["answers_to", "visit_answers"]

_QUESTIONS: Final = {
    question.name: question
    for question in (*forms.VISIT_QUESTIONS, *forms.UNMAPPED_VISIT_QUESTIONS, *programs.PROGRAM_QUESTIONS)
}
_SAID: Final = (
    "Boil the water",
    "दिन में दो बार खाना",
    "Rest, and come back on Monday; 2 tablets + water",
    "மருந்து தொடரவும்",
    "  Twice a day  ",
    "First line\nSecond line: 50% better",
    "   ",
)
"""Free text as people write it, nothing but blanks among it."""


def visit_answers(random: Random, visit: VisitType, moment: datetime) -> dict[str, Any]:
    """Answers by question on a visit held at that moment; some questions stay open."""
    return answers_to(random, visit.questions, moment)


def answers_to(random: Random, questions: Iterable[str], moment: datetime) -> dict[str, Any]:
    """Answers to questions of the field team asked at that moment; some stay open."""
    answers = {name: _answer(random, _QUESTIONS[name], moment) for name in questions}
    return {question: answer for question, answer in answers.items() if random.random() > 0.12}


def _answer(random: Random, question: Question, moment: datetime) -> Any:
    if question.kind == "Coded":
        known = [answer for answer in question.answers if answer not in forms.UNMAPPED_VISIT_ANSWERS]
        return random.sample(known, random.randrange(1, len(known))) if question.many else random.choice(known)
    if question.kind == "Numeric":
        return _number(random, question.name)
    return _DRAWN[question.kind](random, moment)


def _number(random: Random, name: str) -> Any:
    """Whole numbers, nought among them, decimals, and numbers that somebody wrote as text."""
    if name == "Children under five":
        return random.randrange(5)
    if name == forms.PULSE:
        return random.randrange(40, 180)
    number = random.randrange(90, 400) / 10
    return f" {number} " if random.random() < 0.1 else number


def _date(random: Random, moment: datetime) -> str | None:
    """The field app keeps a day as midnight of India, told in UTC."""
    day = moment.astimezone(IST).date() - timedelta(days=random.randrange(90))
    return iso(to_ms(datetime.combine(day, time(), IST)))


def _date_time(random: Random, moment: datetime) -> str | None:
    return iso(to_ms(moment.astimezone(UTC).replace(second=0, microsecond=0) - timedelta(hours=random.randrange(48))))


def _text(random: Random, moment: datetime) -> str:
    return random.choice(_SAID)


_DRAWN: Final[Mapping[str, Callable[[Random, datetime], Any]]] = {
    "Date": _date,
    "DateTime": _date_time,
    "Time": lambda random, _: f"{random.randrange(24):02}:{random.randrange(60):02}",
    "Duration": lambda random, _: f"P{random.randrange(1, 30)}D",
    "Id": lambda random, _: f"R-{random.randrange(10**6):06}",
    "Image": lambda random, _: "house.jpg",
    "PhoneNumber": lambda random, _: {"phoneNumber": "0000000000", "verified": False},
    "QuestionGroup": lambda random, _: {"Name of the medicine": "Paracetamol", "Tablets left": random.randrange(9)},
    "Text": _text,
    "Notes": _text,
}
