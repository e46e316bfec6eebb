"""Everything a record may be held for, met in a small world: each with what would make it another conflict.

A builder takes a fresh world and what it draws its answers from; it leaves one record waiting for a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from errors.models import ErrorRecord, ErrorState
from simulators.bahmni import catalogue, clinicians
from tests.flow.clinic import Clinic, open_clinic
from tests.flow.deciding import answer_row, clinician_answers, clinician_removes, marker_concept
from tests.flow.world import HOUSEHOLD_VISIT, MARKER, NUMBER, PREFIX, World

__all__ = ["CONFLICTS", "Build", "Met"]


@dataclass
class Met:
    """A record that waits for a person. `otherwise` makes what it is held for something else, or nothing at all."""

    stream: str
    entity: str
    otherwise: Callable[[], object]
    waiting: list[str] = field(default_factory=list)
    """Ids of the encounters that wait for it."""

    def record(self) -> ErrorRecord:
        """Its error record."""
        return ErrorRecord.objects.get(stream__key=self.stream, entity_id=self.entity)


Build = Callable[[World, Random], Met]


def _registered(world: World, random: Random, number: str = "1001") -> str:
    """A subject that stands in Bahmni."""
    subject = world.subject(number, observations={"Height": random.randrange(100, 150), "Occupation": "Weaver"})
    world.sync("subject")
    return subject


def _there(world: World, stream: str, entity: str) -> str:
    return world.link(stream, entity).target_id


def _edited(world: World, subject: str, **answers: object) -> None:
    world.avni.edit_subject(subject, observations=answers, at=world.moment())


def _visited(world: World, subject: str) -> None:
    """Somebody visits the subject: what waits for it, if anything does."""
    world.household_visit(subject, observations={"Height": 150})


def _patient_like_nobody(world: World) -> str:
    return world.patient("1001", first="Prakash", last="Kulkarni", gender="M")


# -- whose it is ------------------------------------------------------------------------------------------------------


def two_people_with_one_number(world: World, random: Random) -> Met:
    """Name and gender differ."""
    _patient_like_nobody(world)
    subject = world.subject("1001")
    _visited(world, subject)
    other = random.choice(("Zubeda", "Yamuna", "Xenia"))
    return Met("subject", subject, lambda: world.avni.edit_subject(subject, first_name=other, at=world.moment()))


def a_patient_who_is_another_subject(world: World, random: Random) -> Met:
    """The same seen from the hospital: the subject has got no further either."""
    world.subject("1001")
    patient = _patient_like_nobody(world)
    person = world.bahmni.persons[patient]

    def otherwise() -> None:
        name = person.names[0]
        name.given_name = random.choice(("Zubin", "Yash", "Xavier"))
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Toda")

    return Met("patient", patient, otherwise)


def several_patients_with_the_number(world: World, random: Random) -> Met:
    """The hospital allows it."""
    world.bahmni.identifier_types[catalogue.PATIENT_IDENTIFIER].uniqueness_behavior = "NON_UNIQUE"
    for _ in range(random.randrange(2, 4)):
        world.patient("1001")
    subject = world.subject("1001")
    _visited(world, subject)
    return Met("subject", subject, lambda: world.avni.edit_subject(subject, first_name="Asha M", at=world.moment()))


def several_subjects_for_a_patient(world: World, random: Random) -> Met:
    """Only one of them can stand in Bahmni."""
    for _ in range(random.randrange(2, 4)):
        world.subject("1001")
    patient = world.patient("1001", attributes={"Caste": "Toda"})
    return Met("patient", patient, lambda: world.subject("1001", first="Asha M"))


def a_subject_whose_number_changed(world: World, random: Random) -> Met:
    """The patient that we created has the former one."""
    subject = _registered(world, random)
    _edited(world, subject, **{NUMBER: str(random.randrange(2000, 3000))})
    _visited(world, subject)
    return Met("subject", subject, lambda: _edited(world, subject, **{NUMBER: str(random.randrange(3000, 4000))}))


def a_patient_whose_number_changed(world: World, random: Random) -> Met:
    """Its registration stands at the subject of the former one."""
    world.subject("3001")
    patient = world.patient("3001", attributes={"Caste": "Toda"})
    world.sync()

    def renumbered(caste: str) -> None:
        world.bahmni.patients[patient].identifiers[0].identifier = f"{PREFIX}{random.randrange(4000, 9000)}"
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], caste)

    renumbered("Irula")
    return Met("patient", patient, lambda: renumbered("Kota"))


# -- what stands there ------------------------------------------------------------------------------------------------


def a_clinicians_answer(world: World, random: Random) -> Met:
    """A clinician answered otherwise what came from Avni, and Avni changed, too."""
    subject = _registered(world, random)
    there = _there(world, "subject", subject)
    clinician_answers(world, there, "Height", random.randrange(160, 170))
    _edited(world, subject, Height=random.randrange(170, 180))
    return Met("subject", subject, lambda: clinician_answers(world, there, "Height", random.randrange(180, 190)))


def an_answer_a_clinician_took_out(world: World, random: Random) -> Met:
    """The other answer changed in Avni."""
    subject = _registered(world, random)
    clinician_removes(world, _there(world, "subject", subject), "Height")
    _edited(world, subject, Occupation="Potter")
    return Met("subject", subject, lambda: _edited(world, subject, Height=random.randrange(180, 190)))


def an_answer_of_the_field_team(world: World, random: Random) -> Met:
    """A field worker answered otherwise what came from Bahmni, and Bahmni changed, too."""
    clinic = open_clinic(world)
    encounter = _consulted(world, clinic)
    there = _there(world, "encounter", encounter)
    world.avni.edit_encounter(there, observations={"Pulse": random.randrange(80, 90)}, at=world.moment())
    clinic.change(encounter, clinic.answer(encounter, "Advice", "walk"))

    def otherwise() -> None:
        world.avni.edit_encounter(there, observations={"Pulse": random.randrange(90, 99)}, at=world.moment())

    return Met("encounter", encounter, otherwise)


def a_registration_that_was_voided_in_bahmni(world: World, random: Random) -> Met:
    """By a person, and the subject changed."""
    subject = _registered(world, random)
    clinicians.void_encounter(world.bahmni, _there(world, "subject", subject))
    _edited(world, subject, Height=random.randrange(150, 160))
    return Met("subject", subject, lambda: _edited(world, subject, Height=random.randrange(160, 170)))


def a_registration_that_was_voided_in_avni(world: World, random: Random) -> Met:
    """By a field worker, and the patient changed."""
    world.subject("2001")
    patient = world.patient("2001", attributes={"Caste": "Toda"})
    world.sync()
    world.avni.void_encounter(_there(world, "patient", patient), at=world.moment())
    world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
    return Met(
        "patient", patient, lambda: world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Kota")
    )


def a_registration_without_its_marker_in_bahmni(world: World, random: Random) -> Met:
    """A clinician took it out."""
    world.concepts["marker"] = marker_concept()
    subject = _registered(world, random)
    clinician_removes(world, _there(world, "subject", subject), "marker")
    _edited(world, subject, Height=random.randrange(150, 160))
    return Met("subject", subject, lambda: _edited(world, subject, Height=random.randrange(160, 170)))


def a_registration_without_its_marker_in_avni(world: World, random: Random) -> Met:
    """A field worker took it out."""
    world.subject("1001")
    patient = world.patient("1001", attributes={"Caste": "Toda"})
    world.sync()
    world.avni.edit_encounter(_there(world, "patient", patient), observations={MARKER: None})
    world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
    return Met(
        "patient", patient, lambda: world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Kota")
    )


def a_voided_visit_beside_which_clinicians_wrote(world: World, random: Random) -> Met:
    """Taken back it is nothing to decide about."""
    visit = _handed_over_visit(world, random)
    note = world.bahmni.add_concept("Note of the ward", "Text").uuid
    there = _there(world, "general-encounter", visit)
    world.bahmni.hospital_save_encounter(uuid=there, obs=[{"concept": note, "value": "came late"}])
    world.avni.void_encounter(visit, at=world.moment())
    return Met("general-encounter", visit, lambda: world.avni.edit_encounter(visit, voided=False, at=world.moment()))


def a_visit_that_did_not_take_place(world: World, random: Random) -> Met:
    """After it was handed over; held all the same it is nothing to decide about."""
    visit = _handed_over_visit(world, random)
    held_at = world.avni.encounters[visit].encounter_ms
    world.avni.edit_encounter(visit, encounter_ms=None, earliest_ms=1, cancel_ms=2, at=world.moment())

    def otherwise() -> None:
        world.avni.edit_encounter(visit, encounter_ms=held_at, earliest_ms=None, cancel_ms=None, at=world.moment())

    return Met("general-encounter", visit, otherwise)


def two_encounters_with_one_marker(world: World, random: Random) -> Met:
    """Nobody remembers which is ours; voiding one of them leaves nothing to decide."""
    visit = _handed_over_visit(world, random)
    link = world.link("general-encounter", visit)
    shown = world.bahmni.encounters[link.target_id]
    link.delete()
    body = {
        "patient": shown.patient, "encounterType": shown.type, "visit": shown.visit,
        "obs": [{"concept": marker_concept(), "value": visit}],
    }  # fmt: skip
    other = world.bahmni.hospital_save_encounter(**body).uuid
    world.rewind()
    return Met("general-encounter", visit, lambda: clinicians.void_encounter(world.bahmni, other))


def _handed_over_visit(world: World, random: Random) -> str:
    visit = world.household_visit(world.subject("1001"), observations={"Height": random.randrange(100, 200)})
    world.sync()
    answer_row(world, _there(world, "general-encounter", visit), "Height")  # it stands there
    return visit


def _consulted(world: World, clinic: Clinic) -> str:
    world.subject("1001")
    encounter = clinic.fill_in(world.patient("1001"), clinic.form("Vitals", Pulse=72, Advice="rest"))
    world.sync()
    return encounter


CONFLICTS: Final[dict[str, Build]] = {
    build.__name__.replace("_", " "): build
    for build in (
        two_people_with_one_number, a_patient_who_is_another_subject, several_patients_with_the_number,
        several_subjects_for_a_patient, a_subject_whose_number_changed, a_patient_whose_number_changed,
        a_clinicians_answer, an_answer_a_clinician_took_out, an_answer_of_the_field_team,
        a_registration_that_was_voided_in_bahmni, a_registration_that_was_voided_in_avni,
        a_registration_without_its_marker_in_bahmni, a_registration_without_its_marker_in_avni,
        a_voided_visit_beside_which_clinicians_wrote, a_visit_that_did_not_take_place, two_encounters_with_one_marker,
    )
}  # fmt: skip
"""By name."""


def meet(build: Build, world: World, random: Random) -> Met:
    """Let it come to the conflict."""
    world.household_visits(HOUSEHOLD_VISIT)
    met = build(world, random)
    world.sync()
    rows = ErrorRecord.objects.filter(state=ErrorState.DEFERRED, stream__key__in=("general-encounter", "encounter"))
    met.waiting = sorted(rows.values_list("entity_id", flat=True))
    return met
