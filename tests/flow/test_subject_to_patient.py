"""A subject of Avni reaches Bahmni as patient, registration visit and registration encounter."""

from __future__ import annotations

from common.outcome import Outcome
from errors.models import ErrorRecord, ErrorState
from mappings.models import Mapping
from syncstatus.models import Link, Run
from tests.flow.world import PREFIX, World

ANSWERS = {
    "Marital status": "Married",
    "Medical problems": ["Asthma", "Diabetes"],
    "Height": 152.5,
    "Occupation": "Weaver",
    "Marriage date": "2015-02-10T18:30:00.000Z",
}


def outcome(world: World, subject: str) -> str:
    """How the last hand-over of the subject ended."""
    return world.link("subject", subject).outcome


def error(subject: str) -> ErrorRecord:
    """The subject's error record."""
    return ErrorRecord.objects.get(entity_id=subject)


def test_a_new_subject_becomes_a_patient_with_visit_and_encounter(world: World) -> None:
    subject = world.subject("1001", observations=ANSWERS)
    world.sync("subject")
    link = world.link("subject", subject)
    assert link.outcome == Outcome.CREATED.value
    assert world.bahmni.encounters[link.target_id].patient == link.target_parent_id
    patient = world.bahmni.patients[link.target_parent_id]
    assert [row.identifier for row in patient.identifiers] == [PREFIX + "1001"]
    assert world.held(link.target_id) == {
        "Marital status": ["Married"],
        "Medical problems": ["Asthma", "Diabetes"],
        "Height": [152.5],
        "Occupation": ["Weaver"],
        "Marriage date": ["2015-02-11"],
    }


def test_an_edited_subject_changes_only_what_differs(world: World) -> None:
    subject = world.subject("1001", observations=ANSWERS)
    world.sync("subject")
    before = world.link("subject", subject)
    world.avni.edit_subject(
        subject,
        observations={
            "Medical problems": ["Asthma", "Anaemia"],
            "Height": 153,
            "Occupation": "",
            "Marriage date": None,
        },
        at=world.moment(),
    )
    world.reset_counts()
    world.sync("subject")
    link = world.link("subject", subject)
    assert (link.outcome, link.target_id) == (Outcome.UPDATED.value, before.target_id)
    assert world.held(link.target_id) == {
        "Marital status": ["Married"],
        "Medical problems": ["Anaemia", "Asthma"],
        "Height": [153],
    }
    assert world.writes == 1


def test_a_touch_without_a_change_costs_no_call(world: World) -> None:
    subject = world.subject("1001", observations=ANSWERS)
    world.sync("subject")
    world.avni.bulk_touch([subject], at=world.moment())
    world.reset_counts()
    world.sync("subject")
    assert outcome(world, subject) == Outcome.UNCHANGED.value
    assert world.bahmni_server.requests == 0


def test_a_voided_subject_voids_its_registration_but_not_the_patient(world: World) -> None:
    subject = world.subject("1001")
    world.sync("subject")
    world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    link = world.link("subject", subject)
    assert link.outcome == Outcome.VOIDED.value
    assert world.bahmni.encounters[link.target_id].voided
    assert not world.bahmni.patients[link.target_parent_id].voided


def test_an_unvoided_subject_gets_the_same_encounter_back_with_its_newest_answers(world: World) -> None:
    subject = world.subject("1001", observations={"Height": 150})
    world.sync("subject")
    world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    voided = world.link("subject", subject).target_id
    world.avni.edit_subject(subject, voided=False, observations={"Height": 151}, at=world.moment())
    world.sync("subject")
    link = world.link("subject", subject)
    assert (link.outcome, link.target_id) == (Outcome.UPDATED.value, voided)
    assert not world.bahmni.encounters[voided].voided
    assert world.held(voided) == {"Height": [151]}


def test_a_subject_voided_before_it_was_ever_handed_over_is_a_counted_skip(world: World) -> None:
    subject = world.subject("1001")
    world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    assert outcome(world, subject) == Outcome.SKIPPED.value
    assert world.writes == 0


def test_without_links_everything_is_found_by_its_marker_and_nothing_is_written(world: World) -> None:
    for number in range(5):
        world.subject(f"10{number}", observations=ANSWERS)
    world.sync("subject")
    Link.objects.all().delete()
    world.rewind()
    world.reset_counts()
    world.sync("subject")
    assert world.writes == 0
    assert set(Link.objects.values_list("outcome", flat=True)) == {Outcome.UNCHANGED.value}


