"""An encounter of Bahmni reaches Avni as one general encounter per form, at the subject its patient belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from bahmni.bahmni_to_avni.encounter_handover import LEVELS
from common.outcome import Outcome
from errors.models import OPEN_STATES, ErrorRecord, ErrorState
from mappings.models import IgnoredConcept, Mapping, Side
from simulators.bahmni import catalogue
from syncstatus.models import Link, Run, StartPolicy
from tests.chaos.truth import retry_all
from tests.flow.clinic import HISTORY, VITALS, Clinic, open_clinic, registered
from tests.flow.world import MARKER, NUMBER, World, small_world


@pytest.fixture
def pair(world: World, clinic: Clinic) -> tuple[str, str]:
    """A subject and its patient, registered in Avni."""
    return registered(world)


def outcome(world: World, encounter: str) -> str:
    """How the last hand-over of the encounter ended."""
    return world.link("encounter", encounter).outcome


def error(encounter: str) -> tuple[str, str]:
    """State and message of the encounter's error record."""
    record = ErrorRecord.objects.get(entity_id=encounter)
    return record.state, record.message


def test_two_forms_become_two_encounters_of_the_patients_subject(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    held = "2026-10-05T10:30:00.000+0530"
    forms = clinic.form("Vitals", Pulse=72), clinic.form("History", Complaint=["Fever", "Cough"], Advice="rest")
    encounter = clinic.fill_in(patient, *forms, encounterDatetime=held)
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.CREATED.value
    assert clinic.in_avni(subject) == {
        VITALS: [{MARKER: encounter, "Pulse": 72}],
        HISTORY: [{MARKER: encounter, "Complaint": ["Cough", "Fever"], "Advice": "rest"}],
    }
    rows = [world.avni.encounters[uuid] for uuid in world.link("encounter", encounter).other_targets.values()]
    assert {row.encounter_ms for row in rows} == {1_791_176_400_000}


def test_the_link_names_every_encounter_by_its_form(world: World, clinic: Clinic, pair: tuple[str, str]) -> None:
    subject, patient = pair
    forms = clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest"), clinic.form("Vitals", Pulse=96)
    link = world.link("encounter", synced(world, clinic.fill_in(patient, *forms)))
    vitals, history = clinic.concepts["Vitals"], clinic.concepts["History"]
    kinds = {key: world.avni.encounters[uuid].kind for key, uuid in link.other_targets.items()}
    assert kinds == {vitals: VITALS, f"{vitals}#2": VITALS, history: HISTORY}
    assert link.target_id == link.other_targets[min(vitals, history)]
    assert (link.target_parent_id, link.identifier, link.created_by_us) == (subject, "TRI1001", ["encounter"])


def synced(world: World, encounter: str) -> str:
    """Hand over what the feed tells of."""
    world.sync("encounter")
    return encounter


def test_an_edited_form_changes_only_its_encounter_and_only_what_differs(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    forms = clinic.form("Vitals", Pulse=72, Advice="rest"), clinic.form("History", Complaint=["Fever", "Cough"])
    encounter = synced(world, clinic.fill_in(patient, *forms))
    vitals = world.link("encounter", encounter).other_targets[clinic.concepts["Vitals"]]
    world.avni.add_concept("Remark", "Text")
    world.avni.edit_encounter(vitals, observations={"Remark": "by hand"}, at=world.moment())
    world.reset_counts()
    clinic.change(encounter, clinic.answer(encounter, "Pulse", 96), clinic.taken_out(encounter, "Advice"))
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.UPDATED.value
    assert clinic.in_avni(subject)[VITALS] == [{MARKER: encounter, "Pulse": 96, "Remark": "by hand"}]
    assert world.writes == 1


def test_answers_deeper_than_the_request_spells_out_arrive(world: World, clinic: Clinic, pair: tuple[str, str]) -> None:
    subject, patient = pair
    form = clinic.form("Vitals", Pulse=72)
    for _ in range(2 * LEVELS):
        form["groupMembers"] = [{"concept": clinic.concepts["Diet"], "groupMembers": form["groupMembers"]}]
    encounter = synced(world, clinic.fill_in(patient, form))
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}


def test_w26_multi_select_keeps_all_values_as_it_grows_and_shrinks(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = synced(world, clinic.fill_in(patient, clinic.form("History", Complaint=["Fever"])))
    assert clinic.in_avni(subject)[HISTORY][0]["Complaint"] == "Fever"
    history = next(row for row in world.bahmni.obs_of(encounter) if row.concept == clinic.concepts["History"])
    more = {"concept": clinic.concepts["Complaint"], "value": clinic.concepts["Fits"]}
    clinic.change(encounter, {"uuid": history.uuid, "concept": history.concept, "groupMembers": [more]})
    world.sync("encounter")
    assert clinic.in_avni(subject)[HISTORY][0]["Complaint"] == ["Fever", "Fits"]
    clinic.change(encounter, clinic.taken_out(encounter, "Complaint"))
    world.sync("encounter")
    assert clinic.in_avni(subject)[HISTORY][0]["Complaint"] == "Fits"


def test_a_form_taken_out_is_voided_and_comes_back_when_filled_in_again(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = synced(
        world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest"))
    )
    clinic.change(encounter, clinic.taken_out(encounter, "Vitals"))
    world.sync("encounter")
    assert clinic.in_avni(subject) == {HISTORY: [{MARKER: encounter, "Advice": "rest"}]}
    clinic.change(encounter, clinic.form("Vitals", Pulse=80))
    world.sync("encounter")
    assert clinic.in_avni(subject)[VITALS] == [{MARKER: encounter, "Pulse": 80}]
    assert len([row for row in world.avni.encounters.values() if row.kind == VITALS]) == 1


def test_a_form_whose_mapping_is_taken_away_stays_as_it_is_and_goes_on_when_it_is_mapped_again(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = synced(world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72)))
    mapping = Mapping.objects.get(type__name="EncounterType", avni_value=VITALS)
    for is_voided, pulse, shown in ((True, 96, 72), (False, 104, 104)):
        mapping.is_voided = is_voided
        mapping.save()
        clinic.change(encounter, clinic.answer(encounter, "Pulse", pulse))
        world.sync("encounter")
        assert clinic.in_avni(subject)[VITALS] == [{MARKER: encounter, "Pulse": shown}]


def test_a_voided_encounter_is_voided_when_it_is_next_read_and_comes_back_with_it(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = synced(
        world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest"))
    )
    clinic.void(encounter)
    world.rewind()
    world.sync("encounter")
    assert (outcome(world, encounter), clinic.in_avni(subject)) == (Outcome.VOIDED.value, {})
    clinic.unvoid(encounter)
    world.rewind()
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.UPDATED.value
    assert clinic.in_avni(subject) == {
        VITALS: [{MARKER: encounter, "Pulse": 72}],
        HISTORY: [{MARKER: encounter, "Advice": "rest"}],
    }


def test_what_the_field_team_voided_is_held_for_a_person(world: World, clinic: Clinic, pair: tuple[str, str]) -> None:
    subject, patient = pair
    encounter = synced(world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72)))
    world.avni.edit_encounter(world.link("encounter", encounter).target_id, voided=True, at=world.moment())
    clinic.change(encounter, clinic.answer(encounter, "Pulse", 96))
    world.sync("encounter")
    assert error(encounter) == (ErrorState.HELD, "bahmni.target-voided")
    assert clinic.in_avni(subject) == {}


def test_an_encounter_waits_for_its_patient_and_follows_when_the_subject_is_registered(
    world: World, clinic: Clinic
) -> None:
    patient = world.patient("1001")
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync("patient", "encounter")
    record = ErrorRecord.objects.get(entity_id=encounter)
    assert (record.state, record.message) == (ErrorState.DEFERRED, "bahmni.patient-not-yet")
    assert record.type
    assert record.type.name == "NoSubjectWithId"
    subject = world.subject("1001")
    world.sync("subject")
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}
    assert error(encounter)[0] == ErrorState.RESOLVED


