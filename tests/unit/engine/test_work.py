from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from common import clock
from engine import bell, work
from engine.lease import take
from engine.slices import Limits, Slice
from engine.verdicts import Fail
from errors.models import ErrorRecord
from mappings.models import Constant
from syncstatus.models import Flow, Position, Run, Stream
from tests.chaos.desk import STREAM, Desk, desk, expire
from tests.chaos.paper import card

pytestmark = pytest.mark.django_db


@pytest.fixture(name="there")
def a_desk(db: None) -> Iterator[Desk]:
    with desk() as built:
        yield built


@pytest.fixture
def rung() -> Iterator[list[str]]:
    """The messages that were sent, by stream."""
    sent: list[str] = []
    with patch.object(bell, "send", lambda stream: sent.append(stream.key)):
        yield sent


def test_whoever_finds_the_lease_taken_leaves_and_the_stream_stays_due(there: Desk) -> None:
    there.paper.add(card("a"))
    take(there.tenant.pk)
    assert work.sync(there.tenant.pk, STREAM).lease_held_by_another
    assert there.paper.target == {}
    assert Stream.objects.get(key=STREAM).due_since


def test_the_lease_is_given_back_whatever_happens(there: Desk) -> None:
    def slip(entity: str) -> None:
        raise KeyboardInterrupt

    there.paper.add(card("a"))
    there.paper.before_look = slip
    with pytest.raises(KeyboardInterrupt):
        there.work()
    assert take(there.tenant.pk)


def test_a_lease_that_was_lost_is_not_given_back_under_the_new_holder(there: Desk) -> None:
    new: list[Any] = []

    def lose(stream: Stream, run: Run) -> None:
        expire(there.tenant)
        new.append(take(there.tenant.pk))

    there.paper.add(*(card(str(number)) for number in range(100)))
    there.paper.add(*(card(f"more {number}") for number in range(100)))
    there.ring()
    assert work.work_off(there.tenant.pk, watch=lose).lease_held_by_another
    new[0].extend()
    assert there.position == 1


def test_more_than_a_slice_rings_again(there: Desk, rung: list[str]) -> None:
    for number in range(3):
        there.paper.add(*(card(f"{number} {n}") for n in range(100)))
    with patch("engine.work.Limits", lambda: Limits(seconds=0)):
        assert work.sync(there.tenant.pk, STREAM).more
    assert rung == [STREAM]
    assert Stream.objects.get(key=STREAM).due_since


def test_a_finished_stream_is_no_longer_due_and_nobody_rings(there: Desk, rung: list[str]) -> None:
    there.paper.add(card("a"))
    assert not work.sync(there.tenant.pk, STREAM).more
    assert (rung, Stream.objects.get(key=STREAM).due_since) == ([], None)


@pytest.mark.parametrize("state", [{"is_on": False}, {"is_paused": True}])
def test_a_flow_that_is_off_or_paused_is_left_alone(there: Desk, state: dict[str, bool]) -> None:
    Flow.objects.update(**state)
    there.paper.add(card("a"))
    assert there.work().looks == []
    assert there.paper.target == {}


def test_a_flow_that_lacks_something_mandatory_asks_no_server(there: Desk) -> None:
    Constant.objects.get(key="Prefix").delete()
    there.paper.add(card("a"))
    look = there.work().looks[-1]
    assert (look.stopped_by, there.paper.remote_calls) == ("engine.mappings-missing", 0)


def test_error_records_are_tried_before_anything_new_is_read(there: Desk) -> None:
    def bad() -> None:
        raise Fail("record.field-missing", field="x")

    there.paper.add(card("old", raises=bad))
    there.work()
    there.paper.pages_[0] = [card("old")]
    there.paper.add(card("new"))
    ErrorRecord.objects.update(next_attempt_at=ErrorRecord.objects.get().first_seen_at)
    there.work()
    assert [entity for what, entity in there.paper.order if what == "write"] == ["old", "new"]


def test_streams_are_worked_off_in_the_order_of_their_dependencies(there: Desk) -> None:
    second = Stream.objects.get(key="paper-card")
    Flow.objects.update(is_on=True)
    Position.objects.create(tenant=there.tenant, stream=second, partition="cards", value={})
    bell.mark_due(Stream.objects.all())
    looks = work.work_off(there.tenant.pk).looks
    assert [look.stream.key for look in looks] == [STREAM, "paper-card"]


def test_streams_a_task_has_no_time_for_are_left_for_the_next_one(there: Desk) -> None:
    second = Stream.objects.get(key="paper-card")
    Flow.objects.update(is_on=True)
    Position.objects.create(tenant=there.tenant, stream=second, partition="cards", value={})
    with clock.frozen(clock.now()) as time:
        there.paper.before_page = lambda page: time.advance(work.LONGEST)
        there.paper.add(card("a"))
        bell.mark_due(Stream.objects.all())
        report = work.work_off(there.tenant.pk)
    assert [look.stream.key for look in report.looks] == [STREAM]
    assert [stream.key for stream in report.left] == ["paper-card"]


def test_a_stream_whose_looks_take_all_the_time_keeps_no_other_one_from_its_turn(there: Desk, rung: list[str]) -> None:
    Flow.objects.update(is_on=True, start_policy="beginning")
    with clock.frozen(clock.now()) as time:
        there.paper.before_page = lambda page: time.advance(work.LONGEST)
        there.paper.add(card("a"))
        bell.mark_due(Stream.objects.all())
        work.sync(there.tenant.pk, STREAM)
        Position.objects.update(value={})  # there is ever more to read
        time.advance(1)
        report = work.sync(there.tenant.pk, "paper-card")
    assert [look.stream.key for look in report.looks] == ["paper-card"]


def test_a_slip_in_one_stream_keeps_no_other_one_from_being_looked_at(there: Desk) -> None:
    def slip(look: Slice, stored: Any) -> None:
        if look.stream.key == STREAM:
            raise RuntimeError
        take_up(look, stored)

    take_up = Slice.take_up
    Flow.objects.update(is_on=True, start_policy="beginning")
    bell.mark_due(Stream.objects.all())
    with patch.object(Slice, "take_up", slip), pytest.raises(RuntimeError):
        work.work_off(there.tenant.pk)
    assert [stream.key for stream in Stream.objects.filter(due_since=None)] == ["paper-card"]
    assert take(there.tenant.pk)


def test_only_the_streams_that_were_named_are_looked_at(there: Desk) -> None:
    there.ring()
    assert work.work_off(there.tenant.pk, streams=["paper-card"]).looks == []


def test_what_became_due_meanwhile_is_looked_at_again(there: Desk) -> None:
    there.paper.add(card("a"))
    there.ring()
    looks = work.work_off(there.tenant.pk, watch=lambda stream, run: there.ring()).looks
    assert len(looks) == 2


def test_two_clients_are_made_only_when_something_about_the_tenant_changed(there: Desk) -> None:
    there.work()
    setting = work.setting_of(there.tenant)
    assert work.servers_of(setting) is work.servers_of(setting)
    with patch.object(there.paper, "close") as closed:
        Constant.objects.filter(key="Prefix").update(value="NEW")
        there.tenant.mapping_revision += 1
        work.servers_of(work.setting_of(there.tenant))
    closed.assert_called_once()
