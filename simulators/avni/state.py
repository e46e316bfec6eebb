"""The state of one simulated Avni: its clock, its tables, and what its organisations have designed.

Rows are immutable: an edit puts a new row in the place of the old one. Tests, the demo population
and the comparer read the tables as they are; `store.AvniStore` writes them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from simulators.avni.identity.state import Challenge, Session
from simulators.avni.metadata import (
    Concept,
    EncounterType,
    Organisation,
    Program,
    SubjectType,
    User,
    new_uuid,
)
from simulators.avni.rows import (
    ApprovalRow,
    EncounterRow,
    EnrolmentRow,
    Location,
    MembershipRow,
    ProgramEncounterRow,
    Row,
    SubjectRow,
)
from simulators.avni.settings import Settings
from simulators.avni.table import R, Table
from simulators.avni.times import parse_ms, to_ms

DEFAULT = "demo"
"""The organisation meant when none is named."""

DESIGNER = "admin@demo"
"""Who makes the places."""

Moment = datetime | int | str | None
"""An aware time, milliseconds since 1970, ISO text, or None for now."""


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class State:
    """All tables and designs of one installation.

    `clock` may be replaced at any time; it decides stamps, windows, tokens and the Date header.
    """

    def __init__(self, settings: Settings | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        self.settings = settings or Settings()
        self.clock = clock
        self.lock = threading.RLock()
        self.organisations: dict[str, Organisation] = {}
        self.users: dict[str, User] = {}
        self.token_generation = 0
        self.challenges: dict[str, Challenge] = {}
        """SRP challenges of Cognito not answered yet, by their secret block."""
        self.sessions: dict[str, Session] = {}
        """Sessions at an identity provider, by their refresh token."""
        self._empty_tables()

    def _empty_tables(self) -> None:
        """No records at all; what is designed stays."""
        self._subjects: Table[SubjectRow] = Table()
        self._encounters: Table[EncounterRow] = Table(lambda row: (row.subject,))
        self._enrolments: Table[EnrolmentRow] = Table(lambda row: (row.subject,))
        self._program_encounters: Table[ProgramEncounterRow] = Table(lambda row: (row.enrolment,))
        self._memberships: Table[MembershipRow] = Table(lambda row: (row.group, row.member))
        self._approvals: Table[ApprovalRow] = Table(lambda row: (row.subject,))
        self._tables: dict[type[Row], Table[Any]] = {
            SubjectRow: self._subjects,
            EncounterRow: self._encounters,
            EnrolmentRow: self._enrolments,
            ProgramEncounterRow: self._program_encounters,
            MembershipRow: self._memberships,
            ApprovalRow: self._approvals,
        }

    # --- tables, each with everything committed whose time has come -------------------------

    @property
    def subject_table(self) -> Table[SubjectRow]:
        """Subjects."""
        return self._current(self._subjects)

    @property
    def encounter_table(self) -> Table[EncounterRow]:
        """General encounters."""
        return self._current(self._encounters)

    @property
    def enrolment_table(self) -> Table[EnrolmentRow]:
        """Program enrolments."""
        return self._current(self._enrolments)

    @property
    def program_encounter_table(self) -> Table[ProgramEncounterRow]:
        """Program encounters."""
        return self._current(self._program_encounters)

    @property
    def membership_table(self) -> Table[MembershipRow]:
        """Memberships of subjects in groups."""
        return self._current(self._memberships)

    @property
    def approval_table(self) -> Table[ApprovalRow]:
        """Approval statuses."""
        return self._current(self._approvals)

    def location_table(self, organisation: str = DEFAULT) -> Table[Location]:
        """Places of an organisation."""
        return self._current(self.organisation(organisation).location_table)

    # --- reading ---------------------------------------------------------------------------

    @property
    def subjects(self) -> dict[str, SubjectRow]:
        """Committed subject rows by uuid, all organisations. Read only."""
        return self.subject_table.rows

    @property
    def encounters(self) -> dict[str, EncounterRow]:
        """Committed general encounter rows by uuid, all organisations. Read only."""
        return self.encounter_table.rows

    @property
    def enrolments(self) -> dict[str, EnrolmentRow]:
        """Committed program enrolment rows by uuid, all organisations. Read only."""
        return self.enrolment_table.rows

    @property
    def program_encounters(self) -> dict[str, ProgramEncounterRow]:
        """Committed program encounter rows by uuid, all organisations. Read only."""
        return self.program_encounter_table.rows

    def encounters_of(self, subject: str) -> list[str]:
        """Uuids of a subject's general encounters, voided ones too, in no promised order."""
        with self.lock:
            return self.encounter_table.of(subject)

    def enrolments_of(self, subject: str) -> list[str]:
        """Uuids of a subject's program enrolments, voided ones too, in no promised order."""
        with self.lock:
            return self.enrolment_table.of(subject)

    def program_encounters_of(self, enrolment: str) -> list[str]:
        """Uuids of an enrolment's encounters, voided ones too, in no promised order."""
        with self.lock:
            return self.program_encounter_table.of(enrolment)

    def groups_of(self, subject: str) -> list[str]:
        """Uuids of the groups in which a subject is a member by a membership that is not voided."""
        with self.lock:
            rows = [self.membership_table.rows[uuid] for uuid in self.membership_table.of(subject)]
            return [row.group for row in rows if row.member == subject and not row.voided]

    def records_of(self, subject: str) -> list[str]:
        """Uuids of everything that belongs to a subject and follows it to another place (avni.md A19)."""
        with self.lock:
            enrolments = self.enrolments_of(subject)
            return [
                *self.encounters_of(subject),
                *enrolments,
                *(uuid for enrolment in enrolments for uuid in self.program_encounters_of(enrolment)),
                *self.membership_table.of(subject),
                *self.approval_table.of(subject),
            ]

    def now_ms(self) -> int:
        """The store's clock in whole milliseconds."""
        return to_ms(self.clock())

    def organisation(self, name: str = DEFAULT) -> Organisation:
        """The organisation of that name; made when it is new."""
        with self.lock:
            found = self.organisations.setdefault(name, Organisation(name))
            self._current(found.location_table)
            return found

    # --- designing -------------------------------------------------------------------------

    def add_concept(
        self,
        name: str,
        data_type: str,
        *,
        answers: Iterable[str] = (),
        uuid: str | None = None,
        organisation: str = DEFAULT,
    ) -> Concept:
        """A question or answer. `answers` are names; missing answer concepts are made."""
        owner = self.organisation(organisation)
        with self.lock:
            known = [
                owner.concept_named(answer) or self.add_concept(answer, "NA", organisation=organisation)
                for answer in answers
            ]
            concept = Concept(name, data_type, uuid or new_uuid(), [found.uuid for found in known])
            owner.concepts[concept.uuid] = concept
            return concept

    def add_subject_type(self, name: str, *, organisation: str = DEFAULT, **properties: Any) -> SubjectType:
        """A subject type; `properties` are the fields of `SubjectType`."""
        made = SubjectType(name, **properties)
        self.organisation(organisation).subject_types[name] = made
        return made

    def add_encounter_type(self, name: str, *, uuid: str | None = None, organisation: str = DEFAULT) -> EncounterType:
        """A type of general or program encounters: Avni keeps both in one list."""
        made = EncounterType(name, uuid or new_uuid())
        self.organisation(organisation).encounter_types[name] = made
        return made

    def add_program(self, name: str, *, uuid: str | None = None, organisation: str = DEFAULT) -> Program:
        """A program in which subjects can be enrolled."""
        made = Program(name, uuid or new_uuid())
        self.organisation(organisation).programs[name] = made
        return made

    def add_location(
        self,
        title: str,
        kind: str,
        parent: Location | None = None,
        *,
        organisation: str = DEFAULT,
        at: Moment = None,
        **properties: Any,
    ) -> Location:
        """A place of a kind such as Village inside `parent`.

        `properties`: uuid, external_id, voided, point, level (one below the parent's when not given).
        """
        with self.lock:
            table = self.location_table(organisation)
            level = {"level": parent.level - 1} if parent else {}
            made = Location(
                **(level | {"uuid": new_uuid()} | properties),
                seq=table.next_seq(),
                organisation=organisation,
                kind=kind,
                title=title,
                parent=parent.uuid if parent else None,
                **self._stamps(at, DESIGNER),
            )
            table.install(made)
            return made

    def add_user(
        self,
        username: str,
        password: str,
        *,
        organisation: str = DEFAULT,
        **properties: Any,
    ) -> User:
        """A user of one organisation; `properties` are the further fields of `User`."""
        self.organisation(organisation)
        self.users[username] = User(username, password, organisation, **properties)
        return self.users[username]

    # --- inside ----------------------------------------------------------------------------

    def _current(self, table: Table[R]) -> Table[R]:
        with self.lock:
            table.commit_due(self.now_ms())
            return table

    def _ms(self, moment: Moment) -> int:
        if moment is None:
            return self.now_ms()
        if isinstance(moment, str):
            return parse_ms(moment)
        return moment if isinstance(moment, int) else to_ms(moment)

    def _stamps(self, at: Moment, by: str) -> dict[str, Any]:
        stamp = self._ms(at)
        return {"created_ms": stamp, "modified_ms": stamp, "created_by": by, "modified_by": by}
