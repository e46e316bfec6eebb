"""A program encounter of Avni reaches Bahmni as an encounter in the visit of its enrolment.

Tests named after a weakness (w38, …) show what the Java service got wrong and we do not.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.outcome import Outcome
from errors.models import ErrorRecord, ErrorState
from mappings.models import Mapping
from simulators.bahmni.model import Encounter
from syncstatus.models import Link, Position
from tests.flow.world import CHECK_UP, MARKER, World, noon

STREAM = "program-encounter"
UNKNOWN = ("engine.part-unreadable", "no such encounter type")
REST = "/openmrs/ws/rest/v1"
ANSWERS = {"Medical problems": ["Asthma", "Diabetes"], "Height": 152.5, "Occupation": "Weaver"}
HELD = {"Medical problems": ["Asthma", "Diabetes"], "Height": [152.5], "Occupation": ["Weaver"]}


@pytest.fixture
def world(world: World) -> World:
    world.programs()
    return world


def enrolled(world: World, **more: Any) -> str:
    """An enrolment that stands in Bahmni; gives its uuid in Avni."""
    enrolment = world.enrolment(world.subject("1001"), **more)
    world.sync()
    world.reset_counts()
    return enrolment


def handed_over(world: World, **more: Any) -> str:
    """An encounter that stands in Bahmni with subject and enrolment; gives its uuid in Avni."""
    encounter = world.check_up(enrolled(world), **more)
    world.sync()
    world.reset_counts()
    return encounter


def edited(world: World, record: str, **changes: Any) -> None:
    """A record is changed in Avni and the encounters are handed over."""
    world.avni.edit(record, at=world.moment(), **changes)
    world.sync(STREAM)


def outcome(world: World, encounter: str) -> str:
    """How the last hand-over of the encounter ended."""
    return world.link(STREAM, encounter).outcome


def error(encounter: str) -> ErrorRecord:
    """The encounter's error record."""
    return ErrorRecord.objects.get(entity_id=encounter, stream__key=STREAM)


def there(world: World, encounter: str) -> Encounter:
    """The encounter of Bahmni that stands for it."""
    return world.bahmni.encounters[world.link(STREAM, encounter).target_id]


def test_a_new_encounter_is_filed_in_the_visit_of_its_enrolment(world: World) -> None:
    enrolment = enrolled(world, enrolment_ms=noon("2026-01-03"))
    encounter = world.check_up(enrolment, observations=ANSWERS, encounter_ms=noon("2026-01-06"))
    world.sync()
    link, owner = world.link(STREAM, encounter), world.link("enrolment", enrolment)
    found = there(world, encounter)
    assert (link.outcome, link.identifier) == (Outcome.CREATED.value, "TRI1001")
    assert (found.patient, found.visit) == (owner.target_parent_id, owner.other_targets["visit"])
    assert found.moment == datetime(2026, 1, 5, 18, 30, tzinfo=UTC)
    assert world.held(found.uuid) == HELD


def test_a_new_encounter_costs_two_gets_and_one_post(world: World) -> None:
    world.check_up(enrolled(world), observations=ANSWERS)
    world.sync(STREAM)
    assert world.bahmni_server.counts == {
        ("GET", f"{REST}/encounter"): 1,
        ("GET", f"{REST}/visit/{{uuid}}"): 1,
        ("POST", f"{REST}/encounter"): 1,
    }


