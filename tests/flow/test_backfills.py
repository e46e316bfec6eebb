"""Windows and lists of records are read besides, after all that is new, and no position takes notice of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from common import clock
from engine import backfill_moves
from engine.rewinding import CannotMove
from syncstatus.backfills import Backfill, BackfillState
from syncstatus.models import Link, Position, Run, RunKind, Stream
from tenants.audit import COMMAND
from tenants.models import AuditEntry
from tests.flow.world import World

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def stream_of(key: str) -> Stream:
    return Stream.objects.select_related("tenant", "flow").get(key=key)


def ask(key: str, since: datetime, until: datetime) -> Backfill:
    (row,) = backfill_moves.ask_for_window([stream_of(key)], since, until, reason="looked wrong", actor=COMMAND)
    return row


def now_of(row: Backfill) -> Backfill:
    return Backfill.objects.get(pk=row.pk)


def places() -> list[Any]:
    return list(Position.objects.order_by("pk").values_list("value", "moves"))


def alter_as_we_did(world: World, subject: str) -> str:
    """A late write of our own account: the answer is another one, and no link knows."""
    encounter = world.link("subject", subject).target_id
    for obs in world.bahmni.obs.values():
        if obs.encounter == encounter and obs.concept == world.concepts["Height"]:
            obs.value = 99.0
    return encounter


# --- windows


def test_a_window_is_compared_and_no_position_moves(world: World) -> None:
    early = world.subject("1001", observations={"Height": 150}, at=LONG_AGO + timedelta(days=2))
    late = world.subject("1002", observations={"Height": 150}, at=LONG_AGO + timedelta(days=20))
    world.sync()
    before = places()
    inside, outside = alter_as_we_did(world, early), alter_as_we_did(world, late)
    row = ask("subject", LONG_AGO, LONG_AGO + timedelta(days=10))
    world.sync("subject")
    assert world.held(inside)["Height"] == [150.0]
    assert world.held(outside)["Height"] == [99.0]
    assert places() == before
    assert (now_of(row).state, now_of(row).counts) == (BackfillState.DONE, {"updated": 1})


def test_a_window_of_a_feed_is_read_from_its_place_to_its_end(world: World) -> None:
    for n in range(7):
        world.patient(str(2001 + n))
    world.sync()
    before = places()
    began = min(link.source_time for link in Link.objects.filter(stream__key="patient") if link.source_time)
    row = ask("patient", began, clock.now())
    world.sync("patient")
    assert sum(now_of(row).counts.values()) == 7
    assert places() == before


def test_what_was_never_seen_is_handed_over_in_a_run_of_its_own_kind(world: World) -> None:
    world.switch_on()
    subject = world.subject("1001", at=LONG_AGO + timedelta(days=2))
    Position.objects.filter(stream__key="subject").update(
        value={"ts": "2026-02-01T00:00:00.000Z", "known": {}}, read_upto=LONG_AGO + timedelta(days=31)
    )
    world.sync("subject")
    assert not Link.objects.exists()
    ask("subject", LONG_AGO, LONG_AGO + timedelta(days=10))
    world.sync("subject")
    assert Link.objects.get(source_id=subject).outcome == "created"
    run = Run.objects.get(kind=RunKind.BACKFILL)
    assert (run.read, run.created, run.state) == (1, 1, "done")


def test_a_backfill_waits_while_its_source_is_down_and_goes_on_afterwards(world: World) -> None:
    world.subject("1001")
    world.sync()
    row = ask("subject", LONG_AGO, clock.now())
    world.avni_server.stop()
    world.sync("subject")
    assert now_of(row).state == BackfillState.WAITING


def test_a_cancelled_one_reads_nothing_more(world: World) -> None:
    world.subject("1001")
    world.sync()
    row = ask("subject", LONG_AGO, clock.now())
    assert backfill_moves.cancel(row, reason="a mistake", actor=COMMAND)
    assert not backfill_moves.cancel(row, reason="a mistake", actor=COMMAND)
    world.sync("subject")
    assert now_of(row).state == BackfillState.CANCELLED
    assert not Run.objects.filter(kind=RunKind.BACKFILL).exists()


def test_the_number_of_a_window_is_told_beforehand(world: World) -> None:
    for day in (2, 3, 20):
        world.subject(str(1001 + day), at=LONG_AGO + timedelta(days=day))
    (reach,) = backfill_moves.reach_of_window([stream_of("subject")], LONG_AGO, LONG_AGO + timedelta(days=10))
    assert reach.changes == 2


def test_a_window_that_makes_no_sense_is_refused(world: World) -> None:
    with pytest.raises(CannotMove, match="ends before it begins"):
        ask("subject", LONG_AGO, LONG_AGO)
    with pytest.raises(CannotMove, match="still to come"):
        ask("subject", LONG_AGO, clock.now() + timedelta(days=1))


# --- lists


def test_records_are_read_by_their_ids_and_those_nobody_has_are_told(world: World) -> None:
    subject = world.subject("1001", observations={"Height": 150})
    world.sync()
    encounter = alter_as_we_did(world, subject)
    before = places()
    wanted = [subject, "nobody", subject]
    row = backfill_moves.ask_for_ids(stream_of("subject"), wanted, reason="looked wrong", actor=COMMAND)
    world.sync("subject")
    assert world.held(encounter)["Height"] == [150.0]
    assert now_of(row).unknown == ["nobody"]
    assert now_of(row).counts == {"updated": 1, "skipped": 1}
    assert places() == before


def test_records_are_sent_again_though_nothing_of_them_changed(world: World) -> None:
    one, other = (world.subject(n, observations={"Height": 150}) for n in ("1001", "1002"))
    world.sync()
    inside, outside = alter_as_we_did(world, one), alter_as_we_did(world, other)
    done = backfill_moves.replay(Link.objects.filter(source_id=one), reason="looked wrong", actor=COMMAND)
    assert done == 1
    world.sync("subject")
    assert world.held(inside)["Height"] == [150.0]
    assert world.held(outside)["Height"] == [99.0]
    assert AuditEntry.objects.get(action="replay").reason == "looked wrong"


# --- commands


def test_the_command_tells_then_asks_then_shows_how_far(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.subject("1001", at=LONG_AGO + timedelta(days=2))
    world.sync()
    window = ["ashwini", "subject", "--from", "2026-01-01", "--to", "2026-01-10"]
    call_command("backfill", *window)
    assert "About 1 change will be read and compared." in capsys.readouterr().out
    assert not Backfill.objects.exists()
    call_command("backfill", *window, "--yes", "--reason", "because", "--wait")
    assert "1 gone through" in capsys.readouterr().out
    call_command("backfill", "ashwini", "--json")
    (told,) = json.loads(capsys.readouterr().out)["backfills"]
    assert (told["state"], told["counts"]) == ("done", {"unchanged": 1})


def test_the_command_replays_all_links_of_an_outcome(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.subject("1001")
    world.sync()
    call_command("replay", "ashwini", "subject", "--outcome", "created")
    assert "About 1 record" in capsys.readouterr().out
    call_command("replay", "ashwini", "subject", "--outcome", "created", "--yes", "--reason", "because")
    assert Backfill.objects.get().kind == "replay"
