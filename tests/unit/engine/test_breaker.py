"""A server that is down is asked once an interval, whoever needs it; what waited then goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from common import clock
from common.clock import FrozenClock
from common.http_errors import Garbled, RemoteError, SignInFailed, Slow, Unreachable
from engine import bell, signing_in, work
from engine.breaker import FIRST, LONGEST, LONGEST_ASKED, SPREAD, wait_after
from engine.overview import overview
from engine.registry import Fact, Seen, Servers, SideSpec
from errors.models import ErrorLog, ErrorRecord
from syncstatus.models import Flow, Incident, Position, Run, Stream
from syncstatus.state import State
from tenants.models import Connection
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import card, down, notice, remote
from tests.unit.engine.factories import NOON

SECOND_STREAM = "paper-card"


class Wards:
    """Two servers that are asked who they are, and answer, or not, as a test says."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails: dict[str, RemoteError] = {}

    def identity(self, servers: Servers, side: str, traces: Any) -> Seen:
        self.asked.append(side)
        if side in self.fails:
            raise self.fails[side]
        return Seen({"who": side})


@pytest.fixture
def wards() -> Wards:
    return Wards()


@pytest.fixture
def there(db: None, wards: Wards) -> Iterator[Desk]:
    who = (Fact("who", "its name"),)
    sides = (SideSpec("avni", "Avni", {"none": "-"}, 8, who), SideSpec("paper", "the card box", {"none": "-"}, 4, who))
    with desk(sides=sides, identity=wards.identity) as built:
        built.paper.add(*(card(str(number)) for number in range(10)))
        Flow.objects.update(is_on=True)
        second = Stream.objects.get(key=SECOND_STREAM)
        Position.objects.create(tenant=built.tenant, stream=second, partition="cards", value={"page": 9})
        yield built


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as stopped:
        yield stopped


def ring_all() -> None:
    bell.mark_due(Stream.objects.all())


def connection(side: str = "paper") -> Connection:
    return Connection.objects.get(side=side)


def fails(wards: Wards, side: str = "paper", kind: type[RemoteError] = Unreachable) -> None:
    wards.fails[side] = remote(kind, side)


def an_hour(there: Desk, time: FrozenClock, wards: Wards) -> list[float]:
    """An hour with a sweep each half minute; gives when the target was asked, in seconds."""
    times: list[float] = []
    for _ in range(120):
        before = len(wards.asked)
        work.work_off(there.tenant.pk)
        times += [time.monotonic()] * wards.asked[before:].count("paper")
        time.advance(30)
    return times


# -- how often --------------------------------------------------------------------------------------------------------


def test_a_target_down_for_an_hour_costs_at_most_one_probe_per_interval(
    there: Desk, time: FrozenClock, wards: Wards
) -> None:
    fails(wards)
    ring_all()
    times = an_hour(there, time, wards)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert all(wait >= FIRST.total_seconds() * (1 - SPREAD) for wait in waits)
    assert waits[:3] == sorted(waits[:3])  # ever rarer
    assert all(240 <= wait <= 330 for wait in waits[5:])  # a sweep comes each half minute
    assert len(times) <= 4 + 3600 / 240
    assert there.paper.asked["look"] == 0
    assert Incident.objects.get().probes == len(times) - 1


def test_meanwhile_no_record_is_blamed_and_the_position_stays(there: Desk, time: FrozenClock, wards: Wards) -> None:
    fails(wards)
    ring_all()
    an_hour(there, time, wards)
    assert (ErrorRecord.objects.count(), there.position) == (0, 0)


