"""A way out for each held record: what follows from what a person decides, on both servers."""

from __future__ import annotations

import pytest

from common.outcome import Outcome
from errors.models import ErrorRecord, ErrorState
from errors.specs import Move
from simulators.bahmni import catalogue, clinicians
from tests.flow.deciding import (
    answer_row,
    clinician_removes,
    decide,
    held,
    is_waiting,
    marker_concept,
    offered,
    settled,
)
from tests.flow.test_patient_to_subject import registrations
from tests.flow.world import MARKER, NUMBER, PREFIX, World


class TestTwoPeopleWithOneNumber:
    """A subject meets a patient whose name is another one."""

    @pytest.fixture
    def pair(self, world: World) -> tuple[str, str]:
        world.household_visits()
        patient = world.patient("1001", first="Prakash", last="Kulkarni", gender="M")
        subject = world.subject("1001")
        world.household_visit(subject)
        world.sync()
        assert is_waiting(subject, "bahmni.first-match-disagrees")
        return subject, patient

    def test_one_person_is_linked_and_what_waited_follows(self, world: World, pair: tuple[str, str]) -> None:
        subject, patient = pair
        assert decide(world, subject, Move.SAME).state == ErrorState.RESOLVED
        assert world.link("subject", subject).target_parent_id == patient
        assert not ErrorRecord.objects.exclude(state=ErrorState.RESOLVED).filter(stream__key="general-encounter")
        assert world.link("general-encounter", self.visit(world)).outcome == Outcome.CREATED.value

    def test_the_name_that_the_hospital_entered_stands(self, world: World, pair: tuple[str, str]) -> None:
        subject, patient = pair
        decide(world, subject, Move.SAME)
        world.avni.edit_subject(subject, observations={"Height": 150}, at=world.moment())
        world.sync()
        names = [(name.given_name, name.family_name) for name in world.bahmni.persons[patient].names]
        assert names == [("Prakash", "Kulkarni")]

    def test_nothing_is_left_to_do_afterwards(self, world: World, pair: tuple[str, str]) -> None:
        decide(world, pair[0], Move.SAME)
        for waiting in ErrorRecord.objects.filter(state=ErrorState.HELD):  # the same two, seen from the hospital
            decide(world, waiting.entity_id, Move.SAME)
        assert settled(world)

    def test_two_people_are_kept_apart_and_nothing_is_written(self, world: World, pair: tuple[str, str]) -> None:
        subject, patient = pair
        world.reset_counts()
        assert decide(world, subject, Move.APART).state == ErrorState.APART
        assert (world.writes, world.bahmni_server.writes) == (0, 0)
        world.sync()
        waiting = held(self.visit(world))
        assert waiting.state == ErrorState.DEFERRED
        assert not [row for row in world.bahmni.encounters.values() if row.patient == patient]

    def test_kept_apart_lasts_until_the_number_changes(self, world: World, pair: tuple[str, str]) -> None:
        subject, _ = pair
        decide(world, subject, Move.APART)
        world.avni.edit_subject(subject, observations={"Height": 150}, at=world.moment())
        world.sync()
        assert held(subject).state == ErrorState.APART
        world.avni.edit_subject(subject, observations={NUMBER: "1002"}, at=world.moment())
        world.sync()
        assert held(subject).state == ErrorState.RESOLVED
        assert world.link("general-encounter", self.visit(world)).outcome == Outcome.CREATED.value

    @staticmethod
    def visit(world: World) -> str:
        return next(row.uuid for row in world.avni.encounters.values() if row.kind == "Household visit")


def test_of_several_patients_with_the_number_the_chosen_one_is_linked(world: World) -> None:
    world.bahmni.identifier_types[catalogue.PATIENT_IDENTIFIER].uniqueness_behavior = "NON_UNIQUE"
    first, second = world.patient("1001"), world.patient("1001")
    subject = world.subject("1001")
    world.sync("subject")
    assert is_waiting(subject, "bahmni.multiple-patients")
    assert set(held(subject).conflict["candidates"]) == {first, second}
    decide(world, subject, Move.SAME, chosen=second)
    assert world.link("subject", subject).target_parent_id == second
    assert settled(world)


