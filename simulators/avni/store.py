"""The simulated Avni: its state, what field workers do in it, and what goes wrong with its rows.

Tests, the demo population and the comparer use `AvniStore` directly; the HTTP routes use it
too. All public methods are safe to call from several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from simulators.avni import observations, snapshot
from simulators.avni.metadata import new_uuid
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
from simulators.avni.state import DEFAULT, Moment, State, utc_now
from simulators.avni.table import R, Table

__all__ = ["DEFAULT", "AvniStore", "utc_now"]

FIELD_USER = "field@demo"
"""Who makes the rows that do not come over HTTP."""

BULK_USER = "bulk@avni"
"""Who runs bulk jobs."""

Given = dict[str, Any] | None
"""Observations by name."""

_MAPS = ("observations", "cancel_observations", "exit_observations")


class AvniStore(State):
    """Everything one Avni installation knows, and how it changes."""

    # --- rows ------------------------------------------------------------------------------

    def put_subject(
        self,
        *,
        subject_type: str,
        observations: Given = None,
        at: Moment = None,
        by: str = FIELD_USER,
        uuid: str | None = None,
        organisation: str = DEFAULT,
        commit_after: float = 0.0,
        **fields: Any,
    ) -> SubjectRow:
        """A new subject as the field app would make it.

        `observations` by names; `fields` are those of `SubjectRow` (first_name, gender,
        external_id, location, ...). `at` is its stamp; it is seen `commit_after` seconds later.
        """
        with self.lock:
            row = SubjectRow(
                **self._begun(self._subjects, organisation, subject_type, at, by, uuid),
                observations=self._accept(organisation, observations),
                **fields,
            )
            return self.save(row, commit_after)

    def put_encounter(
        self,
        *,
        encounter_type: str,
        subject: str,
        observations: Given = None,
        cancel_observations: Given = None,
        at: Moment = None,
        by: str = FIELD_USER,
        uuid: str | None = None,
        commit_after: float = 0.0,
        **fields: Any,
    ) -> EncounterRow:
        """A new general encounter of the subject with that uuid.

        It was held when it was made, unless `fields` say otherwise: encounter_ms (None for one
        only planned), earliest_ms, max_ms, cancel_ms, external_id, voided, point.
        """
        with self.lock:
            organisation = self.subjects[subject].organisation
            row = EncounterRow(
                **self._begun(self._encounters, organisation, encounter_type, at, by, uuid),
                subject=subject,
                observations=self._accept(organisation, observations),
                cancel_observations=self._accept(organisation, cancel_observations),
                **({"encounter_ms": self._ms(at)} | fields),
            )
            return self.save(row, commit_after)

    def put_enrolment(
        self,
        *,
        program: str,
        subject: str,
        observations: Given = None,
        exit_observations: Given = None,
        at: Moment = None,
        by: str = FIELD_USER,
        uuid: str | None = None,
        commit_after: float = 0.0,
        **fields: Any,
    ) -> EnrolmentRow:
        """A new enrolment in the program of that name, of the subject with that uuid.

        It began when it was made, unless `fields` say otherwise: enrolment_ms, exit_ms, exit_point,
        external_id, voided, point.
        """
        with self.lock:
            organisation = self.subjects[subject].organisation
            row = EnrolmentRow(
                **self._begun(self._enrolments, organisation, program, at, by, uuid),
                subject=subject,
                observations=self._accept(organisation, observations),
                exit_observations=self._accept(organisation, exit_observations),
                **({"enrolment_ms": self._ms(at)} | fields),
            )
            return self.save(row, commit_after)

    def put_program_encounter(
        self,
        *,
        encounter_type: str,
        enrolment: str,
        observations: Given = None,
        cancel_observations: Given = None,
        at: Moment = None,
        by: str = FIELD_USER,
        uuid: str | None = None,
        commit_after: float = 0.0,
        **fields: Any,
    ) -> ProgramEncounterRow:
        """A new encounter within the enrolment with that uuid; `fields` as for a general encounter."""
        with self.lock:
            organisation = self.enrolments[enrolment].organisation
            row = ProgramEncounterRow(
                **self._begun(self._program_encounters, organisation, encounter_type, at, by, uuid),
                enrolment=enrolment,
                observations=self._accept(organisation, observations),
                cancel_observations=self._accept(organisation, cancel_observations),
                **({"encounter_ms": self._ms(at)} | fields),
            )
            return self.save(row, commit_after)

    def put_membership(
        self,
        *,
        group: str,
        member: str,
        role: str = "Member",
        at: Moment = None,
        by: str = FIELD_USER,
        commit_after: float = 0.0,
        **fields: Any,
    ) -> MembershipRow:
        """A subject joins a group, both by uuid; `fields`: start_ms, end_ms, voided."""
        with self.lock:
            row = MembershipRow(
                **self._begun(self._memberships, self.subjects[group].organisation, role, at, by),
                group=group,
                member=member,
                **({"start_ms": self._ms(at)} | fields),
            )
            return self.save(row, commit_after)

    def put_approval(
        self,
        *,
        entity: str,
        status: str = "Pending",
        at: Moment = None,
        by: str = FIELD_USER,
        commit_after: float = 0.0,
        **fields: Any,
    ) -> ApprovalRow:
        """A decision about the record with that uuid: Pending, Approved or Rejected; `fields`: comment, status_ms."""
        with self.lock:
            about = self._table_of(entity).rows[entity]
            kind, entity_type, subject = self._approved(about)
            row = ApprovalRow(
                **self._begun(self._approvals, about.organisation, kind, at, by),
                entity_type=entity_type,
                entity=entity,
                subject=subject,
                status=status,
                **({"status_ms": self._ms(at)} | fields),
            )
            return self.save(row, commit_after)

    def edit(self, uuid: str, **changes: Any) -> Row:
        """Change a record of any kind and stamp it.

        `changes`: fields of the row; maps of observations by name are laid over (None removes one).
        `at` is the stamp (now), which may lie in the future; `by` the user; it is seen `commit_after`
        seconds later.
        """
        with self.lock:
            edited: Row = self._edit(self._table_of(uuid), uuid, **changes)
            return edited

    def edit_subject(self, uuid: str, **changes: Any) -> SubjectRow:
        """Change a subject; see `edit`."""
        with self.lock:
            return self._edit(self.subject_table, uuid, **changes)

    def edit_encounter(self, uuid: str, **changes: Any) -> EncounterRow:
        """Change a general encounter; see `edit`."""
        with self.lock:
            return self._edit(self.encounter_table, uuid, **changes)

    def void(self, uuid: str, *, at: Moment = None, by: str = FIELD_USER) -> Row:
        """Void a record of any kind; what belongs to it stays as it is."""
        return self.edit(uuid, at=at, by=by, voided=True)

    def void_subject(self, uuid: str, *, at: Moment = None, by: str = FIELD_USER) -> SubjectRow:
        """Void a subject; its encounters stay as they are."""
        return self.edit_subject(uuid, at=at, by=by, voided=True)

    def void_encounter(self, uuid: str, *, at: Moment = None, by: str = FIELD_USER) -> EncounterRow:
        """Void a general encounter."""
        return self.edit_encounter(uuid, at=at, by=by, voided=True)

    def save(self, row: R, commit_after: float = 0.0) -> R:
        """Put a row of any kind in place, at once or once `commit_after` seconds have passed."""
        with self.lock:
            table = self._table_for(row)
            if commit_after:
                table.install_later(row, self.now_ms() + int(commit_after * 1000))
            else:
                table.install(row)
            return row

    # --- what goes wrong -------------------------------------------------------------------

    def bulk_touch(self, uuids: Iterable[str], at: Moment = None, by: str = BULK_USER) -> None:
        """Stamp records as a bulk SQL job does: `at` plus each row's id in microseconds (avni.md A6)."""
        base = self._ms(at)
        with self.lock:
            for uuid in uuids:
                row = self._table_of(uuid).rows[uuid]
                self.save(replace(row, modified_ms=base + row.seq // 1000, modified_by=by))

    def poison(self, uuid: str) -> None:
        """Give a record an observation no concept stands for; every page with it then fails (avni.md A29).

        A membership shows no observations: poison its subject. An approval neither: erase its record.
        """
        with self.lock:
            row = self._table_of(uuid).rows[uuid]
            if isinstance(row, MembershipRow | ApprovalRow):
                raise TypeError("such a row shows no observations")
            self.save(replace(row, observations={**row.observations, new_uuid(): "?"}))

    def unpoison(self, uuid: str) -> None:
        """Take from a record every observation no concept stands for; its stamp stays."""
        with self.lock:
            row = self._table_of(uuid).rows[uuid]
            concepts = self.organisation(row.organisation).concepts
            known = {key: value for key, value in row.observations.items() if key in concepts}
            self.save(replace(row, observations=known))

    def erase(self, uuid: str) -> None:
        """Delete a record for good, as only a database administrator can; lists do not tell (avni.md A12).

        Raises ValueError while encounters, enrolments or memberships belong to it, as the database would.
        """
        with self.lock:
            children = (self._encounters, self._enrolments, self._program_encounters, self._memberships)
            if any(table.of(uuid) for table in children):
                raise ValueError("other records belong to this one")
            self._table_of(uuid).remove(uuid)

    def expire_tokens(self) -> None:
        """From now on every token given out so far is expired."""
        self.token_generation += 1

    def revoke_sessions(self) -> None:
        """From now on no refresh token given out so far is taken."""
        self.sessions.clear()

    def forbid(self, username: str, name: str) -> None:
        """Take from a user the privilege to see a subject type, an encounter type or a program."""
        self.users[username].cannot_view.append(name)

    def allow(self, username: str, name: str) -> None:
        """Give that privilege back."""
        self.users[username].cannot_view.remove(name)

    def adjust(self, **settings: Any) -> None:
        """Turn knobs of `Settings` by name. Raises TypeError for one that is not there."""
        self.settings = replace(self.settings, **settings)

    def moves(self) -> dict[str, Callable[..., object]]:
        """What `simulators.control` may be told to do, with plain JSON values as arguments."""
        return {
            move.__name__: move
            for move in (
                self.put_subject, self.put_encounter, self.put_enrolment, self.put_program_encounter,
                self.edit, self.void, self.erase, self.bulk_touch, self.poison, self.unpoison,
                self.expire_tokens, self.revoke_sessions, self.forbid, self.allow, self.adjust, self.restore,
            )
        }  # fmt: skip

    # --- whole state -----------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """Everything but the clock, as plain JSON values. Writes not committed are left out."""
        with self.lock:
            return snapshot.dump(self)

    def load(self, state: dict[str, Any]) -> None:
        """Add what `dump` gave to this store; what has the same uuid or name is replaced."""
        with self.lock:
            snapshot.load(self, state)

    def restore(self, state: dict[str, Any]) -> None:
        """Put a backup back: the records are those of `state` (a `dump`) and no others. Clock and tokens go on."""
        with self.lock:
            self._empty_tables()
            snapshot.load(self, state)

    # --- inside ----------------------------------------------------------------------------

    def _begun(
        self, table: Table[R], organisation: str, kind: str, at: Moment, by: str, uuid: str | None = None
    ) -> dict[str, Any]:
        """The columns that every new row begins with."""
        named = {"uuid": uuid or new_uuid(), "seq": table.next_seq(), "organisation": organisation, "kind": kind}
        return named | self._stamps(at, by)

    def _accept(self, organisation: str, given: Given) -> dict[str, Any]:
        return observations.accept(self.organisation(organisation), given or {})

    def _edit(
        self,
        table: Table[R],
        uuid: str,
        *,
        at: Moment = None,
        by: str = FIELD_USER,
        commit_after: float = 0.0,
        **changes: Any,
    ) -> R:
        row = table.rows[uuid]
        organisation = self.organisation(row.organisation)
        for name in _MAPS:
            if name in changes:
                changes[name] = observations.patch(organisation, getattr(row, name), changes[name])
        stamps: dict[str, Any] = {"modified_ms": self._ms(at), "modified_by": by}
        return self.save(replace(row, **(stamps | changes)), commit_after)

    def _table_of(self, uuid: str) -> Table[Any]:
        """The table with that record. Raises KeyError."""
        places = (self.organisation(name).location_table for name in self.organisations)
        for table in (*map(self._current, self._tables.values()), *places):
            if uuid in table.rows:
                return table
        raise KeyError(uuid)

    def _table_for(self, row: Row) -> Table[Any]:
        if isinstance(row, Location):
            return self.location_table(row.organisation)
        return self._current(self._tables[type(row)])

    def _approved(self, about: Row) -> tuple[str, str, str]:
        """The sort of a record, the uuid of its type, and its subject. Raises TypeError for what nobody approves."""
        organisation = self.organisation(about.organisation)
        if isinstance(about, SubjectRow):
            return "Subject", organisation.subject_types[about.kind].uuid, about.uuid
        if isinstance(about, EnrolmentRow):
            return "ProgramEnrolment", organisation.programs[about.kind].uuid, about.subject
        if isinstance(about, ProgramEncounterRow):
            subject = self.enrolments[about.enrolment].subject
            return "ProgramEncounter", organisation.encounter_types[about.kind].uuid, subject
        if isinstance(about, EncounterRow):
            return "Encounter", organisation.encounter_types[about.kind].uuid, about.subject
        raise TypeError("nobody approves a place or a membership")
