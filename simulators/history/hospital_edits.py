"""What the hospital's people do in Bahmni in the course of a history, one function each, through their own screens.

Those marked as silent leave no feed event: nobody is told, and a service finds them when it looks at all again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from simulators.avni.times import IST
from simulators.bahmni import clinicians, encounters, patients, visits
from simulators.bahmni.model import Encounter, Obs
from simulators.history.place import NotNow, Place
from simulators.scenario import design, forms
from simulators.scenario.people import Person

__all__ = ["HOSPITAL_EDITS"]

Edit = Callable[[Place, str], object]

_FREE: Final = ("Remarks on vitals", "History of the illness", "Diagnosis in words")
"""Questions that take any text."""


# -- patients ---------------------------------------------------------------------------------------------------------


def register_a_patient(place: Place, key: str) -> None:
    """Of the programme, though Avni may not know her yet."""
    number = place.town.number()
    uuid = place.town.patient(key, place.town.somebody(), design.PREFIX + number)
    place.numbers[uuid] = number


def register_a_subject_as_a_patient(place: Place, key: str) -> None:
    """Somebody of Avni's who came before anything was handed over, or somebody else with her number."""
    taken = {row.identifier for patient in place.bahmni.patients.values() for row in patient.identifiers}
    numbered = ((row, row.observations.get(place.pairs.number)) for row in place.live_subjects())
    subject, number = place.choose((row, n) for row, n in numbered if n and design.PREFIX + n not in taken)
    person = place.town.somebody()
    if place.random.random() < 0.8:
        born = date.fromisoformat(subject.date_of_birth or "1990-01-01")
        person = Person(subject.first_name or "", subject.last_name or "", subject.gender or "", born)
    uuid = place.town.patient(key, person, design.PREFIX + number)
    place.numbers[uuid] = number


def register_an_outsider(place: Place, key: str) -> None:
    """Somebody the programme does not know."""
    uuid = place.town.patient(key, place.town.somebody(), f"GEN{place.town.number()}")
    place.numbers[uuid] = ""


def give_an_outsider_a_number(place: Place, key: str) -> None:
    """Silent: she joins the programme."""
    outsiders = [row for row in place.live_patients() if not place.number_of(row) and not place.numbers[row.uuid]]
    patient = place.choose(outsiders)
    number = place.town.number()
    body = {
        "identifier": design.PREFIX + number, "identifierType": place.pairs.hospital.identifier_type, "preferred": True,
    }  # fmt: skip
    patients.save_identifier(place.bahmni, patient, body)
    place.numbers[patient.uuid] = number


def mistype_a_patients_number(place: Place, key: str) -> None:
    """Silent: a digit too many."""
    patient = place.choose(row for row in place.live_patients() if place.number_of(row))
    row = place.identifier(patient)
    body = {"identifier": f"{row.identifier}8{place.random.randrange(10)}"}
    patients.update_identifier(place.bahmni, patient, row, body)


def correct_a_patients_number(place: Place, key: str) -> None:
    """Silent: to what it should be."""
    numbered = (row for row in place.live_patients() if place.numbers[row.uuid])
    patient = place.choose(row for row in numbered if place.number_of(row) != place.numbers[row.uuid])
    body = {"identifier": design.PREFIX + place.numbers[patient.uuid]}
    patients.update_identifier(place.bahmni, patient, place.identifier(patient), body)


def edit_an_attribute(place: Place, key: str) -> None:
    """A clerk gives an attribute another value, or none."""
    patient = place.choose(place.live_patients())
    one = place.random.choice(design.ATTRIBUTES)
    value = None if place.random.random() < 0.2 else place.town.attribute(one)
    place.bahmni.hospital_edit_attribute(patient.uuid, place.made.ids("bahmni", "attribute", one.name), value)