def test_of_several_subjects_with_the_number_the_chosen_one_gets_the_registration(world: World) -> None:
    first, second = world.subject("1001"), world.subject("1001", first="Asha", last="Devi")
    patient = world.patient("1001")
    world.sync("patient")
    assert held(patient, "patient").message == "bahmni.multiple-subjects-for-patient"
    decide(world, patient, Move.SAME, chosen=second)
    assert (registrations(world, first), registrations(world, second)) == ([], [{MARKER: patient}])


class TestVoidedByAPerson:
    """What we wrote was voided on the other side."""

    @pytest.fixture
    def subject(self, world: World) -> str:
        subject = world.subject("1001", observations={"Height": 150})
        world.sync("subject")
        clinicians.void_encounter(world.bahmni, world.link("subject", subject).target_id)
        world.avni.edit_subject(subject, observations={"Height": 151}, at=world.moment())
        world.sync("subject")
        assert is_waiting(subject, "bahmni.target-voided")
        return subject

    def test_take_avnis_brings_it_back(self, world: World, subject: str) -> None:
        decide(world, subject, Move.SOURCE)
        there = world.link("subject", subject).target_id
        assert (world.bahmni.encounters[there].voided, world.held(there)["Height"]) == (False, [151])
        assert settled(world)

    def test_take_bahmnis_leaves_it_voided_until_the_record_changes(self, world: World, subject: str) -> None:
        assert decide(world, subject, Move.TARGET).state == ErrorState.RESOLVED
        assert world.bahmni.encounters[world.link("subject", subject).target_id].voided
        assert settled(world)
        world.avni.edit_subject(subject, observations={"Height": 152}, at=world.moment())
        world.sync("subject")
        assert is_waiting(subject, "bahmni.target-voided")

    def test_in_avni_bahmnis_comes_back(self, world: World) -> None:
        subject, patient = world.subject("2001"), world.patient("2001", attributes={"Caste": "Toda"})
        world.sync()
        world.avni.void_encounter(world.link("patient", patient).target_id, at=world.moment())
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
        world.sync("patient")
        assert is_waiting(patient, "bahmni.target-voided")
        decide(world, patient, Move.SOURCE)
        assert registrations(world, subject) == [{MARKER: patient, "Caste [HP]": "Irula"}]
        assert settled(world)


class TestLostMarkers:
    """What we wrote stands there and no longer says whose it is."""

    def test_take_avnis_writes_the_marker_again(self, world: World) -> None:
        world.concepts["marker"] = marker_concept()
        subject = world.subject("1001", observations={"Height": 150})
        world.sync("subject")
        there = world.link("subject", subject).target_id
        clinician_removes(world, there, "marker")
        world.avni.edit_subject(subject, observations={"Height": 151}, at=world.moment())
        world.sync("subject")
        assert is_waiting(subject, "bahmni.registration-gone")
        decide(world, subject, Move.SOURCE)
        assert answer_row(world, there, "marker").value == subject
        assert world.held(there)["Height"] == [151]
        assert settled(world)

    def test_take_bahmnis_writes_the_registration_again_in_avni(self, world: World) -> None:
        subject, patient = world.subject("1001"), world.patient("1001", attributes={"Caste": "Toda"})
        world.sync()
        world.avni.edit_encounter(world.link("patient", patient).target_id, observations={MARKER: None})
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
        world.sync("patient")
        assert is_waiting(patient, "bahmni.marker-missing")
        decide(world, patient, Move.SOURCE)
        assert registrations(world, subject) == [{MARKER: patient, "Caste [HP]": "Irula"}]

    def test_what_was_erased_in_avni_is_created_again(self, world: World) -> None:
        subject, patient = world.subject("1001"), world.patient("1001", attributes={"Caste": "Toda"})
        world.sync()
        world.avni.erase(world.link("patient", patient).target_id)
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
        world.sync("patient")
        assert is_waiting(patient, "bahmni.registration-gone")
        decide(world, patient, Move.SOURCE)
        assert registrations(world, subject) == [{MARKER: patient, "Caste [HP]": "Irula"}]
        assert settled(world)


