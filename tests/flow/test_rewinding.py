"""A person moves positions: what is read again is compared with the target, and nothing is lost or doubled."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from common import clock
from engine import moves, rewinding
from engine.moves import CannotStart
from engine.rewinding import CannotMove
from engine.starting import Start
from syncstatus.models import Flow, Link, Position, Run, RunKind, StartPolicy, Stream
from tenants.audit import COMMAND
from tenants.models import AuditEntry
from tests.flow.world import World

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def flow_of(key: str) -> Flow:
    return Flow.objects.select_related("tenant").get(key=key)


def streams(*keys: str) -> list[Stream]:
    return list(Stream.objects.filter(key__in=keys).select_related("tenant", "flow").order_by("sequence"))


def rewind(to: Any, *keys: str, flow: str = "avni-to-bahmni") -> list[rewinding.Moved]:
    return rewinding.rewind(flow_of(flow), streams(*keys), to, reason="looked wrong", actor=COMMAND, about=3)


def last_run(key: str) -> Run:
    return Run.objects.filter(stream__key=key, kind=RunKind.READ)[0]


def registration_of(world: World, subject: str) -> Any:
    return world.bahmni.encounters[world.link("subject", subject).target_id]


def alter_as_we_did(world: World, subject: str) -> None:
    """A late write of our own account: the answer is another one, and no link knows."""
    encounter = registration_of(world, subject)
    for obs in world.bahmni.obs.values():
        if obs.encounter == encounter.uuid and obs.concept == world.concepts["Height"]:
            obs.value = 99.0


# --- rewinding


def test_what_was_read_before_is_compared_again_and_nothing_is_written_where_both_agree(world: World) -> None:
    subjects = [world.subject(str(1001 + n)) for n in range(3)]
    world.sync()
    world.reset_counts()
    rewind(LONG_AGO, "subject")
    assert Link.objects.filter(source_id__in=subjects, is_suspect=True).count() == 3
    world.sync("subject")
    run = last_run("subject")
    assert (run.read, run.unchanged) == (3, 3)
    assert world.writes == 0
    assert not Link.objects.filter(is_suspect=True).exists()


def test_what_differs_behind_our_back_is_put_right(world: World) -> None:
    subject = world.subject("1001", observations={"Height": 150})
    world.sync()
    alter_as_we_did(world, subject)
    world.sync()
    encounter = registration_of(world, subject).uuid
    assert world.held(encounter)["Height"] == [99.0]
    rewind(LONG_AGO, "subject")
    world.sync("subject")
    assert world.held(encounter)["Height"] == [150.0]
    assert len(world.bahmni.patients) == 1


def test_what_the_target_lost_is_told_and_nothing_is_doubled(world: World) -> None:
    kept, lost = world.subject("1001"), world.subject("1002")
    world.sync()
    encounter = registration_of(world, lost)
    del world.bahmni.encounters[encounter.uuid]
    rewind(LONG_AGO, "subject")
    world.sync("subject")
    assert Link.objects.get(source_id=kept).outcome == "unchanged"
    assert Link.objects.get(source_id=lost).outcome == "held"
    assert len(world.bahmni.patients) == 2


def test_only_what_changed_since_the_date_is_read_again(world: World) -> None:
    early = world.subject("1001", at=LONG_AGO + timedelta(days=2))
    world.subject("1002", at=LONG_AGO + timedelta(days=20))
    world.sync()
    rewind(LONG_AGO + timedelta(days=10), "subject")
    assert not Link.objects.get(source_id=early).is_suspect
    world.sync("subject")
    run = last_run("subject")
    assert run.read == 1


def test_a_feed_is_read_again_from_where_the_date_lies_in_it(world: World) -> None:
    began = clock.now()
    for n in range(23):
        world.patient(str(2001 + n))
    world.sync()
    (reach,) = rewinding.reach_of_rewind(streams("patient"), began)
    assert reach.changes == 23
    rewind(began, "patient", flow="bahmni-to-avni")
    world.sync("patient")
    run = last_run("patient")
    assert run.read == 23


def test_before_a_run_means_where_it_began(world: World) -> None:
    world.subject("1001")
    world.sync("subject")
    world.subject("1002")
    world.subject("1003")
    world.sync("subject")
    run = last_run("subject")
    assert run.read == 2
    (reach,) = rewinding.reach_of_rewind(streams("subject"), run)
    assert reach.changes in (2, 3)
    rewind(run, "subject")
    world.sync("subject")
    again = last_run("subject")
    assert again.pk != run.pk
    assert again.read in (2, 3)  # the last record of its millisecond may come once more


def test_a_position_that_stands_before_the_date_stays(world: World) -> None:
    world.subject("1001")
    (moved,) = rewind(clock.now() - timedelta(minutes=1), "subject")
    assert not moved.stayed  # where the date lies is found when it is read
    world.sync("subject")
    assert Link.objects.filter(stream__key="subject").count() == 1


def test_rewinding_twice_goes_to_the_earlier_place(world: World) -> None:
    world.subject("1001", at=LONG_AGO + timedelta(days=2))
    world.sync("subject")
    rewind(LONG_AGO, "subject")
    (moved,) = rewind(LONG_AGO + timedelta(days=10), "subject")
    assert moved.stayed
    world.sync("subject")
    run = last_run("subject")
    assert run.read == 1


def test_the_number_of_changes_is_told_beforehand(world: World) -> None:
    for n in range(7):
        world.subject(str(1001 + n))
    world.sync()
    (reach,) = rewinding.reach_of_rewind(streams("subject"), LONG_AGO)
    assert reach.changes == 7


def test_without_a_server_the_number_is_unknown_and_the_move_can_be_made(world: World) -> None:
    world.patient("2001")
    world.subject("1001")
    world.sync()
    world.bahmni_server.stop()
    world.avni_server.stop()
    reaches = rewinding.reach_of_rewind(streams("subject", "patient"), LONG_AGO)
    assert [reach.changes for reach in reaches] == [None, None]
    assert all(reach.trouble for reach in reaches)
    assert rewind(LONG_AGO, "patient", flow="bahmni-to-avni")[0].after == LONG_AGO


def test_a_rewind_stands_on_record_with_before_and_after(world: World) -> None:
    world.subject("1001")
    world.sync()
    rewind(LONG_AGO, "subject")
    entry = AuditEntry.objects.get(action="rewind")
    assert entry.reason == "looked wrong"
    assert entry.after is not None
    assert entry.after["subject Individual"] == LONG_AGO.isoformat()
    assert entry.after["about so many changes"] == 3
    assert entry.before is not None
    assert entry.before["subject Individual"] != LONG_AGO.isoformat()


def test_a_time_to_come_and_a_missing_reason_are_refused(world: World) -> None:
    with pytest.raises(CannotMove, match="still to come"):
        rewind(clock.now() + timedelta(hours=1), "subject")
    with pytest.raises(ValueError, match="say why"):
        rewinding.rewind(flow_of("avni-to-bahmni"), streams("subject"), LONG_AGO, reason=" ", actor=COMMAND)


# --- skipping


def test_skipping_leaves_out_what_was_not_read_and_reads_what_comes_after(world: World) -> None:
    world.subject("1001")
    world.patient("2001")
    assert [reach.changes for reach in rewinding.reach_of_skip(streams("subject"))] == [1]
    then = clock.now() - timedelta(hours=1)
    with clock.frozen(then):
        rewinding.skip(flow_of("avni-to-bahmni"), streams("subject"), reason="test data", actor=COMMAND)
    world.sync("subject")
    assert not Link.objects.filter(stream__key="subject").exists()
    later = world.subject("1002", at=then + timedelta(minutes=1))
    world.sync("subject")
    assert list(Link.objects.filter(stream__key="subject").values_list("source_id", flat=True)) == [later]


# --- the commands


def test_the_command_tells_first_and_acts_with_yes(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.subject("1001")
    world.sync()
    call_command("rewind", "ashwini", "avni-to-bahmni", "--stream", "subject", "--to", "2026-01-01")
    out = capsys.readouterr().out
    assert "About 1 change will be read again and compared." in out
    assert "Nothing was done" in out
    assert not Link.objects.filter(is_suspect=True).exists()
    said = ["--stream", "subject", "--to", "2026-01-01", "--yes", "--reason", "because", "--json"]
    call_command("rewind", "ashwini", "avni-to-bahmni", *said)
    told = json.loads(capsys.readouterr().out)
    assert (told["done"], told["about"]) == (True, 1)
    assert Link.objects.filter(is_suspect=True).count() == 1


def test_the_command_to_skip_tells_how_many_are_left_out(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.subject("1001")
    call_command("skip", "ashwini", "avni-to-bahmni", "--stream", "subject", "--yes", "--reason", "because")
    assert "About 1 change will not be read." in capsys.readouterr().out


# --- where a flow begins


def test_a_flow_may_begin_with_a_date(world: World) -> None:
    Position.objects.all().delete()
    Flow.objects.update(is_on=False, start_policy="", began_at=None)
    world.subject("1001", at=LONG_AGO + timedelta(days=2))
    since = world.subject("1002", at=LONG_AGO + timedelta(days=20))
    start = Start(StartPolicy.DATE, LONG_AGO + timedelta(days=10))
    moves.switch_on(flow_of("avni-to-bahmni"), start=start, actor=COMMAND)
    world.sync("subject")
    assert list(Link.objects.values_list("source_id", flat=True)) == [since]


def test_a_flow_may_begin_with_a_page_of_each_feed(world: World) -> None:
    Position.objects.all().delete()
    Flow.objects.update(is_on=False, start_policy="", began_at=None)
    patients = [world.patient(str(2001 + n)) for n in range(12)]
    start = Start(StartPolicy.PAGE, pages={"patient": 3, "encounter": 1})
    wrong = Start(StartPolicy.PAGE, pages={"patient": 4, "encounter": 1})
    with pytest.raises(CannotStart, match="There is no page 4"):
        moves.switch_on(flow_of("bahmni-to-avni"), start=wrong, actor=COMMAND)
    moves.switch_on(flow_of("bahmni-to-avni"), start=start, actor=COMMAND)
    world.rest()
    world.sync("patient")
    assert set(Link.objects.filter(stream__key="patient").values_list("source_id", flat=True)) == set(patients[10:])


def test_avni_has_no_page_to_begin_with(world: World) -> None:
    Position.objects.all().delete()
    Flow.objects.update(is_on=False, start_policy="", began_at=None)
    with pytest.raises(CannotStart, match="reads no feed"):
        moves.switch_on(flow_of("avni-to-bahmni"), start=Start(StartPolicy.PAGE, pages={"subject": 1}), actor=COMMAND)
