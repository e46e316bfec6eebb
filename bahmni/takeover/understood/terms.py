"""How the Java service names streams, feeds and error types, and writes times. Stands on java-service.md J9, J12."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bahmni import vocabulary as v

STREAMS: Final[Mapping[str, str]] = {
    "Subject": v.SUBJECT,
    "Enrolment": v.ENROLMENT,
    "ProgramEncounter": v.PROGRAM_ENCOUNTER,
    "GeneralEncounter": v.GENERAL_ENCOUNTER,
    "Patient": v.PATIENT,
    "Encounter": v.ENCOUNTER,
}
"""Entity types of the Java service → our streams."""

FEEDS: Final[Mapping[str, str]] = {"patient": v.PATIENT, "encounter": v.ENCOUNTER}
"""Categories of feeds → our streams."""

UNNAMED: Final = "(no type)"
"""Stands for the type of an error where nothing tells it."""

_RENAMED: Final[Mapping[str, str]] = {
    "NoIntEntityWithId": "NoPatientWithId",
    "IntEntityIdChanged": "PatientIdChanged",
    "NotAvniEntityFound": "NotACommunityMember",
}
"""Names that error types bore for a while (J12)."""

_NUMBERED_ERRORS: Final = (
    "NoPatientWithId", "PatientIdChanged", "EntityIsDeleted", "NotACommunityMember", "NoSubjectWithId",
    "SubjectIdChanged", "MultipleSubjectsWithId", "SubjectIdNull",
)  # fmt: skip


def type_name(name: Any) -> str:
    """Name of an error type, from a name of any release or from its number (J12)."""
    text = str(name or "").strip()
    if text.isdigit() and 0 < int(text) <= len(_NUMBERED_ERRORS):
        return _NUMBERED_ERRORS[int(text) - 1]
    return _RENAMED.get(text, text)


def utc(time: datetime) -> datetime:
    """The service writes times without a zone and means UTC (J9)."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
