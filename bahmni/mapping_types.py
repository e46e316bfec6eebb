"""The kinds of mapping that joining Avni with Bahmni takes, as plain data: what each is for, and what follows without.

The names are those of the Java service, so that an administrator (and an export of his) finds everything again.
"""

from __future__ import annotations

from typing import Final

from bahmni import vocabulary as v
from mappings.specs import MappingTypeSpec

_FROM_AVNI: Final = frozenset({v.AVNI_TO_BAHMNI})
_FROM_BAHMNI: Final = frozenset({v.BAHMNI_TO_AVNI})
_BOTH_WAYS: Final = _FROM_AVNI | _FROM_BAHMNI

_PATIENT_SUBJECT: Final = (
    MappingTypeSpec(
        group="PatientSubject",
        name="PatientIdentifier_Concept",
        used_for="The Avni concept that holds the hospital number, e.g. Sangam Number. Subject and patient find "
        "each other by it.",
        when_missing="Nobody can be matched: neither direction starts.",
        needed_by=_BOTH_WAYS,
        is_single=True,
    ),
    MappingTypeSpec(
        group="PatientSubject",
        name="Subject_EncounterType",
        used_for="The OpenMRS encounter type of the encounter that carries a subject's registration.",
        when_missing="A registration has no place to stand: Avni → Bahmni does not start.",
        needed_by=_FROM_AVNI,
        is_single=True,
    ),
    MappingTypeSpec(
        group="PatientSubject",
        name="CommunityRegistration_BahmniForm",
        used_for="The OpenMRS concept set (form) under which the answers of a registration are filed.",
        when_missing="The answers of a registration have no form: Avni → Bahmni does not start.",
        needed_by=_FROM_AVNI,
        is_single=True,
    ),
    MappingTypeSpec(
        group="PatientSubject",
        name="PersonAttributeConcept",
        used_for="For each person attribute of Bahmni the Avni concept that shows it, e.g. Caste [HP].",
        when_missing="That attribute is left out and counted; the patient still travels.",
    ),
)

_COMMON: Final = (
    MappingTypeSpec(
        group="Common",
        name="AvniUUID_Concept",
        used_for="The OpenMRS text concept that marks an encounter with the Avni id it came from.",
        when_missing="Our own records could not be found again and would be doubled: Avni → Bahmni does not start.",
        needed_by=_FROM_AVNI,
        is_single=True,
    ),
    MappingTypeSpec(
        group="Common",
        name="AvniEventDate_Concept",
        used_for="The OpenMRS date concept that keeps the true date of the Avni record, whatever date its "
        "encounter had to take.",
        when_missing="The true date would be lost: Avni → Bahmni does not start.",
        needed_by=_FROM_AVNI,
        is_single=True,
    ),
    MappingTypeSpec(
        group="Common",
        name="AvniProgramData_Concept",
        used_for="The OpenMRS text concept that says which program, enrolment or exit an encounter belongs to.",
        when_missing="Enrolments and exits are written without it.",
        is_single=True,
    ),
    MappingTypeSpec(
        group="Common",
        name="BahmniUUID_Concept",
        used_for="The Avni text concept that marks a record with the Bahmni id it came from, e.g. Bahmni Entity "
        "UUID [Bahmni].",
        when_missing="Our own records could not be found again and would be doubled: Bahmni → Avni does not start.",
        needed_by=_FROM_BAHMNI,
        is_single=True,
    ),
    MappingTypeSpec(
        group="Common",
        name="AvniUUID_VisitAttributeType",
        used_for="The OpenMRS visit attribute type that marks a visit with the Avni id it was opened for.",
        when_missing="Our own visits could not be found again and would be doubled: Avni → Bahmni does not start.",
        needed_by=_FROM_AVNI,
        is_single=True,
    ),
    MappingTypeSpec(
        group="Common",
        name="AvniEventDate_VisitAttributeType",
        used_for="The OpenMRS visit attribute type that keeps the true date of the Avni record a visit was opened for.",
        when_missing="A visit cannot be opened: Avni → Bahmni does not start.",
        needed_by=_FROM_AVNI,
        is_single=True,
    ),
)

