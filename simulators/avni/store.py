"""The state of a simulated Avni: organisations, users, subjects, general encounters.

Tests, the demo population and the comparer use this class directly; the HTTP routes use it
too. Rows are immutable: an edit puts a new row in the place of the old one. All public
methods are safe to call from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from simulators.avni import observations, snapshot
from simulators.avni.metadata import (
    Concept,
    EncounterType,
    Location,
    Organisation,
    SubjectType,
    User,
    new_uuid,
)
from simulators.avni.rows import EncounterRow, R, SubjectRow, Table
from simulators.avni.settings import Settings
from simulators.avni.times import to_ms

DEFAULT = "demo"
"""The organisation meant when none is named."""

FIELD_USER = "field@demo"
"""Who makes the rows that do not come over HTTP."""

Moment = datetime | int | None
"""An aware time, milliseconds since 1970, or None for now."""


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class AvniStore:
    """Everything one Avni installation knows.

    `clock` may be replaced at any time; it decides stamps, windows, tokens and the Date header.
    """

    def __init__(self, settings: Settings | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        self.settings = settings or Settings()
        self.clock = clock
        self.lock = threading.RLock()
        self.organisations: dict[str, Organisation] = {}
        self.users: dict[str, User] = {}
        self.token_generation = 0
        self._subjects: Table[SubjectRow] = Table()
        self._encounters: Table[EncounterRow] = Table()
        self._encounters_of: dict[str, dict[str, None]] = {}

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
    def subject_table(self) -> Table[SubjectRow]:
        """Subjects, with everything committed whose time has come."""
        with self.lock:
            self._subjects.commit_due(self.now_ms())
            return self._subjects

    @property
    def encounter_table(self) -> Table[EncounterRow]:
        """General encounters, with everything committed whose time has come."""
        with self.lock:
            for row in self._encounters.commit_due(self.now_ms()):
                self._note_owner(row)
            return self._encounters

    def encounters_of(self, subject: str) -> list[str]:
        """Uuids of a subject's encounters, voided ones too, in no promised order."""
        with self.lock:
            encounters = self.encounters
            owned = self._encounters_of.get(subject, {})
            return [uuid for uuid in owned if encounters[uuid].subject == subject]

    def now_ms(self) -> int:
        """The store's clock in whole milliseconds."""
        return to_ms(self.clock())

    def organisation(self, name: str = DEFAULT) -> Organisation:
        """The organisation of that name; made when it is new."""
        with self.lock:
            return self.organisations.setdefault(name, Organisation(name))

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
        """A type of general encounters."""
        made = EncounterType(name, uuid or new_uuid())
        self.organisation(organisation).encounter_types[name] = made
        return made

    def add_location(
        self,
        title: str,
        kind: str,
        parent: Location | None = None,
        *,
        organisation: str = DEFAULT,
        **properties: Any,
    ) -> Location:
        """A place of a kind such as Village inside `parent`; `properties`: uuid, external_id, voided."""
        made = Location(title, kind, parent=parent.uuid if parent else None, **properties)
        self.organisation(organisation).locations[made.uuid] = made
        return made

    def add_user(
        self,
        username: str,
        password: str,
        *,
        organisation: str = DEFAULT,
        **properties: Any,
    ) -> User:
        """A user of one organisation; `properties`: may_generate_token, voided, cannot_view."""
        self.organisation(organisation)
        self.users[username] = User(username, password, organisation, **properties)
        return self.users[username]

    # --- rows ------------------------------------------------------------------------------

    def put_subject(
        self,
        *,
        subject_type: str,
        observations: dict[str, Any] | None = None,
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
                uuid=uuid or new_uuid(),
                seq=self._subjects.next_seq(),
                organisation=organisation,
                kind=subject_type,
                observations=self._accept(organisation, observations or {}),
                **self._stamps(at, by),
                **fields,
            )
            return self.save_subject(row, commit_after)

    def put_encounter(
        self,
        *,
        encounter_type: str,
        subject: str,
        observations: dict[str, Any] | None = None,
        cancel_observations: dict[str, Any] | None = None,
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
            times = {"encounter_ms": self._ms(at)}
            row = EncounterRow(
                uuid=uuid or new_uuid(),
                seq=self._encounters.next_seq(),
                organisation=organisation,
                kind=encounter_type,
                subject=subject,
                observations=self._accept(organisation, observations or {}),
                cancel_observations=self._accept(organisation, cancel_observations or {}),
                **self._stamps(at, by),
                **(times | fields),
            )
            return self.save_encounter(row, commit_after)

    def edit_subject(
        self,
        uuid: str,
        *,
        observations: dict[str, Any] | None = None,
        at: Moment = None,
        by: str = FIELD_USER,
        commit_after: float = 0.0,
        **fields: Any,
    ) -> SubjectRow:
        """Change a subject: `observations` by name are laid over (None removes)."""
        with self.lock:
            edited = self._edited(self.subjects[uuid], observations, at, by, fields)
            return self.save_subject(edited, commit_after)

    def edit_encounter(
        self,
        uuid: str,
        *,
        observations: dict[str, Any] | None = None,
        at: Moment = None,
        by: str = FIELD_USER,
        commit_after: float = 0.0,
        **fields: Any,
    ) -> EncounterRow:
        """Change an encounter: `observations` by name are laid over (None removes)."""
        with self.lock:
            edited = self._edited(self.encounters[uuid], observations, at, by, fields)
            return self.save_encounter(edited, commit_after)

    def void_subject(self, uuid: str, *, at: Moment = None, by: str = FIELD_USER) -> SubjectRow:
        """Void a subject; its encounters stay as they are."""
        return self.edit_subject(uuid, at=at, by=by, voided=True)

    def void_encounter(self, uuid: str, *, at: Moment = None, by: str = FIELD_USER) -> EncounterRow:
        """Void an encounter."""
        return self.edit_encounter(uuid, at=at, by=by, voided=True)

    def bulk_touch(self, uuids: Iterable[str], at: Moment = None, by: str = "bulk@avni") -> None:
        """Stamp rows as a bulk SQL job does: `at` plus each row's id in microseconds."""
        base = self._ms(at)
        with self.lock:
            for uuid in uuids:
                if uuid in self.subjects:
                    row = self.subjects[uuid]
                    stamp = base + row.seq // 1000
                    self.save_subject(replace(row, modified_ms=stamp, modified_by=by))
                else:
                    other = self.encounters[uuid]
                    stamp = base + other.seq // 1000
                    self.save_encounter(replace(other, modified_ms=stamp, modified_by=by))

    def poison(self, uuid: str) -> None:
        """Give a row an observation no concept stands for; every page with it then fails."""
        with self.lock:
            if uuid in self.subjects:
                row = self.subjects[uuid]
                broken = {**row.observations, new_uuid(): "?"}
                self._subjects.install(replace(row, observations=broken))
            else:
                other = self.encounters[uuid]
                broken = {**other.observations, new_uuid(): "?"}
                self._encounters.install(replace(other, observations=broken))

    def expire_tokens(self) -> None:
        """From now on every token given out so far is expired."""
        self.token_generation += 1

    def save_subject(self, row: SubjectRow, commit_after: float = 0.0) -> SubjectRow:
        """Put a row in place, at once or once `commit_after` seconds have passed."""
        return self._save(self.subject_table, row, commit_after)

    def save_encounter(self, row: EncounterRow, commit_after: float = 0.0) -> EncounterRow:
        """Put a row in place, at once or once `commit_after` seconds have passed."""
        with self.lock:
            saved = self._save(self.encounter_table, row, commit_after)
            if not commit_after:
                self._note_owner(saved)
            return saved

    # --- whole state -----------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """Everything but the clock, as plain JSON values. Writes not committed are left out."""
        with self.lock:
            return snapshot.dump(self)

    def load(self, state: dict[str, Any]) -> None:
        """Add what `dump` gave to this store; what has the same uuid or name is replaced."""
        with self.lock:
            snapshot.load(self, state)

    # --- inside ----------------------------------------------------------------------------

    def _ms(self, moment: Moment) -> int:
        if moment is None:
            return self.now_ms()
        return moment if isinstance(moment, int) else to_ms(moment)

    def _stamps(self, at: Moment, by: str) -> dict[str, Any]:
        stamp = self._ms(at)
        return {
            "created_ms": stamp,
            "modified_ms": stamp,
            "created_by": by,
            "modified_by": by,
        }

    def _accept(self, organisation: str, given: dict[str, Any]) -> dict[str, Any]:
        return observations.accept(self.organisation(organisation), given)

    def _edited(
        self,
        row: R,
        given: dict[str, Any] | None,
        at: Moment,
        by: str,
        fields: dict[str, Any],
    ) -> R:
        kept = row.observations
        if given is not None:
            kept = observations.patch(self.organisation(row.organisation), kept, given)
        stamps = {"modified_ms": self._ms(at), "modified_by": by}
        return replace(row, **{"observations": kept, **stamps, **fields})

    def _save(self, table: Table[R], row: R, commit_after: float) -> R:
        with self.lock:
            if commit_after:
                table.install_later(row, self.now_ms() + int(commit_after * 1000))
            else:
                table.install(row)
            return row

    def _note_owner(self, row: EncounterRow) -> None:
        self._encounters_of.setdefault(row.subject, {})[row.uuid] = None
