"""Whose record it is: the number, the subject and the patient, and what is said of the person."""

from __future__ import annotations

from collections.abc import Mapping

from errors.specs import Move, Sentence

SENTENCES: Mapping[str, Sentence] = {
    "bahmni.subject-id-null": Sentence(
        cause='The subject has no patient number: "{concept}" is empty.',
        remedy='Enter "{concept}" in Avni. The record is handed over when it changes.',
        error_type="SubjectIdNull",
    ),
    "bahmni.multiple-subjects": Sentence(
        cause='Another subject, registered earlier, has the same "{concept}".',
        remedy="Correct the number of one of them in Avni, or void the one that is a duplicate, then retry.",
        error_type="MultipleSubjectsWithId",
    ),
    "bahmni.multiple-subjects-for-patient": Sentence(
        cause="Several subjects in Avni have this patient's number.",
        remedy="Correct the number of all but one of them in Avni, or void the duplicates, then retry.",
        error_type="MultipleSubjectsWithId",
        offers=(Move.SAME, Move.APART),
    ),
    "bahmni.subject-id-changed": Sentence(
        cause="The patient with this number already carries the registration of another subject, or the subject's "
        "number was changed after it was handed over.",
        remedy="Find out which subject the patient is. Correct the number in Avni, then retry.",
        error_type="SubjectIdChanged",
        offers=(Move.SOURCE, Move.TARGET, Move.APART),
    ),
    "bahmni.subject-id-changed-for-patient": Sentence(
        cause="Avni holds this patient's registration at a subject that is voided or has another number than the "
        "patient now.",
        remedy="Find out which subject the patient is. Un-void that subject or correct its number in Avni, or the "
        "patient's in Bahmni, then retry.",
        error_type="SubjectIdChanged",
    ),
    "bahmni.no-subject": Sentence(
        cause="No subject in Avni has this patient's number yet.",
        remedy="Nothing to do when the subject is still to be registered: it is handed over then. "
        "Otherwise correct the number on one side.",
        error_type="NoSubjectWithId",
    ),
    "bahmni.patient-number-differs": Sentence(
        cause="The patient of this encounter now has another number than when it was registered in Avni.",
        remedy="Correct the number on one side. The encounter follows when the patient got through.",
        error_type="PatientIdChanged",
    ),
    "bahmni.registration-date-missing": Sentence(
        cause="The subject has no registration date.",
        remedy="Enter it in Avni. The record is handed over when it changes.",
    ),
    "bahmni.demographic-missing": Sentence(
        cause='"{field}" is missing or not one Bahmni knows, and Bahmni takes no patient without it.',
        remedy='Enter "{field}" in Avni. The record is handed over when it changes.',
    ),
    "bahmni.demographics-differ": Sentence(
        cause="Name, gender, birth date or address of the patient in Bahmni differ from the subject in Avni.",
        remedy='See "Show both servers". What the hospital wrote is never overwritten; correct the side that is wrong.',
    ),
    "bahmni.name-refused": Sentence(
        cause='Bahmni does not accept the characters of "{field}".',
        remedy='Correct "{field}" in Avni, or let the hospital widen the rule for names (patient.nameValidationRegex), '
        "then retry. Names are never altered on the way.",
    ),
    "bahmni.number-in-use": Sentence(
        cause="Bahmni says that another patient already uses this number, but does not show that patient.",
        remedy="Look for the number in Bahmni, also among other kinds of number, and correct it, then retry.",
    ),
    "bahmni.first-match-disagrees": Sentence(
        cause="A patient in Bahmni has this number, but {differing} differ from the subject in Avni.",
        remedy='Press "Decide…", which shows both. If they are one person, "Same person" links them and writes '
        "neither name over the other: in Bahmni that of the patient stands, in Avni that of the subject, and so with "
        "gender and birth date. If they are two, keep them apart, and correct the number where it is wrong. What is "
        "simply a mistake can be corrected instead; then retry.",
        offers=(Move.SAME, Move.APART),
    ),
    "bahmni.multiple-patients": Sentence(
        cause="Several patients in Bahmni have this number.",
        remedy='Merge them in Bahmni, or correct a number, then retry. Or press "Decide…" and say which of them it is.',
        offers=(Move.SAME, Move.APART),
    ),
    "bahmni.number-moved": Sentence(
        cause="What was handed over before now belongs to another patient, or the patient's number changed.",
        remedy='Find out which patient is meant, then press "Decide…", or correct the number on one side and retry.',
        error_type="PatientIdChanged",
        offers=(Move.SAME, Move.SOURCE, Move.TARGET, Move.APART),
    ),
    "bahmni.patient-voided": Sentence(
        cause="The patient is voided in Bahmni.",
        remedy="Un-void the patient in Bahmni, or void the subject in Avni, then retry.",
        offers=(Move.TARGET,),
    ),
}
