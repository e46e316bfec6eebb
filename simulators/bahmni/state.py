"""The state of one simulated hospital, with the indexes that keep it fast.

The rows are plain dictionaries by uuid and may be read by tests and the comparer as they are.
Writing goes through the rules in `patients`, `visits`, `encounters` and `orders`, through the `hospital_…`
methods of `store.Store`, which are what a clerk does, or through `clinicians`. One lock guards everything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from simulators.bahmni.dates import whole_second
from simulators.bahmni.errors import duplicate
from simulators.bahmni.feeds import FeedLog
from simulators.bahmni.model import (
    Audit,
    Concept,
    Encounter,
    FeedEvent,
    Form,
    Identifier,
    IdentifierSource,
    IdentifierType,
    Location,
    Metadata,
    Obs,
    Patient,
    Person,
    PersonAttributeType,
    Provider,
    User,
    Visit,
    VisitAttributeType,
)
from simulators.bahmni.order_model import Drug, Order, OrderType
from simulators.bahmni.search import PatientIndex
from simulators.bahmni.settings import Settings

__all__ = ["FALSE_CONCEPT", "TRUE_CONCEPT", "State"]

TRUE_CONCEPT = "5a1c2f70-0000-4000-8000-0000000000f1"
FALSE_CONCEPT = "5a1c2f70-0000-4000-8000-0000000000f0"
INVESTIGATION = "INVESTIGATION"
"""The encounter type of laboratory orders, the only one whose plain writes are published."""


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class State:
    """All tables, found by uuid, and how rows get in and out of them."""

    def __init__(self, settings: Settings | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        self.settings = settings or Settings()
        self.clock = clock
        self.lock = threading.RLock()
        self.acting: str | None = None
        """User uuid in whose name rows are written just now; the hospital's own if None."""
        self.clear()

    def clear(self) -> None:
        """Empty every table."""
        self.users: dict[str, User] = {}
        self.concepts: dict[str, Concept] = {}
        self.locations: dict[str, Location] = {}
        self.providers: dict[str, Provider] = {}
        self.encounter_types: dict[str, Metadata] = {}
        self.encounter_roles: dict[str, Metadata] = {}
        self.visit_types: dict[str, Metadata] = {}
        self.visit_attribute_types: dict[str, VisitAttributeType] = {}
        self.person_attribute_types: dict[str, PersonAttributeType] = {}
        self.identifier_types: dict[str, IdentifierType] = {}
        self.identifier_sources: dict[str, IdentifierSource] = {}
        self.forms: dict[str, Form] = {}
        self.drugs: dict[str, Drug] = {}
        self.order_types: dict[str, OrderType] = {}
        self.order_frequencies: dict[str, Metadata] = {}
        self.care_settings: dict[str, Metadata] = {}
        self.persons: dict[str, Person] = {}
        self.patients: dict[str, Patient] = {}
        self.visits: dict[str, Visit] = {}
        self.encounters: dict[str, Encounter] = {}
        self.obs: dict[str, Obs] = {}
        self.orders: dict[str, Order] = {}
        self.identifiers: dict[str, Identifier] = {}
        self.feeds = FeedLog(self.settings, self.now)
        self.index = PatientIndex()
        self._sub_rows: dict[str, set[str]] = {}
        self._visits_of: dict[str, list[Visit]] = {}
        self._encounters_of: dict[str, list[Encounter]] = {}
        self._obs_of: dict[str, list[Obs]] = {}
        self._orders_of: dict[str, list[Order]] = {}

    # time and authorship

    def now(self) -> datetime:
        """The hospital's clock, aware, with fraction."""
        return self.clock().astimezone(UTC) + timedelta(seconds=self.settings.clock_offset)

    def created(self) -> Audit:
        """The audit columns of a row written now."""
        return Audit(self.acting, whole_second(self.now()))

    def touch(self, audit: Audit) -> None:
        """Note a change now."""
        audit.changed_by, audit.date_changed = self.acting, whole_second(self.now())

    def strike(self, audit: Audit, reason: str) -> None:
        """Note a voiding now."""
        audit.voided_by, audit.date_voided = self.acting, whole_second(self.now())
        audit.void_reason = reason

    def unstrike(self, audit: Audit) -> None:
        """Forget a voiding."""
        audit.voided_by = audit.date_voided = audit.void_reason = None

    # rows in

    def claim(self, table: str, uuid: str | None) -> str:
        """A uuid for a new row of a small table; the given one if it is free, else a 500."""
        taken = self._sub_rows.setdefault(table, set())
        uuid = uuid or str(uuid4())
        if uuid in taken:
            raise duplicate(table, uuid)
        taken.add(uuid)
        return uuid

    def taken(self, table: str, uuid: str | None) -> bool:
        """Whether a row of a small table already has this uuid."""
        return uuid is not None and uuid in self._sub_rows.get(table, ())

    def insert_person(self, person: Person) -> None:
        """Store a new person. Raises 500 when the uuid is taken."""
        if person.uuid in self.persons:
            raise duplicate("person", person.uuid)
        self.persons[person.uuid] = person
        self.renamed(person)

    def renamed(self, person: Person) -> None:
        """Keep the search index in step with a person's names."""
        words = [
            part
            for name in person.names
            if not name.voided
            for part in (name.given_name, name.middle_name, name.family_name)
            if part
        ]
        self.index.set_names(person.uuid, words)

    def insert_identifier(self, patient: Patient, row: Identifier) -> None:
        """Store a new identifier of a patient. Raises 500 when the uuid is taken."""
        if row.uuid in self.identifiers:
            raise duplicate("patient_identifier", row.uuid)
        self.identifiers[row.uuid] = row
        patient.identifiers.append(row)
        self.index.add_identifier(row.identifier, row.uuid, patient.uuid, row.type)

    def insert_patient(self, patient: Patient, rows: list[Identifier]) -> None:
        """Store a new patient with its identifiers. Raises 500 when one of their uuids is taken."""
        for row in rows:
            if row.uuid in self.identifiers:
                raise duplicate("patient_identifier", row.uuid)
        self.patients[patient.uuid] = patient
        for row in rows:
            self.insert_identifier(patient, row)

    def rewrite_identifier(self, patient: Patient, row: Identifier, text: str, kind: str) -> None:
        """Another text or type for an identifier row."""
        self.index.drop_identifier(row.identifier, row.uuid, patient.uuid, row.type)
        row.identifier, row.type = text, kind
        self.index.add_identifier(text, row.uuid, patient.uuid, kind)

    def insert_visit(self, visit: Visit) -> None:
        """Store a new visit. Raises 500 when the uuid is taken."""
        if visit.uuid in self.visits:
            raise duplicate("visit", visit.uuid)
        self.visits[visit.uuid] = visit
        self._visits_of.setdefault(visit.patient, []).append(visit)

    def insert_encounter(self, encounter: Encounter) -> None:
        """Store a new encounter. Raises 500 when the uuid is taken."""
        if encounter.uuid in self.encounters:
            raise duplicate("encounter", encounter.uuid)
        self.encounters[encounter.uuid] = encounter
        self._encounters_of.setdefault(encounter.patient, []).append(encounter)

    def insert_obs(self, row: Obs) -> None:
        """Store a new observation. Raises 500 when the uuid is taken."""
        if row.uuid in self.obs:
            raise duplicate("obs", row.uuid)
        self.obs[row.uuid] = row
        self._obs_of.setdefault(row.encounter or "", []).append(row)

    def insert_order(self, row: Order) -> None:
        """Store a new order. Raises 500 when the uuid is taken."""
        if row.uuid in self.orders:
            raise duplicate("orders", row.uuid)
        self.orders[row.uuid] = row
        self._orders_of.setdefault(row.encounter, []).append(row)

    # rows out

    def purge_visit(self, visit: Visit) -> None:
        """Remove a visit for good."""
        del self.visits[visit.uuid]
        self._visits_of[visit.patient].remove(visit)

    def purge_encounter(self, encounter: Encounter) -> None:
        """Remove an encounter for good."""
        del self.encounters[encounter.uuid]
        self._encounters_of[encounter.patient].remove(encounter)

    # relations

    def visits_of(self, patient: str) -> list[Visit]:
        """All visits of a patient, voided ones too."""
        return self._visits_of.get(patient, [])

    def encounters_of(self, patient: str) -> list[Encounter]:
        """All encounters of a patient, voided ones too, oldest first."""
        return sorted(self._encounters_of.get(patient, []), key=lambda row: row.moment)

    def encounters_in(self, visit: Visit) -> list[Encounter]:
        """All encounters of a visit, voided ones too."""
        return [row for row in self.encounters_of(visit.patient) if row.visit == visit.uuid]

    def obs_of(self, encounter: str) -> list[Obs]:
        """All observation rows of an encounter at any depth, voided ones too."""
        return self._obs_of.get(encounter, [])

    def orders_of(self, encounter: str) -> list[Order]:
        """All orders of an encounter, voided ones too, oldest first."""
        return self._orders_of.get(encounter, [])

    def members(self, group: Obs) -> Iterator[Obs]:
        """Rows directly inside a group, voided ones too."""
        rows = self._obs_of.get(group.encounter or "", [])
        return (row for row in rows if row.group == group.uuid)

    def preferred_identifier(self, patient: Patient) -> Identifier | None:
        """The preferred identifier that is not voided, else any."""
        live = [row for row in patient.identifiers if not row.voided]
        return next((row for row in live if row.preferred), live[0] if live else None)

    # feeds

    def publish(
        self,
        category: str,
        title: str,
        content: str | None,
        tags: list[str] | None = None,
    ) -> list[FeedEvent]:
        """Raise any event: lab, drug, beds, several titles in one category."""
        with self.lock:
            return self.feeds.raise_event(category, title, content, tags)

    def patient_saved(self, uuid: str) -> None:
        """PatientService.savePatient has returned."""
        content = self.settings.patient_content.format(uuid=uuid)
        self.feeds.raise_event("patient", "Patient", content)

    def encounter_saved(self, uuid: str) -> None:
        """EmrEncounterService.save has returned (never from a plain REST write)."""
        content = self.settings.encounter_content.format(uuid=uuid)
        self.feeds.raise_event("Encounter", "Encounter", content)

    def encounter_stored(self, encounter: Encounter) -> None:
        """EncounterService.saveEncounter has returned: listened to for one type of encounter only."""
        if self.encounter_types[encounter.type].name == INVESTIGATION:
            self.encounter_saved(encounter.uuid)