def edit_an_attribute_of_one_we_created(place: Place, key: str) -> None:
    """The service created the patient; what the hospital learns of her travels all the same."""
    user = place.pairs.hospital.user
    patient = place.choose(row for row in place.community_patients() if row.audit.creator == user)
    one = place.random.choice(design.ATTRIBUTES)
    uuid = place.made.ids("bahmni", "attribute", one.name)
    place.bahmni.hospital_edit_attribute(patient.uuid, uuid, place.town.attribute(one))


def give_an_attribute_nobody_mapped(place: Place, key: str) -> None:
    """A value without a partner."""
    patient = place.choose(row for row in place.live_patients() if place.number_of(row))
    value = place.made.ids("bahmni", "concept", design.UNMAPPED_ATTRIBUTE_ANSWERS[0])
    place.bahmni.hospital_edit_attribute(patient.uuid, place.made.ids("bahmni", "attribute", "class"), value)


def mend_an_attribute(place: Place, key: str) -> None:
    """Another value in its place."""
    unmapped = place.made.ids("bahmni", "concept", design.UNMAPPED_ATTRIBUTE_ANSWERS[0])
    patient = place.choose(
        row
        for row in place.live_patients()
        if any(one.value == unmapped and not one.voided for one in place.bahmni.persons[row.uuid].attributes)
    )
    value = place.made.ids("bahmni", "concept", "General")
    place.bahmni.hospital_edit_attribute(patient.uuid, place.made.ids("bahmni", "attribute", "class"), value)


def void_a_patient(place: Place, key: str) -> None:
    """Silent, and with her all that is known of her."""
    place.bahmni.void_patient(place.choose(place.live_patients()).uuid)


def unvoid_a_patient(place: Place, key: str) -> None:
    """It was a mistake."""
    place.bahmni.unvoid_patient(place.choose(row for row in place.patients() if row.voided).uuid)


# -- consultations ----------------------------------------------------------------------------------------------------


def save_a_consultation(place: Place, key: str) -> None:
    """With one form or several, sometimes one of them twice, or one beside that stays in the hospital."""
    patient = _patient(place)
    filled = place.random.sample((*forms.HOSPITAL_FORMS, *forms.HOSPITAL_PROGRAM_FORMS), place.random.choice((1, 1, 2)))
    if place.random.random() < 0.2:
        filled.append(filled[0])
    if place.random.random() < 0.15:
        filled.append(forms.UNMAPPED_HOSPITAL_FORM)
    place.clinic.consult(key, patient, filled)


def save_a_consultation_with_an_unmapped_answer(place: Place, key: str) -> None:
    """It cannot travel until somebody mends it."""
    answers = {"Breath sounds": [forms.UNMAPPED_HOSPITAL_ANSWERS[0]]}
    place.clinic.consult(key, _patient(place), [forms.HOSPITAL_FORMS[1]], answers)


def mend_a_consultation(place: Place, key: str) -> None:
    """Another answer for the one without a partner."""
    unmapped = place.concept(forms.UNMAPPED_HOSPITAL_ANSWERS[0])
    rows = (obs for row in place.live_consultations() for obs in place.answers(row))
    row = place.choose(obs for obs in rows if obs.value == unmapped)
    clinicians.edit_obs(place.bahmni, row.uuid, place.concept("Clear"))


def add_a_form(place: Place, key: str) -> None:
    """One more form, perhaps one that is there already, in a consultation that took place today."""
    encounter = place.choose(_todays(place))
    form = place.random.choice((*forms.HOSPITAL_FORMS, *forms.HOSPITAL_PROGRAM_FORMS, forms.UNMAPPED_HOSPITAL_FORM))
    filled = place.clinic.filled(key, form)
    clinicians.add_form(place.bahmni, encounter.uuid, filled)


def correct_an_answer(place: Place, key: str) -> None:
    """Of any kind; the observation gets another uuid."""
    row = place.choose(obs for encounter in place.live_consultations() for obs in place.answers(encounter))
    clinicians.edit_obs(place.bahmni, row.uuid, _another(place, row))


