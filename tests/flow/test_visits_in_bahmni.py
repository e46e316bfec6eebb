"""The visits in which records of Avni stand: found by their attribute, opened, stretched, redated; never forced.

Tests named after a weakness (w23, w38) show what the Java service got wrong and we do not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common import clock
from errors.models import ErrorRecord, ErrorState
from mappings.models import Constant, Mapping
from simulators.bahmni.model import Encounter, Visit
from tests.flow.world import CHECK_UP, HOUSEHOLD_VISIT, World, noon

INDIA = timedelta(hours=5, minutes=30)


@pytest.fixture
def world(world: World) -> World:
    world.programs()
    world.household_visits()
    return world


def midnight(day: str) -> datetime:
    """Where a day begins at the hospital."""
    return datetime.fromisoformat(f"{day}T00:00:00+00:00") - INDIA


def there(world: World, stream: str, record: str) -> Encounter:
    """The encounter that stands for a record."""
    return world.bahmni.encounters[world.link(stream, record).target_id]


def visit_of(world: World, stream: str, record: str) -> Visit:
    """The visit in which it stands."""
    return world.bahmni.visits[there(world, stream, record).visit or ""]


def told(world: World, visit: Visit) -> dict[str, list[str]]:
    """The un-voided attributes of a visit, by the name of their type."""
    names = {row.uuid: row.name for row in world.bahmni.visit_attribute_types.values()}
    found: dict[str, list[str]] = {}
    for row in visit.attributes:
        if not row.voided:
            found.setdefault(names[row.type], []).append(row.value)
    return found


def community_visit(world: World, patient: str, start: str, stop: str | None) -> Visit:
    """A visit of the registration's type that the hospital opened itself."""
    return world.bahmni.hospital_create_visit(
        patient=patient, visitType=Constant.objects.get(key="IntegrationBahmniVisitType").value,
        location=Constant.objects.get(key="IntegrationBahmniLocation").value,
        startDatetime=f"{start}T00:00:00.000+0530", **({"stopDatetime": f"{stop}T20:00:00.000+0530"} if stop else {}),
    )  # fmt: skip


# -- the registration's visit -----------------------------------------------------------------------------------------


def test_w38_an_encounter_before_the_registration_makes_its_visit_begin_earlier(world: World) -> None:
    subject = world.subject("1001", registered="2026-01-05")
    encounter = world.household_visit(subject, encounter_ms=noon("2025-12-24"))
    world.sync()
    assert there(world, "general-encounter", encounter).moment == midnight("2025-12-24")
    assert visit_of(world, "subject", subject).start == midnight("2025-12-24")


def test_w38_an_encounter_after_the_hospital_closed_our_visit_makes_it_end_later(world: World) -> None:
    subject = world.subject("1001", registered="2026-01-05")
    world.sync()
    visit = visit_of(world, "subject", subject)
    visit.stop = midnight("2026-01-06")
    encounter = world.household_visit(subject, encounter_ms=noon("2026-01-08"))
    world.sync()
    assert there(world, "general-encounter", encounter).visit == visit.uuid
    assert visit.stop == midnight("2026-01-09") - timedelta(seconds=1)


@pytest.mark.parametrize("day", ["2025-12-28", "2026-01-03"])
def test_w23_a_corrected_registration_date_reaches_encounter_event_date_visit_and_attribute(
    world: World, day: str
) -> None:
    subject = world.subject("1001", registered="2026-01-01")
    world.sync("subject")
    world.avni.edit_subject(subject, registration_date=day, at=world.moment())
    world.sync("subject")
    visit, encounter = visit_of(world, "subject", subject), there(world, "subject", subject)
    event_dates = {row.value for row in world.bahmni.obs_of(encounter.uuid) if not row.voided} & {day, "2026-01-01"}
    assert (visit.start, encounter.moment, event_dates) == (midnight(day), midnight(day), {day})
    assert told(world, visit) == {"Avni Entity UUID": [subject], "Event Date": [day]}


