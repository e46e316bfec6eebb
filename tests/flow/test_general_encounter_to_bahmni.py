"""A general encounter of Avni reaches Bahmni as an encounter in the registration visit of its subject's patient."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from common.outcome import Outcome
from errors.models import ErrorRecord, ErrorState
from mappings.models import IgnoredConcept, Mapping, Side
from syncstatus.models import Link, Position
from tests.flow.world import HOUSEHOLD_VISIT, MARKER, REGISTRATION, World

STREAM = "general-encounter"
ENCOUNTERS = ("GET", "/api/encounters")
REST = "/openmrs/ws/rest/v1"
ANSWERS = {"Medical problems": ["Asthma", "Diabetes"], "Height": 152.5, "Occupation": "Weaver"}


@pytest.fixture
def world(world: World) -> World:
    world.household_visits()
    return world


def outcome(world: World, encounter: str) -> str:
    """How the last hand-over of the encounter ended."""
    return world.link(STREAM, encounter).outcome


def error(encounter: str) -> ErrorRecord:
    """The encounter's error record."""
    return ErrorRecord.objects.get(entity_id=encounter, stream__key=STREAM)


def handed_over(world: World, **more: object) -> str:
    """An encounter that stands in Bahmni with its subject; gives its uuid in Avni."""
    encounter = world.household_visit(world.subject("1001"), **more)
    world.sync()
    world.reset_counts()
    return encounter


def test_a_new_encounter_is_filed_in_the_registration_visit_of_its_patient(world: World) -> None:
    subject = world.subject("1001")
    encounter = world.household_visit(subject, observations=ANSWERS)
    world.sync()
    link, owner = world.link(STREAM, encounter), world.link("subject", subject)
    there = world.bahmni.encounters[link.target_id]
    assert link.outcome == Outcome.CREATED.value
    assert (there.patient, there.visit) == (owner.target_parent_id, owner.other_targets["visit"])
    assert world.held(there.uuid) == {
        "Medical problems": ["Asthma", "Diabetes"],
        "Height": [152.5],
        "Occupation": ["Weaver"],
    }


def test_a_new_encounter_costs_two_gets_and_one_post(world: World) -> None:
    subject = world.subject("1001")
    world.sync()
    world.household_visit(subject, observations=ANSWERS)
    world.reset_counts()
    world.sync(STREAM)
    assert world.bahmni_server.counts == {
        ("GET", f"{REST}/encounter"): 1,
        ("GET", f"{REST}/visit/{{uuid}}"): 1,
        ("POST", f"{REST}/encounter"): 1,
    }


