"""Any history of a general encounter, handed over step by step: Bahmni ends up with what Avni says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bahmni.avni_to_bahmni.encounter import GENERAL, Found, plan, wanted
from bahmni.avni_to_bahmni.found import FoundPatient, FoundVisit
from bahmni.avni_to_bahmni.visit import Policy
from tests.chaos.pair import Pair
from tests.chaos.records import NAMESPACE, ZONE, encounter, snapshot
from tests.property.histories import encounter_history, moments, observations, steps, uuids_given


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=observations, held=moments, later=steps)
def test_whatever_happens_to_an_encounter_the_hospital_ends_up_with_what_it_says(
    servers: Pair, first: dict[str, Any], held: datetime, later: list[tuple[str, Any]]
) -> None:
    history = encounter_history(servers)
    history.goes(first, held, later)
    of_patient = list(servers.bahmni.encounters_of(servers.known[history.id].target_parent_id))
    assert len(of_patient) == 2  # the registration, and this one


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(observations, min_size=2, max_size=6))
def test_no_uuid_of_an_observation_is_given_twice_and_nothing_is_said_to_be_unvoided(
    servers: Pair, versions: list[dict[str, Any]]
) -> None:
    given_uuids = uuids_given(encounter_history(servers), [*versions, versions[0], *versions])
    assert len(given_uuids) == len(set(given_uuids))


@given(answers=observations)
def test_translating_twice_gives_the_same(answers: dict[str, Any]) -> None:
    document, mapped = encounter("subject", observations=answers), snapshot()
    policy = Policy(mapped, NAMESPACE)
    one, other = wanted(GENERAL, document, mapped, ZONE), wanted(GENERAL, document, mapped, ZONE)
    patient = FoundPatient("P", voided=False, numbers=("TRI1",))
    found = Found("P", "TRI1", (), FoundVisit("V", "2026-01-05T00:00:00.000+0530", patient=patient))
    assert one == other
    assert plan(one, found, None, policy) == plan(other, found, None, policy)
