"""Questions, answers, forms and types: what has no partner in a mapping or a wrong one, and what does not fit."""

from __future__ import annotations

from collections.abc import Mapping

from bahmni import vocabulary as v
from errors.specs import Sentence

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
    "bahmni.value-kind": Sentence(
        cause='The question "{question}" should hold {expected}, but the record holds another kind of value: {kind}.',
        remedy="Correct the value in the record, or the kind of answer in the question's mapping, then retry.",
        question="question",
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
    "bahmni.address-field-unknown": Sentence(
        cause='The level "{level}" is mapped to "{field}", which is no field of an address in Bahmni.',
        remedy="Choose one of cityVillage, countyDistrict, stateProvince, country, postalCode, address1 to address15.",
        mends=v.ADDRESS_LEVEL,
    ),
}
