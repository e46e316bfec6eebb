"""A person's number changes on one side after she reached the other."""

from __future__ import annotations

from errors.models import ErrorRecord, ErrorState
from tests.flow.test_patient_to_subject import registrations
from tests.flow.world import MARKER, NUMBER, PREFIX, World


def test_a_patient_who_got_another_number_is_held_and_no_longer_written_to_the_former_subject(world: World) -> None:
    former = world.subject("1001")
    world.subject("1002", first="Banu", last="Khan")
    patient = world.patient("1001", attributes={"Caste": "Toda"})
    world.sync("patient")
    world.bahmni.patients[patient].identifiers[0].identifier = f"{PREFIX}1002"
    world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
    world.sync("patient")
    assert registrations(world, former) == [{MARKER: patient, "Caste [HP]": "Toda"}]
    error = ErrorRecord.objects.get()
    assert (error.entity_id, error.state, error.message) == (patient, ErrorState.HELD, "bahmni.number-moved")


def test_encounters_of_a_subject_whose_number_changed_wait_until_a_person_has_decided(world: World) -> None:
    world.household_visits()
    subject = world.subject("1001")
    world.sync()
    world.avni.edit_subject(subject, observations={NUMBER: "2002"}, at=world.moment())
    encounter = world.household_visit(subject)
    world.sync()
    waiting = ErrorRecord.objects.get(entity_id=encounter)
    assert (waiting.state, waiting.message) == (ErrorState.DEFERRED, "bahmni.subject-held")
    world.avni.edit_subject(subject, observations={NUMBER: "1001"}, at=world.moment())
    world.sync("subject")
    assert world.link("general-encounter", encounter).outcome == "created"


def test_they_wait_too_when_the_subject_has_another_trouble_that_is_told_first(world: World) -> None:
    world.household_visits()
    subject = world.subject("1001")
    world.sync()
    changed = {NUMBER: "2002", "Marital status": "Separated"}
    world.avni.add_concept("Separated", "NA")
    world.avni.edit_subject(subject, observations=changed, at=world.moment())
    encounter = world.household_visit(subject)
    world.sync()
    assert ErrorRecord.objects.get(entity_id=subject).message == "bahmni.subject-id-changed"
    assert ErrorRecord.objects.get(entity_id=encounter).message == "bahmni.subject-held"