def test_two_subjects_with_one_number_end_as_one_patient_and_one_explained_error(world: World) -> None:
    first = world.subject("1001", first="Asha")
    second = world.subject("1001", first="Meena")
    world.sync("subject")
    assert len(world.bahmni.patients) == 1
    assert outcome(world, first) == Outcome.CREATED.value
    assert (error(second).message, error(second).type.name) == ("bahmni.multiple-subjects", "MultipleSubjectsWithId")  # type: ignore[union-attr]


def test_a_subject_joins_the_patient_the_hospital_already_has(world: World) -> None:
    patient = world.patient("1001")
    subject = world.subject("1001")
    world.sync("subject")
    assert world.link("subject", subject).target_parent_id == patient
    assert len(world.bahmni.patients) == 1


def test_a_patient_with_the_number_but_another_name_is_held_for_a_person(world: World) -> None:
    world.patient("1001", first="Ramesh", last="Kumar", gender="M")
    subject = world.subject("1001")
    world.reset_counts()
    world.sync("subject")
    record = error(subject)
    assert (record.state, record.params) == (ErrorState.HELD, {"differing": "name, gender"})
    assert world.writes == 0


def test_an_answer_without_mapping_fails_alone_and_gets_through_once_it_is_mapped(world: World) -> None:
    bad = world.subject("1001", observations={"Marital status": "Widowed"})
    good = world.subject("1002")
    Mapping.objects.get(avni_value="Widowed").delete()
    world.sync("subject")
    assert outcome(world, good) == Outcome.CREATED.value
    assert error(bad).params == {"question": "Marital status", "value": "Widowed", "side": "avni"}
    world.map("Observation", "Concept", "Widowed", world.concepts["Widowed"])
    ErrorRecord.objects.update(next_attempt_at=world.born)
    world.sync("subject")
    assert (outcome(world, bad), error(bad).state) == (Outcome.CREATED.value, ErrorState.RESOLVED)
    assert world.held(world.link("subject", bad).target_id) == {"Marital status": ["Widowed"]}


def test_a_run_accounts_for_every_change_it_read(world: World) -> None:
    world.subject("1001")
    world.subject(None)
    world.subject("1001", first="Meena")
    world.sync("subject")
    run = Run.objects.get()
    assert (run.read, run.finished_changes, run.created, run.failed) == (3, 3, 1, 2)


def test_a_number_that_changes_after_the_hand_over_is_held(world: World) -> None:
    subject = world.subject("1001")
    world.sync("subject")
    world.avni.edit_subject(subject, observations={"Sangam Number": "1002"}, at=world.moment())
    world.reset_counts()
    world.sync("subject")
    assert (error(subject).state, error(subject).message) == (ErrorState.HELD, "bahmni.subject-id-changed")
    assert world.writes == 0


def test_a_name_the_hospital_refuses_is_an_error_that_names_the_field(world: World) -> None:
    subject = world.subject("1001", first="आशा")
    world.sync("subject")
    assert (error(subject).message, error(subject).params) == ("bahmni.name-refused", {"field": "First name"})
    assert not world.bahmni.patients


def test_a_patient_we_created_who_got_another_number_is_held_and_not_created_again(world: World) -> None:
    subject = world.subject("1001")
    world.sync("subject")
    patient = world.bahmni.patients[world.link("subject", subject).target_parent_id]
    for row in world.bahmni.identifiers.values():
        row.identifier = PREFIX + "7777"
    Link.objects.all().delete()
    world.rewind()
    world.sync("subject")
    assert (error(subject).state, error(subject).message) == (ErrorState.HELD, "bahmni.number-moved")
    assert list(world.bahmni.patients) == [patient.uuid]


def test_a_mapping_that_holds_no_uuid_is_named_and_nothing_is_sent(world: World) -> None:
    subject = world.subject("1001", observations={"Marital status": "Widowed"})
    mapping = Mapping.objects.get(avni_value="Widowed")
    mapping.int_system_value = "Widow"
    mapping.save()
    world.sync("subject")
    assert error(subject).message == "bahmni.mapping-without-uuid"
    assert error(subject).params == {"name": "Widowed", "side": "avni", "value": "Widowed"}
    assert not world.bahmni.patients
