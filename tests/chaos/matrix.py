"""Whether every death of a worker ends as if nothing had happened: the lives of a scene against its undisturbed one."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from tests.chaos.lives import Life, Point, Stage
from tests.chaos.standing import differences

AT_ONCE = 4
"""Requests at a time where the moments are drawn: what is under way then is not the same each time."""

WORDS = 12
"""Lines of differences shown for a point."""


def wrong(stage: Stage, dry: Life, points: Iterable[Point], *, parallel: int = 1) -> dict[str, list[str]]:
    """What came out otherwise than in the undisturbed life, by point; empty when every death was healed.

    With one request at a time the same is under way at a point as in the dry recording, and that is proved, too.
    """
    found: dict[str, list[str]] = {}
    for point in points:
        life = stage.life(point, parallel=parallel)
        differing = differences(dry.standing, life.standing)
        if parallel == 1 and (life.worker_ended, life.struck) != (-signal.SIGKILL, point.label):
            differing.append(f"it ended with {life.worker_ended} at {life.struck!r}")
        if differing:
            found[str(point)] = differing[:WORDS]
    return found
