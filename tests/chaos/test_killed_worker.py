"""A worker process is killed in the middle of its work, and another one goes on: nothing is lost, nothing is doubled.

The process, the broker, the database and both servers are real. The kill comes from a simulator, at a chosen write.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from common import clock
from engine.lease import DURATION
from engine.work import sync
from errors.models import OPEN_STATES, ErrorRecord
from simulators.server import Request
from syncstatus.models import Lease, Link, Run, Stream
from tenants.scoping import tenant_scope
from tests.chaos.hooks import Hook, watch
from tests.chaos.truth import in_avni, in_bahmni
from tests.chaos.ward import Ward
from tests.flow.world import World, small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
RECORDS = 12
SCRIPT = """
import sys, django
django.setup()
from engine.work import sync
for stream in ("subject", "general-encounter", "patient", "encounter"):
    sync(int(sys.argv[1]), stream)
"""


class Victim:
    """A process of its own that works a tenant off, and dies at the n-th write to either server."""

    def __init__(self, world: World, environment: dict[str, str]) -> None:
        command = [sys.executable, "-c", SCRIPT, str(world.tenant.pk)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)

    def kill(self) -> None:
        """At once, as a power cut does."""
        os.kill(self.process.pid, signal.SIGKILL)


def any_write(request: Request) -> bool:
    """Whether a request changes anything but who is signed in."""
    return request.method != "GET" and not request.path.endswith("generateToken")


@contextmanager
def killed_at(
    world: World, environment: dict[str, str], write: int, *, answered: bool, of: Callable[[Request], bool] = any_write
) -> Iterator[Victim]:
    """Start a victim and kill it at its `write`-th write `of` a kind: when it has arrived, or when it was carried out.

    It lives when there are fewer.
    """
    seen = 0
    lock = threading.Lock()
    victim: Victim | None = None

    def strike(request: Request) -> None:
        nonlocal seen
        with lock:
            if victim is None or not of(request):
                return
            seen += 1
            if seen == write:
                victim.kill()

    for server in (world.avni_server, world.bahmni_server):
        hooks: dict[str, Hook] = {"after": strike} if answered else {"before": strike}
        watch(server, **hooks)
    victim = Victim(world, environment)
    try:
        yield victim
    finally:
        victim.process.wait(timeout=60)


def let_the_lease_run_out(world: World) -> None:
    """What time does after a death."""
    Lease.objects.filter(tenant=world.tenant).update(expires_at=clock.now() - DURATION)


@pytest.mark.parametrize("answered", [False, True], ids=["request arrived", "request carried out"])
@pytest.mark.parametrize("write", [1, 2, 3, 8, 20, 31, 33, 40, 44])
def test_w19_after_a_kill_at_any_write_everything_is_there_once(
    process_environment: dict[str, str], write: int, answered: bool
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    with small_world() as world:
        world.switch_on()
        subjects = [world.subject(f"1{number:03}", observations={"Height": 150 + number}) for number in range(RECORDS)]
        for number in range(0, RECORDS, 3):
            world.patient(f"1{number:03}", attributes={"Caste": "Toda"})
        with killed_at(world, process_environment, write, answered=answered) as victim:
            pass
        assert victim.process.returncode == -signal.SIGKILL
        let_the_lease_run_out(world)
        for stream in ("subject", "patient"):
            sync(world.tenant.pk, stream)
        for number, subject in enumerate(subjects):
            there = in_bahmni(world, f"1{number:03}")
            assert (there.patients, there.visits, there.rows, there.markers) == (1, 1, 1, (subject,))
            assert there.answers == {"Height": [150 + number]}
            assert in_avni(world, subject).rows == 1
        assert Link.objects.filter(stream__key="subject").count() == RECORDS


def written(method: str, path: str) -> Callable[[Request], bool]:
    """Tells the writes of one kind."""
    return lambda request: request.method == method and re.search(path, request.path) is not None


IN_BAHMNI, IN_AVNI = r"^/openmrs/.*/encounter", r"^/api/encounter"
KINDS = {
    # Of four new encounters of the field team three are those of new subjects, whose registrations come before.
    "a new encounter in Bahmni": (written("POST", f"{IN_BAHMNI}$"), 5),
    "the first change of an encounter in Bahmni": (written("POST", f"{IN_BAHMNI}/"), 1),
    "a later change of an encounter in Bahmni": (written("POST", f"{IN_BAHMNI}/"), 4),
    "a void in Bahmni": (written("DELETE", IN_BAHMNI), 1),
    "a new encounter in Avni": (written("POST", f"{IN_AVNI}$"), 5),
    "the last new encounter in Avni": (written("POST", f"{IN_AVNI}$"), 7),
    "a changed encounter in Avni": (written("PATCH", IN_AVNI), 1),
    "a void in Avni": (written("DELETE", IN_AVNI), 1),
}
"""Every kind of write of the two streams of encounters, and which of them is the victim's last."""