def test_attempts_that_are_due_are_not_made_and_not_counted(there: Desk, time: FrozenClock, wards: Wards) -> None:
    there.paper.before_look = lambda entity: (_ for _ in ()).throw(ValueError("a slip"))
    there.work()
    before = list(ErrorRecord.objects.values_list("attempts", "failed_in_a_row").order_by("pk"))
    logged = ErrorLog.objects.count()
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.paper.before_look = lambda entity: (_ for _ in ()).throw(down())
    fails(wards)
    ring_all()
    an_hour(there, time, wards)
    assert list(ErrorRecord.objects.values_list("attempts", "failed_in_a_row").order_by("pk")) == before
    assert ErrorLog.objects.count() == logged


def test_all_streams_that_need_the_server_wait_after_the_first_one_found_it_down(
    there: Desk, time: FrozenClock, wards: Wards
) -> None:
    fails(wards, "avni")
    ring_all()
    work.work_off(there.tenant.pk)
    looks = work.work_off(there.tenant.pk).looks
    assert wards.asked.count("avni") == 1
    assert [look.stopped_by for look in looks] == ["remote.source-down", "remote.target-down"]


def test_a_stream_that_waits_costs_no_run_and_is_not_marked_as_looked_at(
    there: Desk, time: FrozenClock, wards: Wards
) -> None:
    fails(wards)
    ring_all()
    work.work_off(there.tenant.pk)
    before = (Run.objects.count(), Stream.objects.get(key=STREAM).last_look_at)
    time.advance(10)
    work.work_off(there.tenant.pk)
    assert (Run.objects.count(), Stream.objects.get(key=STREAM).last_look_at) == before


@pytest.mark.parametrize("kind", [Unreachable, Slow, Garbled])
def test_a_server_that_does_not_tell_who_it_is_is_down(
    there: Desk, time: FrozenClock, wards: Wards, kind: type[RemoteError]
) -> None:
    fails(wards, kind=kind)
    ring_all()
    work.work_off(there.tenant.pk)
    assert (connection().down_since, connection().down_reason) == (NOON, "remote.down")


def test_one_who_claims_the_probe_keeps_all_others_from_it(there: Desk, time: FrozenClock, wards: Wards) -> None:
    fails(wards)
    ring_all()
    work.work_off(there.tenant.pk)
    time.advance(30)
    Connection.objects.filter(side="paper").update(next_probe_at=clock.now() + timedelta(seconds=1))  # claimed
    work.work_off(there.tenant.pk)
    assert wards.asked.count("paper") == 1


# -- how long ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("probes", "seconds"), [(0, 30), (1, 60), (2, 120), (3, 240), (4, 300), (1000, 300)])
def test_the_wait_doubles_up_to_five_minutes(probes: int, seconds: int) -> None:
    waits = [wait_after(probes, random=Random(seed)).total_seconds() for seed in range(200)]
    assert seconds * (1 - SPREAD) <= min(waits) < max(waits) <= seconds


def test_what_the_server_asks_for_is_the_least() -> None:
    assert wait_after(0, timedelta(minutes=20)) == timedelta(minutes=20)
    assert wait_after(4, timedelta(seconds=1)) >= LONGEST * (1 - SPREAD)


def test_no_server_keeps_us_away_for_longer_than_a_day() -> None:
    assert wait_after(0, timedelta(days=400)) == LONGEST_ASKED


def test_a_server_that_says_when_to_come_again_is_not_asked_before(
    there: Desk, time: FrozenClock, wards: Wards
) -> None:
    fails(wards)
    wards.fails["paper"].retry_after = timedelta(minutes=12)
    ring_all()
    work.work_off(there.tenant.pk)
    assert connection().next_probe_at == NOON + timedelta(minutes=12)


# -- and then ---------------------------------------------------------------------------------------------------------


def test_when_the_server_is_back_everything_due_goes_on_without_a_person(
    there: Desk, time: FrozenClock, wards: Wards
) -> None:
    fails(wards)
    ring_all()
    work.work_off(there.tenant.pk)
    wards.fails.clear()
    time.advance(30)
    work.work_off(there.tenant.pk)
    assert (len(there.paper.target), connection().down_since) == (10, None)
    assert not Stream.objects.filter(due_since__isnull=False).exists()
    assert Incident.objects.get().recovered_at == clock.now()


