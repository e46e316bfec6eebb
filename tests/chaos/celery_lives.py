"""The same scenes worked off by a real Celery worker, whose child, or the whole of it, is killed at a call."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import redis
from celery import current_app

from engine import bell
from syncstatus.models import Lease, Stream
from tests.chaos.desk import expire
from tests.chaos.forked import in_a_child
from tests.chaos.lives import Calls, Point, Stage
from tests.chaos.standing import Standing, standing
from tests.services import provision

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
"""Seconds until a life whose worker does nothing gives up."""

Celery = subprocess.Popen[bytes]


@contextmanager
def celery(environment: Mapping[str, str], name: str = "matrix", processes: int = 1) -> Iterator[Celery]:
    """A worker as it runs in production."""
    command = [sys.executable, "-m", "celery", "--app", "avni_integration", "--skip-checks", "worker"]
    options = ["--loglevel", "CRITICAL", "--without-gossip", "--without-mingle", "--concurrency", str(processes)]
    process = subprocess.Popen([*command, *options, "--hostname", f"{name}@%h"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def kill_child(worker: Celery) -> None:
    """What the kernel does to a process that takes too much memory."""
    for child in psutil.Process(worker.pid).children():
        child.kill()


def kill_whole(worker: Celery) -> None:
    """A power cut."""
    for process in (*psutil.Process(worker.pid).children(recursive=True), psutil.Process(worker.pid)):
        process.kill()


def life_of_a_child(stage: Stage, worker: Celery, point: Point) -> Standing:
    """What stands in the end when the child of a running worker is killed at the point, and its master goes on."""
    return in_a_child(lambda: _live(stage, point, lambda: kill_child(worker), lambda: None))


def life_of_a_worker(stage: Stage, environment: Mapping[str, str], point: Point) -> Standing:
    """What stands in the end when a worker is killed as a whole, and another one is started."""

    def live() -> Standing:
        with ExitStack() as workers:
            first = workers.enter_context(celery(environment, "first"))
            return _live(
                stage, point, lambda: kill_whole(first), lambda: workers.enter_context(celery(environment, "second"))
            )

    return in_a_child(live)


def _live(stage: Stage, point: Point, kill: Callable[[], None], succeed: Callable[[], object]) -> Standing:
    world = stage.world
    redis.Redis.from_url(provision().broker.url).flushall()
    stage.begin(parallel=1)
    stage.open()
    calls = Calls(point, kill, world)
    _send(world.tenant.pk)
    wait_until(lambda: bool(calls.struck))
    calls.close()
    expire(world.tenant)
    succeed()
    _send(world.tenant.pk)
    while True:
        wait_until(lambda: not _is_at_work())
        stage.work_off()
        token = Lease.objects.get(tenant=world.tenant).token
        found = standing(world, stage.begun)
        if not Lease.objects.exclude(owner="", token=token).exists():  # else a message came late, and a look with it
            return found


def _send(tenant: int) -> None:
    streams = Stream.objects.filter(tenant=tenant)
    bell.mark_due(streams)
    for stream in streams:
        current_app.send_task(f"bahmni.sync.{stream.key}", args=[tenant])


def _is_at_work() -> bool:
    return Stream.objects.filter(due_since__isnull=False).exists() or Lease.objects.exclude(owner="").exists()


def wait_until(holds: Callable[[], bool]) -> None:
    """Return once it does. Raises AssertionError when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "the worker does nothing"
        time.sleep(0.05)