def take_an_answer_out(place: Place, key: str) -> None:
    """One answer, perhaps one of several to its question."""
    row = place.choose(obs for encounter in place.live_consultations() for obs in place.answers(encounter))
    clinicians.remove_obs(place.bahmni, row.uuid)


def take_a_form_out(place: Place, key: str) -> None:
    """With all in it."""
    row = place.choose(obs for encounter in place.live_consultations() for obs in place.tops(encounter))
    clinicians.remove_obs(place.bahmni, row.uuid)


def void_an_answer(place: Place, key: str) -> None:
    """Silent: an administrator's doing."""
    row = place.choose(obs for encounter in place.live_consultations() for obs in place.answers(encounter))
    clinicians.void_obs(place.bahmni, row.uuid)


def void_a_consultation(place: Place, key: str) -> None:
    """Silent."""
    clinicians.void_encounter(place.bahmni, place.choose(place.live_consultations()).uuid)


def unvoid_a_consultation(place: Place, key: str) -> None:
    """Silent."""
    voided = (row for row in place.consultations() if row.voided and not place.bahmni.patients[row.patient].voided)
    encounters.unvoid_encounter(place.bahmni, place.choose(voided))


def move_a_consultation(place: Place, key: str) -> None:
    """An hour or so later or earlier, within its visit."""
    row = place.choose(place.live_consultations())
    visit = place.bahmni.visits[row.visit or ""]
    moment = row.moment + timedelta(minutes=place.random.randrange(-90, 91))
    moment = max(min(moment, visit.stop or place.town.clock()), visit.start)
    body = {"encounterDatetime": moment.isoformat(timespec="seconds")}
    place.bahmni.hospital_save_encounter(uuid=row.uuid, **body)


# -- what came from Avni ----------------------------------------------------------------------------------------------


def add_a_note_to_one_of_ours(place: Place, key: str) -> None:
    """A clinician writes beside our form."""
    row = place.choose(place.live_ours())
    note = {"concept": place.concept("Ward"), "value": "Women's ward"}
    place.bahmni.hospital_save_encounter(uuid=row.uuid, obs=[note])


def take_a_note_back(place: Place, key: str) -> None:
    """What a clinician wrote beside our form goes."""
    ward = place.concept("Ward")
    notes = [obs for row in place.live_ours() for obs in place.tops(row) if obs.concept == ward]
    note = place.choose(notes)
    body = [{"uuid": note.uuid, "concept": note.concept, "voided": True}]
    place.bahmni.hospital_save_encounter(uuid=note.encounter, obs=body)


def void_one_of_ours(place: Place, key: str) -> None:
    """Silent: somebody of the hospital thinks that it should not be there."""
    clinicians.void_encounter(place.bahmni, place.choose(place.live_ours()).uuid)


def unvoid_one_of_ours(place: Place, key: str) -> None:
    """Silent: somebody of the hospital takes that back."""
    user = place.pairs.hospital.user
    voided = (row for row in place.ours() if row.voided and row.audit.voided_by != user)
    encounters.unvoid_encounter(place.bahmni, place.choose(voided))


def close_a_visit_of_ours(place: Place, key: str) -> None:
    """As the nightly task does."""
    open_ones = {row.visit: None for row in place.live_ours()}
    rows = (place.bahmni.visits[uuid or ""] for uuid in open_ones)
    visits.end_visit(place.bahmni, place.choose(row for row in rows if row.stop is None))


def answer_one_of_ours_otherwise(place: Place, key: str) -> None:
    """A clinician knows better than what came from Avni."""
    row = place.choose(_answers_from_avni(place))
    clinicians.edit_obs(place.bahmni, row.uuid, _better_known(place, row))


def take_an_answer_of_ours_out(place: Place, key: str) -> None:
    """A clinician thinks that it is wrong."""
    clinicians.remove_obs(place.bahmni, place.choose(_answers_from_avni(place)).uuid)