def test_an_edit_costs_one_get_and_one_post_and_changes_only_what_differs(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    edited(world, encounter, observations={"Occupation": "", "Height": 153})
    assert outcome(world, encounter) == Outcome.UPDATED.value
    assert world.held(there(world, encounter).uuid) == {"Medical problems": ["Asthma", "Diabetes"], "Height": [153]}
    assert world.bahmni_server.counts == {
        ("GET", f"{REST}/encounter/{{uuid}}"): 1,
        ("POST", f"{REST}/encounter/{{uuid}}"): 1,
    }
    assert set(world.avni_server.counts) == {("GET", "/api/programEncounters")}


def test_a_touch_without_a_change_costs_no_call(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    world.avni.bulk_touch([encounter], at=world.moment())
    world.sync(STREAM)
    assert outcome(world, encounter) == Outcome.UNCHANGED.value
    assert world.bahmni_server.requests == 0


def test_w38_an_encounter_before_its_enrolment_moves_the_start_of_the_visit(world: World) -> None:
    enrolment = enrolled(world, enrolment_ms=noon("2026-01-03"))
    encounter = world.check_up(enrolment, encounter_ms=noon("2025-12-24"))
    world.sync(STREAM)
    found = there(world, encounter)
    assert world.bahmni.visits[found.visit or ""].start == found.moment == datetime(2025, 12, 23, 18, 30, tzinfo=UTC)


def test_w38_an_encounter_after_the_hospital_closed_the_visit_stretches_it(world: World) -> None:
    enrolment = enrolled(world, enrolment_ms=noon("2026-01-03"))
    visit = world.bahmni.visits[world.link("enrolment", enrolment).other_targets["visit"]]
    visit.stop = datetime(2026, 1, 4, 18, tzinfo=UTC)
    encounter = world.check_up(enrolment, encounter_ms=noon("2026-01-08"))
    world.sync(STREAM)
    assert there(world, encounter).moment == datetime(2026, 1, 7, 18, 30, tzinfo=UTC)
    assert visit.stop == datetime(2026, 1, 8, 18, 29, 59, tzinfo=UTC)


def test_w38_an_edited_date_moves_the_encounter_and_stretches_the_visit_for_it(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    edited(world, encounter, encounter_ms=noon("2025-12-24"))
    found = there(world, encounter)
    assert world.bahmni.visits[found.visit or ""].start == found.moment == datetime(2025, 12, 23, 18, 30, tzinfo=UTC)
    assert world.held(found.uuid) == HELD


def test_a_voided_encounter_is_voided_and_comes_back_with_its_newest_answers(world: World) -> None:
    encounter = handed_over(world, observations={"Height": 150})
    edited(world, encounter, voided=True)
    assert (outcome(world, encounter), there(world, encounter).voided) == (Outcome.VOIDED.value, True)
    edited(world, encounter, voided=False, observations={"Height": 151})
    assert (outcome(world, encounter), world.held(there(world, encounter).uuid)) == ("updated", {"Height": [151]})


def test_an_encounter_waits_for_an_enrolment_that_does_not_get_through_and_follows_it(world: World) -> None:
    mapping = Mapping.objects.get(type__name="CommunityEnrolment_BahmniForm")
    mapping.delete()
    enrolment = world.enrolment(world.subject("1001"))
    encounter = world.check_up(enrolment)
    world.sync()
    assert (error(encounter).state, error(encounter).message) == (ErrorState.DEFERRED, "bahmni.enrolment-not-yet")
    world.map("ProgramEnrolment", "CommunityEnrolment_BahmniForm", mapping.avni_value, mapping.int_system_value)
    ErrorRecord.objects.filter(entity_id=enrolment).update(next_attempt_at=world.born)
    world.sync("enrolment")
    assert (outcome(world, encounter), error(encounter).state) == (Outcome.CREATED.value, ErrorState.RESOLVED)


def test_an_enrolment_nobody_has_seen_is_asked_for_with_its_subject(world: World) -> None:
    enrolment = world.enrolment(world.subject("1001"))
    encounter = world.check_up(enrolment)
    later = {"ts": "2026-06-01T00:00:00.000Z", "known": {}}
    Position.objects.filter(stream__key__in=["subject", "enrolment"]).update(value=later)
    world.sync(STREAM)
    assert (outcome(world, encounter), world.link("enrolment", enrolment).outcome) == ("created", "created")


def test_an_encounter_of_a_voided_enrolment_waits_until_the_enrolment_comes_back(world: World) -> None:
    enrolment = enrolled(world)
    world.avni.void(enrolment, at=world.moment())
    world.sync("enrolment")
    encounter = world.check_up(enrolment)
    world.sync(STREAM)
    assert (error(encounter).state, error(encounter).message) == (ErrorState.DEFERRED, "bahmni.enrolment-voided")
    world.avni.edit(enrolment, voided=False, at=world.moment())
    world.sync("enrolment")
    assert outcome(world, encounter) == Outcome.CREATED.value


def test_one_that_waits_costs_no_request_though_an_answer_of_it_is_not_mapped(world: World) -> None:
    enrolment = enrolled(world)
    world.avni.void(enrolment, at=world.moment())
    world.sync("enrolment")
    world.avni.add_concept("Unmapped", "NA")
    encounter = world.check_up(enrolment, observations={"Medical problems": ["Unmapped"]})
    world.reset_counts()
    world.sync(STREAM)
    assert error(encounter).message == "bahmni.enrolment-voided"
    assert set(world.avni_server.counts) == {("GET", "/api/programEncounters")}


def test_one_voided_while_its_enrolment_is_does_not_come_back_with_the_visit(world: World) -> None:
    encounter = handed_over(world, observations={"Height": 150})
    enrolment = world.avni.program_encounters[encounter].enrolment
    world.avni.void(enrolment, at=world.moment())
    world.sync("enrolment")
    edited(world, encounter, voided=True)
    world.avni.edit(enrolment, voided=False, at=world.moment())
    world.sync("enrolment")
    assert (outcome(world, encounter), there(world, encounter).voided) == (Outcome.VOIDED.value, True)


def test_w15_an_error_is_closed_when_the_encounter_is_voided(world: World) -> None:
    encounter = world.check_up(world.enrolment(world.subject(None)))
    world.sync()
    edited(world, encounter, voided=True)
    assert (outcome(world, encounter), error(encounter).state) == (Outcome.SKIPPED.value, ErrorState.RESOLVED)


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "status_after:500"])
@pytest.mark.parametrize("path", ["/encounter$", "/visit/"])
def test_w19_a_write_that_is_cut_off_is_found_and_nothing_is_there_twice(world: World, path: str, fault: str) -> None:
    enrolment = enrolled(world, enrolment_ms=noon("2026-01-03"))
    encounter = world.check_up(enrolment, encounter_ms=noon("2025-12-24"), observations=ANSWERS)
    world.bahmni_server.faults.plan("POST", path, fault, times=1)
    world.sync(STREAM)
    assert world.bahmni_server.faults.fired[fault] == 1
    rows = [row for row in world.bahmni.obs.values() if row.value == encounter]
    assert [row.encounter for row in rows] == [world.link(STREAM, encounter).target_id]
    assert world.held(there(world, encounter).uuid) == HELD


def test_w24_what_a_person_voided_is_neither_brought_back_nor_doubled(world: World) -> None:
    encounter = handed_over(world)
    world.bahmni.void_encounter(there(world, encounter).uuid)
    edited(world, encounter, observations={"Height": 151})
    assert (error(encounter).state, error(encounter).message) == (ErrorState.HELD, "bahmni.target-voided")
    assert there(world, encounter).voided


def test_what_never_took_place_is_a_counted_skip(world: World) -> None:
    planned = world.check_up(enrolled(world), encounter_ms=None, earliest_ms=1)
    world.sync()
    assert (outcome(world, planned), world.link(STREAM, planned).reason) == ("skipped", "bahmni.not-completed")


def test_an_encounter_to_come_is_handed_over_when_its_day_has_come(world: World) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    encounter = world.check_up(enrolled(world), encounter_ms=int(tomorrow.timestamp() * 1000))
    world.sync()
    assert (error(encounter).state, error(encounter).message) == (ErrorState.DEFERRED, "bahmni.future")
    assert world.bahmni_server.writes == 0


def test_what_came_from_bahmni_does_not_go_back(world: World) -> None:
    marked = world.check_up(enrolled(world), observations={MARKER: "uuid"})
    world.sync()
    assert list(Link.objects.filter(stream__key=STREAM).values_list("source_id", "reason")) == [
        (marked, "bahmni.came-from-bahmni")
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CommunityProgramEncounter_EncounterType", "bahmni.program-encounter-type-unmapped"),
        ("CommunityProgramEncounter_BahmniForm", "bahmni.program-encounter-form-unmapped"),
    ],
)
def test_a_type_without_one_of_its_mappings_waits_with_an_error_that_names_it(
    world: World, name: str, message: str
) -> None:
    Mapping.objects.get(type__name=name).delete()
    encounter = handed_over(world)
    assert (error(encounter).message, error(encounter).params) == (message, {"side": "avni", "value": CHECK_UP})


