"""The small world, ready for a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flow.world import World, small_world


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Two servers, a tenant with everything mandatory, both flows switched on from the beginning."""
    with small_world() as built:
        built.switch_on()
        built.reset_counts()
        yield built
