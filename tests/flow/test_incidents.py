"""A server that goes down, refuses our account or stumbles, with both servers behind real HTTP."""

from __future__ import annotations

from common import clock
from engine import bell, moves, work
from errors.models import ErrorRecord
from simulators.server import Request, Response
from syncstatus.models import Flow, Incident, Stream
from tenants.audit import SYSTEM
from tenants.models import Connection
from tenants.secrets import Secret
from tests.flow.world import World

SESSION = ("GET", "/openmrs/ws/rest/v1/session")


def turn(world: World) -> None:
    """Whatever is due, by a worker process that was not at work before."""
    work.forget()
    bell.mark_due(Stream.objects.all())
    work.work_off(world.tenant.pk)


def wrong_password(world: World, password: str = "wrong") -> None:
    row = Connection.objects.get(side="bahmni")
    row.secret = Secret.of(password)
    row.save()
    world.reset_counts()


def log_ins(world: World) -> int:
    return world.bahmni_server.counts[SESSION]


def test_a_wrong_password_is_shown_once_by_two_workers_and_all_streams(world: World) -> None:
    """OpenMRS locks an account after seven."""
    world.programs()
    world.household_visits()
    world.subject("1001")
    world.patient("1001")
    wrong_password(world)
    for _ in range(6):
        turn(world)
    assert Stream.objects.count() >= 6
    assert log_ins(world) == 1
    assert ErrorRecord.objects.count() == 0


def test_run_now_shows_it_once_more(world: World) -> None:
    world.subject("1001")
    wrong_password(world)
    turn(world)
    moves.run_now(Flow.objects.get(key="avni-to-bahmni"), actor=SYSTEM)
    for _ in range(3):
        turn(world)
    assert log_ins(world) == 2


def test_the_right_password_saved_everything_goes_on_by_itself(world: World) -> None:
    world.subject("1001")
    wrong_password(world)
    turn(world)
    wrong_password(world, "secret")
    turn(world)
    assert (log_ins(world), len(world.bahmni.encounters)) == (1, 1)
    assert Incident.objects.get().recovered_at is not None


class Busy:
    """A server, or what stands before it, that asks everybody to come later."""

    def handle(self, request: Request) -> Response:
        return Response(429, headers={"Retry-After": "900"})


def test_a_request_to_come_later_is_heeded_for_the_whole_server(world: World) -> None:
    world.subject("1001")
    world.sync()
    world.subject("1002")
    world.bahmni_server.app = Busy()
    turn(world)
    world.reset_counts()
    for _ in range(3):
        turn(world)
    assert world.bahmni_server.requests == 0
    at = Connection.objects.get(side="bahmni").next_probe_at
    assert at is not None
    assert 800 < (at - clock.now()).total_seconds() <= 900
    assert ErrorRecord.objects.count() == 0
