"""Answers of every kind, groups among them, both ways: the other side says the same, and nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.outcome import Outcome
from tests.chaos.pair import pair
from tests.property.kinds import House, for_clinicians, for_the_field, forms, new_encounter, records, repeated

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture(scope="module", params=["days", "timestamps"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A hospital that shows dates as days, and one of before 2025 (openmrs.md O71)."""
    with pair() as built:
        built.bahmni.settings.date_obs_as_timestamp = request.param == "timestamps"
        yield House(built)


@settings(max_examples=25, deadline=None, suppress_health_check=QUIET)
@given(versions=st.lists(records, min_size=1, max_size=3), data=st.data())
def test_w31_clinicians_read_what_the_field_says_and_nothing_is_left_to_do(
    house: House, versions: list[dict[str, Any]], data: st.DataObject
) -> None:
    visit = house.visit(house.subject())
    for said in (*versions, data.draw(repeated(versions[-1]))):
        record = house.answer(visit, said)
        before = house.repetitions(visit) if visit in house.pair.known else {}
        result = house.pair.hand(house.to_bahmni, record)
        assert result.is_finished, (result.message, result.params)
        assert house.reads(visit) == for_clinicians(said)
        after = house.repetitions(visit)
        for content in before.keys() & after.keys():  # none that says the same is touched
            stayed = before[content] & after[content]
            assert len(stayed) == min(len(before[content]), len(after[content]))
        assert house.pair.compared(house.to_bahmni, record) == [(Outcome.UNCHANGED, 0)] * 2


@settings(max_examples=25, deadline=None, suppress_health_check=QUIET)
@given(versions=st.lists(forms, min_size=1, max_size=3))
def test_w31_the_field_reads_what_clinicians_say_and_nothing_is_left_to_do(
    house: House, versions: list[dict[str, Any]]
) -> None:
    (patient, subject), encounter = house.patient(), new_encounter()
    for form in versions:
        record = house.fill_in(patient, encounter, form)
        result = house.pair.hand(house.to_avni, record)
        assert result.is_finished, (result.message, result.params)
        said = for_the_field(form)
        assert house.told(subject) == ([said] if record["obs"] else [])
        if record["obs"]:
            assert house.pair.compared(house.to_avni, record) == [(Outcome.UNCHANGED, 0)] * 2
