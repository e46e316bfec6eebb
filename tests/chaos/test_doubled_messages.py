"""Two Celery workers and every message sent many times: the bell is rung too often, and everything is there once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from celery import current_app
from django.db import connection

from engine.tasks import sweep
from errors.models import ErrorRecord
from syncstatus.models import Link, Run, Stream
from tests.chaos.desk import expire
from tests.chaos.truth import InAvni, InBahmni, in_avni, in_bahmni
from tests.flow.world import MARKER, World, small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
RECORDS = 60
PATIENCE = 90
"""Seconds until a test whose workers do nothing gives up."""


@contextmanager
def workers(number: int, environment: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Celery workers as they run in production, two processes each."""
    command = [sys.executable, "-m", "celery", "--app", "avni_integration", "--skip-checks", "worker"]
    options = ["--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--concurrency", "2"]
    processes = [
        subprocess.Popen([*command, *options, "--hostname", f"chaos{n}@%h"], cwd=ROOT, env=environment)
        for n in range(number)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=60)


def wait_until_quiet(world: World) -> None:
    """Until every record is through and nothing is due."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        through = Link.objects.filter(outcome__in=["created", "unchanged"]).count()
        if through == 2 * RECORDS and not Stream.objects.filter(due_since__isnull=False).exists():
            return
        sweep()  # as the beat does, only more often
        time.sleep(0.5)
    raise AssertionError(f"{Link.objects.count()} links after {PATIENCE} s")


def send(world: World, times: int) -> None:
    for _ in range(times):
        for stream in ("subject", "patient"):
            current_app.send_task(f"bahmni.sync.{stream}", args=[world.tenant.pk])


def test_two_workers_and_messages_sent_many_times_write_everything_once(process_environment: dict[str, str]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one worker process on SQLite")
    with small_world() as world:
        world.switch_on()
        numbers = [str(1001 + n) for n in range(RECORDS)]
        pairs = [(n, world.subject(n, observations={"Height": 150}), world.patient(n)) for n in numbers]
        send(world, times=6)
        with workers(2, process_environment):
            wait_until_quiet(world)
            send(world, times=6)
            wait_until_quiet(world)
        for number, subject, patient in pairs:
            assert in_bahmni(world, number) == InBahmni(1, 1, 1, 1, {"Height": [150.0]}, (subject,))
            assert in_avni(world, subject) == InAvni(1, ({MARKER: patient},))
        assert not ErrorRecord.objects.exists()
        assert world.writes == RECORDS * 3
        assert all(run.read == run.finished_changes for run in Run.objects.all())


def test_a_worker_killed_with_its_messages_unanswered_loses_none(process_environment: dict[str, str]) -> None:
    """Its lease outlives it; the streams stay due in the database, and the next ring finds them."""
    if connection.vendor == "sqlite":
        pytest.skip("one worker process on SQLite")
    with small_world() as world:
        world.switch_on()
        numbers = [str(1001 + n) for n in range(RECORDS)]
        pairs = [(n, world.subject(n), world.patient(n)) for n in numbers]
        send(world, times=1)
        world.bahmni_server.faults.latency = 0.02
        with workers(1, process_environment) as processes:
            wait_for_writes(world, 20)
            worker = psutil.Process(processes[0].pid)
            for process in [worker, *worker.children(recursive=True)]:
                process.kill()
            processes[0].wait(timeout=60)
        world.bahmni_server.faults.latency = 0
        expire(world.tenant)
        assert Stream.objects.filter(due_since__isnull=False).exists()
        with workers(1, process_environment):
            send(world, times=1)
            wait_until_quiet(world)
        for number, subject, patient in pairs:
            assert in_bahmni(world, number) == InBahmni(1, 1, 1, 1, {}, (subject,))
            assert in_avni(world, subject) == InAvni(1, ({MARKER: patient},))


def wait_for_writes(world: World, number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while world.writes < number:
        assert time.monotonic() < deadline, "the worker does nothing"
        time.sleep(0.02)
