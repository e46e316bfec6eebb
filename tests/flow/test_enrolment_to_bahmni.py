"""An enrolment of Avni reaches Bahmni as a visit of its own with an encounter, and another one when it is exited.

Tests named after a weakness (w15, …) show what the Java service got wrong and we do not.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from common.outcome import Outcome
from errors.models import ErrorRecord, ErrorState
from mappings.models import Mapping
from simulators.bahmni.model import Encounter, Visit
from simulators.bahmni.visits import void_visit
from syncstatus.models import Link, Position
from tests.flow.world import MARKER, PREGNANCY, World, noon

STREAM = "enrolment"
ENROLMENTS = ("GET", "/api/programEnrolments")
REST = "/openmrs/ws/rest/v1"
SEARCH, ENCOUNTER = ("GET", f"{REST}/encounter"), ("GET", f"{REST}/encounter/{{uuid}}")
UPDATE = ("POST", f"{REST}/encounter/{{uuid}}")
ANSWERS = {"Medical problems": ["Asthma", "Diabetes"], "Height": 152.5, "Occupation": "Weaver"}
HELD = {"Medical problems": ["Asthma", "Diabetes"], "Height": [152.5], "Occupation": ["Weaver"]}


@pytest.fixture
def world(world: World) -> World:
    world.programs()
    return world


def handed_over(world: World, **more: Any) -> str:
    """An enrolment that stands in Bahmni with its subject; gives its uuid in Avni."""
    enrolment = world.enrolment(world.subject("1001"), **more)
    world.sync()
    world.reset_counts()
    return enrolment


def edited(world: World, enrolment: str, **changes: Any) -> None:
    """The enrolment is changed in Avni and handed over."""
    world.avni.edit(enrolment, at=world.moment(), **changes)
    world.sync(STREAM)


def outcome(world: World, enrolment: str) -> str:
    """How the last hand-over of the enrolment ended."""
    return world.link(STREAM, enrolment).outcome


def error(enrolment: str) -> ErrorRecord:
    """The enrolment's error record."""
    return ErrorRecord.objects.get(entity_id=enrolment, stream__key=STREAM)


def visit_of(world: World, enrolment: str) -> Visit:
    """The one visit in Bahmni that was opened for it."""
    visits = world.bahmni.visits.values()
    (ours,) = [row for row in visits if any(one.value == enrolment for one in row.attributes)]
    return ours


def encounters(world: World, enrolment: str) -> dict[str, Encounter]:
    """The un-voided encounters in Bahmni that carry its marker, by the name of their type. None is there twice."""
    names = {row.uuid: row.name for row in world.bahmni.encounter_types.values()}
    marked = [row for row in world.bahmni.obs.values() if row.value == enrolment and not row.voided]
    found = [world.bahmni.encounters[row.encounter] for row in marked]
    assert len({row.type for row in found}) == len(found)
    return {names[row.type]: row for row in found}


def said(world: World, encounter: Encounter, concept: str) -> list[Any]:
    """The un-voided values of a concept of ours in an encounter."""
    rows = world.bahmni.obs_of(encounter.uuid)
    return [row.value for row in rows if not row.voided and world.bahmni.concepts[row.concept].name == concept]


ENROLLED, EXITED = "Pregnancy Enrolment [Avni]", "Pregnancy Exit [Avni]"


def test_a_new_enrolment_opens_a_visit_and_stands_in_it_on_its_own_day(world: World) -> None:
    enrolment = handed_over(world, observations=ANSWERS, enrolment_ms=noon("2026-01-03"))
    visit, there = visit_of(world, enrolment), encounters(world, enrolment)
    begin = datetime(2026, 1, 2, 18, 30, tzinfo=UTC)  # midnight in India
    assert (visit.start, visit.stop, world.bahmni.visit_types[visit.type].name) == (begin, None, ENROLLED)
    assert [row.value for row in visit.attributes] == [enrolment, "2026-01-03"]
    assert list(there) == [ENROLLED]
    assert (there[ENROLLED].visit, there[ENROLLED].moment) == (visit.uuid, begin)
    assert world.held(there[ENROLLED].uuid) == HELD
    assert said(world, there[ENROLLED], "Event Date [Avni]") == ["2026-01-03"]
    assert said(world, there[ENROLLED], "Program Data [Avni]") == ["Pregnancy - Enrolment - 03-01-2026"]


