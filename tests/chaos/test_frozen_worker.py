"""A worker is frozen (SIGSTOP) amid its work, its lease is taken over, a newer version is written; then it goes on.

The process, the database and both servers are real. No server can be told that a lease was lost, so what the frozen
worker still sends may arrive; nothing of it counts with us, and once it has reported the target is as the source says.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from itertools import count
from pathlib import Path

import pytest
from django.db import connection

from engine.lease import DURATION
from errors.models import ErrorLog, ErrorRecord
from simulators.server import Request, Server
from syncstatus.models import Link, Position, Run, Stream, Suspect
from tests.chaos.desk import expire
from tests.chaos.hooks import watch
from tests.chaos.records import ZONE
from tests.flow.clinic import VITALS, open_clinic
from tests.flow.world import World, small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, re, signal, sys, django
django.setup()
from pathlib import Path
from common import clock
from common.http import HttpSession
from engine.work import sync

tenant, stream, freeze_before, slept = int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])

class WithSleep(clock.SystemClock):
    def monotonic(self):
        return super().monotonic() + float(slept.read_text())

send = HttpSession.write

def frozen_before_it(session, request):
    if freeze_before and re.search(freeze_before, f"{request.method} {request.path}"):
        os.kill(os.getpid(), signal.SIGSTOP)
    return send(session, request)

HttpSession.write = frozen_before_it
with clock.using(WithSleep()):
    report = sync(tenant, stream)
print("lost" if report.lease_held_by_another else "kept", end="")
"""
"""Where it stops before a write it does so itself, behind every check of ours: no server sees that moment."""


class Scene(ABC):
    """One record that both sides hold, and the side it changes on."""

    stream: str
    look: str
    write: str

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    @abstractmethod
    def target(self) -> Server:
        """The server that is written to."""

    @abstractmethod
    def change(self, value: int) -> None:
        """Somebody saves another answer (and date, where dates travel) at the source."""

    @abstractmethod
    def standing(self) -> object:
        """What stands in the target, in the terms of `said`."""

    @abstractmethod
    def said(self, value: int) -> object:
        """What should stand there after `change`."""


class ToBahmni(Scene):
    """An encounter of the field team, whose date moves too."""

    stream, look, write = "general-encounter", r"^GET .*/encounter/", r"^POST .*/encounter/"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        world.household_visits()
        self.encounter = world.household_visit(world.subject("1001"), encounter_ms=_noon(1), observations={"Height": 1})
        world.sync()

    @property
    def target(self) -> Server:
        """The hospital."""
        return self.world.bahmni_server

    def change(self, value: int) -> None:
        """Another height, on another day."""
        self.world.avni.edit_encounter(
            self.encounter, encounter_ms=_noon(value), observations={"Height": value}, at=self.world.moment()
        )

    def standing(self) -> object:
        """Answers and moment of the encounter."""
        there = self.world.bahmni.encounters[self.world.link(self.stream, self.encounter).target_id]
        return self.world.held(there.uuid), there.moment

    def said(self, value: int) -> object:
        """One answer, at the beginning of that day."""
        return {"Height": [value]}, datetime.combine(date(2026, 1, value), time.min, ZONE).astimezone(UTC)


class ToAvni(Scene):
    """A form that a clinician filled in."""

    stream, look, write = "encounter", r"^GET /api/encounter/", r"^PATCH /api/encounter/"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.clinic = open_clinic(world)
        self.subject = world.subject("1001")
        patient = world.patient("1001")
        world.sync()
        self.encounter = self.clinic.fill_in(patient, self.clinic.form("Vitals", Pulse=1))
        world.sync()

    @property
    def target(self) -> Server:
        """Avni."""
        return self.world.avni_server

    def change(self, value: int) -> None:
        """Another pulse."""
        self.clinic.change(self.encounter, self.clinic.answer(self.encounter, "Pulse", value))

    def standing(self) -> object:
        """The pulses that stand at the subject."""
        return [row["Pulse"] for row in self.clinic.in_avni(self.subject)[VITALS]]

    def said(self, value: int) -> object:
        """That pulse alone."""
        return [value]


