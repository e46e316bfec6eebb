"""Whether a subject and a patient that met by number alone are one person: name, gender and birth year. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

from engine.verdicts import Hold


@dataclass(frozen=True)
class Demographics:
    """What is compared. `gender` is a letter of OpenMRS; the empty text stands for what is not known."""

    name: str
    gender: str
    birthdate: str


@dataclass(frozen=True)
class Likeness:
    """The tenant's threshold: how alike names must be (0 to 1), and by how many years births may differ."""

    name: float
    birth_years: int


def confirm(one: Demographics, other: Demographics, likeness: Likeness) -> None:
    """Raises Hold naming what differs: writing could mix up the records of two people."""
    alike = SequenceMatcher(None, _sorted_words(one.name), _sorted_words(other.name)).ratio()
    years = abs(int(one.birthdate[:4]) - int(other.birthdate[:4])) if one.birthdate and other.birthdate else 0
    genders = {one.gender, other.gender} - {""}
    differing = [
        what
        for what, differs in (
            ("name", alike < likeness.name),
            ("birth year", years > likeness.birth_years),
            ("gender", len(genders) > 1 and genders != {"U", "O"}),
        )
        if differs
    ]
    if differing:
        raise Hold("bahmni.first-match-disagrees", differing=", ".join(differing))


def _sorted_words(name: str) -> str:
    return " ".join(sorted(name.casefold().split()))