def test_a_waiting_encounter_costs_avni_nothing(world: World, clinic: Clinic) -> None:
    encounter = clinic.fill_in(world.patient("1001"), clinic.form("Vitals", Pulse=72))
    world.sync("patient")
    world.reset_counts()
    world.sync("encounter")
    assert error(encounter)[0] == ErrorState.DEFERRED
    assert not [path for _, path in world.avni_server.counts if path.startswith("/api/encounter")]


def test_a_patient_no_event_told_of_is_asked_for(db: None) -> None:
    with small_world() as world:
        clinic = open_clinic(world)
        subject, patient = world.subject("1001"), world.patient("1001")
        world.switch_on(StartPolicy.RECENT)
        encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
        world.sync()
        assert world.link("patient", patient).outcome == Outcome.CREATED.value
        assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}
        assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()


def test_a_patient_whose_number_was_given_late_is_asked_for(world: World, clinic: Clinic) -> None:
    subject = world.subject("1001")
    row = world.bahmni.hospital_create_patient(
        "Asha", "Devi", "GAN7", identifier_type=catalogue.PATIENT_IDENTIFIER, birthdate="1990-04-01"
    )
    world.sync()
    assert world.link("patient", row.uuid).outcome == Outcome.SKIPPED.value
    world.bahmni.patients[row.uuid].identifiers[0].identifier = "TRI1001"
    encounter = clinic.fill_in(row.uuid, clinic.form("Vitals", Pulse=72))
    world.sync()
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}


