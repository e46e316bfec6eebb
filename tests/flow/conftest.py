"""The small world, ready for a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from common.http import Timeouts
from engine import work
from tenants.models import Tenant
from tests.flow.clinic import Clinic, open_clinic
from tests.flow.outpatients import Outpatients, open_outpatients
from tests.flow.world import World, small_world


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Two servers, a tenant with everything mandatory, both flows switched on from the beginning."""
    with small_world() as built:
        built.switch_on()
        built.reset_counts()
        yield built


@pytest.fixture
def hasty(world: World) -> World:
    """The world with clients that wait 0.2 s for an answer instead of minutes."""
    servers: Any = work.servers_of(work.setting_of(Tenant.objects.get(pk=world.tenant.pk)))
    for client in (servers.avni, servers.openmrs):
        client.session.timeouts = Timeouts(connect=2.0, read=0.2)
    return world


@pytest.fixture
def clinic(world: World) -> Clinic:
    """Forms of the hospital that travel, in the world."""
    return open_clinic(world)


@pytest.fixture
def outpatients(world: World) -> Outpatients:
    """A clinic in the world, with forms of programs, a laboratory and prescriptions."""
    return open_outpatients(world)