def test_the_link_names_patient_visit_and_exit_for_those_that_hang_on_it(world: World) -> None:
    enrolment = handed_over(world, exit_ms=noon("2026-01-09"))
    link, there = world.link(STREAM, enrolment), encounters(world, enrolment)
    assert link.target_id == there[ENROLLED].uuid
    assert link.other_targets == {"visit": visit_of(world, enrolment).uuid, "exit": there[EXITED].uuid}
    assert (link.target_parent_id, link.identifier) == (there[ENROLLED].patient, "TRI1001")
    assert link.created_by_us == ["encounter", "visit"]


def test_a_new_enrolment_costs_three_gets_and_two_posts(world: World) -> None:
    subject = world.subject("1001")
    world.sync()
    world.enrolment(subject, observations=ANSWERS)
    world.reset_counts()
    world.sync(STREAM)
    assert world.bahmni_server.counts == {
        SEARCH: 1,
        ("GET", f"{REST}/patient/{{uuid}}"): 1,
        ("GET", f"{REST}/visit"): 1,
        ("POST", f"{REST}/visit"): 1,
        ("POST", f"{REST}/encounter"): 1,
    }


def test_an_edit_costs_one_get_and_one_post_and_changes_only_what_differs(world: World) -> None:
    enrolment = handed_over(world, observations=ANSWERS, exit_ms=noon("2026-01-09"))
    edited(world, enrolment, observations={"Medical problems": ["Asthma", "Anaemia"], "Occupation": "", "Height": 153})
    assert outcome(world, enrolment) == Outcome.UPDATED.value
    assert world.held(encounters(world, enrolment)[ENROLLED].uuid) == {
        "Medical problems": ["Anaemia", "Asthma"],
        "Height": [153],
    }
    assert world.bahmni_server.counts == {SEARCH: 1, UPDATE: 1}
    assert set(world.avni_server.counts) == {ENROLMENTS}


def test_a_touch_without_a_change_costs_no_call(world: World) -> None:
    enrolment = handed_over(world, observations=ANSWERS, exit_ms=noon("2026-01-09"))
    world.check_up(enrolment)
    world.avni.bulk_touch([enrolment], at=world.moment())
    world.sync(STREAM)
    assert outcome(world, enrolment) == Outcome.UNCHANGED.value
    assert world.bahmni_server.requests == 0


def test_an_exit_becomes_an_encounter_of_its_own_in_the_same_visit(world: World) -> None:
    enrolment = handed_over(world, observations={"Height": 150})
    edited(world, enrolment, exit_ms=noon("2026-01-09"), exit_observations={"Height": 151})
    there = encounters(world, enrolment)
    assert there[EXITED].visit == visit_of(world, enrolment).uuid
    assert there[EXITED].moment == datetime(2026, 1, 8, 18, 30, tzinfo=UTC)
    assert (world.held(there[ENROLLED].uuid), world.held(there[EXITED].uuid)) == ({"Height": [150]}, {"Height": [151]})
    assert said(world, there[EXITED], "Program Data [Avni]") == ["Pregnancy - Exit - 09-01-2026"]
    assert world.bahmni_server.counts == {SEARCH: 1, ("POST", f"{REST}/encounter"): 1}


def test_w23_an_exit_that_is_undone_is_voided_and_comes_back_with_the_next_one(world: World) -> None:
    enrolment = handed_over(world, exit_ms=noon("2026-01-09"), exit_observations={"Height": 151})
    exit_ = encounters(world, enrolment)[EXITED]
    edited(world, enrolment, exit_ms=None, exit_observations={"Height": None})
    assert (list(encounters(world, enrolment)), exit_.voided) == ([ENROLLED], True)
    edited(world, enrolment, exit_ms=noon("2026-01-10"), exit_observations={"Height": 160})
    assert encounters(world, enrolment)[EXITED].uuid == exit_.uuid
    assert world.held(exit_.uuid) == {"Height": [160]}
    assert said(world, exit_, "Event Date [Avni]") == ["2026-01-10"]