def test_an_encounter_of_a_patient_whose_number_changed_waits_for_a_person(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    world.bahmni.patients[patient].identifiers[0].identifier = "TRI2002"
    encounter = synced(world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72)))
    assert error(encounter) == (ErrorState.DEFERRED, "bahmni.patient-number-differs")
    assert error(patient) == (ErrorState.HELD, "bahmni.number-moved")
    assert clinic.in_avni(subject) == {}


@pytest.mark.parametrize("change", [{"observations": {NUMBER: "2002"}}, {"voided": True}])
def test_nothing_new_goes_to_a_subject_that_is_voided_or_has_another_number_now(
    world: World, clinic: Clinic, pair: tuple[str, str], change: dict[str, Any]
) -> None:
    """A patient's number belongs to another subject then, often to the one that a duplicate was voided for."""
    subject, patient = pair
    world.avni.edit_subject(subject, **change, at=world.moment())
    encounter = synced(world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72)))
    assert error(encounter) == (ErrorState.RETRYING, "bahmni.subject-id-changed-for-patient")
    assert clinic.in_avni(subject) == {}


def test_an_encounter_without_a_mapped_form_is_a_counted_skip_that_names_its_forms(
    world: World, clinic: Clinic
) -> None:
    patient = world.patient("1001")
    encounter = synced(
        world, clinic.fill_in(patient, clinic.form("Diet", Mood="low"), encounterType=catalogue.LAB_RESULT)
    )
    assert outcome(world, encounter) == Outcome.SKIPPED.value
    run = Run.objects.get()
    assert (run.reasons, run.unmapped) == ({"skipped: bahmni.no-mapped-form": 1}, {"Diet": 1})


def test_a_question_without_mapping_is_counted_and_the_form_travels(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = synced(world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72, Mood="calm")))
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}
    assert Run.objects.get(stream__key="encounter").unmapped == {"Mood": 1}


@pytest.mark.parametrize(("name", "left"), [("Pulse", {"Complaint": "Fever"}), ("Fever", {"Pulse": 72})])
def test_an_ignored_question_or_answer_stays_behind_without_a_word(
    world: World, clinic: Clinic, pair: tuple[str, str], name: str, left: dict[str, Any]
) -> None:
    subject, patient = pair
    IgnoredConcept.objects.create(tenant=world.tenant, side=Side.INT_SYSTEM, concept=clinic.concepts[name])
    encounter = synced(world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72, Complaint="Fever")))
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, **left}]}
    assert Run.objects.get(stream__key="encounter").unmapped == {}


