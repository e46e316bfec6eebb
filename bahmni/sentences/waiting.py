"""What waits for something else, and what stays behind because it is not to travel."""

from __future__ import annotations

from collections.abc import Mapping

from errors.specs import Sentence

SENTENCES: Mapping[str, Sentence] = {
    "bahmni.came-from-bahmni": Sentence(
        cause="The record stands in Avni for something of Bahmni; it does not travel back.", remedy="Nothing to do."
    ),
    "bahmni.not-of-a-patient": Sentence(
        cause="The record belongs to a subject of a type whose subjects are no patients.", remedy="Nothing to do."
    ),
    "bahmni.not-completed": Sentence(
        cause="The visit was planned or cancelled; it never took place.",
        remedy="Nothing to do. It is handed over when it is completed in Avni.",
    ),
    "bahmni.subject-not-yet": Sentence(
        cause="The subject this record belongs to does not stand in Bahmni yet.",
        remedy="Nothing to do if the subject is on its way: this record follows by itself. If the subject has an "
        "error of its own, mend that.",
        error_type="NoPatientWithId",
    ),
    "bahmni.subject-voided": Sentence(
        cause="The subject this record belongs to is voided in Avni.",
        remedy="Nothing to do. The record is handed over if its subject is un-voided.",
    ),
    "bahmni.subject-held": Sentence(
        cause="The subject this record belongs to is held until a person decides.",
        remedy="Settle the subject's own error. The record follows then.",
    ),
    "bahmni.subject-apart": Sentence(
        cause="A person decided that the subject this record belongs to is not the patient with its number.",
        remedy="Nothing to do. The record follows when the subject reaches a patient.",
    ),
    "bahmni.enrolment-not-yet": Sentence(
        cause="The enrolment this record belongs to does not stand in Bahmni yet.",
        remedy="Nothing to do if the enrolment is on its way: this record follows by itself. If the enrolment has an "
        "error of its own, mend that.",
    ),
    "bahmni.enrolment-voided": Sentence(
        cause="The enrolment this record belongs to is voided in Avni.",
        remedy="Nothing to do. The record is handed over if its enrolment is un-voided.",
    ),
    "bahmni.enrolment-held": Sentence(
        cause="The enrolment this record belongs to is held until a person decides.",
        remedy="Settle the enrolment's own error. The record follows then.",
    ),
    "bahmni.patient-not-yet": Sentence(
        cause="The patient of this encounter is not registered in Avni yet.",
        remedy="Nothing to do here: the encounter follows as soon as its patient got through. "
        "If the patient does not, the patient's own error says why.",
        error_type="NoSubjectWithId",
    ),
    "bahmni.patient-held": Sentence(
        cause="The patient of this encounter is held until a person decides.",
        remedy="Settle the patient's own error. The encounter follows then.",
    ),
    "bahmni.patient-apart": Sentence(
        cause="A person decided that the patient of this encounter is not the subject with its number.",
        remedy="Nothing to do. The encounter follows when the patient reaches a subject.",
    ),
    "bahmni.patient-of-encounter-voided": Sentence(
        cause="The patient of this encounter is voided in Bahmni, though the encounter is not.",
        remedy="Un-void the patient in Bahmni, or void the encounter there, too. The encounter follows then.",
    ),
    "bahmni.no-mapped-form": Sentence(
        cause="No form of this encounter is mapped to an encounter type of Avni.",
        remedy="Nothing to do, unless one of its forms should travel: then add a mapping for the form. What was "
        "read before follows within one round.",
    ),
    "bahmni.not-outpatient": Sentence(
        cause="Laboratory results and prescriptions go to Avni only from visits of the types in the constant "
        "OutpatientVisitTypes; this encounter stands in another visit, or in none.",
        remedy="Nothing to do, unless those of such visits should go there, too: then add the type of visit to the "
        "constant. What was read before follows within one round.",
    ),
    "bahmni.not-in-programme": Sentence(
        cause="Not in the programme: the patient's number does not begin with the prefix of the programme.",
        remedy="Nothing to do. The patient is handed over, with all encounters, when a number of the programme is "
        "given.",
        error_type="NotACommunityMember",
    ),
    "bahmni.voided-before-hand-over": Sentence(
        cause="The record was voided before it was ever handed over.", remedy="Nothing to do."
    ),
    "bahmni.future": Sentence(
        cause="The date of the record lies in the future.",
        remedy="It is handed over when that day has come. Correct the date in Avni if it is wrong.",
    ),
    "bahmni.exit-in-future": Sentence(
        cause="The enrolment was handed over, but its exit lies in the future.",
        remedy="The exit follows when that day has come. Correct its date in Avni if it is wrong.",
    ),
}
