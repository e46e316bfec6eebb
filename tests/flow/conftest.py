"""The small world, ready for a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from common.http import Timeouts
from engine import work
from tenants.models import Tenant
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