def test_w23_what_was_undone_before_the_take_over_is_voided_too(world: World) -> None:
    enrolment = handed_over(world, exit_ms=noon("2026-01-09"))
    world.avni.edit(enrolment, at=world.moment(), exit_ms=None)
    Link.objects.filter(stream__key=STREAM).delete()
    world.rewind()
    world.sync(STREAM)
    assert list(encounters(world, enrolment)) == [ENROLLED]


def test_w23_an_edited_date_reaches_event_date_program_data_and_encounter(world: World) -> None:
    enrolment = handed_over(world, observations=ANSWERS, enrolment_ms=noon("2026-01-03"))
    edited(world, enrolment, enrolment_ms=noon("2026-01-04"))
    there = encounters(world, enrolment)[ENROLLED]
    assert there.moment == datetime(2026, 1, 3, 18, 30, tzinfo=UTC)
    assert said(world, there, "Event Date [Avni]") == ["2026-01-04"]
    assert said(world, there, "Program Data [Avni]") == ["Pregnancy - Enrolment - 04-01-2026"]
    assert world.held(there.uuid) == HELD


def test_w23_a_text_that_was_blanked_is_voided(world: World) -> None:
    enrolment = handed_over(world, observations=ANSWERS)
    edited(world, enrolment, observations={"Occupation": "  "})
    assert "Occupation" not in world.held(encounters(world, enrolment)[ENROLLED].uuid)


def test_w38_a_date_before_the_visit_moves_the_visit_by_its_own_write_and_nothing_is_forced(world: World) -> None:
    enrolment = handed_over(world, observations=ANSWERS, enrolment_ms=noon("2026-01-03"))
    edited(world, enrolment, enrolment_ms=noon("2025-12-24"))
    begin = datetime(2025, 12, 23, 18, 30, tzinfo=UTC)
    assert visit_of(world, enrolment).start == encounters(world, enrolment)[ENROLLED].moment == begin
    assert world.bahmni_server.counts[("POST", f"{REST}/visit/{{uuid}}")] == 1


def test_w38_an_exit_after_the_hospital_closed_the_visit_stretches_it_to_that_day(world: World) -> None:
    enrolment = handed_over(world, enrolment_ms=noon("2026-01-03"))
    visit_of(world, enrolment).stop = datetime(2026, 1, 4, 18, tzinfo=UTC)
    edited(world, enrolment, exit_ms=noon("2026-01-09"))
    assert visit_of(world, enrolment).stop == datetime(2026, 1, 9, 18, 29, 59, tzinfo=UTC)
    assert encounters(world, enrolment)[EXITED].moment == datetime(2026, 1, 8, 18, 30, tzinfo=UTC)


def test_w38_one_dated_before_birth_stands_on_the_day_of_birth_and_keeps_its_true_date(world: World) -> None:
    enrolment = world.enrolment(world.subject("1001", born="2026-01-02"), enrolment_ms=noon("2025-12-24"))
    world.sync()
    there = encounters(world, enrolment)[ENROLLED]
    assert visit_of(world, enrolment).start == there.moment == datetime(2026, 1, 1, 18, 30, tzinfo=UTC)
    assert said(world, there, "Event Date [Avni]") == ["2025-12-24"]