_PROGRAM_ENROLMENT: Final = (
    MappingTypeSpec(
        group="ProgramEnrolment",
        name="CommunityEnrolment_EncounterType",
        used_for="For each Avni program the OpenMRS encounter type of its enrolments.",
        when_missing="A program with neither this nor a form nor a visit type is not read at all; with one of them "
        "alone its enrolments wait with an error.",
    ),
    MappingTypeSpec(
        group="ProgramEnrolment",
        name="CommunityEnrolmentExit_EncounterType",
        used_for="For each Avni program the OpenMRS encounter type of its exits.",
        when_missing="Enrolments that were exited from that program wait with an error until it is there.",
    ),
    MappingTypeSpec(
        group="ProgramEnrolment",
        name="CommunityEnrolment_BahmniForm",
        used_for="For each Avni program the OpenMRS concept set (form) under which the answers of an enrolment "
        "are filed.",
        when_missing="A program with neither this nor an encounter type nor a visit type is not read at all; with one "
        "of them alone its enrolments wait with an error.",
    ),
    MappingTypeSpec(
        group="ProgramEnrolment",
        name="CommunityEnrolmentExit_BahmniForm",
        used_for="For each Avni program the OpenMRS concept set (form) under which the answers of an exit are filed.",
        when_missing="Enrolments that were exited from that program wait with an error until it is there.",
    ),
    MappingTypeSpec(
        group="ProgramEnrolment",
        name="CommunityEnrolment_VisitType",
        used_for="For each Avni program the OpenMRS visit type of the visit that holds its encounters.",
        when_missing="A program with neither this nor an encounter type nor a form is not read at all; with one of "
        "them alone its enrolments wait with an error, and its encounters wait for them.",
    ),
    MappingTypeSpec(
        group="ProgramEnrolment",
        name="BahmniForm_CommunityProgram",
        used_for="For each Bahmni form that belongs to an Avni program, that program. Several forms may share a "
        "program.",
        when_missing="The form cannot find its enrolment in Avni and waits with an error.",
        avni_is_unique=False,
    ),
    MappingTypeSpec(
        group="ProgramEnrolment",
        name="EncounterType",
        used_for="Nothing: a form of Bahmni cannot become an enrolment. The type is here because the Java service's "
        "settings may hold such a mapping; encounters with that form fail with an error that says where it belongs.",
        when_missing="That is right.",
        avni_is_unique=False,
    ),
)

_PROGRAM_ENCOUNTER: Final = (
    MappingTypeSpec(
        group="ProgramEncounter",
        name="CommunityProgramEncounter_EncounterType",
        used_for="For each Avni program encounter type the OpenMRS encounter type.",
        when_missing="An encounter type with neither this nor a form is not read at all; with a form alone its "
        "encounters wait with an error.",
    ),
    MappingTypeSpec(
        group="ProgramEncounter",
        name="CommunityProgramEncounter_BahmniForm",
        used_for="For each Avni program encounter type the OpenMRS concept set (form) under which its answers "
        "are filed.",
        when_missing="An encounter type with neither this nor an encounter type of OpenMRS is not read at all; with "
        "that alone its encounters wait with an error.",
    ),
    MappingTypeSpec(
        group="ProgramEncounter",
        name="EncounterType",
        used_for="For each Bahmni form that becomes a program encounter, the Avni encounter type. It also tells "
        "records that came from Bahmni.",
        when_missing="What is filed under that form stays in Bahmni.",
        avni_is_unique=False,
    ),
)

_GENERAL_ENCOUNTER: Final = (
    MappingTypeSpec(
        group="GeneralEncounter",
        name="CommunityEncounter_EncounterType",
        used_for="For each Avni general encounter type the OpenMRS encounter type.",
        when_missing="An encounter type with neither this nor a form is not read at all; with a form alone its "
        "encounters wait with an error.",
    ),
    MappingTypeSpec(
        group="GeneralEncounter",
        name="CommunityEncounter_BahmniForm",
        used_for="For each Avni general encounter type the OpenMRS concept set (form) under which its answers "
        "are filed.",
        when_missing="An encounter type with neither this nor an encounter type of OpenMRS is not read at all; with "
        "that alone its encounters wait with an error.",
    ),
    MappingTypeSpec(
        group="GeneralEncounter",
        name="EncounterType",
        used_for="For each Bahmni form that becomes a general encounter, the Avni encounter type, e.g. Vitals "
        "(Hospital). "
        "It also tells records that came from Bahmni.",
        when_missing="What is filed under that form stays in Bahmni.",
        avni_is_unique=False,
    ),
    MappingTypeSpec(
        group="GeneralEncounter",
        name="LabEncounterType",
        used_for="The Avni encounter type for laboratory results, and the OpenMRS encounter type they come in. Those "
        "of visits of the types in OutpatientVisitTypes are handed over.",
        when_missing="Laboratory results stay in Bahmni.",
        is_single=True,
    ),
    MappingTypeSpec(
        group="GeneralEncounter",
        name="DrugOrderEncounterType",
        used_for="The Avni encounter type for prescriptions, e.g. Drug Prescriptions (Hospital). Those of visits of "
        "the types in OutpatientVisitTypes are handed over.",
        when_missing="Prescriptions stay in Bahmni.",
        is_single=True,
    ),
    MappingTypeSpec(
        group="GeneralEncounter",
        name="DrugOrderConcept",
        used_for="The Avni text concept in which the prescriptions of an encounter are listed.",
        when_missing="Prescriptions are not listed as text; without DrugOrder_Group, too, they stay in Bahmni.",
        is_single=True,
    ),
)

