"""A running simulator with a small organisation, and a signed-in user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulators.avni import AvniApp, AvniStore, Settings
from simulators.server import Server
from tests.contract.avni.support import Caller, Clock, sign_in


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> AvniStore:
    store = AvniStore(Settings(), clock=clock)
    store.add_user("integration@demo", "secret")
    store.add_subject_type("Individual")
    store.add_subject_type("Household", person=False)
    store.add_encounter_type("Home visit")
    store.add_encounter_type("Registration copy")
    store.add_encounter_type("ANC Visit")
    store.add_encounter_type("PNC Visit")
    store.add_program("Pregnancy")
    store.add_program("Child")
    store.add_concept("Height", "Numeric")
    store.add_concept("Visit notes", "Text")
    store.add_concept("Marriage date", "Date")
    store.add_concept("Marital status", "Coded", answers=["Married", "Single"])
    return store


@pytest.fixture
def server(store: AvniStore) -> Iterator[Server]:
    with Server(AvniApp(store)) as running:
        yield running
        assert running.failures == []


@pytest.fixture
def avni(server: Server) -> Caller:
    return sign_in(server.base_url, "integration@demo", "secret")
