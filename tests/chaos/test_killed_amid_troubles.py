"""A worker dies while one type of encounters may not be seen and rows of two others cannot be shown.

Nothing of it may be taken for read: what may be seen again is read from where it stood, what can be shown again, too.
"""

from __future__ import annotations

import signal
from functools import partial

import pytest
from django.db import connection

from engine.gaps import gap_id
from errors.models import OPEN_STATES, ErrorRecord
from syncstatus.models import Run
from tests.chaos.test_killed_worker import IN_BAHMNI, killed_at, let_the_lease_run_out, written
from tests.chaos.truth import retry_all
from tests.flow.world import World, small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

BEFORE, HIDDEN, BEHIND = "Annual visit", "Household visit", "Sputum test"
"""Read one after the other; the one in the middle is forbidden when two of its three pages are read."""

ACCOUNT = "integration@demo"
PAGE = 8
STREAM = "general-encounter"


Heights = dict[str, float]
"""Answers by encounter."""


def prepared(world: World) -> dict[str, Heights]:
    """Subjects that are through, with encounters of three types that are not; gives these by type."""
    world.switch_on()
    world.avni.adjust(max_size=PAGE)
    for kind in (BEFORE, HIDDEN, BEHIND):
        world.household_visits(kind)
    subjects = [world.subject(str(1001 + number)) for number in range(3)]
    world.sync("subject")
    visits = {}
    for kind, many in ((BEFORE, PAGE), (HIDDEN, 3 * PAGE), (BEHIND, PAGE)):
        heights = [150.0 + number for number in range(many)]
        visits[kind] = {
            world.household_visit(subjects[number % 3], kind=kind, observations={"Height": height}): height
            for number, height in enumerate(heights)
        }
    for kind in (BEFORE, BEHIND):
        world.avni.poison(list(visits[kind])[3])
    world.avni_server.faults.before("GET", "encounterType=Household", partial(hide, world), skip=2)
    return visits


def hide(world: World) -> None:
    """From now on our account may not see encounters of the type in the middle."""
    world.avni.users[ACCOUNT].cannot_view[:] = [HIDDEN]


def through(world: World, visits: Heights) -> list[str]:
    """Those that stand in Bahmni in one row, voided twins counted, with their answer and at their own patient."""
    found = []
    for visit, height in visits.items():
        marked = {row.encounter or "" for row in world.bahmni.obs.values() if row.value == visit}
        rows = [world.bahmni.encounters[uuid] for uuid in marked]
        patient = world.link("subject", world.avni.encounters[visit].subject).target_parent_id
        if [(row.patient, row.voided, world.held(row.uuid)) for row in rows] == [
            (patient, False, {"Height": [height]})
        ]:
            found.append(visit)
    return found


def open_errors() -> list[str]:
    return [row.entity_id for row in ErrorRecord.objects.filter(state__in=OPEN_STATES)]


@pytest.mark.parametrize("answered", [False, True], ids=["request arrived", "request carried out"])
@pytest.mark.parametrize(
    "write", [3, 12, 26], ids=["before it is forbidden", "while it is", "after that is written down"]
)
def test_whatever_could_not_be_read_when_the_worker_died_is_read_when_it_can_be(
    process_environment: dict[str, str], write: int, answered: bool
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    with small_world() as world:
        visits = prepared(world)
        of = written("POST", f"{IN_BAHMNI}$")
        with killed_at(world, process_environment, write, answered=answered, of=of) as victim:
            pass
        assert victim.process.returncode == -signal.SIGKILL
        let_the_lease_run_out(world)
        hide(world)  # it may have died before it got so far
        world.sync(STREAM)
        assert [len(through(world, visits[kind])) for kind in (BEFORE, BEHIND)] == [PAGE - 1, PAGE - 1]
        assert len(through(world, visits[HIDDEN])) < 3 * PAGE
        assert gap_id(HIDDEN) in open_errors()
        assert len(open_errors()) == 3

        world.avni_server.faults.clear()
        world.avni.allow(ACCOUNT, HIDDEN)
        for kind in (BEFORE, BEHIND):
            world.avni.unpoison(list(visits[kind])[3])
        retry_all()
        world.sync(STREAM)
        assert {kind: through(world, heights) for kind, heights in visits.items()} == {
            kind: list(heights) for kind, heights in visits.items()
        }
        assert open_errors() == []
        assert all(run.read == run.finished_changes for run in Run.objects.all())
