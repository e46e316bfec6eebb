"""Names of mapping groups, types and constants, as administrators and exports of the Java service know them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from mappings.snapshot import Pair

IDENTIFIER_CONCEPT: Final[Pair] = ("PatientSubject", "PatientIdentifier_Concept")
REGISTRATION_ENCOUNTER_TYPE: Final[Pair] = ("PatientSubject", "Subject_EncounterType")
REGISTRATION_FORM: Final[Pair] = ("PatientSubject", "CommunityRegistration_BahmniForm")
PERSON_ATTRIBUTE: Final[Pair] = ("PatientSubject", "PersonAttributeConcept")
MARKER_CONCEPT: Final[Pair] = ("Common", "AvniUUID_Concept")
ADDRESS_LEVEL: Final[Pair] = ("Location", "AddressField")
ADDRESS_PLACE: Final[Pair] = ("Location", "AddressValue")
EVENT_DATE_CONCEPT: Final[Pair] = ("Common", "AvniEventDate_Concept")
BAHMNI_MARKER_CONCEPT: Final[Pair] = ("Common", "BahmniUUID_Concept")
VISIT_MARKER: Final[Pair] = ("Common", "AvniUUID_VisitAttributeType")
VISIT_EVENT_DATE: Final[Pair] = ("Common", "AvniEventDate_VisitAttributeType")
PROGRAM_DATA_CONCEPT: Final[Pair] = ("Common", "AvniProgramData_Concept")
ENROLMENT_TYPE: Final[Pair] = ("ProgramEnrolment", "CommunityEnrolment_EncounterType")
ENROLMENT_FORM: Final[Pair] = ("ProgramEnrolment", "CommunityEnrolment_BahmniForm")
EXIT_TYPE: Final[Pair] = ("ProgramEnrolment", "CommunityEnrolmentExit_EncounterType")
EXIT_FORM: Final[Pair] = ("ProgramEnrolment", "CommunityEnrolmentExit_BahmniForm")
PROGRAM_VISIT_TYPE: Final[Pair] = ("ProgramEnrolment", "CommunityEnrolment_VisitType")
PROGRAM_ENCOUNTER_TYPE: Final[Pair] = ("ProgramEncounter", "CommunityProgramEncounter_EncounterType")
PROGRAM_ENCOUNTER_FORM: Final[Pair] = ("ProgramEncounter", "CommunityProgramEncounter_BahmniForm")
GENERAL_ENCOUNTER_TYPE: Final[Pair] = ("GeneralEncounter", "CommunityEncounter_EncounterType")
GENERAL_ENCOUNTER_FORM: Final[Pair] = ("GeneralEncounter", "CommunityEncounter_BahmniForm")
HOSPITAL_FORM: Final[Pair] = ("GeneralEncounter", "EncounterType")
HOSPITAL_PROGRAM_FORM: Final[Pair] = ("ProgramEncounter", "EncounterType")
HOSPITAL_ENROLMENT_FORM: Final[Pair] = ("ProgramEnrolment", "EncounterType")
FORM_PROGRAM: Final[Pair] = ("ProgramEnrolment", "BahmniForm_CommunityProgram")
LAB_ENCOUNTER_TYPE: Final[Pair] = ("GeneralEncounter", "LabEncounterType")
LAB_TEXT: Final[Pair] = ("LabResult", "LabResult_Text")
LAB_GROUP: Final[Pair] = ("LabResult", "LabResult_Group")
LAB_TEST: Final[Pair] = ("LabResult", "LabResult_Test")
LAB_RESULT: Final[Pair] = ("LabResult", "LabResult_Result")
DRUG_ENCOUNTER_TYPE: Final[Pair] = ("GeneralEncounter", "DrugOrderEncounterType")
DRUG_TEXT: Final[Pair] = ("GeneralEncounter", "DrugOrderConcept")
DRUG_GROUP: Final[Pair] = ("DrugOrder", "DrugOrder_Group")
DRUG_NAME: Final[Pair] = ("DrugOrder", "DrugOrder_Name")
DRUG_DOSE: Final[Pair] = ("DrugOrder", "DrugOrder_Dose")
DRUG_DOSE_UNITS: Final[Pair] = ("DrugOrder", "DrugOrder_DoseUnits")
DRUG_FREQUENCY: Final[Pair] = ("DrugOrder", "DrugOrder_Frequency")
DRUG_ROUTE: Final[Pair] = ("DrugOrder", "DrugOrder_Route")
DRUG_DURATION: Final[Pair] = ("DrugOrder", "DrugOrder_Duration")
DRUG_DURATION_UNITS: Final[Pair] = ("DrugOrder", "DrugOrder_DurationUnits")
DRUG_AS_NEEDED: Final[Pair] = ("DrugOrder", "DrugOrder_AsNeeded")
DRUG_START: Final[Pair] = ("DrugOrder", "DrugOrder_Start")
DRUG_INSTRUCTIONS: Final[Pair] = ("DrugOrder", "DrugOrder_Instructions")
CONCEPT: Final[Pair] = ("Observation", "Concept")
UNMAPPED_CONCEPT: Final[Pair] = ("Unmapped", "UnmappedQuestions_Concept")

IDENTIFIER_PREFIX: Final = "BahmniIdentifierPrefix"
PROVIDER: Final = "IntegrationBahmniProvider"
ENCOUNTER_ROLE: Final = "IntegrationBahmniEncounterRole"
LOCATION: Final = "IntegrationBahmniLocation"
IDENTIFIER_TYPE: Final = "IntegrationBahmniIdentifierType"
VISIT_TYPE: Final = "IntegrationBahmniVisitType"
SUBJECT_TYPE: Final = "IntegrationAvniSubjectType"
OUTPATIENT: Final = "OutpatientVisitTypes"

HOSPITAL_REGISTRATION: Final = "Bahmni Patient Registration"
"""The Avni encounter type that stands for a patient of Bahmni; its name is fixed in the Java service."""

VOIDED_BY_US: Final = "voided"
"""What a link keeps as the state we left when we voided the target: only then do we bring it back ourselves."""

VOIDED_PART: Final = f"{VOIDED_BY_US} "
"""What the key of one of several targets begins with, in a link's other targets, while it stands voided by us."""

