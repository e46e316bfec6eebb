"""Both simulated servers with little in them, and our clients talking to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from avni import AvniClient, GenerateToken
from bahmni.openmrs import OpenMRSClient
from common.http import Timeouts
from simulators.avni import AvniApp, AvniStore
from simulators.bahmni import BahmniApp, Store, catalogue
from simulators.server import Server

QUICK = Timeouts(connect=2.0, read=0.5)


class Clock:
    """Stands still until told to move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def moving() -> Clock:
    """The clock of both servers."""
    return Clock()


@pytest.fixture
def field(moving: Clock) -> AvniStore:
    store = AvniStore(clock=moving)
    store.add_user("bot", "secret")
    store.add_subject_type("Individual")
    store.add_encounter_type("Registration")
    store.add_encounter_type("ANC Visit")
    store.add_program("Pregnancy")
    store.add_concept("Note", "Text")
    store.add_concept("Bahmni UUID", "Text")
    return store


@pytest.fixture
def field_server(field: AvniStore) -> Iterator[Server]:
    with Server(AvniApp(field)) as running:
        yield running
        assert running.failures == []


@pytest.fixture
def avni(field_server: Server) -> AvniClient:
    return AvniClient(field_server.base_url, GenerateToken("bot", "secret"), timeouts=QUICK)


@pytest.fixture
def hospital(moving: Clock) -> Store:
    store = catalogue.install(Store(clock=moving))
    store.add_user("bot", "secret", provider=catalogue.SUPERMAN)
    return store


@pytest.fixture
def hospital_server(hospital: Store) -> Iterator[Server]:
    with Server(BahmniApp(hospital)) as running:
        yield running
        assert running.failures == []


@pytest.fixture
def openmrs(hospital_server: Server) -> OpenMRSClient:
    return OpenMRSClient(f"{hospital_server.base_url}/openmrs", "bot", "secret", timeouts=QUICK)
