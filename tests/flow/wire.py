"""What can go wrong on the wire, and one record of each kind sent through all of it. The servers are real sockets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from errors.models import OPEN_STATES, ErrorRecord
from simulators.server import Request, Server
from tests.chaos.hooks import watch
from tests.chaos.truth import work_until_quiet
from tests.flow.world import World

WRITE_FAULTS = (
    "reset_before",
    "reset_after",
    "late_commit",
    "garbage",
    "truncated",
    "status:500",
    "status:502",
    "status_after:500",
    "status_after:502",
    "hang:0.4",
)
READ_FAULTS = ("reset_before", "status:500", "status:502", "garbage", "truncated", "hang:0.4")
REPEATED = {"once": 1, "again and again": 4}
"""How often in a row: a single mishap, and more than a hand-over puts up with."""

TO_BAHMNI = ("subject", "enrolment", "program-encounter", "general-encounter")

Place = TypeVar("Place")
"""What a case works on: the world, or a clinic in it."""


def nothing(place: Any, entity: str) -> None:
    """The record is new: reading it is enough."""


@dataclass(frozen=True)
class Written(Generic[Place]):
    """One request of a stream: what must be there before it, what triggers it, and what must stand there afterwards.

    `later` happens once all is quiet again, and must then have its own effect: whatever went wrong before it.
    """

    stream: str
    method: str
    path: str
    prepare: Callable[[Place, str], str]
    trigger: Callable[[Place, str], None]
    truth: Callable[[Place, str, str], object]
    expected: Callable[[str], object]
    later: tuple[Callable[[Place, str], None], Callable[[str], object]] | None = None


def server_of(world: World, stream: str) -> Server:
    """Where a stream writes."""
    return world.bahmni_server if stream in TO_BAHMNI else world.avni_server


def open_errors(entity: str) -> list[tuple[str, str]]:
    """State and message of the error of a record that is not through."""
    return list(ErrorRecord.objects.filter(entity_id=entity, state__in=OPEN_STATES).values_list("state", "message"))


def wrong_after_faults(
    world: World, place: Place, case: Written[Place], times: int, *, skip: int = 0
) -> dict[str, object]:
    """Let the request go wrong in every way, so often in a row; gives what is wrong in the end, by fault.

    `skip`: so many of them go well before.
    """
    faults = server_of(world, case.stream).faults
    wrong: dict[str, object] = {}
    for number, fault in enumerate(WRITE_FAULTS, start=1001):
        entity = case.prepare(place, str(number))
        case.trigger(place, entity)
        fired = faults.fired[fault]
        faults.plan(case.method, case.path, fault, times=times, skip=skip, seconds=3600)
        world.sync(case.stream)
        assert faults.fired[fault] > fired, f"{fault} did not happen"
        faults.clear()
        stages = [(nothing, case.expected), *([case.later] if case.later else [])]
        for stage, (happens, expected) in enumerate(stages):
            happens(place, entity)
            work_until_quiet(world, case.stream)
            found = case.truth(place, str(number), entity)
            if found != expected(entity) or open_errors(entity):
                wrong[f"{fault}, stage {stage}"] = (found, open_errors(entity))
    return wrong


def forget_sessions_before(world: World, request: str, skip: int = 0) -> None:
    """Just before this request arrives, both servers forget who is signed in; once, after `skip` that went well."""
    left = [skip]

    def forget(arrived: Request) -> None:
        if f"{arrived.method} {arrived.path}" == request:
            if left[0] == 0:
                world.bahmni.expire_sessions()
                world.avni.expire_tokens()
            left[0] -= 1

    watch(world.avni_server, before=forget)
    watch(world.bahmni_server, before=forget)