class TestChangedNumbers:
    """Subject and patient have not the same number any more."""

    @pytest.fixture
    def subject(self, world: World) -> str:
        world.household_visits()
        subject = world.subject("1001", observations={"Height": 150})
        world.sync()
        world.avni.edit_subject(subject, observations={NUMBER: "2002", "Height": 151}, at=world.moment())
        world.household_visit(subject)
        world.sync()
        assert is_waiting(subject, "bahmni.subject-id-changed")
        return subject

    @staticmethod
    def numbers(world: World, subject: str) -> list[str]:
        patient = world.bahmni.patients[world.link("subject", subject).target_parent_id]
        return [row.identifier for row in patient.identifiers if not row.voided]

    def test_take_avnis_gives_the_patient_we_created_the_subjects_number(self, world: World, subject: str) -> None:
        decide(world, subject, Move.SOURCE)
        assert self.numbers(world, subject) == [f"{PREFIX}2002"]
        assert world.held(world.link("subject", subject).target_id)["Height"] == [151]

    def test_take_bahmnis_goes_on_with_the_patients_number(self, world: World, subject: str) -> None:
        assert decide(world, subject, Move.TARGET).state == ErrorState.RESOLVED
        assert self.numbers(world, subject) == [f"{PREFIX}1001"]
        assert world.held(world.link("subject", subject).target_id)["Height"] == [151]
        world.avni.edit_subject(subject, observations={"Height": 152}, at=world.moment())
        world.sync()
        assert world.held(world.link("subject", subject).target_id)["Height"] == [152]

    def test_read_again_the_subject_is_known_by_the_patients_number(self, world: World, subject: str) -> None:
        decide(world, subject, Move.TARGET)
        world.avni.edit_subject(subject, at=world.moment())
        world.sync("subject")
        world.household_visit(subject)
        world.sync()
        assert ErrorRecord.objects.filter(message="bahmni.number-moved").count() == 0

    @pytest.mark.parametrize("move", [Move.SOURCE, Move.TARGET])
    def test_what_waited_follows(self, world: World, subject: str, move: Move) -> None:
        decide(world, subject, move)
        visit = next(row.uuid for row in world.avni.encounters.values() if row.kind == "Household visit")
        assert world.link("general-encounter", visit).outcome == Outcome.CREATED.value

    def test_kept_apart_nothing_reaches_the_former_patient_any_more(self, world: World, subject: str) -> None:
        assert decide(world, subject, Move.APART).state == ErrorState.APART
        world.avni.edit_subject(subject, observations={"Height": 152}, at=world.moment())
        world.sync()
        assert world.held(world.link("subject", subject).target_id)["Height"] == [150]

    def test_a_patient_the_hospital_registered_is_given_no_number(self, world: World) -> None:
        world.patient("3001")
        subject = world.subject("3001")
        world.sync("subject")
        world.avni.edit_subject(subject, observations={NUMBER: "3002"}, at=world.moment())
        world.sync("subject")
        assert offered(subject) == [Move.TARGET, Move.APART]

    def test_a_number_that_both_sides_corrected_is_no_trouble(self, world: World) -> None:
        subject = world.subject("3001")
        world.sync("subject")
        patient = world.bahmni.patients[world.link("subject", subject).target_parent_id]
        patient.identifiers[0].identifier = f"{PREFIX}3002"
        world.avni.edit_subject(subject, observations={NUMBER: "3002"}, at=world.moment())
        world.sync("subject")
        assert not ErrorRecord.objects.exists()

    def test_a_patient_whose_number_changed_stays_with_its_subject(self, world: World) -> None:
        subject, patient = world.subject("3001"), world.patient("3001", attributes={"Caste": "Toda"})
        world.sync()
        world.bahmni.patients[patient].identifiers[0].identifier = f"{PREFIX}3002"
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
        world.sync("patient")
        assert is_waiting(patient, "bahmni.number-moved")
        decide(world, patient, Move.TARGET)
        assert registrations(world, subject) == [{MARKER: patient, "Caste [HP]": "Irula"}]

    def test_a_patient_we_created_before_is_linked_though_it_has_another_number(self, world: World) -> None:
        subject = world.subject("3001")
        world.sync("subject")
        link = world.link("subject", subject)
        patient = link.target_parent_id
        for row in world.bahmni.encounters.values():
            clinicians.void_encounter(world.bahmni, row.uuid)
        world.bahmni.patients[patient].identifiers[0].identifier = f"{PREFIX}9999"
        link.delete()
        world.rewind()
        world.sync("subject")
        assert is_waiting(subject, "bahmni.number-moved")
        assert offered(subject) == [Move.SAME, Move.APART]


