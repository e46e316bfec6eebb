"""A record that ends every worker process which handles it: three of them at most, and the others get through.

The kill comes from the hospital, as soon as it is asked about that record. Process, database and servers are real.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from engine import bell, moves
from engine.tasks import sweep
from errors.models import ErrorRecord, ErrorState
from simulators.server import Request
from syncstatus.models import Lease, Link, Position, Stream, Suspect
from tenants.audit import SYSTEM
from tenants.scoping import all_tenants
from tests.chaos.desk import expire
from tests.chaos.hooks import watch
from tests.chaos.test_doubled_messages import PATIENCE, workers
from tests.chaos.test_killed_worker import Victim
from tests.chaos.truth import in_avni, in_bahmni
from tests.flow.world import PREFIX, World, small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

NUMBERS = [str(1001 + number) for number in range(12)]
POISON = "1005"


class Poison:
    """Ends the process that has the lease whenever the hospital is asked about one number."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kills = 0
        self.works = True
        self._lock = threading.Lock()
        watch(world.bahmni_server, before=self._strike)

    def _strike(self, request: Request) -> None:
        about = (PREFIX + POISON) in f"{request.query} {request.body!r}"
        with self._lock:
            if about and self.works:
                self.kills += self._kill()

    def _kill(self) -> bool:
        with all_tenants():
            owner = Lease.objects.get(tenant=self.world.tenant).owner
        connection.close()
        if not owner:
            return False
        os.kill(int(owner.split(":")[1]), signal.SIGKILL)
        return True


@contextmanager
def poisoned() -> Iterator[tuple[World, Poison, dict[str, str]]]:
    """A dozen subjects, one of which kills; gives their ids by number too."""
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    with small_world() as world:
        world.switch_on()
        yield world, Poison(world), {number: world.subject(number) for number in NUMBERS}


def assert_all_but_one_are_through(world: World, subjects: dict[str, str]) -> None:
    for number, subject in subjects.items():
        if number != POISON:
            there = in_bahmni(world, number)
            assert (there.patients, there.rows, in_avni(world, subject).rows) == (1, 1, 1)
    error = ErrorRecord.objects.get()
    assert (error.entity_id, error.state, error.message) == (subjects[POISON], ErrorState.HELD, "engine.worker-lost")


def test_a_killing_record_costs_three_take_overs_and_is_parked(process_environment: dict[str, str]) -> None:
    with poisoned() as (world, poison, subjects):
        codes = []
        while not codes or codes[-1]:
            codes.append(Victim(world, process_environment).process.wait(timeout=120))
            expire(world.tenant)
        assert (codes, poison.kills) == ([-signal.SIGKILL] * 3 + [0], 3)
        assert_all_but_one_are_through(world, subjects)
        poison.works = False
        moves.retry(ErrorRecord.objects.all(), actor=SYSTEM)
        assert Victim(world, process_environment).process.wait(timeout=120) == 0
        assert in_bahmni(world, POISON).patients == 1
        assert not ErrorRecord.objects.exclude(state=ErrorState.RESOLVED).exists()


def test_a_killing_record_costs_a_celery_worker_three_children_and_is_parked(
    process_environment: dict[str, str],
) -> None:
    with poisoned() as (world, poison, subjects), workers(1, process_environment):
        due = Stream.objects.filter(key__in=("subject", "patient"))
        bell.mark_due(due)
        deadline, dead = time.monotonic() + PATIENCE, 0
        through = Link.objects.exclude(target_id="")
        while through.count() < 2 * len(NUMBERS) - 2 or due.filter(due_since__isnull=False).exists():
            assert time.monotonic() < deadline, "the worker does nothing"
            if poison.kills > dead:  # its lease would run out in time
                dead = poison.kills
                expire(world.tenant)
            sweep()  # as the beat does, only more often
            time.sleep(0.5)
        assert poison.kills == 3
        assert_all_but_one_are_through(world, subjects)


def test_workers_killed_while_they_read_a_page_convict_no_record(process_environment: dict[str, str]) -> None:
    with poisoned() as (world, poison, subjects):
        poison.works = False
        pages = threading.Semaphore(4)  # more deaths than a record may cost
        victims: list[Victim] = []

        def strike(request: Request) -> None:
            if request.path == "/api/subjects" and victims and pages.acquire(blocking=False):
                victims[-1].kill()

        watch(world.avni_server, before=strike)
        codes = []
        while not codes or codes[-1]:
            victims.append(Victim(world, process_environment))
            codes.append(victims[-1].process.wait(timeout=120))
            expire(world.tenant)
        assert codes == [-signal.SIGKILL] * 4 + [0]
        assert not ErrorRecord.objects.exists()
        assert not Suspect.objects.exists()
        assert Position.objects.exists()
        assert all(in_bahmni(world, number).patients == 1 for number in subjects)
