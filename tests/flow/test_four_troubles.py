"""Four troubles of the servers while encounters travel: every other record gets through, and people are told once."""

from __future__ import annotations

import pytest

from common import clock
from engine.gaps import gap_id
from errors.catalogue import explain
from errors.models import OPEN_STATES, ErrorRecord
from tests.flow.clinic import VITALS, open_clinic
from tests.flow.world import HOUSEHOLD_VISIT, World

GENERAL, REST = "general-encounter", "/openmrs/ws/rest/v1"
RECORDS = 30


@pytest.fixture
def world(world: World) -> World:
    world.household_visits()
    return world


def visits(world: World) -> list[str]:
    """Encounters of as many subjects, not handed over yet."""
    return [
        world.household_visit(world.subject(str(1001 + n)), observations={"Height": 150 + n}) for n in range(RECORDS)
    ]


def in_bahmni(world: World, encounters: list[str]) -> list[str]:
    """Those of the encounters that stand in Bahmni once, with their answer."""
    through = []
    for number, encounter in enumerate(encounters):
        marked = {row.encounter for row in world.bahmni.obs.values() if row.value == encounter and not row.voided}
        if len(marked) == 1 and world.held(marked.pop()) == {"Height": [150 + number]}:
            through.append(encounter)
    return through


def open_errors() -> list[ErrorRecord]:
    return list(ErrorRecord.objects.filter(state__in=OPEN_STATES))


@pytest.mark.parametrize("status", [401, 500], ids=["as Avni says it now", "as it said it before 2023"])
def test_a_token_that_ends_in_the_middle_of_reading_loses_no_record_and_is_no_error(world: World, status: int) -> None:
    world.avni.adjust(expired_status=status)
    encounters = visits(world)
    world.sync("subject")
    world.avni_server.faults.before("GET", r"/api/encounters$", world.avni.expire_tokens)
    world.sync(GENERAL)
    assert (in_bahmni(world, encounters), open_errors()) == (encounters, [])


def test_a_token_that_ends_between_two_writes_to_avni_loses_and_doubles_nothing(world: World) -> None:
    clinic = open_clinic(world)
    subjects = [world.subject(str(1001 + n)) for n in range(3)]
    patients = [world.patient(str(1001 + n)) for n in range(3)]
    world.sync()
    for patient in patients:
        clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.avni_server.faults.before("POST", r"/api/encounter$", world.avni.expire_tokens, skip=1)
    world.sync("encounter")
    assert [len(clinic.in_avni(subject)[VITALS]) for subject in subjects] == [1, 1, 1]
    assert open_errors() == []


def test_w49_a_session_that_dies_between_two_posts_to_bahmni_loses_and_doubles_nothing(world: World) -> None:
    encounters = visits(world)
    world.sync("subject")
    world.bahmni_server.faults.before("POST", rf"{REST}/encounter$", world.bahmni.expire_sessions, skip=7)
    world.sync(GENERAL)
    assert (in_bahmni(world, encounters), open_errors()) == (encounters, [])


def test_an_encounter_type_our_account_may_not_see_is_one_explained_error_and_all_others_get_through(
    world: World,
) -> None:
    encounters = visits(world)
    world.household_visits("Sputum test")
    world.household_visit(world.subject("2001"), kind="Sputum test")
    world.avni.forbid("integration@demo", "Sputum test")
    world.sync()
    world.sync()
    (record,) = open_errors()
    told = explain(record.message, record.params, {}).cause
    assert in_bahmni(world, encounters) == encounters
    assert (record.entity_id, "Sputum test" in told, "ViewVisit" in told) == (gap_id("Sputum test"), True, True)


def test_the_forbidden_type_is_read_from_where_it_stood_once_the_privilege_is_given(world: World) -> None:
    world.avni.forbid("integration@demo", HOUSEHOLD_VISIT)
    encounters = visits(world)
    world.sync()
    assert in_bahmni(world, encounters) == []
    world.avni.allow("integration@demo", HOUSEHOLD_VISIT)
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    world.sync()
    assert (in_bahmni(world, encounters), open_errors()) == (encounters, [])


@pytest.mark.parametrize("place", [0, 13, RECORDS - 1], ids=["first", "in the middle", "last"])
def test_a_row_avni_cannot_show_is_one_explained_error_and_all_others_get_through(world: World, place: int) -> None:
    encounters = visits(world)
    world.avni.poison(encounters[place])
    world.sync()
    world.sync()
    (record,) = open_errors()
    assert in_bahmni(world, encounters) == [*encounters[:place], *encounters[place + 1 :]]
    assert record.message == "bahmni.row-unreadable"
    assert record.params["part"] == HOUSEHOLD_VISIT


def test_a_row_that_can_be_shown_again_gets_through_and_its_error_is_closed(world: World) -> None:
    encounters = visits(world)
    world.avni.poison(encounters[5])
    world.sync()
    world.avni.unpoison(encounters[5])
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    world.sync(GENERAL)
    assert (in_bahmni(world, encounters), open_errors()) == (encounters, [])


def test_a_row_that_was_corrected_comes_by_itself_and_its_old_place_is_closed(world: World) -> None:
    encounters = visits(world)
    world.avni.poison(encounters[5])
    world.sync()
    world.avni.unpoison(encounters[5])
    world.avni.edit_encounter(encounters[5], observations={"Height": 155}, at=world.moment())
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    world.sync(GENERAL)
    assert (in_bahmni(world, encounters), open_errors()) == (encounters, [])


def test_a_subject_avni_cannot_show_keeps_back_only_what_hangs_on_it(world: World) -> None:
    encounters = visits(world)
    subject = world.avni.encounters[encounters[4]].subject
    world.avni.poison(subject)
    world.sync()
    others = [one for one in encounters if one != encounters[4]]
    assert in_bahmni(world, encounters) == others
    assert {record.stream.key for record in open_errors()} == {"subject", GENERAL}
