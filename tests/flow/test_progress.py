"""How far streams are gone through, and how long that takes, as the command and the page of a flow say it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from console.flow_words import round_line
from engine.rounds import REST, progress
from syncstatus.models import Flow, Round
from tests.flow.world import World

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def flow(world: World) -> Flow:
    return Flow.objects.select_related("tenant").get(key="bahmni-to-avni")


def stands(**columns: object) -> None:
    """Let the round of the encounters stand so."""
    empty = {"last_took": None, "last_finished_at": None, "last_seen": None, "began_at": None, "seen": 0}
    Round.objects.filter(stream__key="encounter").update(**{**empty, **columns})


def said(world: World) -> str:
    """The line of the command about the encounters."""
    out = StringIO()
    call_command("status", world.tenant.name, stdout=out)
    return next(line for line in out.getvalue().splitlines() if "all encounters of registered patients" in line)


def test_a_first_fill_says_how_many_it_came_by(world: World, flow: Flow) -> None:
    stands(began_at=AT, seen=1204)
    assert "first fill since 2026-03-01 12:00 UTC, 1204 so far" in said(world)
    assert said(world).endswith("none yet")


def test_a_round_says_how_far_it_is_and_how_long_the_last_one_took(world: World, flow: Flow) -> None:
    stands(began_at=AT, seen=300, last_seen=1200, last_finished_at=AT, last_took=timedelta(hours=2))
    assert "round since 2026-03-01 12:00 UTC, 300 of about 1200 so far" in said(world)
    assert said(world).endswith("2:00:00, ended 2026-03-01 12:00 UTC")


def test_programs_read_the_bound_in_seconds(world: World, flow: Flow) -> None:
    stands(last_finished_at=AT, last_took=timedelta(hours=2), last_seen=1200)
    out = StringIO()
    call_command("status", world.tenant.name, "--json", stdout=out)
    flows = {one["key"]: one for one in json.loads(out.getvalue())["flows"]}
    told = {one["stream"]: one for one in flows["bahmni-to-avni"]["rounds"]}["Encounters"]
    assert (told["bound_seconds"], told["last_gone_through"], told["is_filling"]) == (7200, 1200, False)
    assert flows["avni-to-bahmni"]["rounds"] == []


def test_a_round_that_was_faster_than_its_rest_bounds_by_the_rest(world: World, flow: Flow) -> None:
    stands(last_finished_at=AT, last_took=timedelta(minutes=1), last_seen=12)
    assert {one.stream.key: one.bound for one in progress(flow)}["encounter"] == REST


def test_the_page_of_a_flow_says_the_same(world: World, flow: Flow) -> None:
    stands(began_at=AT, seen=300, last_seen=1200, last_finished_at=AT, last_took=timedelta(hours=2))
    line = next(one for one in progress(flow) if one.stream.key == "encounter")
    text = round_line(line, "Asia/Kolkata")
    assert "Encounters: all encounters of registered patients" in text
    assert "300 of about 1,200 so far" in text
    assert "The last full round took 2 hours" in text
