"""A sample of the crash matrix: a worker killed at every k-th call and commit, and at some random moments.

`make crash-matrix` goes through all of them (tests/chaos/crash_matrix.py).
"""

from __future__ import annotations

from pprint import pformat

import pytest

from tests.chaos.lives import points_of, random_points, staged
from tests.chaos.matrix import AT_ONCE, wrong
from tests.chaos.scenes import SCENES

pytestmark = [pytest.mark.core, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

SAMPLE, RANDOM = 6, 4
"""Points of the matrix, and moments drawn, for each scene."""


@pytest.mark.parametrize("scene", SCENES)
def test_after_a_death_at_any_of_these_moments_everything_is_as_if_the_worker_had_lived(
    scene: str, broker: str
) -> None:
    with staged(SCENES[scene]) as stage:
        dry = stage.life()
        points = points_of(dry)
        found = wrong(stage, dry, points[3 :: len(points) // SAMPLE])
        found |= wrong(stage, dry, random_points(dry, 7, RANDOM), parallel=AT_ONCE)
    assert found == {}, pformat(found, width=200)
