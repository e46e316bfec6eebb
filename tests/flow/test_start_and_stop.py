"""A server that is down or refuses our account stops a run, not a record; the next look goes on where it stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from common import clock
from engine import work
from engine.overview import overview
from engine.slices import Limits
from errors.models import ErrorRecord
from mappings.models import Constant
from simulators.bahmni.model import User
from simulators.server import Server
from syncstatus.models import Flow, Link, Position, Run, RunState, Stream
from syncstatus.state import State
from tenants.models import Connection
from tests.chaos.hooks import watch
from tests.chaos.truth import InBahmni, in_avni, in_bahmni
from tests.flow.world import World, small_world

ROOT = Path(__file__).parents[2]
SIDES = {
    ("subject", "target"): "bahmni",
    ("subject", "source"): "avni",
    ("patient", "target"): "avni",
    ("patient", "source"): "bahmni",
}
REFUSED = {"avni": "remote.sign-in.wrong-password", "bahmni": "remote.sign-in"}
OUTAGES = ("stopped", "status:503", "garbage", "status:502")


def server_of(world: World, side: str) -> Server:
    return world.avni_server if side == "avni" else world.bahmni_server


def pairs(world: World, number: int) -> list[tuple[str, str]]:
    return [(world.subject(str(1001 + n)), world.patient(str(1001 + n))) for n in range(number)]


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize(("stream", "end"), SIDES)
def test_a_server_that_is_down_blames_no_record_and_the_next_look_finishes(
    world: World, stream: str, end: str, outage: str
) -> None:
    made = pairs(world, 5)
    server = server_of(world, SIDES[stream, end])
    before = Position.objects.get(stream__key=stream).value
    if outage == "stopped":
        server.stop()
    else:
        server.faults.plan("*", "", outage, times=10_000)
    look = world.sync(stream).looks[-1]
    assert (look.stopped_by, Position.objects.get(stream__key=stream).value) == (f"remote.{end}-down", before)
    assert not ErrorRecord.objects.exists()
    assert not Link.objects.exists()
    if outage == "stopped":
        server.start()
    server.faults.clear()
    world.sync()
    for number, (subject, _) in enumerate(made, start=1001):
        assert in_bahmni(world, str(number)) == InBahmni(1, 1, 1, 1, {}, (subject,))
        assert in_avni(world, subject).rows == 1


def test_a_run_says_by_what_it_was_stopped_and_the_stream_stays_due(world: World) -> None:
    pairs(world, 2)
    world.bahmni_server.stop()
    world.sync("subject")
    run, stream = Run.objects.get(), Stream.objects.get(key="subject")
    assert (run.state, run.stopped_by, run.failed) == (RunState.STOPPED, "remote.target-down", 0)
    assert (stream.last_look_failure, stream.last_good_look_at) == ("remote.target-down", None)


def test_a_target_that_goes_down_in_the_middle_keeps_what_was_done(world: World) -> None:
    made = pairs(world, 12)
    world.bahmni_server.faults.plan("*", "", "status:503", times=10_000, skip=30)
    world.sync("subject")
    done = Link.objects.filter(outcome="created").count()
    assert 0 < done < 12
    assert not ErrorRecord.objects.exists()
    world.bahmni_server.faults.clear()
    world.sync("subject")
    assert Link.objects.filter(stream__key="subject").count() == 12
    for number, (subject, _) in enumerate(made, start=1001):
        assert in_bahmni(world, str(number)) == InBahmni(1, 1, 1, 1, {}, (subject,))


@pytest.mark.parametrize("side", ["avni", "bahmni"])
def test_wrong_credentials_are_tried_once_and_blame_no_record(world: World, side: str) -> None:
    pairs(world, 5)
    work.forget()
    world.avni.users["integration@demo"].password = user_of(world).password = "changed by somebody"
    give_back = user_of(world) if side == "avni" else world.avni.users["integration@demo"]
    give_back.password = "secret"
    world.avni.expire_tokens()
    world.bahmni.expire_sessions()
    server = server_of(world, side)
    world.reset_counts()
    looks = [world.sync(stream).looks[-1] for stream in ("subject", "patient", "subject")]
    assert {look.stopped_by for look in looks} == {REFUSED[side]}
    assert sign_ins(server) == 1
    assert not ErrorRecord.objects.exists()


def test_w42_right_credentials_entered_in_the_connection_are_tried_at_once(world: World) -> None:
    pairs(world, 1)
    work.forget()
    user_of(world).password = "a new one"
    world.bahmni.expire_sessions()
    world.sync("subject")
    user_of(world).password = "secret"
    connection = Connection.objects.get(side="bahmni")
    connection.save()
    look = world.sync("subject").looks[-1]
    assert (look.stopped_by, in_bahmni(world, "1001").encounters) == ("", 1)


def test_a_slice_ends_when_its_time_is_up_and_the_next_goes_on_behind_it(world: World) -> None:
    for n in range(250):
        world.subject(str(1001 + n))
    with clock.frozen(clock.now()) as time:
        watch(world.bahmni_server, before=lambda request: time.advance(0.2))
        first = world.sync("subject", limits=Limits(seconds=30)).looks[-1]
    assert first.more
    assert 0 < Link.objects.count() < 250
    seen = Link.objects.count()
    world.reset_counts()
    world.sync("subject")
    assert Link.objects.filter(outcome="created").count() == 250
    assert world.writes == 3 * (250 - seen)


def user_of(world: World) -> User:
    return next(row for row in world.bahmni.users.values() if row.username == "integration")


def sign_ins(server: Server) -> int:
    return server.counts["POST", "/api/user/generateToken"] + server.counts["GET", "/openmrs/ws/rest/v1/session"]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_loses_no_knock_and_fails_nobody(process_environment: dict[str, str]) -> None:
    with small_world() as world:
        world.switch_on()
        script = (
            "import django; django.setup()\n"
            "from engine.tasks import knock; from syncstatus.models import Flow\n"
            "from tenants.scoping import all_tenants\n"
            "with all_tenants(): flows = list(Flow.objects.values_list('pk', flat=True))\n"
            "for flow in flows: knock(flow)\n"
        )
        Flow.objects.update(slot_at=None)  # a slot of their schedules has come up
        nowhere = {**process_environment, "CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
        done = subprocess.run([sys.executable, "-c", script], env=nowhere, cwd=ROOT, timeout=60, check=False)
        assert done.returncode == 0
        assert not Stream.objects.filter(due_since=None).exists()


def test_a_subject_type_named_later_is_read_from_where_the_flow_began(world: World) -> None:
    world.avni.add_subject_type("Household member", person=True)
    early = world.subject("2001", subject_type="Household member")
    world.subject("1001")
    world.sync("subject")
    constant = Constant.objects.get(key="IntegrationAvniSubjectType")
    constant.value = "Household member"
    constant.save()
    world.sync("subject")
    assert world.link("subject", early).outcome == "created"


def test_a_subject_type_named_again_is_read_on_from_where_it_stood(world: World) -> None:
    world.subject("1001")
    world.sync("subject")
    stood = Position.objects.get(partition="Individual").value
    constant = Constant.objects.get(key="IntegrationAvniSubjectType")
    for name in ("Household member", "Individual"):
        constant.value = name
        constant.save()
        world.sync("subject")
    assert Position.objects.get(partition="Individual").value == stood


def test_a_connection_that_is_gone_stops_its_streams_with_a_sentence(world: World) -> None:
    world.subject("1001")
    Connection.objects.get(side="bahmni").delete()
    looks = world.sync().looks
    assert {look.stopped_by for look in looks} == {"engine.connection-missing"}
    assert set(Stream.objects.values_list("last_look_failure", flat=True)) == {"engine.connection-missing"}
    for seen in overview(Flow.objects.select_related("tenant")):
        assert seen.state is State.HELD
        assert "has no connection any more" in seen.trouble