GENDERS: Final = {"Male": "M", "Female": "F", "Other": "U"}
"""Gender in Avni → letter in OpenMRS, as the Java service writes them."""

A_MOMENT: Final = timedelta(minutes=10)
"""Longer than clocks differ, than switching on takes, and than two publishers write out of order."""

LONG_AGO: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""Before any record."""

SUBJECT: Final = "subject"
ENROLMENT: Final = "enrolment"
PROGRAM_ENCOUNTER: Final = "program-encounter"
GENERAL_ENCOUNTER: Final = "general-encounter"
PATIENT: Final = "patient"
ENCOUNTER: Final = "encounter"
AVNI: Final = "avni"
BAHMNI: Final = "bahmni"
AVNI_TO_BAHMNI: Final = "avni-to-bahmni"
BAHMNI_TO_AVNI: Final = "bahmni-to-avni"


def arrival_of(identifier: str) -> str:
    """Name of the event that a subject with this patient number reached Bahmni; patients may wait for it."""
    return f"subject:{identifier}"


def arrival_of_subject(subject_id: str) -> str:
    """Name of the event that this subject of Avni stands in Bahmni; its encounters may wait for it."""
    return f"subject-id:{subject_id}"


def arrival_of_enrolment(enrolment_id: str) -> str:
    """Name of the event that this enrolment of Avni stands in Bahmni; its encounters may wait for it."""
    return f"enrolment-id:{enrolment_id}"


def arrival_of_patient(patient_uuid: str) -> str:
    """Name of the event that this patient of Bahmni is registered in Avni; its encounters may wait for it."""
    return f"patient-id:{patient_uuid}"


def taken_over(error_type: str) -> str:
    """Message id of an error that the Java service had, by the name of its type; the empty name for any other."""
    words = re.findall("[A-Z][a-z]*", error_type)
    return ".".join(["bahmni.taken-over", *(["-".join(words).lower()] if words else [])])