class TestVoids:
    """A record voided at its source whose target holds more."""

    @pytest.fixture
    def encounter(self, world: World) -> str:
        world.household_visits()
        encounter = world.household_visit(world.subject("1001"), observations={"Height": 150})
        world.sync()
        self.note = world.bahmni.add_concept("Note of the ward", "Text").uuid
        there = world.link("general-encounter", encounter).target_id
        world.bahmni.hospital_save_encounter(uuid=there, obs=[{"concept": self.note, "value": "came late"}])
        return encounter

    def test_take_avnis_takes_our_form_out_and_leaves_what_clinicians_wrote(self, world: World, encounter: str) -> None:
        world.avni.void_encounter(encounter, at=world.moment())
        world.sync()
        assert is_waiting(encounter, "bahmni.encounter-shared")
        decide(world, encounter, Move.SOURCE)
        there = world.link("general-encounter", encounter).target_id
        assert (world.bahmni.encounters[there].voided, world.held(there)) == (False, {})
        assert [row.value for row in world.bahmni.obs_of(there) if not row.voided and row.concept == self.note]
        assert settled(world)

    def test_take_bahmnis_leaves_it_all(self, world: World, encounter: str) -> None:
        world.avni.void_encounter(encounter, at=world.moment())
        world.sync()
        decide(world, encounter, Move.TARGET)
        assert world.held(world.link("general-encounter", encounter).target_id) == {"Height": [150]}
        assert settled(world)

    def test_one_cancelled_after_the_hand_over_is_voided_or_stays(self, world: World) -> None:
        world.household_visits("Camp visit")
        encounter = world.household_visit(world.subject("1001"), kind="Camp visit", observations={"Height": 150})
        world.sync()
        world.avni.edit_encounter(encounter, encounter_ms=None, earliest_ms=1, cancel_ms=2, at=world.moment())
        world.sync()
        assert is_waiting(encounter, "bahmni.completed-before")
        decide(world, encounter, Move.SOURCE)
        assert world.bahmni.encounters[world.link("general-encounter", encounter).target_id].voided


def test_of_two_encounters_with_one_marker_the_chosen_one_goes_on(world: World) -> None:
    world.household_visits()
    encounter = world.household_visit(world.subject("1001"), observations={"Height": 150})
    world.sync()
    link = world.link("general-encounter", encounter)
    first = link.target_id
    link.delete()
    shown = world.bahmni.encounters[first]
    body = {
        "patient": shown.patient, "encounterType": shown.type, "visit": shown.visit,
        "obs": [{"concept": marker_concept(), "value": encounter}],
    }  # fmt: skip
    second = world.bahmni.hospital_save_encounter(**body).uuid
    world.rewind()
    world.sync("general-encounter")
    assert is_waiting(encounter, "bahmni.multiple-encounters")
    assert set(held(encounter).conflict["candidates"]) == {first, second}
    decide(world, encounter, Move.SAME, chosen=first)
    assert world.link("general-encounter", encounter).target_id == first
