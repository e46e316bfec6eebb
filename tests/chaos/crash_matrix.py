"""A worker killed before and after every call and every commit, and at 200 random moments: `make crash-matrix`.

Not collected by itself, as it takes many minutes. SEED=9 draws other moments.
"""

from __future__ import annotations

import os
from pprint import pformat

import pytest
from django.db import connection

from tests.chaos.celery_lives import celery, life_of_a_child, life_of_a_worker
from tests.chaos.lives import Life, Point, points_of, random_points, staged
from tests.chaos.matrix import AT_ONCE, wrong
from tests.chaos.scenes import SCENES
from tests.chaos.standing import differences

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(7200)]

SEED = int(os.environ.get("SEED", "5"))
RANDOM = 100
"""Moments drawn for each of the two scenes."""

CHILDREN, WHOLE = 8, 3
"""Deaths of a Celery worker's child and of whole ones, for each scene."""


@pytest.mark.parametrize("scene", SCENES)
def test_after_a_death_at_any_call_and_any_commit_everything_is_as_if_it_had_lived(scene: str, broker: str) -> None:
    with staged(SCENES[scene]) as stage:
        dry = stage.life()
        points = points_of(dry)
        found = wrong(stage, dry, points)
        print(f"{len(points)} points: {len(dry.calls)} calls and {len(dry.commits)} commits, before and after each")
    assert found == {}, pformat(found, width=200)


@pytest.mark.parametrize("scene", SCENES)
def test_after_a_death_at_any_moment_everything_is_as_if_it_had_lived(scene: str, broker: str) -> None:
    with staged(SCENES[scene]) as stage:
        dry = stage.life(parallel=AT_ONCE)
        found = wrong(stage, dry, random_points(dry, SEED, RANDOM), parallel=AT_ONCE)
        print(f"{RANDOM} moments drawn by seed {SEED}")
    assert found == {}, pformat(found, width=200)


@pytest.mark.parametrize("scene", SCENES)
def test_after_the_death_of_a_celery_workers_child_its_master_goes_on_as_if_it_had_lived(
    scene: str, process_environment: dict[str, str]
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite")
    with staged(SCENES[scene]) as stage, celery(process_environment) as worker:
        dry = stage.life()
        found = {}
        for point in _some_calls(dry, CHILDREN):
            found[str(point)] = differences(dry.standing, life_of_a_child(stage, worker, point))
    assert {point: lines for point, lines in found.items() if lines} == {}


@pytest.mark.parametrize("scene", SCENES)
def test_after_the_death_of_a_whole_celery_worker_another_one_goes_on_as_if_it_had_lived(
    scene: str, process_environment: dict[str, str]
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite")
    with staged(SCENES[scene]) as stage:
        dry = stage.life()
        found = {}
        for point in _some_calls(dry, WHOLE):
            found[str(point)] = differences(dry.standing, life_of_a_worker(stage, process_environment, point))
    assert {point: lines for point, lines in found.items() if lines} == {}


def _some_calls(dry: Life, many: int) -> list[Point]:
    """So many, evenly spread over the calls of an undisturbed life; where the last ones are, fewer may be needed."""
    calls = [point for point in points_of(dry) if point.what == "call"]
    return [calls[len(calls) * number // (many + 1)] for number in range(1, many + 1)]
