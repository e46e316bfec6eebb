"""Every patient of the programme is found by the beginnings of numbers, wherever lists are cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bahmni.bahmni_to_avni.by_number import MAY_FOLLOW, Listing, Row, steps
from bahmni.kinds import LONGEST_NUMBER

PREFIX = "TRI"


def patient(number: str) -> Row:
    """A patient as a list shows it; the number is as good as any uuid."""
    return {"uuid": number, "identifiers": [{"identifier": number}]}


class Hospital:
    """Lists numbers by their beginning, and cuts each list."""

    def __init__(self, numbers: set[str], most: int) -> None:
        self.numbers = numbers
        self.most = most
        self.asked: list[str] = []

    def starting(self, beginning: str) -> Listing:
        self.asked.append(beginning)
        found = sorted(one for one in self.numbers if one.casefold().startswith(beginning.casefold()))
        return Listing([patient(one) for one in found[-self.most :]], len(found) < self.most)

    def exactly(self, number: str) -> Listing:
        found = [one for one in self.numbers if one.casefold() == number.casefold()]
        return Listing([patient(one) for one in found], is_whole=True)


numbers = st.sets(
    st.one_of(
        st.integers(0, 3000).map(lambda number: f"{PREFIX}{number}"),
        st.integers(0, 3000).map(lambda number: f"{PREFIX}{number:06}"),
        st.text(MAY_FOLLOW + "abc", min_size=1, max_size=6).map(lambda text: PREFIX + text),
    ),
    max_size=60,
)
bounds = st.integers(1, 8)


def gone_through(hospital: Hospital, meanwhile: Callable[[int], None] = lambda step: None) -> Counter[str]:
    """How often each patient was found."""
    found: Counter[str] = Counter()
    for number, step in enumerate(steps([PREFIX], hospital.starting, hospital.exactly)):
        found.update(row["uuid"] for row in step.rows)
        meanwhile(number)
    return found


@given(numbers, bounds)
def test_every_patient_is_found_exactly_once(there: set[str], most: int) -> None:
    there = {one.upper() for one in there}
    assert gone_through(Hospital(there, most)) == Counter(there)


@given(numbers, bounds, st.data())
def test_whoever_has_a_number_all_along_is_found_while_others_are_given_theirs(
    there: set[str], most: int, data: st.DataObject
) -> None:
    there = {one.upper() for one in there}
    hospital = Hospital(set(there), most)
    later = sorted(data.draw(numbers))

    def give_one(step: int) -> None:
        if later and step % 3 == 0:
            hospital.numbers.add(later.pop().upper())

    found = gone_through(hospital, give_one)
    assert there <= found.keys()


@given(numbers, bounds, st.integers(0, 40))
def test_a_round_that_was_cut_off_goes_on_where_it_stood(there: set[str], most: int, at: int) -> None:
    there = {one.upper() for one in there}
    hospital = Hospital(there, most)
    found: Counter[str] = Counter()
    left: tuple[str, ...] = (PREFIX,)
    for number, step in enumerate(steps(left, hospital.starting, hospital.exactly)):
        if number == at:
            break  # what this step brought is lost with the process
        found.update(row["uuid"] for row in step.rows)
        left = step.left
    for step in steps(left, hospital.starting, hospital.exactly):
        found.update(row["uuid"] for row in step.rows)
    assert found == Counter(there)


@given(numbers, bounds)
def test_only_whole_lists_speak_for_all_that_begins_so(there: set[str], most: int) -> None:
    hospital = Hospital({one.upper() for one in there}, most)
    for step in steps([PREFIX], hospital.starting, hospital.exactly):
        if step.is_whole:
            assert {row["uuid"] for row in step.rows} == {
                one for one in hospital.numbers if one.startswith(step.beginning.upper())
            }


def test_a_small_hospital_is_asked_once() -> None:
    hospital = Hospital({f"{PREFIX}{number}" for number in range(99)}, 100)
    gone_through(hospital)
    assert hospital.asked == [PREFIX]


def test_splitting_ten_thousand_costs_a_few_hundred_requests() -> None:
    hospital = Hospital({f"{PREFIX}{number:06}" for number in range(10_000)}, 101)
    assert sum(gone_through(hospital).values()) == 10_000
    assert len(hospital.asked) <= 700


def test_numbers_that_are_all_alike_do_not_split_for_ever() -> None:
    hospital = Hospital(set(), 1)
    hospital.starting = lambda beginning: Listing([], is_whole=False)  # type: ignore[method-assign]
    longest = "T" * LONGEST_NUMBER
    assert [step.beginning for step in steps([longest], hospital.starting, hospital.exactly)] == [longest]


@pytest.mark.parametrize("wildcard", ["%", "_"])
def test_no_beginning_that_the_hospital_reads_as_any_character_is_asked_for(wildcard: str) -> None:
    assert wildcard not in MAY_FOLLOW