HOSPITAL_EDITS: Final[Mapping[str, tuple[int, Edit]]] = {
    "a patient is registered": (3, register_a_patient),
    "a subject is registered as a patient": (2, register_a_subject_as_a_patient),
    "an outsider is registered": (2, register_an_outsider),
    "an outsider is given a number": (2, give_an_outsider_a_number),
    "a patient's number is mistyped": (4, mistype_a_patients_number),
    "a patient's number is corrected": (8, correct_a_patients_number),
    "an attribute is edited": (6, edit_an_attribute),
    "an attribute of a patient we created is edited": (4, edit_an_attribute_of_one_we_created),
    "an attribute nobody mapped is given": (4, give_an_attribute_nobody_mapped),
    "an attribute nobody mapped is mended": (9, mend_an_attribute),
    "a patient is voided": (2, void_a_patient),
    "a patient is un-voided": (4, unvoid_a_patient),
    "a consultation is saved": (14, save_a_consultation),
    "a consultation is saved with an answer nobody mapped": (4, save_a_consultation_with_an_unmapped_answer),
    "a consultation is mended": (6, mend_a_consultation),
    "a form is added": (5, add_a_form),
    "an answer is corrected": (10, correct_an_answer),
    "an answer is taken out": (5, take_an_answer_out),
    "a form is taken out": (4, take_a_form_out),
    "an answer is voided": (2, void_an_answer),
    "a consultation is voided": (3, void_a_consultation),
    "a consultation is un-voided": (3, unvoid_a_consultation),
    "a consultation is moved": (3, move_a_consultation),
    "a note is added to what came from Avni": (3, add_a_note_to_one_of_ours),
    "a note is taken out of what came from Avni": (3, take_a_note_back),
    "what came from Avni is voided": (2, void_one_of_ours),
    "what came from Avni is un-voided": (4, unvoid_one_of_ours),
    "an answer that came from Avni is corrected": (3, answer_one_of_ours_otherwise),
    "an answer that came from Avni is taken out": (3, take_an_answer_of_ours_out),
    "a visit of ours is closed": (3, close_a_visit_of_ours),
}
"""What the hospital's people do, each with how often it happens beside the others."""


# -- what they draw ---------------------------------------------------------------------------------------------------


def _patient(place: Place) -> str:
    """Mostly of the programme."""
    known = place.community_patients()
    return place.choose(place.live_patients() if place.random.random() < 0.1 else known).uuid


def _todays(place: Place) -> list[Encounter]:
    """Consultations of the patients' open visits: the screen adds forms to no other."""
    today = place.town.clock().astimezone(IST).date()
    rows = place.live_consultations()
    return [row for row in rows if row.moment.astimezone(IST).date() == today]


def _another(place: Place, row: Obs) -> Any:
    """Another value of the question's kind."""
    concept = place.bahmni.concepts[row.concept]
    question = next((one for one in forms.HOSPITAL_QUESTIONS if one.name == concept.name), None)
    if question is None:
        raise NotNow
    given = place.clinic.answer(question)
    one = place.random.choice(given) if isinstance(given, list) else given
    return place.concept(one) if question.kind == "Coded" else one


def _answers_from_avni(place: Place) -> list[Obs]:
    """What the field team answered, in live encounters of ours, as far as anybody can say something else."""
    kinds = {partner.uuid: partner.kind for partner in place.pairs.questions.values()}
    rows = (row for row in place.live_ours() if not place.bahmni.patients[row.patient].voided)
    answers = (obs for row in rows for obs in place.answers(row))
    return [obs for obs in answers if kinds.get(obs.concept) in ("Coded", "Numeric", "Text", "Notes")]


def _better_known(place: Place, row: Obs) -> Any:
    """Another answer than stands there, nor beside it."""
    answers = place.bahmni.concepts[row.concept].answers
    if answers:
        said = {obs.value for obs in place.bahmni.obs_of(row.encounter or "") if not obs.voided}
        return place.choose(sorted({*answers} - {str(one) for one in said}))
    return row.value + 1 if isinstance(row.value, float) else f"in the hospital: {place.random.randrange(1000)}"