def test_a_voided_enrolment_voids_both_encounters_with_their_visit_and_all_come_back(world: World) -> None:
    enrolment = handed_over(world, observations={"Height": 150}, exit_ms=noon("2026-01-09"))
    visit = visit_of(world, enrolment)
    edited(world, enrolment, voided=True)
    assert (outcome(world, enrolment), encounters(world, enrolment)) == (Outcome.VOIDED.value, {})
    assert visit.voided
    edited(world, enrolment, voided=False, observations={"Height": 151})
    assert (outcome(world, enrolment), visit.voided) == (Outcome.UPDATED.value, False)
    assert set(encounters(world, enrolment)) == {ENROLLED, EXITED}
    assert world.held(encounters(world, enrolment)[ENROLLED].uuid) == {"Height": [151]}


def test_w22_of_two_enrolments_in_one_program_only_the_voided_ones_visit_goes(world: World) -> None:
    subject = world.subject("1001")
    first, second = world.enrolment(subject), world.enrolment(subject)
    world.sync()
    edited(world, first, voided=True)
    assert (visit_of(world, first).voided, visit_of(world, second).voided) == (True, False)
    assert list(encounters(world, second)) == [ENROLLED]


def test_w22_a_visit_in_which_a_clinician_worked_stays_and_is_never_purged(world: World) -> None:
    enrolment = handed_over(world, exit_ms=noon("2026-01-09"))
    visit = visit_of(world, enrolment)
    kind = next(iter(world.bahmni.encounter_types))
    note = {"concept": world.concepts["Occupation"], "value": "Weaver"}
    theirs = world.bahmni.hospital_save_encounter(
        patient=visit.patient, encounterType=kind, visit=visit.uuid, obs=[note]
    )
    edited(world, enrolment, voided=True)
    assert (encounters(world, enrolment), visit.voided, theirs.voided) == ({}, False, False)
    assert visit.uuid in world.bahmni.visits


@pytest.mark.parametrize("change", [{"voided": True}, {"exit_ms": None}])
def test_w22_an_encounter_a_clinician_wrote_into_is_left_to_a_person(world: World, change: dict[str, Any]) -> None:
    enrolment = handed_over(world, exit_ms=noon("2026-01-09"))
    exit_ = encounters(world, enrolment)[EXITED]
    note = {"concept": world.concepts["Occupation"], "value": "Weaver"}
    world.bahmni.hospital_save_encounter(uuid=exit_.uuid, obs=[note])
    edited(world, enrolment, **change)
    assert (error(enrolment).state, error(enrolment).message) == (ErrorState.HELD, "bahmni.encounter-shared")
    assert (exit_.voided, visit_of(world, enrolment).voided) == (False, False)


def test_w22_a_check_up_a_clinician_wrote_into_keeps_the_visit(world: World) -> None:
    enrolment = handed_over(world)
    check_up = world.check_up(enrolment)
    world.sync()
    target = world.link("program-encounter", check_up).target_id
    note = {"concept": world.concepts["Occupation"], "value": "Weaver"}
    world.bahmni.hospital_save_encounter(uuid=target, obs=[note])
    edited(world, enrolment, voided=True)
    assert (encounters(world, enrolment), visit_of(world, enrolment).voided) == ({}, False)
    assert not world.bahmni.encounters[target].voided


def test_w22_a_void_that_the_hospital_refuses_is_an_error_and_is_tried_again(world: World) -> None:
    enrolment = handed_over(world)
    world.bahmni_server.faults.plan("DELETE", "/visit/", "status:400", times=1)
    edited(world, enrolment, voided=True)
    assert (outcome(world, enrolment), error(enrolment).state) == (Outcome.FAILED.value, ErrorState.RETRYING)
    ErrorRecord.objects.update(next_attempt_at=world.born)
    world.sync(STREAM)
    assert (outcome(world, enrolment), visit_of(world, enrolment).voided) == (Outcome.VOIDED.value, True)


def test_w22_the_encounters_of_the_enrolment_go_with_its_visit_and_come_back_with_it(world: World) -> None:
    enrolment = handed_over(world)
    check_up = world.check_up(enrolment, observations={"Height": 150})
    world.sync()
    target = world.link("program-encounter", check_up).target_id
    edited(world, enrolment, voided=True)
    assert (visit_of(world, enrolment).voided, world.bahmni.encounters[target].voided) == (True, True)
    edited(world, enrolment, voided=False)
    assert (visit_of(world, enrolment).voided, world.held(target)) == (False, {"Height": [150]})