class Frozen:
    """A worker that stops amid its work."""

    def __init__(self, scene: Scene, environment: dict[str, str], slept: Path, freeze_before: str) -> None:
        self.slept = slept
        slept.write_text("0")
        arguments = [str(scene.world.tenant.pk), scene.stream, freeze_before, str(slept)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )

    def wait_until_it_stops(self) -> None:
        """Returns as soon as it was frozen."""
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def go_on(self, slept: float) -> str:
        """Let it go on, `slept` seconds later by its own clock, to its end; gives what became of its lease."""
        self.slept.write_text(str(slept))
        self.process.send_signal(signal.SIGCONT)
        said, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0
        return said


@contextmanager
def frozen(scene: Scene, environment: dict[str, str], slept: Path, *, before_sending: bool) -> Iterator[Frozen]:
    """A worker, frozen before it sends its write, or while the answer to its look is on the way."""
    worker = Frozen(scene, environment, slept, scene.write if before_sending else "")
    looks = count(1)

    def freeze(request: Request) -> None:
        # The first look at a record asks whether the server is still the one it was.
        if re.search(scene.look, f"{request.method} {request.path}") and next(looks) == 2:
            worker.process.send_signal(signal.SIGSTOP)

    if not before_sending:
        watch(scene.target, after=freeze)
    try:
        worker.wait_until_it_stops()
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait(timeout=60)


def rows() -> dict[str, list[tuple[object, ...]]]:
    """Whatever a worker writes down of its work."""
    return {
        table.__name__: list(table.objects.order_by("pk").values_list())
        for table in (Link, ErrorRecord, ErrorLog, Position, Run, Stream)
    }


SCENES = pytest.mark.parametrize("scene_of", [ToBahmni, ToAvni])


@SCENES
def test_frozen_between_read_and_write_it_sends_nothing_once_its_lease_is_too_short(
    process_environment: dict[str, str], tmp_path: Path, scene_of: type[Scene]
) -> None:
    with scene(scene_of) as there, frozen(there, process_environment, tmp_path / "slept", before_sending=False) as old:
        take_over_with_a_newer_version(there)
        before, writes = rows(), there.world.writes
        assert old.go_on(slept=DURATION.total_seconds()) == "lost"
        assert there.world.writes == writes
        assert rows() == before
        settle(there)


@SCENES
def test_frozen_by_a_machine_whose_clock_stood_still_it_writes_late_and_is_put_right(
    process_environment: dict[str, str], tmp_path: Path, scene_of: type[Scene]
) -> None:
    with scene(scene_of) as there, frozen(there, process_environment, tmp_path / "slept", before_sending=False) as old:
        take_over_with_a_newer_version(there)
        before, writes = rows(), there.world.writes
        assert old.go_on(slept=0) == "lost"
        assert rows() == before
        assert there.world.writes > writes
        assert there.standing() != there.said(3)
        settle(there)


@SCENES
def test_frozen_between_the_lease_check_and_the_send_it_writes_late_and_is_put_right(
    process_environment: dict[str, str], tmp_path: Path, scene_of: type[Scene]
) -> None:
    with scene(scene_of) as there, frozen(there, process_environment, tmp_path / "slept", before_sending=True) as old:
        take_over_with_a_newer_version(there)
        before, writes = rows(), there.world.writes
        assert old.go_on(slept=DURATION.total_seconds()) == "lost"
        assert there.world.writes == writes + 1
        assert rows() == before
        assert there.standing() != there.said(3)
        settle(there)


@contextmanager
def scene(scene_of: type[Scene]) -> Iterator[Scene]:
    """Both sides in step but for one change that is to be handed over."""
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite: nobody takes over from one that lives")
    with small_world() as world:
        world.switch_on()
        there = scene_of(world)
        there.change(2)
        yield there


def take_over_with_a_newer_version(there: Scene) -> None:
    """What another process does meanwhile."""
    expire(there.world.tenant)
    there.change(3)
    there.world.sync(there.stream)
    assert there.standing() == there.said(3)


def settle(there: Scene) -> None:
    """The next look compares what the frozen worker was at, and is done with it."""
    there.world.sync(there.stream)
    assert there.standing() == there.said(3)
    assert not Suspect.objects.exists()
    assert not ErrorRecord.objects.exists()


def _noon(day: int) -> int:
    return int(datetime.combine(date(2026, 1, day), time(12), ZONE).timestamp() * 1000)