@pytest.mark.parametrize("answered", [False, True], ids=["request arrived", "request carried out"])
@pytest.mark.parametrize("kind", KINDS)
def test_after_a_kill_at_any_kind_of_write_every_encounter_is_there_once_and_right(
    process_environment: dict[str, str], kind: str, answered: bool
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    of, write = KINDS[kind]
    with small_world() as world:
        world.switch_on()
        ward = Ward(world)
        with killed_at(world, process_environment, write, answered=answered, of=of) as victim:
            pass
        assert victim.process.returncode == -signal.SIGKILL
        let_the_lease_run_out(world)
        ward.work_off()
        assert ward.wrong() == {}
        assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()


def test_a_worker_killed_again_and_again_gets_through_in_the_end(process_environment: dict[str, str]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    with small_world() as world:
        world.switch_on()
        ward = Ward(world)
        deaths = 0
        while True:
            with killed_at(world, process_environment, 5, answered=deaths % 2 == 0) as victim:
                pass
            if victim.process.returncode == 0:
                break
            deaths += 1
            let_the_lease_run_out(world)
        assert deaths > 4
        assert ward.wrong() == {}


def test_w20_four_processes_woken_at_once_write_everything_once(process_environment: dict[str, str]) -> None:
    with small_world() as world:
        world.switch_on()
        subjects = [world.subject(f"1{number:03}") for number in range(RECORDS)]
        victims = [Victim(world, process_environment) for _ in range(4 if connection.vendor == "postgresql" else 2)]
        for victim in victims:
            assert victim.process.wait(timeout=120) == 0
        for stream in ("subject", "patient"):
            sync(world.tenant.pk, stream)
        for number, subject in enumerate(subjects):
            there = in_bahmni(world, f"1{number:03}")
            assert (there.patients, there.visits, there.rows) == (1, 1, 1)
            assert in_avni(world, subject).rows == 1
        assert world.writes == 4 * RECORDS


def test_w39_two_tenants_with_equal_names_run_at_once_and_mix_nothing(process_environment: dict[str, str]) -> None:
    with small_world("ashwini") as here, small_world("bissau") as there:
        for world in (here, there):
            with tenant_scope(world.tenant):
                world.switch_on()
        mine = [here.subject(f"1{number:03}", first="Asha") for number in range(RECORDS)]
        theirs = [there.subject(f"1{number:03}", first="Meena", last="Kumari") for number in range(RECORDS)]
        victims = [Victim(world, process_environment) for world in (here, there)]
        for victim in victims:
            assert victim.process.wait(timeout=120) == 0
        for world, subjects, first in ((here, mine, "Asha"), (there, theirs, "Meena")):
            sync(world.tenant.pk, "patient")
            markers = {in_bahmni(world, f"1{number:03}").markers for number in range(RECORDS)}
            assert markers == {(subject,) for subject in subjects}
            assert {row.names[0].given_name for row in world.bahmni.persons.values()} == {first}
            assert all(in_avni(world, subject).rows == 1 for subject in subjects)


def test_while_a_dead_workers_lease_lasts_nobody_else_writes(process_environment: dict[str, str]) -> None:
    with small_world() as world:
        world.switch_on()
        world.subject("1001")
        with killed_at(world, process_environment, 1, answered=True):
            pass
        world.reset_counts()
        assert sync(world.tenant.pk, "subject").lease_held_by_another
        assert world.writes == 0
        assert Stream.objects.get(key="subject").due_since is not None
        assert not Run.objects.filter(finished_at__isnull=False).exists()
