"""Twenty and more ways in which a service could get it wrong, each brought about by hand: none may pass unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from simulators.bahmni import encounters
from simulators.bahmni.model import Encounter, Obs
from simulators.comparer import compare
from simulators.scenario import Scenario, Size, design
from tests.unit.comparer.by_hand import Case, concept, holder, register_in_avni, register_in_bahmni

Fault = Callable[[Scenario], object]


@pytest.fixture
def case() -> Case:
    return Case(seed=3, size=Size(subjects=8, known=4, outside=2))


def test_a_faultless_hand_over_has_no_findings(case: Case) -> None:
    assert case.findings() == []


def test_nothing_handed_over_is_all_missing(case: Case) -> None:
    found = compare(case.before, case.before.avni, case.before.bahmni, case.made)
    kinds = [finding.kind for finding in found]
    assert kinds.count("encounter-missing") == 8 + 2
    assert kinds.count("registration-missing") == 4


# -- what the faults get hold of --------------------------------------------------------------------------------------


def subject(made: Scenario, place: int = 0) -> str:
    """A subject that was a patient before when its place is below four."""
    return made.ids("avni", "subject", f"subject {place}")


def encounter(made: Scenario, place: int = 0) -> Encounter:
    """Its registration encounter in Bahmni."""
    marker = next(row for row in made.bahmni.obs.values() if row.value == subject(made, place))
    return made.bahmni.encounters[marker.encounter or ""]


def patient(made: Scenario, place: int = 0) -> str:
    """The patient who is the subject."""
    return encounter(made, place).patient


def answer(made: Scenario, question: str, place: int | None = None) -> Obs:
    """An un-voided observation of a question in one of our encounters."""
    ours = made.pairs.hospital.user
    rows = [row for row in made.bahmni.obs.values() if row.concept == concept(made, question) and not row.voided]
    rows = [row for row in rows if row.audit.creator == ours]
    return next(row for row in rows if place is None or row.encounter == encounter(made, place).uuid)


def registration(made: Scenario, place: int = 0) -> str:
    """Uuid of the patient's registration encounter in Avni."""
    marker, uuid = made.pairs.avni_marker, patient(made, place)
    return next(row.uuid for row in made.avni.encounters.values() if row.observations.get(marker) == uuid)


def with_attribute(made: Scenario, name: str) -> tuple[str, str]:
    """(uuid of a registration encounter in Avni, uuid of the concept) of an attribute somebody has."""
    one = next(one for one in design.ATTRIBUTES if one.name == name)
    uuid = made.ids("avni", "concept", design.in_avni(one))
    return next(row.uuid for row in made.avni.encounters.values() if uuid in row.observations), uuid


def edit(made: Scenario, row: str, uuid: str, value: object) -> None:
    """Set an observation of an Avni encounter; None takes it out."""
    there = made.avni.encounters[row]
    observations = {key: old for key, old in there.observations.items() if key != uuid}
    if value is not None:
        observations[uuid] = value
    made.avni.save(replace(there, observations=observations))


# -- in Bahmni --------------------------------------------------------------------------------------------------------


def encounter_never_written(made: Scenario) -> None:
    gone = encounter(made).uuid
    del made.bahmni.encounters[gone]
    for row in [row for row in made.bahmni.obs.values() if row.encounter == gone]:
        del made.bahmni.obs[row.uuid]


def everything_written_twice(made: Scenario) -> None:
    register_in_bahmni(made, made.avni.subjects[subject(made)])


def a_second_patient(made: Scenario) -> None:
    made.bahmni.identifier_types[made.pairs.hospital.identifier_type].uniqueness_behavior = "NON_UNIQUE"
    made.bahmni.as_user(made.pairs.hospital.user).hospital_create_patient(
        "Asha", "Twice", f"{design.PREFIX}1", identifier_type=made.pairs.hospital.identifier_type
    )


def wrong_answer(made: Scenario) -> None:
    row = answer(made, "Education")
    others = [concept(made, name) for name in ("Primary school", "College")]
    row.value = next(uuid for uuid in others if uuid != row.value)


def one_of_several_answers_lost(made: Scenario) -> None:
    answer(made, "Chronic illnesses").voided = True


def an_answer_nobody_gave(made: Scenario) -> None:
    row = answer(made, "Education")
    made.bahmni.obs["extra"] = replace(row, uuid="extra", value=concept(made, "Secondary school"))


