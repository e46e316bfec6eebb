"""A scene lived through again and again from the same beginning, each time with a death at another moment.

A life is a process of its own: it holds both servers, and forks the worker before they run. At the chosen point the
worker is killed; the life's own process, which knows nothing the dead one knew, then brings everything to its end.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from random import Random
from typing import Any

from django.db import connection

from common import clock
from engine import work
from engine.lease import DURATION
from simulators.server import HttpError, Request
from syncstatus.models import Lease
from tenants.models import Connection
from tests.chaos.forked import in_a_child, worker
from tests.chaos.hooks import watch
from tests.chaos.kept_rows import KeptRows, kept_rows
from tests.chaos.scenes import Scene
from tests.chaos.standing import Beginning, Standing, beginning, standing
from tests.chaos.truth import retry_all
from tests.flow.world import World, small_world

LOOKS = 5
"""In the last of which at the latest nothing is written any more."""


@dataclass(frozen=True)
class Point:
    """A moment in the life of a worker: before or after its n-th call, commit or statement, counted from 1."""

    what: str
    """"call", "commit" or "statement"."""
    number: int
    is_after: bool
    label: str = ""
    """What it is there, as the dry recording tells it: method and route, or the statement's first words."""

    def __str__(self) -> str:
        """For the name of a test, and for what is printed when it fails."""
        return f"{'after' if self.is_after else 'before'} {self.what} {self.number} {self.label}".strip()


@dataclass(frozen=True)
class Life:
    """How one ended. `struck` is the label of what was under way when the worker was killed, empty if it lived."""

    standing: Standing
    struck: str
    worker_ended: int
    calls: tuple[str, ...]
    commits: tuple[str, ...]
    statements: int


class Book:
    """What a worker does to the database, told over a pipe; it strikes itself down at the point."""

    def __init__(self, point: Point | None, told: int) -> None:
        self._point = point
        self._told = told
        self._seen = {"commit": 0, "statement": 0}

    def open(self) -> None:
        """Wrap this process's connection: every commit and every statement passes here from now on."""
        database: Any = connection
        commit = database._commit

        def committing() -> None:
            with self._around("commit", "COMMIT"):
                commit()

        database._commit = committing
        connection.execute_wrappers.append(self._execute)

    def _execute(self, execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any) -> Any:
        first = " ".join(sql.split()[:3])
        with self._around("statement", first):
            if connection.in_atomic_block or sql.lstrip().upper().startswith("SELECT"):
                return execute(sql, params, many, context)
            with self._around("commit", first):  # outside a transaction each statement is one
                return execute(sql, params, many, context)

    @contextmanager
    def _around(self, what: str, label: str) -> Iterator[None]:
        self._seen[what] += 1
        os.write(self._told, f"{what} {label.replace(chr(10), ' ')}\n".encode())
        self._strike(what, is_after=False)
        yield
        self._strike(what, is_after=True)

    def _strike(self, what: str, *, is_after: bool) -> None:
        point = self._point
        if point and (point.what, point.number, point.is_after) == (what, self._seen[what], is_after):
            os.kill(os.getpid(), signal.SIGKILL)


class Calls:
    """The requests of a worker as both servers see them; it is struck down at the point, from there."""

    def __init__(self, point: Point | None, kill: Callable[[], object], world: World) -> None:
        self._point = point if point and point.what == "call" else None
        self._kill = kill
        self._lock = threading.Lock()
        self._is_over = False
        self.seen: list[str] = []
        self.struck = ""
        for server in (world.avni_server, world.bahmni_server):
            watch(server, before=self._arrived(server.app), after=self._answered)
        self._numbers: dict[int, int] = {}

    def close(self) -> None:
        """From now on requests are somebody else's."""
        self._is_over = True

    def _arrived(self, app: Any) -> Callable[[Request], None]:
        def arrived(request: Request) -> None:
            with self._lock:
                if self._is_over:
                    return
                self.seen.append(f"{request.method} {app.template(request.method, request.path)}")
                self._numbers[threading.get_ident()] = len(self.seen)
                if self._strikes(len(self.seen), is_after=False):
                    raise HttpError(503)  # it was killed before it could send it

        return arrived

    def _answered(self, request: Request) -> None:
        with self._lock:
            if not self._is_over:
                self._strikes(self._numbers[threading.get_ident()], is_after=True)

    def _strikes(self, number: int, *, is_after: bool) -> bool:
        point = self._point
        if point is None or (point.number, point.is_after) != (number, is_after):
            return False
        self.struck = self.seen[number - 1]
        self._kill()
        return True