def test_a_server_that_answers_and_then_fails_again_is_not_back(there: Desk, time: FrozenClock, wards: Wards) -> None:
    there.paper.before_look = lambda entity: (_ for _ in ()).throw(down())
    ring_all()
    for _ in range(3):
        work.work_off(there.tenant.pk, streams=[STREAM])
        time.advance(300)
    row = Incident.objects.get()
    assert (row.recovered_at, row.probes) == (None, 2)


def test_a_server_that_is_back_but_another_one_is_handed_to_the_brake(
    there: Desk, time: FrozenClock, wards: Wards, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.work()
    fails(wards)
    there.paper.add(card("new"))
    work.forget()
    ring_all()
    work.work_off(there.tenant.pk)
    assert connection().down_since
    wards.fails.clear()
    Connection.objects.filter(side="paper").update(identity={"facts": {"who": "somebody else"}})
    time.advance(30)
    work.work_off(there.tenant.pk)
    assert connection().down_since is None
    assert Flow.objects.exclude(at_brake="").exists()


def test_a_source_that_is_back_is_so_though_the_target_stays_down(there: Desk, time: FrozenClock, wards: Wards) -> None:
    fails(wards, "avni")
    ring_all()
    work.work_off(there.tenant.pk, streams=[STREAM])
    Connection.objects.filter(side="paper").update(down_since=NOON, down_reason="remote.down", next_probe_at=NOON)
    fails(wards, "paper")
    del wards.fails["avni"]
    time.advance(30)
    work.work_off(there.tenant.pk, streams=[STREAM])
    assert (connection("avni").down_since, connection("paper").down_since) == (None, NOON)


def test_a_form_saved_with_what_it_read_before_does_not_turn_the_breaker_back(there: Desk, wards: Wards) -> None:
    opened = connection()
    Connection.objects.filter(side="paper").update(down_since=NOON, down_reason="remote.down", next_probe_at=NOON)
    opened.max_parallel = 7
    opened.save()
    assert (connection().down_since, connection().max_parallel) == (NOON, 7)


# -- refused credentials ----------------------------------------------------------------------------------------------


def test_refused_credentials_are_tried_once_by_all_streams_and_workers(
    there: Desk, time: FrozenClock, wards: Wards
) -> None:
    fails(wards, kind=SignInFailed)
    for _ in range(10):
        ring_all()
        work.work_off(there.tenant.pk)
        work.forget()  # the next one is another process
        time.advance(3600)
    assert wards.asked.count("paper") == 1
    assert Incident.objects.get().kind == "refused"


@pytest.mark.parametrize("act", ["run now", "save"])
def test_a_person_lets_them_be_tried_once_more(there: Desk, time: FrozenClock, wards: Wards, act: str) -> None:
    fails(wards, kind=SignInFailed)
    for _ in range(2):
        ring_all()
        work.work_off(there.tenant.pk)
    signing_in.allow_again(there.tenant.pk) if act == "run now" else connection().save()
    for _ in range(3):
        ring_all()
        work.work_off(there.tenant.pk)
    assert wards.asked.count("paper") == 2
    assert Incident.objects.get().recovered_at is None


def test_a_person_need_not_wait_for_a_server_that_is_back(there: Desk, time: FrozenClock, wards: Wards) -> None:
    fails(wards)
    ring_all()
    work.work_off(there.tenant.pk)
    wards.fails.clear()
    signing_in.allow_again(there.tenant.pk)
    work.work_off(there.tenant.pk)
    assert len(there.paper.target) == 10


# -- what is told -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_opened_and_recovered_are_one_log_line_each_however_long_it_lasts(
    there: Desk, time: FrozenClock, wards: Wards
) -> None:
    fails(wards)
    ring_all()
    with capture_logs() as lines:
        an_hour(there, time, wards)
        wards.fails.clear()
        time.advance(300)
        work.work_off(there.tenant.pk)
    said = [line for line in lines if line["event"].startswith("incident.")]
    assert [line["event"] for line in said] == ["incident.opened", "incident.recovered"]
    assert (said[0]["about"], said[0]["log_level"], said[1]["seconds"]) == ("paper", "error", 3900)


