"""Whether a subject and a patient that met by number alone are one person: name, gender and birth year. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from difflib import SequenceMatcher

from common.fingerprint import fingerprint
from engine.ports import Known, Want
from engine.settling import settled
from engine.verdicts import Conflict, Difference, Hold, Verdict
from errors.specs import Move


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


def confirm(
    one: Demographics, other: Demographics, likeness: Likeness, *, kind: str, uuid: str, want: Want, known: Known | None
) -> None:
    """Raises Hold naming what differs, unless a person decided: writing could mix up the records of two people.

    `one` is the person of the source, `other` that of the target, whose record has this kind and uuid.
    """
    differing = differences(one, other, likeness)
    if not differing:
        return
    told = tuple(Difference(what, here, {uuid: there}) for what, here, there in _side_by_side(one, other))
    state = fingerprint([astuple(one), astuple(other), uuid])
    hold = Hold("bahmni.first-match-disagrees", differing=", ".join(differing))
    settled(hold.about(Conflict(state, kind, (uuid,), differences=told)), want, known, Move.SAME)


def choose(
    one: Demographics, others: Mapping[str, Demographics], message: Verdict, kind: str, want: Want, known: Known | None
) -> str:
    """The record (uuid) among several of the target that a person chose; raises the verdict when nobody did."""
    columns = {uuid: {what: there for what, _, there in _side_by_side(one, other)} for uuid, other in others.items()}
    told = tuple(
        Difference(what, here, {uuid: column[what] for uuid, column in columns.items()})
        for what, here, _ in _side_by_side(one, one)
    )
    state = fingerprint([astuple(one), {uuid: astuple(other) for uuid, other in others.items()}])
    return settled(message.about(Conflict(state, kind, tuple(others), differences=told)), want, known, Move.SAME).chosen


def differences(one: Demographics, other: Demographics, likeness: Likeness) -> list[str]:
    """What differs by more than the tenant allows."""
    alike = SequenceMatcher(None, _sorted_words(one.name), _sorted_words(other.name)).ratio()
    years = abs(int(one.birthdate[:4]) - int(other.birthdate[:4])) if one.birthdate and other.birthdate else 0
    genders = {one.gender, other.gender} - {""}
    return [
        what
        for what, differs in (
            ("name", alike < likeness.name),
            ("birth year", years > likeness.birth_years),
            ("gender", len(genders) > 1 and genders != {"U", "O"}),
        )
        if differs
    ]


def _side_by_side(one: Demographics, other: Demographics) -> list[tuple[str, str, str]]:
    return [
        ("name", one.name, other.name),
        ("gender", one.gender, other.gender),
        ("birth date", one.birthdate, other.birthdate),
    ]


def _sorted_words(name: str) -> str:
    return " ".join(sorted(name.casefold().split()))