def test_each_type_has_a_position_of_its_own_and_those_of_the_hospital_have_none(world: World) -> None:
    world.map("ProgramEncounter", "EncounterType", "ANC (Hospital)", "form")
    world.map("ProgramEncounter", "CommunityProgramEncounter_BahmniForm", "ANC (Hospital)", "another")
    world.sync(STREAM)
    partitions = Counter(Position.objects.filter(stream__key=STREAM).values_list("partition", flat=True))
    assert partitions == {CHECK_UP: 1}


@pytest.mark.parametrize("names", [("A misspelt type",), ("A misspelt type", "One more", "Zzz")])
def test_types_avni_does_not_know_are_an_error_each_and_hold_up_no_other(world: World, names: tuple[str, ...]) -> None:
    """Asked for one of them it lists every encounter there is: none of those may be taken for one of that type."""
    for name in names:
        world.map("ProgramEncounter", "CommunityProgramEncounter_BahmniForm", name, f"form of {name}")
    enrolment = enrolled(world)
    first = world.check_up(enrolment)
    assert not [look for look in world.sync().looks if look.stopped_by]
    second = world.check_up(enrolment)
    world.sync()
    records = ErrorRecord.objects.filter(stream__key=STREAM)
    assert [(one.message, one.params["code"]) for one in records] == [UNKNOWN] * len(names)
    assert sorted(one.params["part"] for one in records) == sorted(names)
    assert [world.link(STREAM, one).outcome for one in (first, second)] == ["created", "created"]
