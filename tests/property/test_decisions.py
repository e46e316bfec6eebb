"""Any decision on anything a record is held for: carried out once and of what was seen, and nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine import decisions, moves
from engine.confronting import confront
from errors.models import Decision, ErrorRecord, ErrorState
from errors.specs import Move
from tenants.audit import SYSTEM
from tests.flow.deciding import settled
from tests.flow.world import World, small_world
from tests.property.conflicts import CONFLICTS, Build, Met, meet

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(300)]

any_conflict = pytest.mark.parametrize("build", [pytest.param(one, id=name) for name, one in CONFLICTS.items()])
few = settings(
    max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck], database=None
)
"""Of each conflict: every example takes a world of its own. None is made smaller."""
names = count(1)
draws = st.data()


@contextmanager
def met_in(build: Build, seed: int) -> Iterator[tuple[World, Met]]:
    """A fresh world in which it came to this conflict."""
    with small_world(f"decisions-{next(names)}") as world:
        world.switch_on()
        met = meet(build, world, Random(seed))
        assert is_asked(met), (met.record().state, met.record().message)
        yield world, met


def is_asked(met: Met) -> bool:
    """Whether a person is asked about the record."""
    return bool(decisions.offers(met.record()))


def nothing_is_left_to_do(world: World) -> bool:
    """Whether comparing everything anew writes nothing, once what no change tells was seen."""
    world.go_round()
    return settled(world)


def decided(met: Met, data: st.DataObject, state: str | None = None) -> Decision:
    """Any decision that is offered, about what stands on the page now, or about an earlier `state` of it."""
    record = met.record()
    move = data.draw(st.sampled_from([offer.move for offer in decisions.offers(record)]), label="move")
    candidates = record.conflict["candidates"] or [""]
    chosen = data.draw(st.sampled_from(candidates), label="chosen") if move is Move.SAME else ""
    state = record.conflict["state"] if state is None else state
    return decisions.decide(record, move, state=state, reason="asked the nurse", actor=SYSTEM, chosen=chosen)


def now(row: Decision) -> Decision:
    """The decision as it stands in the database."""
    row.refresh_from_db()
    return row


def states(world: World) -> tuple[Any, Any]:
    """Everything both servers hold."""
    return world.avni.dump(), world.bahmni.dump()


@any_conflict
@few
@given(seed=st.integers(0, 10**6), data=draws)
def test_it_is_carried_out_what_waited_follows_and_nothing_is_left_to_do(
    build: Build, seed: int, data: st.DataObject
) -> None:
    with met_in(build, seed) as (world, met):
        made = decided(met, data)
        world.sync()
        assert now(made).used_at is not None
        assert met.record().state == (ErrorState.APART if made.move == Move.APART.value else ErrorState.RESOLVED)
        if made.move in (Move.SAME.value, Move.SOURCE.value):
            waiting = ErrorRecord.objects.filter(entity_id__in=met.waiting)
            assert {row.state for row in waiting} <= {ErrorState.RESOLVED}
        with pytest.raises(decisions.CannotDecide):  # it acts once
            decisions.decide(met.record(), Move(made.move), state=made.state, reason="again", actor=SYSTEM)
        used = made.used_at
        assert nothing_is_left_to_do(world)
        assert met.record().state in (ErrorState.APART, ErrorState.RESOLVED)
        assert (now(made).used_at, Decision.objects.count()) == (used, 1)


@any_conflict
@few
@given(seed=st.integers(0, 10**6), data=draws)
def test_it_is_not_carried_out_when_what_was_seen_has_changed_meanwhile(
    build: Build, seed: int, data: st.DataObject
) -> None:
    with met_in(build, seed) as (undecided, other):
        other.otherwise()
        moves.retry(ErrorRecord.objects.filter(pk=other.record().pk), actor=SYSTEM)
        undecided.sync()
        message, still_asked = other.record().message, is_asked(other)
        without = _records(undecided)
    with met_in(build, seed) as (world, met):
        made = decided(met, data)
        met.otherwise()
        world.reset_counts()
        world.sync()
        assert (is_asked(met), met.record().message) == (still_asked, message)
        assert _records(world) == without
        if still_asked:
            assert (now(made).used_at, world.writes) == (None, 0)
            assert met.record().conflict["state"] != made.state


def _records(world: World) -> dict[str, int]:
    """How much stands on both servers, live and voided: uuids differ between two worlds."""
    tables = [("avni", world.avni.dump()), ("bahmni", world.bahmni.dump())]
    names_ = ("subjects", "encounters", "enrolments", "patients", "visits", "obs")
    return {
        f"{side} {name} {voided}": sum(row["voided"] is voided for row in dumped[name])
        for side, dumped in tables
        for name in names_
        if name in dumped
        for voided in (True, False)
    }


@any_conflict
@few
@given(seed=st.integers(0, 10**6), data=draws)
def test_who_looks_again_decides_about_what_is_there_by_then(build: Build, seed: int, data: st.DataObject) -> None:
    with met_in(build, seed) as (world, met):
        seen = met.record().conflict["state"]
        met.otherwise()
        before = states(world)
        shown = confront(met.record(), SYSTEM)
        assert states(world) == before
        if shown.is_met:
            with pytest.raises(decisions.CannotDecide):
                decided(met, data, state=seen)
            made = decided(met, data)
            world.sync()
            assert now(made).used_at is not None
            assert met.record().state in (ErrorState.APART, ErrorState.RESOLVED)
        else:
            moves.retry(ErrorRecord.objects.filter(pk=met.record().pk), actor=SYSTEM)
            world.sync()
            assert met.record().state == ErrorState.RESOLVED
        assert nothing_is_left_to_do(world)
