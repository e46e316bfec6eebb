"""Any history of a subject, handed over step by step: Bahmni ends up with what Avni says, and nothing is left to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bahmni.avni_to_bahmni.subject import wanted
from bahmni.avni_to_bahmni.subject_plan import Found, plan
from tests.chaos.pair import Pair
from tests.chaos.records import POLICY, ZONE, snapshot, subject
from tests.property.histories import moments, observations, steps, subject_history, uuids_given


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=observations, registered=moments, later=steps)
def test_whatever_happens_to_a_subject_the_hospital_ends_up_with_what_it_says(
    servers: Pair, first: dict[str, Any], registered: datetime, later: list[tuple[str, Any]]
) -> None:
    history = subject_history(servers)
    history.goes(first, registered, later)
    assert len(list(servers.bahmni.encounters_of(servers.known[history.id].target_parent_id))) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(observations, min_size=2, max_size=6))
def test_no_uuid_of_an_observation_is_given_twice_and_nothing_is_said_to_be_unvoided(
    servers: Pair, versions: list[dict[str, Any]]
) -> None:
    given_uuids = uuids_given(subject_history(servers), [*versions, versions[0], *versions])
    assert len(given_uuids) == len(set(given_uuids))


@given(answers=observations)
def test_translating_twice_gives_the_same(answers: dict[str, Any]) -> None:
    document, mapped = subject(observations=answers), snapshot()
    one, other = wanted(document, mapped, ZONE), wanted(document, mapped, ZONE)
    assert one == other
    assert plan(one, Found(), None, mapped, POLICY) == plan(other, Found(), None, mapped, POLICY)