def a_day_early(made: Scenario) -> None:
    row = answer(made, "Date of last check-up")
    day = str(row.value)
    row.value = day[:-2] + ("01" if day[-2:] != "01" else "02")


def another_number(made: Scenario) -> None:
    row = answer(made, "Weight in kg")
    row.value = float(row.value or 0) + 0.5


def text_cut_short(made: Scenario) -> None:
    row = answer(made, "Directions to the house")
    row.value = str(row.value).strip()[:3]


def no_marker(made: Scenario) -> None:
    marker = made.pairs.hospital.marker
    for row in made.bahmni.obs_of(encounter(made).uuid):
        if row.concept == marker:
            row.voided = True


def at_another_patient(made: Scenario) -> None:
    encounter(made).patient = patient(made, 1)


def in_a_visit_of_another_kind(made: Scenario) -> None:
    there = made.bahmni.visits[encounter(made).visit or ""]
    there.type = next(kind for kind in made.bahmni.visit_types if kind != there.type)


def visit_without_marker(made: Scenario) -> None:
    for row in made.bahmni.visits[encounter(made).visit or ""].attributes:
        if row.type == made.pairs.hospital.visit_marker:
            row.voided = True


def outside_its_visit(made: Scenario) -> None:
    there = encounter(made)
    there.moment = there.moment.replace(year=there.moment.year - 1)


def voided(made: Scenario) -> None:
    encounters.void_encounter(made.bahmni, encounter(made), "by mistake")


def no_provider(made: Scenario) -> None:
    encounter(made).providers.clear()


def answers_outside_the_form(made: Scenario) -> None:
    answer(made, "Education").group = None


def called_otherwise(made: Scenario) -> None:
    made.bahmni.persons[patient(made, 5)].names[0].given_name = "Somebody"


def name_of_a_patient_of_theirs_overwritten(made: Scenario) -> None:
    made.bahmni.persons[patient(made)].names[0].family_name = "Overwritten"


def an_observation_of_theirs_altered(made: Scenario) -> None:
    ours = made.pairs.hospital.user
    next(row for row in made.bahmni.obs.values() if row.audit.creator != ours).value = 99.0


def a_visit_of_theirs_closed(made: Scenario) -> None:
    ours = made.pairs.hospital.user
    row = next(row for row in made.bahmni.visits.values() if row.audit.creator != ours)
    row.stop = row.start


def a_concept_renamed(made: Scenario) -> None:
    made.bahmni.concepts[concept(made, "Education")].name = "Schooling"


def a_patient_for_a_voided_subject(made: Scenario) -> None:
    row = made.avni.subjects[made.ids("avni", "subject", "voided 0")]
    register_in_bahmni(made, row)


def one_in_error_got_through(made: Scenario) -> None:
    register_in_bahmni(made, made.avni.subjects[made.planted[0].source_id])


def a_patient_for_nobody(made: Scenario) -> None:
    made.bahmni.as_user(made.pairs.hospital.user).hospital_create_patient(
        "Asha", "Nobody", "COM999999", identifier_type=made.pairs.hospital.identifier_type
    )


IN_BAHMNI: list[tuple[Fault, str]] = [
    (encounter_never_written, "encounter-missing"),
    (everything_written_twice, "encounter-doubled"),
    (a_second_patient, "patient-doubled"),
    (wrong_answer, "value-wrong"),
    (one_of_several_answers_lost, "value-missing"),
    (an_answer_nobody_gave, "value-extra"),
    (a_day_early, "value-wrong"),
    (another_number, "value-wrong"),
    (text_cut_short, "value-wrong"),
    (no_marker, "encounter-stray"),
    (at_another_patient, "wrong-patient"),
    (in_a_visit_of_another_kind, "visit-wrong"),
    (visit_without_marker, "visit-marker-wrong"),
    (outside_its_visit, "outside-visit"),
    (voided, "encounter-voided"),
    (no_provider, "provider-wrong"),
    (answers_outside_the_form, "form-wrong"),
    (called_otherwise, "demographics-wrong"),
    (name_of_a_patient_of_theirs_overwritten, "foreign-changed"),
    (an_observation_of_theirs_altered, "foreign-changed"),
    (a_visit_of_theirs_closed, "foreign-changed"),
    (a_concept_renamed, "foreign-changed"),
    (a_patient_for_a_voided_subject, "patient-unwanted"),
    (one_in_error_got_through, "encounter-unwanted"),
    (a_patient_for_nobody, "patient-stray"),
]


