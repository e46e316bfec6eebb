"""Which privilege a user needs to see or void a record, and the refusal without it (avni.md A9, A46, A115)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simulators.avni.errors import forbidden
from simulators.avni.metadata import EncounterType, Program, SubjectType, User
from simulators.avni.rows import ApprovalRow, EnrolmentRow, MembershipRow, Row, SubjectRow, VisitRow
from simulators.avni.store import AvniStore

Designed = SubjectType | EncounterType | Program

_TO_APPROVE = {
    "Subject": "ApproveSubject",
    "Encounter": "ApproveEncounter",
    "ProgramEncounter": "ApproveEncounter",
    "ProgramEnrolment": "ApproveEnrolment",
}


_TO_VOID = {"ViewSubject": "VoidSubject", "ViewVisit": "VoidVisit", "ViewEnrolmentDetails": "RejectEnrolment"}


def may_void(store: AvniStore, user: User, row: Row) -> None:
    """Raises HttpError 403, naming the privilege, when the user may not void records of this one's type."""
    to_view, designed = _needed(store, row)
    if designed is not None and designed.name in user.cannot_void:
        raise forbidden(_TO_VOID[to_view], type(designed).__name__, designed.uuid)


def may_view(store: AvniStore, user: User, rows: Iterable[Row]) -> None:
    """Raises HttpError 403, naming the privilege, when the user may not see one of the records' types."""
    for row in rows:
        privilege, designed = _needed(store, row)
        if designed is not None and designed.name in user.cannot_view:
            raise forbidden(privilege, type(designed).__name__, designed.uuid)


def _needed(store: AvniStore, row: Row) -> tuple[str, Designed | None]:
    organisation = store.organisation(row.organisation)
    if isinstance(row, MembershipRow):  # judged by its group, not by its member
        return _needed(store, store.subjects[row.group])
    if isinstance(row, SubjectRow):
        return "ViewSubject", organisation.subject_types.get(row.kind)
    if isinstance(row, VisitRow):
        return "ViewVisit", organisation.encounter_types.get(row.kind)
    if isinstance(row, EnrolmentRow):
        return "ViewEnrolmentDetails", organisation.programs.get(row.kind)
    if isinstance(row, ApprovalRow):
        designs: tuple[Mapping[str, Designed], ...] = (
            organisation.subject_types,
            organisation.encounter_types,
            organisation.programs,
        )
        found = (one for design in designs for one in design.values() if one.uuid == row.entity_type)
        return _TO_APPROVE[row.kind], next(found, None)
    return "", None  # everybody sees every place
