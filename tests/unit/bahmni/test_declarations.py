"""What an installation of the Java service knows must be found again by the same names (avni-bahmni §5 and §6.2)."""

from __future__ import annotations

from bahmni.declarations import CONSTANTS, ERROR_TYPES
from bahmni.mapping_types import MAPPING_TYPES
from bahmni.vocabulary import AVNI_TO_BAHMNI, BAHMNI_TO_AVNI
from errors.models import FollowUp

PAIRS = {
    "PatientSubject": {
        "PatientIdentifier_Concept", "Subject_EncounterType", "CommunityRegistration_BahmniForm",
        "PersonAttributeConcept",
    },
    "Common": {
        "AvniUUID_Concept", "AvniEventDate_Concept", "AvniProgramData_Concept", "BahmniUUID_Concept",
        "AvniUUID_VisitAttributeType", "AvniEventDate_VisitAttributeType",
    },
    "ProgramEnrolment": {
        "CommunityEnrolment_EncounterType", "CommunityEnrolmentExit_EncounterType", "CommunityEnrolment_BahmniForm",
        "CommunityEnrolmentExit_BahmniForm", "CommunityEnrolment_VisitType", "BahmniForm_CommunityProgram",
        "EncounterType",
    },
    "ProgramEncounter": {
        "CommunityProgramEncounter_EncounterType", "CommunityProgramEncounter_BahmniForm", "EncounterType",
    },
    "GeneralEncounter": {
        "CommunityEncounter_EncounterType", "CommunityEncounter_BahmniForm", "EncounterType", "LabEncounterType",
        "DrugOrderEncounterType", "DrugOrderConcept",
    },
    "Observation": {"Concept"},
}  # fmt: skip

OWN = {
    "Location": {"AddressField", "AddressValue"},
    "Unmapped": {"UnmappedQuestions_Concept"},
    "LabResult": {"LabResult_Text", "LabResult_Group", "LabResult_Test", "LabResult_Result"},
    "DrugOrder": {
        "DrugOrder_Group", "DrugOrder_Name", "DrugOrder_Dose", "DrugOrder_DoseUnits", "DrugOrder_Frequency",
        "DrugOrder_Route", "DrugOrder_Duration", "DrugOrder_DurationUnits", "DrugOrder_AsNeeded", "DrugOrder_Start",
        "DrugOrder_Instructions",
    },
}  # fmt: skip
"""What the Java service does not know."""

OWN_CONSTANTS = {
    "UnmappedQuestionsFromAvni", "UnmappedQuestionsFromBahmni", "UnmappedAnswersFromAvni", "UnmappedAnswersFromBahmni",
}  # fmt: skip

SINGLE = {
    "PatientIdentifier_Concept", "Subject_EncounterType", "CommunityRegistration_BahmniForm", "AvniUUID_Concept",
    "AvniEventDate_Concept", "AvniProgramData_Concept", "BahmniUUID_Concept", "AvniUUID_VisitAttributeType",
    "AvniEventDate_VisitAttributeType", "LabEncounterType", "DrugOrderEncounterType", "DrugOrderConcept",
}  # fmt: skip


def needed_by(flow: str) -> set[str]:
    kinds = {spec.name for spec in MAPPING_TYPES if flow in spec.needed_by}
    return kinds | {spec.key for spec in CONSTANTS if flow in spec.needed_by}


def test_the_groups_and_types_are_those_of_the_java_service_and_groups_of_our_own() -> None:
    declared: dict[str, set[str]] = {}
    for spec in MAPPING_TYPES:
        declared.setdefault(spec.group, set()).add(spec.name)
    assert declared == PAIRS | OWN


def test_no_pair_is_declared_twice() -> None:
    assert len({(spec.group, spec.name) for spec in MAPPING_TYPES}) == len(MAPPING_TYPES) == 45


def test_every_type_and_constant_says_what_it_is_for() -> None:
    assert all(spec.used_for and spec.when_missing for spec in MAPPING_TYPES)
    assert all(spec.used_for for spec in CONSTANTS)
    assert all(spec.used_for for spec in ERROR_TYPES)


def test_what_is_looked_up_without_a_value_is_single() -> None:
    assert {spec.name for spec in MAPPING_TYPES if spec.is_single and spec.group not in OWN} == SINGLE
    assert all(spec.is_single for spec in MAPPING_TYPES if spec.group in {"LabResult", "DrugOrder"})


def test_only_forms_may_share_an_avni_value() -> None:
    assert {spec.name for spec in MAPPING_TYPES if not spec.avni_is_unique} == {
        "BahmniForm_CommunityProgram",
        "EncounterType",
    }


def test_subjects_need_all_that_marks_and_places_their_registration() -> None:
    assert needed_by(AVNI_TO_BAHMNI) == {
        "PatientIdentifier_Concept", "Subject_EncounterType", "CommunityRegistration_BahmniForm", "AvniUUID_Concept",
        "AvniEventDate_Concept", "AvniUUID_VisitAttributeType", "AvniEventDate_VisitAttributeType",
        "BahmniIdentifierPrefix", "IntegrationBahmniProvider", "IntegrationBahmniEncounterRole",
        "IntegrationBahmniLocation", "IntegrationBahmniIdentifierType", "IntegrationBahmniVisitType",
        "IntegrationAvniSubjectType",
    }  # fmt: skip


def test_patients_need_only_what_finds_and_marks_them_in_avni() -> None:
    assert needed_by(BAHMNI_TO_AVNI) == {
        "PatientIdentifier_Concept", "BahmniUUID_Concept", "BahmniIdentifierPrefix", "IntegrationAvniSubjectType",
    }  # fmt: skip


def test_the_constants_are_those_of_the_java_service() -> None:
    assert {spec.key for spec in CONSTANTS if spec.is_list} == {"OutpatientVisitTypes"}
    assert len({spec.key for spec in CONSTANTS} - OWN_CONSTANTS) == 8


def test_no_flow_needs_what_the_java_service_did_not_have() -> None:
    assert not OWN_CONSTANTS & (needed_by(AVNI_TO_BAHMNI) | needed_by(BAHMNI_TO_AVNI))


def test_two_of_the_eight_error_types_are_final() -> None:
    assert len(ERROR_TYPES) == 8
    assert {spec.name for spec in ERROR_TYPES if spec.follow_up == FollowUp.TERMINAL} == {
        "EntityIsDeleted",
        "NotACommunityMember",
    }
