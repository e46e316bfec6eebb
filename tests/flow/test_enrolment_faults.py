"""Whatever goes wrong on the wire while enrolments are written to Bahmni: all is there once, and right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import pytest

from engine.handing_over import LOOKS
from simulators.avni.times import to_ms
from tests.chaos.records import ZONE
from tests.flow.wire import REPEATED, Written, nothing, wrong_after_faults
from tests.flow.world import World

STREAM = "enrolment"
VISITS, VISIT = r"/visit$", r"/visit/[^/]+$"
ENCOUNTERS, ENCOUNTER = r"/encounter$", r"/encounter/[^/]+$"
EARLY, BEGUN, ENDED = (datetime(2026, 1, day, 6, tzinfo=UTC) for day in (2, 6, 9))
BEFORE, AFTER = {"Height": 150, "Occupation": "Weaver"}, {"Height": 151, "Occupation": None}
HELD_BEFORE, HELD_AFTER = {"Height": [150.0], "Occupation": ["Weaver"]}, {"Height": [151.0]}
ENROLLED, EXITED = "Pregnancy Enrolment [Avni]", "Pregnancy Exit [Avni]"

Case = Written[World]


@dataclass(frozen=True)
class Stands:
    """What the hospital holds of an enrolment: its visits by where they begin, its encounters by type."""

    visits: tuple[datetime, ...]
    """Those that are not voided."""
    encounters: dict[str, tuple[datetime, dict[str, list[Any]]]]
    """Day and answers of those that are not voided."""
    rows: tuple[int, int]
    """How many visits and encounters there are, voided ones too: a voided twin is a twin."""


@pytest.fixture
def hasty(hasty: World) -> World:
    hasty.programs()
    return hasty


def ready(world: World, number: str) -> str:
    subject = world.subject(number)
    world.sync("subject")
    return world.enrolment(
        subject, observations=BEFORE, enrolment_ms=to_ms(BEGUN), exit_ms=to_ms(ENDED), exit_observations=BEFORE
    )


def there(world: World, number: str) -> str:
    enrolment = ready(world, number)
    world.sync(STREAM)
    return enrolment


def voided(world: World, number: str) -> str:
    enrolment = there(world, number)
    void(world, enrolment)
    world.sync(STREAM)
    return enrolment


def shared(world: World, number: str) -> str:
    """A clinician worked in the visit, which therefore stays."""
    enrolment = there(world, number)
    visit = world.bahmni.visits[world.link(STREAM, enrolment).other_targets["visit"]]
    note = {"concept": world.concepts["Occupation"], "value": "Weaver"}
    kind = next(row.uuid for row in world.bahmni.encounter_types.values() if row.name == "Community Registration")
    world.bahmni.hospital_save_encounter(patient=visit.patient, encounterType=kind, visit=visit.uuid, obs=[note])
    return enrolment


def void(world: World, enrolment: str) -> None:
    world.avni.void(enrolment, at=world.moment())


def undo_exit(world: World, enrolment: str) -> None:
    world.avni.edit(enrolment, exit_ms=None, at=world.moment())


def exit_again(world: World, enrolment: str) -> None:
    world.avni.edit(enrolment, exit_ms=to_ms(ENDED), exit_observations=AFTER, at=world.moment())


def move(world: World, enrolment: str) -> None:
    world.avni.edit(enrolment, enrolment_ms=to_ms(EARLY), at=world.moment())


def unvoid(world: World, enrolment: str) -> None:
    world.avni.edit(enrolment, voided=False, at=world.moment())


def unvoid_edited_and_moved(world: World, enrolment: str) -> None:
    changes: dict[str, Any] = {"observations": AFTER, "exit_observations": AFTER, "enrolment_ms": to_ms(EARLY)}
    world.avni.edit(enrolment, voided=False, **changes, at=world.moment())


def midnight(moment: datetime) -> datetime:
    return datetime.combine(moment, time.min, ZONE).astimezone(UTC)


def stands(world: World, number: str, enrolment: str) -> Stands:
    visits = [row for row in world.bahmni.visits.values() if any(one.value == enrolment for one in row.attributes)]
    names = {row.uuid: row.name for row in world.bahmni.encounter_types.values()}
    marked = {row.encounter for row in world.bahmni.obs.values() if row.value == enrolment}
    rows = [world.bahmni.encounters[uuid] for uuid in sorted(marked)]
    live = {names[row.type]: (row.moment, world.held(row.uuid)) for row in rows if not row.voided}
    return Stands(tuple(row.start for row in visits if not row.voided), live, (len(visits), len(rows)))


def whole(begun: datetime, held: dict[str, Any], exited: dict[str, Any]) -> object:
    """One visit with both encounters, as they should stand."""
    encounters = {ENROLLED: (midnight(begun), held), EXITED: (midnight(ENDED), exited)}
    return lambda enrolment: Stands((midnight(begun),), encounters, (1, 2))


def gone(enrolment: str) -> object:
    return Stands((), {}, (1, 2))


def visit_alone(enrolment: str) -> object:
    return Stands((midnight(BEGUN),), {}, (1, 2))


def without_exit(enrolment: str) -> object:
    return Stands((midnight(BEGUN),), {ENROLLED: (midnight(BEGUN), HELD_BEFORE)}, (1, 2))


ALL: Any = whole(BEGUN, HELD_BEFORE, HELD_BEFORE)
MOVED: Any = whole(EARLY, HELD_BEFORE, HELD_BEFORE)
BACK: Any = whole(EARLY, HELD_AFTER, HELD_AFTER)

WRITES: dict[str, Case] = {
    "a new visit": Case(STREAM, "POST", VISITS, ready, nothing, stands, ALL),
    "new encounters": Case(STREAM, "POST", ENCOUNTERS, ready, nothing, stands, ALL),
    "a visit that makes room": Case(STREAM, "POST", VISIT, there, move, stands, MOVED),
    "an exit that is undone, and done again later": Case(
        STREAM, "DELETE", ENCOUNTER, there, undo_exit, stands, without_exit,
        (exit_again, whole(BEGUN, HELD_BEFORE, HELD_AFTER)),  # type: ignore[arg-type]
    ),
    "a voided visit that comes back later": Case(
        STREAM, "DELETE", VISIT, there, void, stands, gone, (unvoid, ALL)
    ),
    "voided encounters in a visit that stays": Case(
        STREAM, "DELETE", ENCOUNTER, shared, void, stands, visit_alone, (unvoid, ALL)
    ),
    "a visit brought back": Case(STREAM, "POST", VISIT, voided, unvoid_edited_and_moved, stands, BACK),
    "encounters brought back": Case(STREAM, "POST", ENCOUNTER, voided, unvoid_edited_and_moved, stands, BACK),
}  # fmt: skip


@pytest.mark.parametrize("times", REPEATED.values(), ids=REPEATED)
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_goes_wrong_leaves_the_enrolment_there_once_and_right(hasty: World, name: str, times: int) -> None:
    assert wrong_after_faults(hasty, hasty, WRITES[name], times) == {}


@pytest.mark.parametrize("step", range(5))
def test_a_return_in_several_steps_is_whole_after_as_many_mishaps_as_a_hand_over_puts_up_with(
    hasty: World, step: int
) -> None:
    assert wrong_after_faults(hasty, hasty, WRITES["encounters brought back"], LOOKS - 1, skip=step) == {}