def test_w24_what_a_person_voided_is_neither_brought_back_nor_doubled(world: World) -> None:
    enrolment = handed_over(world)
    there = encounters(world, enrolment)[ENROLLED]
    world.bahmni.void_encounter(there.uuid)
    edited(world, enrolment, observations={"Height": 151})
    assert (error(enrolment).state, error(enrolment).message) == (ErrorState.HELD, "bahmni.target-voided")
    assert (there.voided, encounters(world, enrolment)) == (True, {})


@pytest.mark.parametrize("link", ["with its link", "without"])
def test_w24_a_visit_that_a_person_voided_is_left_alone(world: World, link: str) -> None:
    enrolment = handed_over(world)
    visit = visit_of(world, enrolment)
    void_visit(world.bahmni, visit, "opened twice")
    if link == "without":
        Link.objects.filter(stream__key=STREAM).delete()
    edited(world, enrolment, observations={"Height": 151})
    assert error(enrolment).state == ErrorState.HELD
    assert (visit.voided, encounters(world, enrolment)) == (True, {})


def test_w15_an_error_is_closed_when_the_record_is_voided_and_so_needs_nothing_any_more(world: World) -> None:
    enrolment = world.enrolment(world.subject(None))
    world.sync()
    assert (error(enrolment).state, error(enrolment).message) == (ErrorState.DEFERRED, "bahmni.subject-not-yet")
    edited(world, enrolment, voided=True)
    assert (outcome(world, enrolment), error(enrolment).state) == (Outcome.SKIPPED.value, ErrorState.RESOLVED)


@pytest.mark.parametrize("path", ["/visit$", "/encounter$"])
@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "status_after:500"])
def test_w19_a_create_that_is_cut_off_is_found_and_nothing_is_there_twice(world: World, path: str, fault: str) -> None:
    enrolment = world.enrolment(world.subject("1001"), observations=ANSWERS, exit_ms=noon("2026-01-09"))
    world.sync("subject")
    world.bahmni_server.faults.plan("POST", path, fault, times=1)
    world.sync(STREAM)
    assert world.bahmni_server.faults.fired[fault] == 1
    assert world.link(STREAM, enrolment).created_by_us == ["encounter", "visit"]
    assert set(encounters(world, enrolment)) == {ENROLLED, EXITED}
    assert visit_of(world, enrolment).uuid == encounters(world, enrolment)[EXITED].visit


def test_w34_every_program_has_types_forms_and_a_visit_of_its_own(world: World) -> None:
    world.program("Child")
    subject = world.subject("1001")
    one, other = world.enrolment(subject), world.enrolment(subject, program="Child")
    world.sync()
    assert (list(encounters(world, one)), list(encounters(world, other))) == ([ENROLLED], ["Child Enrolment [Avni]"])
    assert visit_of(world, one).uuid != visit_of(world, other).uuid


def test_an_enrolment_waits_for_its_subject_and_follows_it(world: World) -> None:
    subject = world.subject(None)
    enrolment = world.enrolment(subject)
    world.sync()
    assert error(enrolment).type.name == "NoPatientWithId"  # type: ignore[union-attr]
    world.avni.edit_subject(subject, observations={"Sangam Number": "1001"}, at=world.moment())
    world.sync("subject")
    assert (outcome(world, enrolment), error(enrolment).state) == (Outcome.CREATED.value, ErrorState.RESOLVED)


def test_a_subject_nobody_has_seen_is_asked_for(world: World) -> None:
    subject = world.subject("1001")
    enrolment = world.enrolment(subject)
    Position.objects.filter(stream__key="subject").update(value={"ts": "2026-06-01T00:00:00.000Z", "known": {}})
    world.sync(STREAM)
    assert (world.link("subject", subject).outcome, outcome(world, enrolment)) == ("created", "created")


