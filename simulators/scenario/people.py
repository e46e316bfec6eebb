"""People of the population before they stand in either system, drawn by a seeded generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any

from simulators.scenario.design import QUESTIONS, UNMAPPED_ANSWERS, UNMAPPED_QUESTIONS, Question
from simulators.scenario.names import DIRECTIONS, FAMILY, FEMALE, MALE, OTHER_SCRIPTS

__all__ = ["Person", "answers_of", "somebody", "spelt_differently"]

_FIRST_BIRTH = date(1938, 1, 1)
_BIRTH_DAYS = 365 * 80


@dataclass(frozen=True)
class Person:
    """Name, gender as Avni says it, birth date."""

    given: str
    family: str
    gender: str
    born: date

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family}"

    @property
    def gender_in_bahmni(self) -> str:
        """The letter the hospital writes."""
        return {"Female": "F", "Male": "M"}.get(self.gender, "U")


def somebody(random: Random, *, any_script: bool = False) -> Person:
    """A person out of the lists; `any_script` lets an eighth of them have a name the hospital's rule refuses."""
    gender = random.choices(("Female", "Male", "Other"), weights=(48, 48, 4))[0]
    given = random.choice(FEMALE if gender == "Female" else MALE if gender == "Male" else FEMALE + MALE)
    family = random.choice(FAMILY)
    if any_script and random.random() < 1 / 8:
        given, family = random.choice(OTHER_SCRIPTS)
    return Person(given, family, gender, _FIRST_BIRTH + timedelta(days=random.randrange(_BIRTH_DAYS)))


def spelt_differently(person: Person) -> Person:
    """The same person as a clerk of the hospital wrote her down: a letter more, born a year earlier."""
    return replace(
        person, given=person.given + person.given[-1], born=person.born.replace(year=person.born.year - 1, day=1)
    )


def answers_of(random: Random, registered: date) -> dict[str, Any]:
    """What somebody answered at registration, by question, as Avni keeps it; some questions stay open."""
    answers = {question.name: _answer(random, question, registered) for question in (*QUESTIONS, *UNMAPPED_QUESTIONS)}
    return {question: answer for question, answer in answers.items() if answer is not None and random.random() > 0.1}


def _answer(random: Random, question: Question, registered: date) -> Any:
    match question.kind:
        case "Coded":
            known = [answer for answer in question.answers if answer not in UNMAPPED_ANSWERS]
            if not question.many:
                return random.choice(known)
            return random.sample(known, random.randrange(1, len(known)))
        case "Numeric":
            return random.randrange(1, 12) if question.name == "Household size" else random.randrange(60, 200) / 2
        case "Date":
            day = registered - timedelta(days=random.randrange(400))
            # The field app stores midnight of India, written in UTC.
            return f"{(day - timedelta(days=1)).isoformat()}T18:30:00.000Z"
        case _:
            return "Asha" if question in UNMAPPED_QUESTIONS else random.choice(DIRECTIONS)