def test_an_answer_without_mapping_stops_its_encounter_until_it_is_mapped(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    clinic.concepts["Ache"] = world.bahmni.add_concept("Ache").uuid
    encounter = synced(world, clinic.fill_in(patient, clinic.form("History", Complaint="Ache")))
    record = ErrorRecord.objects.get(entity_id=encounter)
    assert (record.state, record.message) == (ErrorState.RETRYING, "bahmni.observation-answer-unmapped")
    assert (record.params["name"], record.params["value"]) == ("Ache", clinic.concepts["Ache"])
    world.avni.add_concept("Ache", "NA")
    world.map("Observation", "Concept", "Ache", clinic.concepts["Ache"])
    ErrorRecord.objects.update(next_attempt_at=record.last_seen_at)
    world.sync("encounter")
    assert clinic.in_avni(subject) == {HISTORY: [{MARKER: encounter, "Complaint": "Ache"}]}


def test_what_came_from_avni_does_not_go_back_though_its_form_is_mapped_both_ways(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    world.household_visits()
    subject, _ = pair
    visit = world.household_visit(subject, observations={"Height": 150})
    world.sync()
    form = Mapping.objects.get(type__name="CommunityEncounter_BahmniForm").int_system_value
    mapping = Mapping.objects.get(type__name="EncounterType", avni_value=VITALS)
    mapping.int_system_value = form
    mapping.save()
    encounter = world.link("general-encounter", visit).target_id
    clinic.change(encounter, clinic.form("Diet", Mood="low"))
    world.sync()
    assert (outcome(world, encounter), clinic.in_avni(subject)) == (Outcome.SKIPPED.value, {})


def test_an_entry_of_another_kind_is_a_counted_skip_with_its_title(world: World, clinic: Clinic) -> None:
    world.bahmni.publish("encounter", "Bed-Assignment", "/openmrs/ws/rest/v1/bedPatientAssignment/1")
    world.sync("encounter")
    assert Run.objects.get().reasons == {"not for this stream: Bed-Assignment": 1}


def test_without_links_everything_is_found_and_nothing_is_written(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    _, patient = pair
    encounter = synced(
        world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest"))
    )
    Link.objects.filter(stream__key="encounter").delete()
    world.rewind()
    world.reset_counts()
    world.sync("encounter")
    assert (outcome(world, encounter), world.writes) == (Outcome.UNCHANGED.value, 0)


class TestAfterTheJavaService:
    """What it wrote carries the marker, but no External ID of ours."""

    def test_its_encounter_is_found_by_the_marker_and_goes_on_in_place(
        self, world: World, clinic: Clinic, pair: tuple[str, str]
    ) -> None:
        subject, patient = pair
        encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest"))
        self.wrote(world, subject, VITALS, {MARKER: encounter, "Pulse": 60})
        world.sync("encounter")
        assert outcome(world, encounter) == Outcome.UPDATED.value
        assert clinic.in_avni(subject) == {
            VITALS: [{MARKER: encounter, "Pulse": 72}],
            HISTORY: [{MARKER: encounter, "Advice": "rest"}],
        }

    def test_of_a_form_filled_in_twice_it_wrote_one_encounter_and_the_other_is_created(
        self, world: World, clinic: Clinic, pair: tuple[str, str]
    ) -> None:
        subject, patient = pair
        forms = clinic.form("Vitals", Pulse=72), clinic.form("Vitals", Pulse=96)
        encounter = clinic.fill_in(patient, *forms)
        self.wrote(world, subject, VITALS, {MARKER: encounter, "Pulse": 72})
        world.sync("encounter")
        assert [row["Pulse"] for row in clinic.in_avni(subject)[VITALS]] == [72, 96]

    def test_two_of_one_type_are_a_persons_business(self, world: World, clinic: Clinic, pair: tuple[str, str]) -> None:
        subject, patient = pair
        encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
        for _ in range(2):
            self.wrote(world, subject, VITALS, {MARKER: encounter})
        world.sync("encounter")
        assert error(encounter)[1] == "bahmni.multiple-encounters-for-form"

    def wrote(self, world: World, subject: str, kind: str, observations: dict[str, Any]) -> None:
        world.avni.put_encounter(encounter_type=kind, subject=subject, observations=observations, at=world.moment())


class TestWhenOneFormIsRefused:
    """The encounter of the form before it stands in Avni all the same, and must not be forgotten there."""

    @pytest.fixture
    def half(self, world: World, clinic: Clinic, pair: tuple[str, str]) -> str:
        """An encounter of which Avni took the first form only."""
        _, patient = pair
        forms = clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest")
        encounter = clinic.fill_in(patient, *forms)
        world.avni_server.faults.plan("POST", r"/api/encounter$", "status:400", skip=1)
        world.sync("encounter")
        assert error(encounter) == (ErrorState.RETRYING, "remote.refused")
        return encounter

    def test_its_encounter_is_voided_with_the_form(
        self, world: World, clinic: Clinic, pair: tuple[str, str], half: str
    ) -> None:
        (standing,) = clinic.in_avni(pair[0])
        form, other = ("Vitals", HISTORY) if standing == VITALS else ("History", VITALS)
        clinic.change(half, clinic.taken_out(half, form))
        world.sync("encounter")
        assert list(clinic.in_avni(pair[0])) == [other]

    def test_it_is_voided_with_the_whole_encounter(
        self, world: World, clinic: Clinic, pair: tuple[str, str], half: str
    ) -> None:
        clinic.void(half)
        world.rewind()
        world.sync("encounter")
        assert (outcome(world, half), clinic.in_avni(pair[0])) == (Outcome.VOIDED.value, {})


def test_a_void_our_account_may_not_do_is_an_error_that_names_the_privilege_and_follows_once_it_may(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = synced(world, clinic.fill_in(patient, clinic.form("Vitals", Pulse=72)))
    lacking = world.avni.users["integration@demo"].cannot_void
    lacking.append(VITALS)
    clinic.void(encounter)
    world.rewind()
    world.sync("encounter")
    assert error(encounter) == (ErrorState.RETRYING, "remote.forbidden")
    assert ErrorRecord.objects.get(entity_id=encounter).params["privilege"] == "VoidVisit"
    lacking.clear()
    retry_all()
    world.sync("encounter")
    assert (outcome(world, encounter), clinic.in_avni(subject)) == (Outcome.VOIDED.value, {})
