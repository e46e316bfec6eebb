from __future__ import annotations

import pytest

from bahmni.same_person import Demographics, Likeness, confirm
from common.outcome import Outcome
from engine.ports import Decided, Known, Want
from engine.verdicts import Conflict, Hold
from errors.specs import Move

LIKENESS = Likeness(name=0.7, birth_years=2)
LAKSHMI = Demographics("Lakshmi Nair", "F", "1980-05-01")
PRAKASH = Demographics("Prakash Kulkarni", "F", "1980-05-01")


def met(one: Demographics, other: Demographics, known: Known | None = None) -> None:
    """Both meet by number for the first time."""
    confirm(one, other, LIKENESS, kind="patient", uuid="P", want=Want(None, "f"), known=known)


def conflict(one: Demographics, other: Demographics) -> Conflict:
    """What a person is asked about them."""
    with pytest.raises(Hold) as held:
        met(one, other)
    assert held.value.conflict
    return held.value.conflict


def decided(move: Move, state: str) -> Known:
    """A record about which a person decided."""
    decision = Decided(1, move, state, "P")
    return Known("", "", "", {}, "", "", Outcome.HELD, is_suspect=False, decided=(decision,))


@pytest.mark.parametrize(
    "other",
    [
        Demographics("Laxmi Nair", "F", "1980-05-01"),
        Demographics("NAIR LAKSHMI", "F", "1978-01-01"),
        Demographics("Lakshmi Nair", "", ""),
    ],
    ids=["spelt otherwise", "words turned round and born near by", "less is known"],
)
def test_small_differences_are_one_person(other: Demographics) -> None:
    met(LAKSHMI, other)


def test_the_two_letters_for_neither_sex_agree() -> None:
    met(Demographics("Kiran Rao", "U", ""), Demographics("Kiran Rao", "O", ""))


@pytest.mark.parametrize(
    ("other", "differing"),
    [
        (Demographics("Prakash Kulkarni", "F", "1980-05-01"), "name"),
        (Demographics("Lakshmi Nair", "F", "1977-12-31"), "birth year"),
        (Demographics("Lakshmi Nair", "M", "1980-05-01"), "gender"),
        (Demographics("Prakash Kulkarni", "M", "1950-01-01"), "name, birth year, gender"),
    ],
)
def test_what_differs_is_named_and_held_for_a_person(other: Demographics, differing: str) -> None:
    with pytest.raises(Hold) as held:
        met(LAKSHMI, other)
    assert held.value.params == {"differing": differing}


def test_what_a_person_compares_stands_side_by_side() -> None:
    told = conflict(LAKSHMI, PRAKASH).differences
    assert [(one.what, one.here, one.there["P"]) for one in told] == [
        ("name", "Lakshmi Nair", "Prakash Kulkarni"),
        ("gender", "F", "F"),
        ("birth date", "1980-05-01", "1980-05-01"),
    ]


def test_a_person_may_say_that_they_are_one() -> None:
    met(LAKSHMI, PRAKASH, decided(Move.SAME, conflict(LAKSHMI, PRAKASH).state))


@pytest.mark.parametrize("move", [Move.APART, Move.SOURCE, Move.TARGET])
def test_any_other_decision_does_not_link_them(move: Move) -> None:
    with pytest.raises(Hold):
        met(LAKSHMI, PRAKASH, decided(move, conflict(LAKSHMI, PRAKASH).state))


def test_what_was_said_of_one_person_does_not_hold_for_another() -> None:
    said = decided(Move.SAME, conflict(LAKSHMI, PRAKASH).state)
    with pytest.raises(Hold):
        met(LAKSHMI, Demographics("Mohan Das", "F", "1980-05-01"), said)