@pytest.mark.parametrize(("kind", "state"), [(Unreachable, State.TARGET_DOWN), (SignInFailed, State.CREDENTIALS)])
def test_every_flow_that_needs_the_server_says_so_whoever_found_out(
    there: Desk, time: FrozenClock, wards: Wards, kind: type[RemoteError], state: State
) -> None:
    fails(wards, "avni", kind)
    ring_all()
    work.work_off(there.tenant.pk, streams=[STREAM])
    seen = {one.flow.key: one for one in overview(Flow.objects.select_related("tenant"), clock.now())}
    assert seen["paper-to-avni"].state == state
    assert "Avni" in seen["paper-to-avni"].trouble


def test_one_incident_at_a_time_is_open_for_a_server(there: Desk, time: FrozenClock, wards: Wards) -> None:
    fails(wards)
    ring_all()
    an_hour(there, time, wards)
    fails(wards, kind=SignInFailed)
    time.advance(300)
    work.work_off(there.tenant.pk)
    rows = Incident.objects.order_by("pk").values_list("kind", "recovered_at")
    assert [(kind, recovered is None) for kind, recovered in rows] == [("down", False), ("refused", True)]


def test_two_open_incidents_about_the_same_are_refused_by_the_database(there: Desk, wards: Wards) -> None:
    from django.db import IntegrityError

    told = {"tenant": there.tenant, "kind": "down", "about": "avni", "message": "remote.down"}
    Incident.objects.create(**told, opened_at=NOON, last_seen_at=NOON)
    with pytest.raises(IntegrityError):
        Incident.objects.create(**told, opened_at=NOON, last_seen_at=NOON)


# -- one record only --------------------------------------------------------------------------------------------------


def gateway(side: str, status: int = 504) -> RemoteError:
    return Unreachable("not ready", side=side, method="GET", path_template="/card", status=status)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_record_for_which_alone_a_gateway_stands_in_is_its_own_error_and_the_others_go_on(
    there: Desk, time: FrozenClock, wards: Wards, status: int
) -> None:
    def fail(entity: str) -> None:
        if entity == "3":
            raise gateway("paper", status)

    there.paper.before_look = fail
    look = there.work().looks[0]
    assert (look.stopped_by, there.errors(), there.position) == ("", {"3": "remote.failed"}, 1)
    assert (len(there.paper.target), Incident.objects.count()) == (9, 0)


def test_so_is_one_that_cannot_be_fetched(there: Desk, time: FrozenClock, wards: Wards) -> None:
    def fail(entity: str) -> None:
        if entity == "heavy":
            raise gateway("avni")

    there.paper.add(notice("heavy"), notice("light"))
    there.paper.before_fetch = fail
    there.work()
    assert (there.errors(), there.position) == ({"heavy": "remote.failed"}, 2)


def test_a_gateway_that_stands_in_for_one_record_after_the_other_is_a_server_that_is_down(
    there: Desk, time: FrozenClock, wards: Wards
) -> None:
    there.paper.before_look = lambda entity: (_ for _ in ()).throw(gateway("paper"))
    look = there.work().looks[0]
    assert (look.stopped_by, there.errors(), there.position) == ("remote.slow", {}, 0)
    assert connection().down_since == NOON


def test_a_server_that_asks_to_wait_is_believed_for_all_records(there: Desk, time: FrozenClock, wards: Wards) -> None:
    there.paper.before_look = lambda entity: (_ for _ in ()).throw(gateway("paper", 429))
    look = there.work().looks[0]
    assert (look.stopped_by, there.errors()) == ("remote.target-down", {})
