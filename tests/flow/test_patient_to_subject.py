"""A patient of Bahmni reaches Avni as registration encounter of the subject with the same number."""

from __future__ import annotations

from typing import Any

import pytest

from common.outcome import Outcome
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Link, Position, Run
from tests.flow.world import MARKER, NUMBER, REGISTRATION, World


def registrations(world: World, subject: str) -> list[dict[str, Any]]:
    """Observations of the subject's un-voided registration encounters, by name."""
    names = {row.uuid: row.name for row in world.avni.organisation("demo").concepts.values()}
    rows = [world.avni.encounters[uuid] for uuid in world.avni.encounters_of(subject)]
    return [{names[key]: value for key, value in row.observations.items()} for row in rows if not row.voided]


def outcome(world: World, patient: str) -> str:
    """How the last hand-over of the patient ended."""
    return world.link("patient", patient).outcome


def test_a_patient_becomes_a_registration_encounter_of_its_subject(world: World) -> None:
    subject = world.subject("1001")
    patient = world.patient("1001", attributes={"Caste": "Toda", "Family size": "5"})
    world.sync("patient")
    assert outcome(world, patient) == Outcome.CREATED.value
    assert registrations(world, subject) == [{MARKER: patient, "Caste [HP]": "Toda", "Family size [HP]": 5}]


def test_an_edited_attribute_changes_only_that_observation(world: World) -> None:
    subject = world.subject("1001")
    patient = world.patient("1001", attributes={"Caste": "Toda", "Family size": "5"})
    world.sync("patient")
    encounter = world.avni.encounters_of(subject)[0]
    world.avni.add_concept("Remark", "Text")
    world.avni.edit_encounter(encounter, observations={"Remark": "by hand"}, at=world.moment())
    world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
    world.bahmni.hospital_edit_attribute(patient, world.attributes["Family size"], None)
    world.reset_counts()
    world.sync("patient")
    assert outcome(world, patient) == Outcome.UPDATED.value
    assert registrations(world, subject) == [{MARKER: patient, "Caste [HP]": "Irula", "Remark": "by hand"}]
    assert world.writes == 1


def test_several_notifications_of_one_patient_are_one_hand_over(world: World) -> None:
    world.subject("1001")
    patient = world.patient("1001")
    for caste in ("Toda", "Irula", "Kurumba"):
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], caste)
    world.sync("patient")
    run = Run.objects.get()
    assert (run.read, run.created, run.collapsed, run.finished_changes) == (4, 1, 3, 4)


def test_a_patient_without_a_subject_waits_and_is_released_when_the_subject_arrives(world: World) -> None:
    patient = world.patient("1001")
    world.sync("patient")
    record = ErrorRecord.objects.get(entity_id=patient)
    assert (record.state, record.type.name) == (ErrorState.DEFERRED, "NoSubjectWithId")  # type: ignore[union-attr]
    subject = world.subject("1001")
    world.sync("subject")
    record.refresh_from_db()
    assert (outcome(world, patient), record.state) == (Outcome.CREATED.value, ErrorState.RESOLVED)
    assert len(registrations(world, subject)) == 1


def test_a_patient_outside_the_programme_is_a_counted_skip(world: World) -> None:
    row = world.bahmni.hospital_create_patient(
        "Ravi", "Kumar", "GAN7", identifier_type="81433852-3f10-11e4-adec-0800271c1b75"
    )
    world.sync("patient")
    assert outcome(world, row.uuid) == Outcome.SKIPPED.value
    assert Run.objects.get().reasons == {"skipped: bahmni.not-in-programme": 1}


def test_a_voided_patient_voids_the_registration_when_it_is_next_read(world: World) -> None:
    subject = world.subject("1001")
    patient = world.patient("1001")
    world.sync("patient")
    world.bahmni.void_patient(patient)
    world.rewind()
    world.sync("patient")
    assert outcome(world, patient) == Outcome.VOIDED.value
    assert registrations(world, subject) == []


def test_the_first_event_of_a_patient_we_created_still_registers_it_in_avni(world: World) -> None:
    subject = world.subject("1001")
    world.sync("subject")
    world.sync("patient")
    patient = world.link("subject", subject).target_parent_id
    assert registrations(world, subject) == [{MARKER: patient}]


def test_without_links_the_registration_is_found_and_nothing_is_written(world: World) -> None:
    world.subject("1001")
    patient = world.patient("1001", attributes={"Caste": "Toda"})
    world.sync("patient")
    Link.objects.all().delete()
    world.rewind()
    world.reset_counts()
    world.sync("patient")
    assert outcome(world, patient) == Outcome.UNCHANGED.value
    assert world.writes == 0


def test_a_registration_the_java_service_wrote_is_found_by_its_marker(world: World) -> None:
    subject = world.subject("1001")
    patient = world.patient("1001")
    world.avni.put_encounter(
        encounter_type=REGISTRATION, subject=subject, observations={MARKER: patient}, at=world.moment()
    )
    world.sync("patient")
    assert outcome(world, patient) == Outcome.UNCHANGED.value
    assert len(world.avni.encounters_of(subject)) == 1


def test_w32_an_attribute_without_mapping_is_counted_and_the_patient_travels(world: World) -> None:
    world.subject("1001")
    kind = world.bahmni.add_person_attribute_type("Nickname").uuid
    world.attributes["Nickname"] = kind
    patient = world.patient("1001", attributes={"Nickname": "Chinni", "Caste": "Toda"})
    world.sync("patient")
    assert outcome(world, patient) == Outcome.CREATED.value
    assert Run.objects.get().unmapped == {"Nickname": 1}


def test_an_entry_of_another_kind_is_a_counted_skip_with_its_title(world: World) -> None:
    world.bahmni.publish("patient", "Bed-Assignment", "/openmrs/ws/rest/v1/bedPatientAssignment/1")
    world.sync("patient")
    assert Run.objects.get().reasons == {"not for this stream: Bed-Assignment": 1}
    assert Position.objects.get(stream__key="patient").value["page"] == 1


def test_a_patient_who_is_somebody_else_than_the_subject_with_her_number_is_held(world: World) -> None:
    subject = world.subject("1001", "Kiran", "Joshi")
    patient = world.patient("1001", "Prakash", "Kulkarni", gender="M", born="1956-10-05")
    world.sync("patient")
    assert outcome(world, patient) == Outcome.HELD.value
    assert registrations(world, subject) == []


@pytest.mark.parametrize("change", [{"observations": {NUMBER: "2002"}}, {"voided": True}], ids=["number", "void"])
def test_a_registration_is_not_written_to_once_its_subject_is_voided_or_has_another_number(
    world: World, change: dict[str, Any]
) -> None:
    """The patient's number belongs to another subject then; what only agrees needs no look at the subject."""
    subject = world.subject("1001")
    patient = world.patient("1001", attributes={"Caste": "Toda"})
    world.sync("patient")
    world.avni.edit_subject(subject, **change, at=world.moment())
    world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
    world.sync("patient")
    error = ErrorRecord.objects.get()
    assert (error.entity_id, error.message) == (patient, "bahmni.subject-id-changed-for-patient")
    assert registrations(world, subject) == [{MARKER: patient, "Caste [HP]": "Toda"}]