def test_an_edit_costs_one_get_and_one_post_and_changes_only_what_differs(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    edited = {"Medical problems": ["Asthma", "Anaemia"], "Occupation": "", "Height": 153}
    world.avni.edit_encounter(encounter, observations=edited, at=world.moment())
    world.sync(STREAM)
    assert outcome(world, encounter) == Outcome.UPDATED.value
    assert world.held(world.link(STREAM, encounter).target_id) == {
        "Medical problems": ["Anaemia", "Asthma"],
        "Height": [153],
    }
    assert world.bahmni_server.counts == {
        ("GET", f"{REST}/encounter/{{uuid}}"): 1,
        ("POST", f"{REST}/encounter/{{uuid}}"): 1,
    }
    assert set(world.avni_server.counts) == {ENCOUNTERS}


def test_a_touch_without_a_change_costs_no_call(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    world.avni.bulk_touch([encounter], at=world.moment())
    world.sync(STREAM)
    assert outcome(world, encounter) == Outcome.UNCHANGED.value
    assert world.bahmni_server.requests == 0


def test_w38_a_changed_day_moves_the_encounter_and_what_it_says_of_its_day(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    day = datetime(2026, 1, 9, 20, tzinfo=UTC)  # the tenth, where the hospital stands
    world.avni.edit_encounter(encounter, encounter_ms=int(day.timestamp() * 1000), at=world.moment())
    world.sync(STREAM)
    there = world.bahmni.encounters[world.link(STREAM, encounter).target_id]
    dates = [row.value for row in world.bahmni.obs_of(there.uuid) if not row.voided and row.value == "2026-01-10"]
    assert (there.moment, len(dates)) == (datetime(2026, 1, 9, 18, 30, tzinfo=UTC), 1)
    assert world.held(there.uuid)["Height"] == [152.5]


def test_a_voided_encounter_is_voided_and_comes_back_with_its_newest_answers(world: World) -> None:
    encounter = handed_over(world, observations={"Height": 150})
    target = world.link(STREAM, encounter).target_id
    world.avni.void_encounter(encounter, at=world.moment())
    world.sync(STREAM)
    assert outcome(world, encounter) == Outcome.VOIDED.value
    assert world.bahmni.encounters[target].voided
    world.avni.edit_encounter(encounter, voided=False, observations={"Height": 151}, at=world.moment())
    world.sync(STREAM)
    assert (outcome(world, encounter), world.link(STREAM, encounter).target_id) == (Outcome.UPDATED.value, target)
    assert world.held(target) == {"Height": [151]}


def test_w34_an_encounter_waits_for_a_subject_that_does_not_get_through_and_follows_it(world: World) -> None:
    subject = world.subject(None)
    encounter = world.household_visit(subject)
    world.sync()
    waiting = error(encounter)
    assert (waiting.state, waiting.message, waiting.type.name) == (  # type: ignore[union-attr]
        ErrorState.DEFERRED, "bahmni.subject-not-yet", "NoPatientWithId",
    )  # fmt: skip
    world.avni.edit_subject(subject, observations={"Sangam Number": "1001"}, at=world.moment())
    world.sync("subject")
    assert (outcome(world, encounter), error(encounter).state) == (Outcome.CREATED.value, ErrorState.RESOLVED)


def test_a_subject_nobody_has_seen_is_asked_for(world: World) -> None:
    subject = world.subject("1001")
    encounter = world.household_visit(subject)
    Position.objects.filter(stream__key="subject").update(value={"ts": "2026-06-01T00:00:00.000Z", "known": {}})
    world.sync(STREAM)
    assert world.link("subject", subject).outcome == Outcome.CREATED.value
    assert outcome(world, encounter) == Outcome.CREATED.value


def test_an_encounter_of_a_voided_subject_waits_until_the_subject_comes_back(world: World) -> None:
    subject = world.subject("1001")
    world.sync("subject")
    world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    encounter = world.household_visit(subject)
    world.sync(STREAM)
    assert (error(encounter).state, error(encounter).message) == (ErrorState.DEFERRED, "bahmni.subject-voided")
    world.avni.edit_subject(subject, voided=False, at=world.moment())
    world.sync("subject")
    assert outcome(world, encounter) == Outcome.CREATED.value


def test_what_never_took_place_and_what_was_voided_at_once_are_counted_skips(world: World) -> None:
    subject = world.subject("1001")
    planned = world.household_visit(subject, encounter_ms=None, earliest_ms=1)
    voided = world.household_visit(subject, voided=True)
    world.sync()
    skipped = Outcome.SKIPPED.value
    assert (outcome(world, planned), outcome(world, voided)) == (skipped, skipped)
    assert [row.reason for row in Link.objects.filter(stream__key=STREAM).order_by("source_time")] == [
        "bahmni.not-completed",
        "bahmni.voided-before-hand-over",
    ]


def test_one_that_is_cancelled_after_the_hand_over_is_held(world: World) -> None:
    encounter = handed_over(world)
    world.avni.edit_encounter(encounter, encounter_ms=None, earliest_ms=1, cancel_ms=2, at=world.moment())
    world.sync(STREAM)
    assert (error(encounter).state, error(encounter).message) == (ErrorState.HELD, "bahmni.completed-before")
    assert world.writes == 0


def test_an_encounter_to_come_is_handed_over_when_its_day_has_come(world: World) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    encounter = world.household_visit(world.subject("1001"), encounter_ms=int(tomorrow.timestamp() * 1000))
    world.sync()
    assert (error(encounter).state, error(encounter).message) == (ErrorState.DEFERRED, "bahmni.future")
    world.bahmni.clock = lambda: tomorrow + timedelta(days=1)
    ErrorRecord.objects.update(next_attempt_at=world.born)
    world.sync(STREAM)
    assert outcome(world, encounter) == Outcome.CREATED.value


def test_an_ignored_question_is_left_out_and_counted_nowhere(world: World) -> None:
    world.avni.add_concept("Reason", "Text")
    IgnoredConcept.objects.create(tenant=world.tenant, side=Side.AVNI, concept="Reason")
    IgnoredConcept.objects.create(tenant=world.tenant, side=Side.AVNI, concept="Occupation")
    encounter = handed_over(world, observations={"Reason": "far away", **ANSWERS})
    link = world.link(STREAM, encounter)
    assert (link.outcome, link.run.unmapped) == (Outcome.CREATED.value, {})  # type: ignore[union-attr]
    assert "Occupation" not in world.held(link.target_id)


def test_what_came_from_bahmni_does_not_go_back(world: World) -> None:
    subject = world.subject("1001")
    world.household_visit(subject, kind=REGISTRATION)
    marked = world.household_visit(subject, observations={MARKER: "uuid"})
    world.sync()
    assert list(Link.objects.filter(stream__key=STREAM).values_list("source_id", "reason")) == [
        (marked, "bahmni.came-from-bahmni")
    ]


def test_without_links_everything_is_found_by_its_marker_and_nothing_is_written(world: World) -> None:
    for number in range(3):
        subject = world.subject(f"10{number}")
        for _ in range(2):
            world.household_visit(subject, observations=ANSWERS)
    world.sync()
    Link.objects.all().delete()
    world.rewind()
    world.reset_counts()
    world.sync()
    assert world.writes == 0
    assert set(Link.objects.values_list("outcome", flat=True)) == {Outcome.UNCHANGED.value}


def test_two_encounters_with_one_marker_are_held_when_there_is_no_link(world: World) -> None:
    encounter = handed_over(world)
    there = world.bahmni.encounters[world.link(STREAM, encounter).target_id]
    marker = {"concept": Mapping.objects.get(type__name="AvniUUID_Concept").int_system_value, "value": encounter}
    world.bahmni.hospital_save_encounter(
        patient=there.patient, encounterType=there.type, visit=there.visit, obs=[marker]
    )
    Link.objects.filter(stream__key=STREAM).delete()
    world.rewind()
    world.sync(STREAM)
    assert (error(encounter).state, error(encounter).message) == (ErrorState.HELD, "bahmni.multiple-encounters")


def test_without_a_link_one_whose_marker_a_clinician_voided_is_held_and_not_created_again(world: World) -> None:
    encounter = handed_over(world)
    target = world.link(STREAM, encounter).target_id
    (marker,) = [row for row in world.bahmni.obs_of(target) if row.value == encounter]
    world.bahmni.hospital_save_encounter(uuid=target, obs=[{"uuid": marker.uuid, "voided": True}])
    Link.objects.filter(stream__key=STREAM).delete()
    world.rewind()
    world.sync(STREAM)
    assert (error(encounter).state, error(encounter).message) == (ErrorState.HELD, "bahmni.registration-gone")


def test_a_type_without_a_form_waits_with_an_error_that_names_it(world: World) -> None:
    Mapping.objects.get(type__name="CommunityEncounter_BahmniForm", avni_value=HOUSEHOLD_VISIT).delete()
    encounter = handed_over(world)
    assert error(encounter).params == {"side": "avni", "value": HOUSEHOLD_VISIT}
    form = world.bahmni.add_concept("Another form").uuid
    world.map("GeneralEncounter", "CommunityEncounter_BahmniForm", HOUSEHOLD_VISIT, form)
    ErrorRecord.objects.update(next_attempt_at=world.born)
    world.sync(STREAM)
    assert outcome(world, encounter) == Outcome.CREATED.value


def test_each_type_has_a_position_of_its_own_and_those_of_the_hospital_have_none(world: World) -> None:
    world.map("GeneralEncounter", "LabEncounterType", "Lab Results (Hospital)", "")
    world.map("GeneralEncounter", "CommunityEncounter_BahmniForm", "Lab Results (Hospital)", "form")
    world.map("GeneralEncounter", "CommunityEncounter_BahmniForm", "Annual visit", "another")
    world.sync(STREAM)
    partitions = Counter(Position.objects.filter(stream__key=STREAM).values_list("partition", flat=True))
    assert partitions == {"Annual visit": 1, HOUSEHOLD_VISIT: 1}


def test_a_question_that_is_ignored_later_keeps_what_the_hospital_holds_of_it(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    IgnoredConcept.objects.create(tenant=world.tenant, side=Side.AVNI, concept="Occupation")
    world.avni.edit_encounter(encounter, observations={**ANSWERS, "Height": 153}, at=world.moment())
    world.sync(STREAM)
    held = world.held(world.link(STREAM, encounter).target_id)
    assert (held["Height"], held["Occupation"]) == ([153], ["Weaver"])


def test_a_form_mapped_anew_takes_the_answers_over_and_leaves_no_second_copy(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    there = world.link(STREAM, encounter).target_id
    former, form = mapped_anew(world, encounter)
    live = [obs.concept for obs in world.bahmni.obs_of(there) if not obs.voided]
    assert (former in live, form in live) == (False, True)
    assert {question: len(answers) for question, answers in world.held(there).items()} == {
        "Medical problems": 2,
        "Height": 1,
        "Occupation": 1,
    }


def test_what_clinicians_wrote_into_a_form_stays_there_when_the_form_is_mapped_anew(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    there = world.link(STREAM, encounter).target_id
    (group,) = [obs for obs in world.bahmni.obs_of(there) if not obs.group]
    note = {"concept": world.bahmni.add_concept("Note", "Text").uuid, "value": "seen"}
    form = {"uuid": group.uuid, "concept": group.concept, "groupMembers": [note]}
    world.bahmni.hospital_save_encounter(uuid=there, obs=[form])
    mapped_anew(world, encounter)
    live = [obs for obs in world.bahmni.obs_of(there) if not obs.voided]
    assert [(obs.value, obs.group) for obs in live if obs.concept == note["concept"]] == [("seen", group.uuid)]
    assert group.uuid in [obs.uuid for obs in live]


def mapped_anew(world: World, encounter: str) -> tuple[str, str]:
    """Somebody maps the type to another form, and the encounter is touched; gives the former form and the new one."""
    mapping = Mapping.objects.get(type__name="CommunityEncounter_BahmniForm", avni_value=HOUSEHOLD_VISIT)
    former, mapping.int_system_value = mapping.int_system_value, world.bahmni.add_concept("Home visit [Avni]").uuid
    mapping.save()
    world.avni.edit_encounter(encounter, at=world.moment())
    world.sync(STREAM)
    return former, mapping.int_system_value


def test_an_encounter_into_which_clinicians_wrote_is_not_voided_without_a_person(world: World) -> None:
    encounter = handed_over(world, observations=ANSWERS)
    there = world.link(STREAM, encounter).target_id
    note = world.bahmni.add_concept("Note", "Text").uuid
    world.bahmni.hospital_save_encounter(uuid=there, obs=[{"concept": note, "value": "seen"}])
    world.avni.edit_encounter(encounter, voided=True, at=world.moment())
    world.sync(STREAM)
    assert (error(encounter).state, error(encounter).message) == (ErrorState.HELD, "bahmni.encounter-shared")
    assert not world.bahmni.encounters[there].voided


def test_a_type_mapped_to_something_of_another_kind_is_told_so_and_goes_on_once_mended(world: World) -> None:
    subject = world.subject("1001")
    world.household_visits("Training session")
    kind = Mapping.objects.get(type__name="CommunityEncounter_EncounterType", avni_value="Training session")
    form = Mapping.objects.get(type__name="CommunityEncounter_BahmniForm", avni_value="Training session")
    right, kind.int_system_value = kind.int_system_value, form.int_system_value
    kind.save()
    encounter = world.household_visit(subject, kind="Training session", observations=ANSWERS)
    world.sync()
    assert error(encounter).message == "bahmni.not-understood"
    kind.int_system_value = right
    kind.save()
    ErrorRecord.objects.update(next_attempt_at=world.moment())
    world.sync()
    assert outcome(world, encounter) == Outcome.CREATED.value


def test_a_type_mapped_later_is_read_from_the_flows_beginning(world: World) -> None:
    subject = world.subject("1001")
    world.avni.add_encounter_type("Camp")
    early = world.household_visit(subject, kind="Camp", observations=ANSWERS)
    world.sync()
    encounter_type = world.bahmni.add_encounter_type("Camp [Avni]").uuid
    form = world.bahmni.add_concept("Camp Encounter [Avni]").uuid
    world.map("GeneralEncounter", "CommunityEncounter_EncounterType", "Camp", encounter_type)
    world.map("GeneralEncounter", "CommunityEncounter_BahmniForm", "Camp", form)
    world.sync()
    assert outcome(world, early) == Outcome.CREATED.value