# -- in Avni ----------------------------------------------------------------------------------------------------------


def registration_never_written(made: Scenario) -> None:
    made.avni.encounter_table.remove(registration(made))


def registration_written_twice(made: Scenario) -> None:
    register_in_avni(made, made.bahmni.patients[patient(made)])


def at_another_subject(made: Scenario) -> None:
    made.avni.save(replace(made.avni.encounters[registration(made)], subject=subject(made, 1)))


def registration_voided(made: Scenario) -> None:
    made.avni.void_encounter(registration(made), by=made.pairs.avni_user)


def attribute_lost(made: Scenario) -> None:
    edit(made, *with_attribute(made, "caste"), None)


def attribute_of_somebody_else(made: Scenario) -> None:
    edit(made, *with_attribute(made, "caste"), "somebody else's")


def attribute_nobody_has(made: Scenario) -> None:
    made.avni.add_concept("Blood group", "Text", uuid="blood group")
    edit(made, registration(made), "blood group", "0+")


def yes_for_no(made: Scenario) -> None:
    row, uuid = with_attribute(made, "hasRationCard")
    there = made.avni.encounters[row].observations[uuid]
    other = "False [H]" if there == made.ids("avni", "concept", "True [H]") else "True [H]"
    edit(made, row, uuid, made.ids("avni", "concept", other))


def first_visit_a_day_late(made: Scenario) -> None:
    row, uuid = with_attribute(made, "firstVisit")
    day = made.avni.encounters[row].observations[uuid][:10]
    edit(made, row, uuid, f"{day}T19:00:00.000Z" if day.endswith("01") else f"{day[:-2]}01T18:30:00.000Z")


def marker_taken_out(made: Scenario) -> None:
    edit(made, registration(made), made.pairs.avni_marker, None)


def dated_otherwise(made: Scenario) -> None:
    row = made.avni.encounters[registration(made)]
    made.avni.save(replace(row, encounter_ms=(row.encounter_ms or 0) + 86_400_000))


def a_subject_edited(made: Scenario) -> None:
    made.avni.edit_subject(subject(made), first_name="Overwritten")


def a_stranger_of_the_programme(made: Scenario) -> None:
    uuid = holder(made, "GEN1") or ""
    made.avni.put_encounter(
        encounter_type=design.HOSPITAL_REGISTRATION, subject=subject(made), by=made.pairs.avni_user,
        observations={"Bahmni Entity UUID [Bahmni]": uuid},
    )  # fmt: skip


IN_AVNI: list[tuple[Fault, str]] = [
    (registration_never_written, "registration-missing"),
    (registration_written_twice, "registration-doubled"),
    (at_another_subject, "wrong-subject"),
    (registration_voided, "registration-voided"),
    (attribute_lost, "value-missing"),
    (attribute_of_somebody_else, "value-wrong"),
    (attribute_nobody_has, "value-extra"),
    (yes_for_no, "value-wrong"),
    (first_visit_a_day_late, "value-wrong"),
    (marker_taken_out, "registration-stray"),
    (dated_otherwise, "date-wrong"),
    (a_subject_edited, "foreign-changed"),
    (a_stranger_of_the_programme, "registration-unwanted"),
]


@pytest.mark.parametrize(("fault", "kind"), IN_BAHMNI + IN_AVNI, ids=lambda value: getattr(value, "__name__", ""))
def test_a_fault_is_flagged(case: Case, fault: Fault, kind: str) -> None:
    fault(case.made)
    assert kind in {finding.kind for finding in case.findings()}


def test_a_mended_record_is_expected_once_it_counts_as_mended(case: Case) -> None:
    mended = case.made.planted[0].source_id
    still_stuck = {planted.source_id for planted in case.made.planted} - {mended}
    found = compare(case.before, case.made.avni.dump(), case.made.bahmni.dump(), case.made, in_error=still_stuck)
    assert [(finding.kind, finding.who) for finding in found] == [
        ("patient-missing", f"subject {mended}"),
        ("encounter-missing", f"subject {mended}"),
    ]