def test_a_visit_begins_no_later_than_what_else_stands_in_it(world: World) -> None:
    subject = world.subject("1001", registered="2026-01-01")
    encounter = world.household_visit(subject, encounter_ms=noon("2026-01-02"))
    world.sync()
    world.avni.edit_subject(subject, registration_date="2026-01-04", at=world.moment())
    world.sync("subject")
    visit = visit_of(world, "subject", subject)
    assert (visit.start, told(world, visit)["Event Date"]) == (midnight("2026-01-02"), ["2026-01-04"])
    assert there(world, "general-encounter", encounter).visit == visit.uuid


def test_an_encounter_voided_before_its_visit_was_shortened_comes_back_where_it_stood(world: World) -> None:
    subject = world.subject("1001", registered="2026-01-01")
    encounter = world.household_visit(subject, encounter_ms=noon("2026-01-02"))
    world.sync()
    world.avni.void(encounter, at=world.moment())
    world.sync()
    world.avni.edit_subject(subject, registration_date="2026-01-04", at=world.moment())
    world.sync()
    assert visit_of(world, "subject", subject).start == midnight("2026-01-04")
    world.avni.edit(encounter, voided=False, at=world.moment())
    world.sync()
    found = there(world, "general-encounter", encounter)
    assert (found.voided, found.moment) == (False, midnight("2026-01-02"))
    assert visit_of(world, "subject", subject).start == midnight("2026-01-02")


def test_a_registration_joins_the_hospitals_visit_in_which_its_day_lies(world: World) -> None:
    patient = world.patient("1001")
    theirs = community_visit(world, patient, "2026-01-02", None)
    subject = world.subject("1001", registered="2026-01-05")
    world.sync("subject")
    assert there(world, "subject", subject).visit == theirs.uuid


@pytest.mark.parametrize(("start", "stop"), [("2026-01-02", "2026-01-04"), ("2026-01-08", None)])
def test_a_registration_on_another_day_than_the_hospitals_visit_gets_one_of_its_own(
    world: World, start: str, stop: str | None
) -> None:
    patient = world.patient("1001")
    theirs = community_visit(world, patient, start, stop)
    subject = world.subject("1001", registered="2026-01-05")
    world.sync("subject")
    ours = visit_of(world, "subject", subject)
    assert (ours.uuid != theirs.uuid, ours.start) == (True, midnight("2026-01-05"))


def test_after_the_hospital_closed_its_own_visit_encounters_go_into_one_that_we_open(world: World) -> None:
    patient = world.patient("1001")
    theirs = community_visit(world, patient, "2026-01-02", None)
    subject = world.subject("1001", registered="2026-01-05")
    first = world.household_visit(subject, encounter_ms=noon("2026-01-05"))
    world.sync()
    theirs.stop = midnight("2026-01-06")
    later = [world.household_visit(subject, encounter_ms=noon(day)) for day in ("2026-01-08", "2026-01-07")]
    world.avni.edit(first, encounter_ms=noon("2026-01-09"), at=world.moment())
    world.sync()
    opened = {visit_of(world, "general-encounter", one).uuid for one in (first, *later)}
    assert len(opened) == 1
    (ours,) = (world.bahmni.visits[uuid] for uuid in opened)
    assert (ours.uuid != theirs.uuid, ours.start, ours.stop) == (True, midnight("2026-01-07"), None)
    assert told(world, ours)["Avni Entity UUID"] == [subject]
    assert theirs.stop == midnight("2026-01-06")
    assert there(world, "subject", subject).visit == theirs.uuid


# -- the enrolment's visit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2025-12-28", "2026-01-03"])
def test_w23_a_corrected_enrolment_date_reaches_the_visit_and_its_attribute(world: World, day: str) -> None:
    enrolment = world.enrolment(world.subject("1001"), enrolment_ms=noon("2026-01-01"))
    world.sync()
    world.avni.edit(enrolment, enrolment_ms=noon(day), at=world.moment())
    world.sync("enrolment")
    visit = visit_of(world, "enrolment", enrolment)
    assert (visit.start, there(world, "enrolment", enrolment).moment) == (midnight(day), midnight(day))
    assert told(world, visit) == {"Avni Entity UUID": [enrolment], "Event Date": [day]}


