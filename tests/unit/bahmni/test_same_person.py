from __future__ import annotations

import pytest

from bahmni.same_person import Demographics, Likeness, confirm
from engine.verdicts import Hold

LIKENESS = Likeness(name=0.7, birth_years=2)
LAKSHMI = Demographics("Lakshmi Nair", "F", "1980-05-01")


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
    confirm(LAKSHMI, other, LIKENESS)


def test_the_two_letters_for_neither_sex_agree() -> None:
    confirm(Demographics("Kiran Rao", "U", ""), Demographics("Kiran Rao", "O", ""), LIKENESS)


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
        confirm(LAKSHMI, other, LIKENESS)
    assert held.value.params == {"differing": differing}
