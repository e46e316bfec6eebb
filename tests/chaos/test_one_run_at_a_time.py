"""Beat, broker, a person and a command at once, as processes: a tenant is worked by one of them at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from itertools import combinations
from pathlib import Path

import pytest
from celery import current_app
from django.db import connection

from engine import moves
from engine.tasks import sweep
from errors.models import ErrorRecord
from simulators.server import Request
from syncstatus.models import Flow, Link, Run, RunState, Stream
from tenants.audit import SYSTEM
from tests.chaos.hooks import watch
from tests.chaos.test_doubled_messages import PATIENCE, workers
from tests.chaos.truth import InBahmni, in_bahmni
from tests.flow.world import World, small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
RECORDS = 150
WRITES = 4 * RECORDS
"""Patient, visit and encounter in Bahmni, and the registration that comes back to Avni."""
DJANGO = "import django; django.setup(); from tenants.scoping import all_tenants; from syncstatus.models import Flow\n"
KNOCK = DJANGO + "from engine.tasks import knock\nwith all_tenants(): keys = [flow.pk for flow in Flow.objects.all()]\n"
KNOCK += "for key in keys: knock(key)\n"
RUN_NOW = DJANGO + "from engine import moves; from tenants.audit import SYSTEM\nwith all_tenants():\n"
RUN_NOW += "    for flow in Flow.objects.select_related('tenant'): moves.run_now(flow, actor=SYSTEM)\n"
SYNC = ["manage.py", "sync", "ashwini"]


def begun(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment)


def wait_until_there(number: int) -> None:
    """Until so many workers answer."""
    deadline = time.monotonic() + PATIENCE
    while len(current_app.control.inspect(timeout=1).ping() or {}) < number:
        assert time.monotonic() < deadline, "the workers do not start"


def wait_until_quiet() -> None:
    deadline = time.monotonic() + PATIENCE
    while Link.objects.count() < 2 * RECORDS or Stream.objects.filter(due_since__isnull=False).exists():
        assert time.monotonic() < deadline, "it never comes to an end"
        sweep()
        time.sleep(0.5)


def subjects(world: World) -> list[tuple[str, str]]:
    return [(str(1001 + n), world.subject(str(1001 + n))) for n in range(RECORDS)]


def test_two_knocks_a_person_and_a_command_at_once_never_overlap(process_environment: dict[str, str]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one worker process on SQLite")
    with small_world() as world:
        world.switch_on()
        made = subjects(world)
        Flow.objects.update(slot_at=None)  # a slot has come up
        with workers(2, process_environment):
            wait_until_there(2)
            world.bahmni_server.faults.latency = 0.02
            at_once = [["-c", KNOCK], ["-c", KNOCK], ["-c", RUN_NOW], SYNC, SYNC]
            processes = [begun(arguments, process_environment) for arguments in at_once]
            statuses = [process.wait(timeout=PATIENCE) for process in processes]
            wait_until_quiet()
        assert statuses[:3] == [0, 0, 0]
        assert set(statuses[3:]) <= {0, 4}  # through, or somebody else works for the tenant
        assert world.writes == WRITES
        assert all(in_bahmni(world, number) == InBahmni(1, 1, 1, 1, {}, (subject,)) for number, subject in made)
        assert not ErrorRecord.objects.exists()
        spans = sorted((run.token, run.started_at, run.finished_at) for run in Run.objects.all())
        for (one, _, end), (other, start, _) in combinations(spans, 2):
            assert one == other or (end is not None and end <= start)


def test_a_run_in_another_process_ends_when_a_person_stops_it(process_environment: dict[str, str]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite")
    with small_world() as world:
        world.switch_on()
        subjects(world)
        reached = threading.Event()

        def count(request: Request) -> None:
            if world.writes >= 20:
                reached.set()

        watch(world.bahmni_server, after=count)
        process = begun(SYNC, process_environment)
        assert reached.wait(PATIENCE)
        under_way = [
            moves.stop(flow, actor=SYSTEM, reason="enough") for flow in Flow.objects.filter(key="avni-to-bahmni")
        ]
        process.wait(timeout=PATIENCE)
        assert under_way == [True]
        stopped = Run.objects.get(stopped_by="engine.stopped")
        assert (stopped.state, stopped.stopped_who) == (RunState.STOPPED, "the service itself")
        handed_over = Link.objects.filter(stream__key="subject").count()
        assert 0 < handed_over < RECORDS
        assert stopped.read == stopped.finished_changes == handed_over
        for flow in Flow.objects.filter(is_paused=True):
            moves.resume(flow, actor=SYSTEM)
        assert begun(SYNC, process_environment).wait(timeout=PATIENCE) == 0
        assert Link.objects.filter(stream__key="subject", outcome="created").count() == RECORDS
        assert world.writes == WRITES