def test_an_enrolment_of_a_voided_subject_waits_until_the_subject_comes_back(world: World) -> None:
    subject = world.subject("1001")
    world.sync("subject")
    world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    enrolment = world.enrolment(subject)
    world.sync(STREAM)
    assert (error(enrolment).state, error(enrolment).message) == (ErrorState.DEFERRED, "bahmni.subject-voided")
    world.avni.edit_subject(subject, voided=False, at=world.moment())
    world.sync("subject")
    assert outcome(world, enrolment) == Outcome.CREATED.value


def test_one_that_was_voided_at_once_is_a_counted_skip(world: World) -> None:
    enrolment = world.enrolment(world.subject("1001"), voided=True)
    world.sync()
    link = world.link(STREAM, enrolment)
    assert (link.outcome, link.reason) == (Outcome.SKIPPED.value, "bahmni.voided-before-hand-over")


def test_an_enrolment_made_for_records_of_bahmni_travels_for_what_hangs_on_it(world: World) -> None:
    enrolment = world.enrolment(world.subject("1001"), observations={MARKER: "uuid of a form", "Height": 150})
    world.sync()
    link = world.link(STREAM, enrolment)
    assert (link.outcome, link.run.unmapped) == (Outcome.CREATED.value, {})  # type: ignore[union-attr]


def test_without_links_everything_is_found_by_its_marker_and_nothing_is_written(world: World) -> None:
    for number in range(3):
        subject = world.subject(f"10{number}")
        world.enrolment(subject, observations=ANSWERS)
        world.check_up(world.enrolment(subject, exit_ms=noon("2026-01-09")), observations=ANSWERS)
    world.sync()
    Link.objects.all().delete()
    world.rewind()
    world.reset_counts()
    world.sync()
    assert world.writes == 0
    assert set(Link.objects.values_list("outcome", flat=True)) == {Outcome.UNCHANGED.value}
    assert Link.objects.filter(stream__key=STREAM, other_targets__has_key="exit").count() == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CommunityEnrolment_EncounterType", "bahmni.enrolment-type-unmapped"),
        ("CommunityEnrolment_BahmniForm", "bahmni.enrolment-form-unmapped"),
        ("CommunityEnrolment_VisitType", "bahmni.program-visit-type-unmapped"),
        ("CommunityEnrolmentExit_EncounterType", "bahmni.exit-type-unmapped"),
        ("CommunityEnrolmentExit_BahmniForm", "bahmni.exit-form-unmapped"),
    ],
)
def test_a_program_without_one_of_its_mappings_waits_with_an_error_that_names_it(
    world: World, name: str, message: str
) -> None:
    mapping = Mapping.objects.get(type__name=name)
    uuid = mapping.int_system_value
    mapping.delete()
    enrolment = handed_over(world, exit_ms=noon("2026-01-09"))
    assert (error(enrolment).message, error(enrolment).params) == (message, {"side": "avni", "value": PREGNANCY})
    world.map("ProgramEnrolment", name, PREGNANCY, uuid)
    ErrorRecord.objects.update(next_attempt_at=world.born)
    world.sync(STREAM)
    assert outcome(world, enrolment) == Outcome.CREATED.value


def test_each_mapped_program_has_a_position_of_its_own_and_others_are_not_read(world: World) -> None:
    world.avni.add_program("Tuberculosis")
    world.map("ProgramEnrolment", "CommunityEnrolment_VisitType", "Child", "visit type")
    world.sync(STREAM)
    partitions = Counter(Position.objects.filter(stream__key=STREAM).values_list("partition", flat=True))
    assert partitions == {"Child": 1, PREGNANCY: 1}


def test_without_the_concept_for_program_data_everything_else_is_written(world: World) -> None:
    Mapping.objects.get(type__name="AvniProgramData_Concept").delete()
    enrolment = handed_over(world, observations=ANSWERS)
    there = encounters(world, enrolment)[ENROLLED]
    assert (world.held(there.uuid), said(world, there, "Program Data [Avni]")) == (HELD, [])