def test_a_correction_costs_a_look_into_the_visit_only_when_that_begins_too_early(world: World) -> None:
    enrolment = world.enrolment(world.subject("1001"), enrolment_ms=noon("2026-01-03"))
    world.sync()
    reads: list[int] = []
    for day in ("2026-01-01", "2026-01-05"):
        world.avni.edit(enrolment, enrolment_ms=noon(day), at=world.moment())
        world.reset_counts()
        world.sync("enrolment")
        reads.append(sum(number for (verb, _), number in world.bahmni_server.counts.items() if verb == "GET"))
    assert reads == [2, 3]


def test_a_visit_type_mapped_anew_is_that_of_the_visit_when_the_enrolment_changes(world: World) -> None:
    enrolment = world.enrolment(world.subject("1001"))
    world.sync()
    another = world.bahmni.add_visit_type("Antenatal")
    mapping = Mapping.objects.get(type__name="CommunityEnrolment_VisitType")
    mapping.int_system_value = another.uuid
    mapping.save()
    world.avni.edit(enrolment, observations={"Height": 150}, at=world.moment())
    world.sync("enrolment")
    assert visit_of(world, "enrolment", enrolment).type == another.uuid


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("CommunityEnrolment_EncounterType", "enrolment"),
        ("CommunityProgramEncounter_EncounterType", "program-encounter"),
        ("CommunityEncounter_EncounterType", "general-encounter"),
        ("Subject_EncounterType", "subject"),
    ],
)
def test_an_encounter_type_mapped_anew_is_that_of_the_encounter_when_its_record_changes(
    world: World, name: str, stream: str
) -> None:
    subject = world.subject("1001")
    enrolment = world.enrolment(subject)
    records = {
        "subject": subject,
        "enrolment": enrolment,
        "program-encounter": world.check_up(enrolment, kind=CHECK_UP),
        "general-encounter": world.household_visit(subject, kind=HOUSEHOLD_VISIT),
    }
    world.sync()
    before = there(world, stream, records[stream]).uuid
    another = world.bahmni.add_encounter_type("Another")
    mapping = Mapping.objects.get(type__name=name)
    mapping.int_system_value = another.uuid
    mapping.save()
    world.avni.edit(records[stream], observations={"Height": 150}, at=world.moment())
    world.sync(stream)
    found = there(world, stream, records[stream])
    assert (found.uuid, found.type) == (before, another.uuid)
    assert world.held(found.uuid) == {"Height": [150]}


# -- what lies ahead, and what is voided ------------------------------------------------------------------------------


