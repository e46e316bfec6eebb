"""Stored rows, one class per kind of record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Key = tuple[int, int, str]
"""(last modified in ms, sequence number, uuid): the order of every list."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What all records have in common.

    `kind` is the name by which lists are filtered: of the subject type, encounter type or program.
    `observations` stand as Avni keeps them: by concept uuid, answers as uuids; names appear only
    when a row is read.
    """

    uuid: str
    seq: int
    organisation: str
    kind: str
    external_id: str | None = None
    voided: bool = False
    observations: dict[str, Any] = field(default_factory=dict)
    point: dict[str, float] | None = None
    created_ms: int
    modified_ms: int
    created_by: str
    modified_by: str

    @property
    def key(self) -> Key:
        """Where the row stands in lists."""
        return self.modified_ms, self.seq, self.uuid


@dataclass(frozen=True, kw_only=True)
class SubjectRow(Row):
    """A subject. Dates are yyyy-mm-dd; `location` is a place's uuid; `relatives` stand as read."""

    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    profile_picture: str | None = None
    date_of_birth: str | None = None
    gender: str | None = None
    registration_date: str | None = None
    subject_location: dict[str, Any] | None = None
    location: str | None = None
    relatives: list[dict[str, Any]] = field(default_factory=list)
    catchments: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class VisitRow(Row):
    """What general encounters and program encounters have in common; all times in ms."""

    encounter_ms: int | None = None
    earliest_ms: int | None = None
    max_ms: int | None = None
    cancel_ms: int | None = None
    cancel_point: dict[str, float] | None = None
    cancel_observations: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EncounterRow(VisitRow):
    """A general encounter of the subject with uuid `subject`."""

    subject: str


@dataclass(frozen=True, kw_only=True)
class ProgramEncounterRow(VisitRow):
    """An encounter within the enrolment with uuid `enrolment`."""

    enrolment: str


@dataclass(frozen=True, kw_only=True)
class EnrolmentRow(Row):
    """A subject in a program, whose name is `kind`; times in ms. Exited once it has an exit time."""

    subject: str
    enrolment_ms: int | None = None
    exit_ms: int | None = None
    exit_point: dict[str, float] | None = None
    exit_observations: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MembershipRow(Row):
    """A subject in a group, both by uuid; `kind` is the role; times in ms."""

    group: str
    member: str
    start_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class ApprovalRow(Row):
    """What was decided about a record of a subject.

    `kind` says which sort of record: Subject, ProgramEnrolment, ProgramEncounter or Encounter.
    """

    subject: str
    entity: str
    entity_type: str
    """Uuid of the subject type, program or encounter type."""
    status: str
    comment: str | None = None
    status_ms: int


@dataclass(frozen=True, kw_only=True)
class Location(Row):
    """A place of a type such as Village, which is its `kind`; `parent` is the uuid of the place around it.

    `level` grows upwards: a village is lower than its district. `observations` are its properties.
    """

    title: str
    parent: str | None = None
    level: float = 1.0