@dataclass
class Stage:
    """A prepared scene: both stores in memory, the rows kept in the database, no thread and no client."""

    world: World
    kept: KeptRows
    begun: Beginning

    def life(self, point: Point | None = None, *, parallel: int = 1) -> Life:
        """Live through it once, with a death at the point; `parallel`: how many requests at a time."""
        return in_a_child(lambda: self._live(point, parallel))

    def begin(self, parallel: int) -> None:
        """Put the rows back to where every life begins."""
        self.kept.put_back()
        Connection.objects.filter(tenant=self.world.tenant).update(max_parallel=parallel)
        retry_all()  # whatever the time is by now, there is the same to do

    def open(self) -> None:
        """Let both servers run."""
        for server in (self.world.avni_server, self.world.bahmni_server):
            server.start()

    def _live(self, point: Point | None, parallel: int) -> Life:
        self.begin(parallel)
        reading, writing = os.pipe()
        victim = worker(lambda: self._work(point, writing))
        os.close(writing)
        book: list[str] = []
        listener = threading.Thread(target=lambda: book.extend(_lines(reading)))
        listener.start()
        self.open()
        calls = Calls(point, victim.kill, self.world)
        victim.begin()
        ended = victim.ended()
        calls.close()
        listener.join()
        struck = calls.struck or (book[-1].split(" ", 1)[1] if book and ended < 0 else "")
        self._finish()
        told = [line.split(" ", 1) for line in book]
        return Life(
            standing(self.world, self.begun), struck, ended, tuple(calls.seen),
            tuple(label for what, label in told if what == "commit"),
            sum(what == "statement" for what, _ in told),
        )  # fmt: skip

    def _work(self, point: Point | None, told: int) -> None:
        Book(point, told).open()
        self.world.sync()

    def _finish(self) -> None:
        """Time passes, and another process works everything off until it finds nothing to write any more."""
        Lease.objects.filter(tenant=self.world.tenant).update(expires_at=clock.now() - DURATION)
        self.work_off()

    def work_off(self) -> None:
        """Look until nothing is written any more."""
        for _ in range(LOOKS):
            self.world.reset_counts()
            retry_all()
            while self.world.sync().lease_held_by_another:  # somebody else was woken late
                time.sleep(0.05)
            if not self.world.writes:
                return
        raise AssertionError(f"it still writes in look {LOOKS}")


@contextmanager
def staged(scene: Scene) -> Iterator[Stage]:
    """A world in which the scene is prepared, its servers stopped."""
    with small_world() as world:
        world.switch_on()
        scene(world)
        work.forget()
        import_module("kombu.transport.redis")  # a second, which each life would spend anew
        begun = beginning(world)
        world.avni_server.stop()
        world.bahmni_server.stop()
        with kept_rows() as kept:
            yield Stage(world, kept, begun)


def points_of(dry: Life) -> list[Point]:
    """Before and after every call and every commit that an undisturbed life has."""
    listed = [("call", dry.calls), ("commit", dry.commits)]
    return [
        Point(what, number, is_after, label)
        for what, labels in listed
        for number, label in enumerate(labels, 1)
        for is_after in (False, True)
    ]


def random_points(dry: Life, seed: int, many: int) -> list[Point]:
    """Moments drawn anywhere: at a call or at a statement, whatever it is."""
    draw = Random(seed)
    points = []
    for _ in range(many):
        what, last = draw.choice([("call", len(dry.calls)), ("statement", dry.statements)])
        points.append(Point(what, draw.randint(1, last), draw.random() < 0.5))
    return points


def _lines(reading: int) -> list[str]:
    with os.fdopen(reading) as told:
        return told.read().splitlines()
