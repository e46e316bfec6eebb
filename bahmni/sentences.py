"""What the message ids of this connector mean to a person: the cause with names of metadata, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

from avni.refusals import REFUSALS
from bahmni import vocabulary as v
from bahmni.declarations import ERROR_TYPES
from errors.catalogue import BY_ITSELF, SIGN_IN
from errors.specs import Move, Sentence

BY_NAME = {
    "encounter-type": (
        v.GENERAL_ENCOUNTER_TYPE, 'The encounter type "{value}" has no encounter type of Bahmni that stands for it.',
    ),
    "encounter-form": (
        v.GENERAL_ENCOUNTER_FORM,
        'The encounter type "{value}" has no form of Bahmni under which its answers are filed.',
    ),
    "program-encounter-type": (
        v.PROGRAM_ENCOUNTER_TYPE,
        'The program encounter type "{value}" has no encounter type of Bahmni that stands for it.',
    ),
    "program-encounter-form": (
        v.PROGRAM_ENCOUNTER_FORM,
        'The program encounter type "{value}" has no form of Bahmni under which its answers are filed.',
    ),
    "enrolment-type": (
        v.ENROLMENT_TYPE, 'The program "{value}" has no encounter type of Bahmni that stands for its enrolments.',
    ),
    "enrolment-form": (
        v.ENROLMENT_FORM,
        'The program "{value}" has no form of Bahmni under which the answers of its enrolments are filed.',
    ),
    "exit-type": (
        v.EXIT_TYPE, 'The program "{value}" has no encounter type of Bahmni that stands for its exits.',
    ),
    "exit-form": (
        v.EXIT_FORM, 'The program "{value}" has no form of Bahmni under which the answers of its exits are filed.',
    ),
    "program-visit-type": (
        v.PROGRAM_VISIT_TYPE,
        'The program "{value}" has no visit type of Bahmni for the visits that hold its encounters.',
    ),
}  # fmt: skip
"""What is looked up by the name of an encounter type or program: the mapping, and the sentence where it is missing."""

SENTENCES: Mapping[str, Sentence] = {
    **{f"{SIGN_IN}.{refusal.word}": Sentence(refusal.cause, refusal.remedy) for refusal in REFUSALS},
    **{
        v.taken_over(name): Sentence(
            cause='The Java service stopped at this record: "{type}".',
            remedy=f"{BY_ITSELF} Retry it to have it looked at now. If anything still stops it, its error then says "
            "what, and where to mend it.",
            error_type=name,
        )
        for name in ("", *(spec.name for spec in ERROR_TYPES))
    },
    "bahmni.taken-over-event": Sentence(
        cause="An event of the feed told the Java service of this record, and it could not carry it out.",
        remedy=f"{BY_ITSELF} Retry it to have it looked at now.",
    ),
    "bahmni.answer-unmapped": Sentence(
        cause='The answer "{value}" to the question "{question}" has no partner in Bahmni.',
        remedy="Add a mapping for this answer, or leave it out for good (ignored concepts), then retry.",
        mends=v.CONCEPT,
        may_be_ignored=True,
    ),
    "bahmni.answer-unknown": Sentence(
        cause='An answer to the question "{question}" has no partner in Bahmni, and Avni has no concept of its name: '
        "perhaps it is no choice, but a text people write. What it says is not shown here.",
        remedy="Look at the record in Avni. If the question takes a text, change the kind of answer in its mapping to "
        "Text; if the answer was renamed, mend the mapping of the answer. Or let answers without a mapping be left "
        "out or sent as text (Without a mapping). Then retry.",
        question="question",
    ),
    "bahmni.question-unmapped": Sentence(
        cause='The question "{value}" has no partner in Bahmni.',
        remedy="Add a mapping for this question, or leave it out for good (ignored concepts), then retry. Whether "
        "such questions are errors is said in the mapping of their form or group, or in the constants.",
        mends=v.CONCEPT,
        may_be_ignored=True,
    ),
    "bahmni.question-unmapped.by-uuid": Sentence(
        cause='Avni names a question of the group "{group}" by its uuid only ({uuid}), and no mapping has this uuid.',
        remedy='Enter it in the mapping of that question as "Its uuid in Avni"; the same for its answers. Or ignore '
        "it (ignored concepts), or let such questions be left out (Without a mapping, in the group's mapping). Then "
        "retry.",
        question="group",
    ),
    "bahmni.observation-question-unmapped": Sentence(
        cause='The question "{name}" has no partner in Avni.',
        remedy="Add a mapping for this question, or leave it out for good (ignored concepts), then retry. Whether "
        "such questions are errors is said in the mapping of their form or group, or in the constants.",
        mends=v.CONCEPT,
        may_be_ignored=True,
    ),
    "bahmni.nowhere-for-unmapped": Sentence(
        cause="The record holds questions without a mapping that are to be sent as text, and no concept is named that "
        "takes such texts.",
        remedy="Name one in each system (Unmapped / UnmappedQuestions_Concept), or let such questions be left out, "
        "then retry.",
        mends=v.UNMAPPED_CONCEPT,
    ),
    "bahmni.member-without-uuid": Sentence(
        cause='Avni shows what stands in the group "{group}" by uuids, and no mapping says which is "{question}".',
        remedy='Enter the uuid of each question of the group, and of its answers, in their mappings ("Its uuid in '
        'Avni"), then retry.',
        question="question",
    ),
    "bahmni.value-too-long": Sentence(
        cause='The {kind} in "{question}" is longer than the {most} characters that are kept.',
        remedy="Shorten it in the record, or ignore the question (ignored concepts), then retry.",
        question="question",
    ),
    "bahmni.attribute-answer-unmapped": Sentence(
        cause='The value "{name}" of the attribute behind "{question}" has no partner in Avni.',
        remedy="Add a mapping for this answer, or leave it out for good (ignored concepts), then retry.",
        mends=v.CONCEPT,
        may_be_ignored=True,
    ),
    "bahmni.observation-answer-unmapped": Sentence(
        cause='The answer "{name}" to the question behind "{question}" has no partner in Avni.',
        remedy="Add a mapping for this answer, or leave it out for good (ignored concepts), then retry.",
        mends=v.CONCEPT,
        may_be_ignored=True,
    ),
    "bahmni.repeated-question": Sentence(
        cause='One form answers the question behind "{question}" several times, each time differently. Only a choice '
        "of answers may have several.",
        remedy="Correct the form in Bahmni, or leave the question out for good (ignored concepts), then retry.",
    ),
    **{
        message: Sentence(
            cause='"{name}" is mapped to something that is no uuid of Bahmni.',
            remedy='Change the mapping of "{name}": enter the uuid of what stands for it in Bahmni, then retry.',
            mends=pair,
            is_there=True,
        )
        for message, pair in (
            ("bahmni.mapping-without-uuid", v.CONCEPT),
            *((f"bahmni.mapping-without-uuid.{what}", pair) for what, (pair, _) in BY_NAME.items()),
        )
    },
    **{
        f"bahmni.{what}-unmapped": Sentence(cause=cause, remedy="Add a mapping for it, then retry.", mends=pair)
        for what, (pair, cause) in BY_NAME.items()
    },
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
    "bahmni.completed-before": Sentence(
        cause="The visit was handed over when it was completed; in Avni it is now planned or cancelled.",
        remedy="If it did not take place, void its encounter in Bahmni and ignore this with a reason. Otherwise "
        "complete it again in Avni: it is then handed over.",
        offers=(Move.SOURCE, Move.TARGET),
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
    "bahmni.visit-gone": Sentence(
        cause="The visit in Bahmni that holds this record, or should hold it, is voided or not there any more.",
        remedy="Un-void it in Bahmni, then retry.",
        offers=(Move.TARGET,),
    ),
    "bahmni.encounter-shared": Sentence(
        cause="The record was voided in Avni, but its encounter in Bahmni holds more than came from there.",
        remedy="Have it moved to another encounter in Bahmni, or void the encounter there; then retry.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.multiple-encounters": Sentence(
        cause="The patient has several encounters in Bahmni that stand for this record.",
        remedy="Void all but one of them in Bahmni, then retry.",
        offers=(Move.SAME, Move.TARGET),
    ),
    "bahmni.value-kind": Sentence(
        cause='The question "{question}" should hold {expected}, but the record holds another kind of value: {kind}.',
        remedy="Correct the value in the record, or the kind of answer in the question's mapping, then retry.",
        question="question",
    ),
    "bahmni.not-understood": Sentence(
        cause="Bahmni could not read a part of the record: a mapping names something of another kind there, or an "
        "answer does not fit its concept's data type.",
        remedy="Check the mappings of the record's type (an encounter type, not a form) and of its form, and whether "
        "the concepts of its questions have the data types of the answers; then retry.",
    ),
    "bahmni.row-unreadable": Sentence(
        cause='Avni cannot show {rows} record(s) of "{part}" last changed at {at} ({code}).',
        remedy="Have it looked at by whoever runs Avni: usually an answer to a question that no longer exists. "
        "All other records went on; when it can be shown again it is handed over by itself, or at once by a retry.",
    ),
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
    "bahmni.patient-number-differs": Sentence(
        cause="The patient of this encounter now has another number than when it was registered in Avni.",
        remedy="Correct the number on one side. The encounter follows when the patient got through.",
        error_type="PatientIdChanged",
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
    "bahmni.form-of-enrolment": Sentence(
        cause='The form "{name}" is mapped as an enrolment (ProgramEnrolment / EncounterType). A form of Bahmni cannot '
        "become an enrolment in Avni.",
        remedy="Void that mapping. Map the form in GeneralEncounter / EncounterType, or in ProgramEncounter / "
        "EncounterType and ProgramEnrolment / BahmniForm_CommunityProgram; then retry.",
        mends=v.HOSPITAL_ENROLMENT_FORM,
        is_there=True,
    ),
    "bahmni.form-mapped-twice": Sentence(
        cause='The form "{name}" is mapped both to a general encounter type and to one in a program.',
        remedy="Void one of the two mappings (EncounterType in GeneralEncounter or in ProgramEncounter), then retry.",
        mends=v.HOSPITAL_FORM,
        is_there=True,
    ),
    "bahmni.form-without-program": Sentence(
        cause='The form "{name}" becomes a program encounter, but nothing says in which program.',
        remedy="Add a mapping of the form to its program, then retry.",
        mends=v.FORM_PROGRAM,
    ),
    "bahmni.made-enrolment-voided": Sentence(
        cause="The enrolment that was made for encounters of the hospital was voided in Avni by a person, and there is "
        "no other in that program.",
        remedy="Un-void it, or enrol the subject anew in Avni, then retry. If the subject does not belong in the "
        "program, ignore this with a reason.",
        offers=(Move.TARGET,),
    ),
    "bahmni.encounter-in-other-program": Sentence(
        cause="Avni holds this encounter in another program than its form is mapped to now, and it was written there "
        "by another service.",
        remedy="Move it in Avni, or map the form to that program again, then retry.",
        offers=(Move.TARGET,),
    ),
    "bahmni.answers-cannot-be-kept": Sentence(
        cause="Somebody gave answers of a place or a question group in the program encounter that stands for this in "
        "Avni. They would be lost, because Avni lets a program encounter only be replaced as a whole.",
        remedy="Take those answers out of the program encounter in Avni, or enter them elsewhere, then retry.",
        offers=(Move.TARGET,),
    ),
    "bahmni.cancelled-by-the-field-team": Sentence(
        cause="Somebody cancelled the program encounter that stands for this in Avni. It cannot be cancelled and hold "
        "what the hospital says of it.",
        remedy="Undo the cancellation in Avni if the encounter took place, then retry. Else void it in Bahmni.",
        offers=(Move.TARGET,),
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
    "bahmni.registration-date-missing": Sentence(
        cause="The subject has no registration date.",
        remedy="Enter it in Avni. The record is handed over when it changes.",
    ),
    "bahmni.demographic-missing": Sentence(
        cause='"{field}" is missing or not one Bahmni knows, and Bahmni takes no patient without it.',
        remedy='Enter "{field}" in Avni. The record is handed over when it changes.',
    ),
    "bahmni.address-field-unknown": Sentence(
        cause='The level "{level}" is mapped to "{field}", which is no field of an address in Bahmni.',
        remedy="Choose one of cityVillage, countyDistrict, stateProvince, country, postalCode, address1 to address15.",
        mends=v.ADDRESS_LEVEL,
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
        remedy="Compare both. If it is one person, correct what is wrong, then retry; if not, correct the number.",
        offers=(Move.SAME, Move.APART),
    ),
    "bahmni.multiple-patients": Sentence(
        cause="Several patients in Bahmni have this number.",
        remedy="Merge them in Bahmni, or correct a number, then retry.",
        offers=(Move.SAME, Move.APART),
    ),
    "bahmni.multiple-visits": Sentence(
        cause="The patient has several visits in Bahmni that were opened for this record.",
        remedy="Void all but one of them in Bahmni, then retry.",
        offers=(Move.SAME,),
    ),
    "bahmni.multiple-registrations": Sentence(
        cause="Avni holds several registration encounters for this patient.",
        remedy="Void all but one of them in Avni, then retry.",
    ),
    "bahmni.multiple-encounters-for-form": Sentence(
        cause='Avni holds several un-voided encounters "{form}" for this encounter.',
        remedy="Void all but one of them in Avni, then retry.",
    ),
    "bahmni.encounter-elsewhere": Sentence(
        cause="Avni holds this encounter at another subject than the one its patient is registered for.",
        remedy="Find out whose encounter it is, correct it on one side, then retry.",
        error_type="SubjectIdChanged",
        offers=(Move.TARGET,),
    ),
    "bahmni.registration-gone": Sentence(
        cause="What was handed over before is not there any more, or no longer carries our marker.",
        remedy="Find out who removed it. Nothing is written until then.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.marker-missing": Sentence(
        cause="The registration encounter in Avni no longer carries the patient's uuid.",
        remedy="Somebody changed it by hand. Restore the uuid in Avni, then retry.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.number-moved": Sentence(
        cause="What was handed over before now belongs to another patient, or the patient's number changed.",
        remedy="Find out which patient is meant and correct the number on one side, then retry.",
        error_type="PatientIdChanged",
        offers=(Move.SAME, Move.SOURCE, Move.TARGET, Move.APART),
    ),
    "bahmni.patient-voided": Sentence(
        cause="The patient is voided in Bahmni.",
        remedy="Un-void the patient in Bahmni, or void the subject in Avni, then retry.",
        offers=(Move.TARGET,),
    ),
    "bahmni.changed-by-somebody": Sentence(
        cause="{who} changed what was handed over before: {questions}.",
        remedy="Decide which of both holds. Nothing is written over what a person changed until then.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.subject-apart": Sentence(
        cause="A person decided that the subject this record belongs to is not the patient with its number.",
        remedy="Nothing to do. The record follows when the subject reaches a patient.",
    ),
    "bahmni.patient-apart": Sentence(
        cause="A person decided that the patient of this encounter is not the subject with its number.",
        remedy="Nothing to do. The encounter follows when the patient reaches a subject.",
    ),
    "bahmni.target-voided": Sentence(
        cause="What was handed over before was voided on the other side by a person.",
        remedy="Un-void it there if that was a mistake, then retry; otherwise ignore with a reason.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.feed-reset": Sentence(
        cause="Bahmni's feed no longer holds the entry we stopped at. Was its database restored or replaced?",
        remedy="Find out what happened to Bahmni. Nothing is read or skipped until somebody accepts it as it is now.",
    ),
    "record.field-kind": Sentence(
        cause='"{field}" of the record should hold {expected}, but holds another kind of value: {kind}.',
        remedy="Open the record in its own system; report it to the people who run that system.",
    ),
    "record.field-missing": Sentence(
        cause='The record lacks "{field}", which every record should have.',
        remedy="Open the record in its own system; report it to the people who run that system.",
    ),
}
