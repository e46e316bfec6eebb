"""Whatever goes wrong on the wire while general encounters are written to Bahmni: each is there once, and right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from engine.handing_over import LOOKS
from simulators.avni.times import to_ms
from tests.chaos.records import ZONE
from tests.chaos.truth import InBahmni, in_bahmni
from tests.flow.wire import REPEATED, Written, forget_sessions_before, nothing, open_errors, wrong_after_faults
from tests.flow.world import World

STREAM = "general-encounter"
ENCOUNTERS, ENCOUNTER = r"/encounter$", r"/encounter/[^/]+$"
FIRST, SECOND = datetime(2026, 1, 6, 6, tzinfo=UTC), datetime(2026, 1, 9, 6, tzinfo=UTC)
BEFORE = {"Height": 150, "Medical problems": ["Asthma", "Diabetes"], "Occupation": "Weaver"}
EDIT = {"Height": 151, "Medical problems": ["Asthma", "Anaemia"], "Occupation": None}
HELD_BEFORE = {"Height": [150.0], "Medical problems": ["Asthma", "Diabetes"], "Occupation": ["Weaver"]}
HELD_AFTER = {"Height": [151.0], "Medical problems": ["Anaemia", "Asthma"]}

Case = Written[World]


@dataclass(frozen=True)
class Filed:
    """What the hospital holds of a patient whom the field team registered and visited, and of that visit its day."""

    there: InBahmni
    """Of the markers only that of the visit."""
    moment: datetime | None = None
    days: tuple[str, ...] = ()
    """What the form says of its day."""


@pytest.fixture
def hasty(hasty: World) -> World:
    hasty.household_visits()
    return hasty


def ready(world: World, number: str) -> str:
    subject = world.subject(number)
    world.sync("subject")
    return world.household_visit(subject, observations=BEFORE, encounter_ms=to_ms(FIRST))


def there(world: World, number: str) -> str:
    encounter = ready(world, number)
    world.sync(STREAM)
    return encounter


def voided(world: World, number: str) -> str:
    encounter = there(world, number)
    void(world, encounter)
    world.sync(STREAM)
    return encounter


def edit(world: World, encounter: str) -> None:
    world.avni.edit_encounter(encounter, observations=EDIT, at=world.moment())


def move(world: World, encounter: str) -> None:
    world.avni.edit_encounter(encounter, encounter_ms=to_ms(SECOND), at=world.moment())


def void(world: World, encounter: str) -> None:
    world.avni.void_encounter(encounter, at=world.moment())


def unvoid(world: World, encounter: str) -> None:
    world.avni.edit_encounter(encounter, voided=False, at=world.moment())


def unvoid_edited_and_moved(world: World, encounter: str) -> None:
    world.avni.edit_encounter(encounter, voided=False, observations=EDIT, encounter_ms=to_ms(SECOND), at=world.moment())


def filed(world: World, number: str, encounter: str) -> Filed:
    found = in_bahmni(world, number)
    found = replace(found, markers=tuple(marker for marker in found.markers if marker == encounter))
    for row in world.bahmni.encounters.values():
        said = [str(obs.value) for obs in world.bahmni.obs_of(row.uuid) if not obs.voided]
        if encounter in said and not row.voided:
            return Filed(found, row.moment, tuple(value for value in said if value.startswith("2026-")))
    return Filed(found)


def holding(answers: dict[str, list[Any]], day: datetime) -> Callable[[str], object]:
    """The registration and one encounter with these answers, at the hospital's midnight of this day."""
    midnight = datetime.combine(day, time.min, ZONE).astimezone(UTC)
    return lambda encounter: Filed(InBahmni(1, 1, 2, 2, answers, (encounter,)), midnight, (str(day.date()),))


def gone(encounter: str) -> object:
    return Filed(InBahmni(1, 1, 1, 2))


WRITES: dict[str, Case] = {
    "a new encounter": Case(STREAM, "POST", ENCOUNTERS, ready, nothing, filed, holding(HELD_BEFORE, FIRST)),
    "an edited encounter": Case(STREAM, "POST", ENCOUNTER, there, edit, filed, holding(HELD_AFTER, FIRST)),
    "an encounter on another day": Case(STREAM, "POST", ENCOUNTER, there, move, filed, holding(HELD_BEFORE, SECOND)),
    "a voided encounter that comes back later": Case(
        STREAM, "DELETE", ENCOUNTER, there, void, filed, gone, (unvoid, holding(HELD_BEFORE, FIRST))
    ),
    "an encounter brought back on another day": Case(
        STREAM, "POST", ENCOUNTER, voided, unvoid_edited_and_moved, filed, holding(HELD_AFTER, SECOND)
    ),
}


@pytest.mark.parametrize("times", REPEATED.values(), ids=REPEATED)
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_goes_wrong_leaves_the_encounter_there_once_and_right(hasty: World, name: str, times: int) -> None:
    assert wrong_after_faults(hasty, hasty, WRITES[name], times) == {}


@pytest.mark.parametrize(
    ("name", "step"),
    [
        *(("an encounter on another day", step) for step in range(2)),
        *(("an encounter brought back on another day", step) for step in range(3)),
    ],
)
def test_a_change_in_several_steps_is_whole_after_as_many_mishaps_as_a_hand_over_puts_up_with(
    hasty: World, name: str, step: int
) -> None:
    assert wrong_after_faults(hasty, hasty, WRITES[name], LOOKS - 1, skip=step) == {}


@pytest.mark.parametrize("step", range(3))
def test_a_session_that_ends_between_two_steps_costs_a_look_and_leaves_none_out(hasty: World, step: int) -> None:
    encounter = voided(hasty, "1001")
    target = hasty.link(STREAM, encounter).target_id
    unvoid_edited_and_moved(hasty, encounter)
    forget_sessions_before(hasty, f"POST /openmrs/ws/rest/v1/encounter/{target}", skip=step)
    hasty.sync(STREAM)
    assert filed(hasty, "1001", encounter) == holding(HELD_AFTER, SECOND)(encounter)
    assert open_errors(encounter) == []