_LOCATION: Final = (
    MappingTypeSpec(
        group="Location",
        name="AddressField",
        used_for="For each level of Avni's places (e.g. Village) the field of the OpenMRS address it goes into, e.g. "
        "cityVillage. One of cityVillage, countyDistrict, stateProvince, country, postalCode, address1 to address15.",
        when_missing="That level does not travel. Without any, addresses are the hospital's alone.",
        int_system_is_unique=False,
    ),
    MappingTypeSpec(
        group="Location",
        name="AddressValue",
        used_for="For a place whose name the hospital spells otherwise, its name in Avni and in Bahmni.",
        when_missing="The place travels under its name in Avni.",
        int_system_is_unique=False,
    ),
)

_LAB_RESULT: Final = (
    MappingTypeSpec(
        group="LabResult",
        name="LabResult_Text",
        used_for="The Avni text concept in which the results of an encounter are listed test by test, each with what "
        "stands beside it (normal range, notes).",
        when_missing="Results are not listed as text; each is an answer to the question of its test.",
        is_single=True,
    ),
    MappingTypeSpec(
        group="LabResult",
        name="LabResult_Group",
        used_for="The repeatable question group of Avni that is filled in once for each test; beside the two below it "
        "holds the questions that stand beside results, by their mappings in Observation / Concept.",
        when_missing="What stands beside a result (normal range, notes) is left out and counted where the tests of an "
        "encounter differ in it, unless LabResult_Text lists it.",
        is_single=True,
    ),
    MappingTypeSpec(
        group="LabResult",
        name="LabResult_Test",
        used_for="The Avni concept in that group for the name of the test.",
        when_missing="The group does not name the test.",
        is_single=True,
    ),
    MappingTypeSpec(
        group="LabResult",
        name="LabResult_Result",
        used_for="The Avni concept in that group for the result.",
        when_missing="The result stands in the group under the question of its test.",
        is_single=True,
    ),
)


def _of_a_prescription(name: str, what: str) -> MappingTypeSpec:
    return MappingTypeSpec(
        group="DrugOrder",
        name=f"DrugOrder_{name}",
        used_for=f"The Avni concept in DrugOrder_Group for {what}.",
        when_missing="It is told in the text of DrugOrderConcept only.",
        is_single=True,
    )


_DRUG_ORDER: Final = (
    MappingTypeSpec(
        group="DrugOrder",
        name="DrugOrder_Group",
        used_for="The repeatable question group of Avni that is filled in once for each drug prescribed, with the "
        "concepts of this group of mappings.",
        when_missing="Prescriptions are listed as text only (DrugOrderConcept).",
        is_single=True,
    ),
    _of_a_prescription("Name", "the drug, as the hospital stocks it or in the words of who prescribed it"),
    _of_a_prescription("Dose", "how much of it is taken at a time"),
    _of_a_prescription("DoseUnits", "the unit of the dose, e.g. Tablet(s)"),
    _of_a_prescription("Frequency", "how often it is taken"),
    _of_a_prescription("Route", "the way it is taken"),
    _of_a_prescription("Duration", "how long it is taken, a number"),
    _of_a_prescription("DurationUnits", "the unit of that, e.g. Day(s)"),
    _of_a_prescription("AsNeeded", "whether it is taken only when needed"),
    _of_a_prescription("Start", "the day it begins"),
    _of_a_prescription("Instructions", "what else was said about taking it"),
)

_OBSERVATION: Final = (
    MappingTypeSpec(
        group="Observation",
        name="Concept",
        used_for="For each question and each answer the Avni concept's name and the OpenMRS concept.",
        when_missing="A question is left out and counted; an answer stops its record with an error that names it. "
        "Both can be decided otherwise: in the mapping of the form, the group or the question (Without a mapping), or "
        "for all in the constants.",
    ),
)

_UNMAPPED: Final = (
    MappingTypeSpec(
        group="Unmapped",
        name="UnmappedQuestions_Concept",
        used_for="The Avni text concept and the OpenMRS text concept that list questions without a mapping, where "
        "somebody decided that these are sent as text.",
        when_missing="Where that was decided, records with such questions wait with an error.",
        is_single=True,
    ),
)

MAPPING_TYPES: Final[tuple[MappingTypeSpec, ...]] = (
    *_PATIENT_SUBJECT,
    *_COMMON,
    *_PROGRAM_ENROLMENT,
    *_PROGRAM_ENCOUNTER,
    *_GENERAL_ENCOUNTER,
    *_OBSERVATION,
    *_UNMAPPED,
    *_LOCATION,
    *_LAB_RESULT,
    *_DRUG_ORDER,
)
"""The pairs of the Java service (EncounterType stands in three groups), and groups and types that it did not have."""