def test_an_exit_to_come_waits_alone_and_follows_on_its_day(world: World) -> None:
    tomorrow = int((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1000)
    enrolment = world.enrolment(world.subject("1001"), exit_ms=tomorrow, exit_observations={"Height": 150})
    encounter = world.check_up(enrolment)
    world.sync()
    link, error = world.link("enrolment", enrolment), ErrorRecord.objects.get()
    assert (error.entity_id, error.state, error.message) == (enrolment, ErrorState.DEFERRED, "bahmni.exit-in-future")
    assert there(world, "enrolment", enrolment).visit == link.other_targets["visit"]
    assert world.link("program-encounter", encounter).outcome == "created"
    world.bahmni.settings.clock_offset = timedelta(days=2).total_seconds()
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    world.sync("enrolment")
    link = world.link("enrolment", enrolment)
    assert (link.outcome, world.held(link.other_targets["exit"])) == ("updated", {"Height": [150]})
    assert ErrorRecord.objects.get().state == ErrorState.RESOLVED


def test_an_encounter_that_waited_for_an_enrolment_follows_though_its_exit_lies_ahead(world: World) -> None:
    tomorrow = int((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1000)
    enrolment = world.enrolment(world.subject("1001"), exit_ms=tomorrow, observations={"Height": "tall"})
    encounter = world.check_up(enrolment)
    world.sync()
    assert world.link("program-encounter", encounter).outcome == "deferred"
    world.avni.edit(enrolment, observations={"Height": 150}, at=world.moment())
    world.sync("enrolment")
    outcomes = [world.link(*one).outcome for one in (("enrolment", enrolment), ("program-encounter", encounter))]
    assert outcomes == ["deferred", "created"]


def test_w40_nothing_in_a_program_travels_while_its_subject_is_voided(world: World) -> None:
    subject = world.subject("1001")
    enrolment = world.enrolment(subject)
    encounter = world.check_up(enrolment, observations={"Height": 150})
    world.sync()
    world.avni.void_subject(subject, at=world.moment())
    world.sync()
    world.avni.edit(encounter, observations={"Height": 151}, at=world.moment())
    fresh = world.check_up(enrolment)
    world.sync()
    for one in (encounter, fresh):
        error = ErrorRecord.objects.get(entity_id=one)
        assert (error.state, error.message) == (ErrorState.DEFERRED, "bahmni.subject-voided")
    assert world.held(there(world, "program-encounter", encounter).uuid) == {"Height": [150]}
    world.avni.edit_subject(subject, voided=False, at=world.moment())
    world.sync()
    assert world.held(there(world, "program-encounter", encounter).uuid) == {"Height": [151]}
    assert world.link("program-encounter", fresh).outcome == "created"


@pytest.mark.parametrize("number", [None, "2002"])
def test_a_subject_that_lost_its_number_and_is_voided_then_is_voided_in_the_hospital(world: World, number: Any) -> None:
    subject = world.subject("1001")
    world.sync("subject")
    world.avni.edit_subject(subject, observations={"Sangam Number": number}, at=world.moment())
    world.sync("subject")
    assert not there(world, "subject", subject).voided
    world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    link = world.link("subject", subject)
    assert (link.outcome, link.identifier, there(world, "subject", subject).voided) == ("voided", "TRI1001", True)
    assert not ErrorRecord.objects.exclude(state=ErrorState.RESOLVED).exists()
    assert not world.bahmni.patients[link.target_parent_id].voided
    world.avni.edit_subject(subject, voided=False, observations={"Sangam Number": "1001"}, at=world.moment())
    world.sync("subject")
    assert not there(world, "subject", subject).voided


def test_a_patient_voided_in_the_hospital_is_not_written_to_by_any_stream(world: World) -> None:
    subject = world.subject("1001")
    enrolment = world.enrolment(subject)
    records = {
        "subject": subject,
        "enrolment": enrolment,
        "program-encounter": world.check_up(enrolment),
        "general-encounter": world.household_visit(subject),
    }
    world.sync()
    world.bahmni.patients[world.link("subject", subject).target_parent_id].voided = True
    fresh = [world.check_up(enrolment), world.household_visit(subject), world.enrolment(subject)]
    for one in records.values():
        world.avni.edit(one, observations={"Height": 151}, at=world.moment())
    world.reset_counts()
    world.sync()
    messages = dict(ErrorRecord.objects.values_list("entity_id", "message"))
    assert messages[subject] == "bahmni.patient-voided"
    assert set(messages) == {*records.values(), *fresh}
    assert world.bahmni_server.writes == 0


def test_an_own_visit_in_which_only_program_encounters_stand_goes_and_comes_back_with_the_enrolment(
    world: World,
) -> None:
    enrolment = world.enrolment(world.subject("1001"), enrolment_ms=noon("2026-01-05"))
    world.sync()
    check_up = world.check_up(enrolment, encounter_ms=noon("2026-01-06"))
    world.sync()
    own, begun = visit_of(world, "enrolment", enrolment), there(world, "enrolment", enrolment)
    begun.visit = community_visit(world, begun.patient, "2026-01-02", None).uuid
    seen = []
    for voided in (True, False):
        world.avni.edit(enrolment, voided=voided, at=world.moment())
        world.sync()
        seen.append([row.voided for row in (own, begun, there(world, "program-encounter", check_up))])
    assert seen == [[True] * 3, [False] * 3]
