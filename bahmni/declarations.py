"""What joining Avni with Bahmni needs from a tenant beside mappings: constants, ignored concepts, error types.

As plain data. The names are those of the Java service, so that an administrator (and an export of his) finds everything
again.
"""

from __future__ import annotations

from typing import Final

from bahmni import vocabulary as v
from bahmni.unmapped import ANSWERS, QUESTIONS
from errors.models import FollowUp
from errors.specs import ErrorTypeSpec
from mappings.models import Side, Unmapped
from mappings.specs import ConstantSpec, IgnoredConceptSpec

_FROM_AVNI: Final = frozenset({v.AVNI_TO_BAHMNI})
_BOTH_WAYS: Final = _FROM_AVNI | {v.BAHMNI_TO_AVNI}

CONSTANTS: Final[tuple[ConstantSpec, ...]] = (
    ConstantSpec(
        key="BahmniIdentifierPrefix",
        used_for="What the hospital puts before the community's number, e.g. TRI. Patients without it are not "
        "exchanged.",
        needed_by=_BOTH_WAYS,
    ),
    ConstantSpec(
        key="IntegrationBahmniProvider",
        used_for="The OpenMRS provider (uuid) under whose name encounters are written.",
        needed_by=_FROM_AVNI,
    ),
    ConstantSpec(
        key="IntegrationBahmniEncounterRole",
        used_for="The OpenMRS encounter role (uuid) of that provider.",
        needed_by=_FROM_AVNI,
    ),
    ConstantSpec(
        key="IntegrationBahmniLocation",
        used_for="The OpenMRS location (uuid) at which community visits and encounters are written.",
        needed_by=_FROM_AVNI,
    ),
    ConstantSpec(
        key="IntegrationBahmniIdentifierType",
        used_for="The OpenMRS identifier type (uuid) of the hospital number of a patient we create.",
        needed_by=_FROM_AVNI,
    ),
    ConstantSpec(
        key="IntegrationBahmniVisitType",
        used_for="The OpenMRS visit type (uuid) of the visit that holds a registration.",
        needed_by=_FROM_AVNI,
    ),
    ConstantSpec(
        key="OutpatientVisitTypes",
        used_for="The OpenMRS visit types (uuids) whose laboratory results and prescriptions go to Avni; add those of "
        "inpatients if theirs should, too.",
        is_list=True,
    ),
    ConstantSpec(
        key="IntegrationAvniSubjectType",
        used_for="The Avni subject type whose subjects are patients, e.g. Individual.",
        needed_by=_BOTH_WAYS,
    ),
    *(
        ConstantSpec(
            key=key,
            used_for=f"What becomes of {what} without a mapping in records of {side}, where no mapping says otherwise: "
            f"{', '.join(Unmapped.values)}. Not set: {usual}.",
            choices=tuple(Unmapped.values),
        )
        for keys, what, usual in ((QUESTIONS, "questions", Unmapped.SKIP), (ANSWERS, "answers", Unmapped.FAIL))
        for key, side in ((keys[Side.AVNI], "Avni"), (keys[Side.INT_SYSTEM], "Bahmni"))
    ),
)

IGNORED_CONCEPTS: Final[tuple[IgnoredConceptSpec, ...]] = (
    IgnoredConceptSpec(Side.AVNI, "Reason(s) for Institutional Delivery", "The Java service always left it out."),
    IgnoredConceptSpec(Side.AVNI, "Reason(s) for Institutional ANC", "The Java service always left it out."),
)
"""What the Java service has in its program text (avni-bahmni §1.7); here it can be taken out like any other."""

ERROR_TYPES: Final[tuple[ErrorTypeSpec, ...]] = (
    ErrorTypeSpec(
        "NoPatientWithId", FollowUp.PROCESS, "Avni's record belongs to a number that no patient in Bahmni has."
    ),
    ErrorTypeSpec(
        "PatientIdChanged", FollowUp.PROCESS, "The patient in Bahmni now has another number than when it was linked."
    ),
    ErrorTypeSpec("EntityIsDeleted", FollowUp.TERMINAL, "The record is no longer there to be read."),
    ErrorTypeSpec(
        "NotACommunityMember", FollowUp.TERMINAL, "The patient's number no longer begins with the community's prefix."
    ),
    ErrorTypeSpec(
        "NoSubjectWithId", FollowUp.PROCESS, "Bahmni's record belongs to a number that no subject in Avni has."
    ),
    ErrorTypeSpec(
        "SubjectIdChanged", FollowUp.PROCESS, "The record on the other side belongs to another subject or patient."
    ),
    ErrorTypeSpec("MultipleSubjectsWithId", FollowUp.PROCESS, "More than one subject in Avni has the number."),
    ErrorTypeSpec("SubjectIdNull", FollowUp.PROCESS, "The subject in Avni has no number."),
)
