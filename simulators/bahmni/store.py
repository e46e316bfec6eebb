"""The simulated hospital: its state, what is set up in it, and what its people do.

`Store` is what tests, the demo and the comparer hold. Tables are read as they are
(`store.patients`, `store.persons`, `store.visits`, `store.encounters`, `store.obs`, …);
rows are written by the methods here or over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import uuid4

from simulators.bahmni import encounters, patients, persons, visits
from simulators.bahmni.codec import decode, encode
from simulators.bahmni.documents import read_patient
from simulators.bahmni.model import (
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
from simulators.bahmni.security import Doorkeeper
from simulators.bahmni.settings import Settings
from simulators.bahmni.state import FALSE_CONCEPT, TRUE_CONCEPT, State, utc_now

__all__ = ["Store"]

Row = TypeVar("Row", bound=Metadata)

TABLES: dict[str, type[Any]] = {
    "users": User,
    "concepts": Concept,
    "locations": Location,
    "providers": Provider,
    "encounter_types": Metadata,
    "encounter_roles": Metadata,
    "visit_types": Metadata,
    "visit_attribute_types": VisitAttributeType,
    "person_attribute_types": PersonAttributeType,
    "identifier_types": IdentifierType,
    "identifier_sources": IdentifierSource,
    "forms": Form,
    "drugs": Drug,
    "order_types": OrderType,
    "order_frequencies": Metadata,
    "care_settings": Metadata,
    "persons": Person,
    "patients": Patient,
    "visits": Visit,
    "encounters": Encounter,
    "obs": Obs,
    "orders": Order,
}

RECORDS = ("persons", "patients", "visits", "encounters", "obs", "orders")
"""The tables of what happened to patients; the others are how the hospital is set up."""


class Store(State):
    """One hospital. Every method may be called from any thread."""

    def __init__(self, settings: Settings | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(settings, clock)
        self.doorkeeper = Doorkeeper(self)
        self._add_truth()

    def _add_truth(self) -> None:
        for uuid, name in ((TRUE_CONCEPT, "True"), (FALSE_CONCEPT, "False")):
            self.add_concept(name, uuid=uuid)

    # setting up

    def add_concept(
        self,
        name: str,
        datatype: str = "N/A",
        answers: list[str] | None = None,
        *,
        uuid: str | None = None,
        **more: Any,
    ) -> Concept:
        """A concept; `answers` are uuids, `more` any other column of `Concept`."""
        name_uuid = str(uuid4())
        row = Concept(_uuid(uuid), name, name_uuid=name_uuid, datatype=datatype, **more)
        row.answers = list(answers or [])
        return self._enter(self.concepts, row)

    def add_drug(self, name: str, concept: str, *, uuid: str | None = None, **more: Any) -> Drug:
        """A drug; `concept` is the uuid of what is in it, `more` its form and strength."""
        return self._enter(self.drugs, Drug(_uuid(uuid), name, concept=concept, **more))

    def add_order_type(self, name: str, java: str = "org.openmrs.Order", *, uuid: str | None = None) -> OrderType:
        """An order type; `java` decides what the wire calls its orders."""
        return self._enter(self.order_types, OrderType(_uuid(uuid), name, java=java))

    def add_order_frequency(self, name: str, *, uuid: str | None = None) -> Metadata:
        """How often something is to be taken."""
        return self._enter(self.order_frequencies, Metadata(_uuid(uuid), name))

    def add_care_setting(self, name: str, *, uuid: str | None = None) -> Metadata:
        """Outpatient or inpatient."""
        return self._enter(self.care_settings, Metadata(_uuid(uuid), name))

    def add_form(self, name: str, *, uuid: str | None = None, **more: Any) -> Form:
        """A form as OpenMRS knows it."""
        return self._enter(self.forms, Form(_uuid(uuid), name, **more))

    def add_identifier_source(
        self, name: str, identifier_type: str, *, uuid: str | None = None, **more: Any
    ) -> IdentifierSource:
        """Where numbers come from; `more`: prefix, next_number, digits."""
        row = IdentifierSource(_uuid(uuid), name, identifier_type=identifier_type, **more)
        return self._enter(self.identifier_sources, row)

    def add_location(self, name: str, *, uuid: str | None = None, **more: Any) -> Location:
        """A place."""
        return self._enter(self.locations, Location(_uuid(uuid), name, **more))

    def add_encounter_type(self, name: str, *, uuid: str | None = None) -> Metadata:
        """An encounter type."""
        return self._enter(self.encounter_types, Metadata(_uuid(uuid), name))

    def add_encounter_role(self, name: str, *, uuid: str | None = None) -> Metadata:
        """An encounter role."""
        return self._enter(self.encounter_roles, Metadata(_uuid(uuid), name))

    def add_visit_type(self, name: str, *, uuid: str | None = None) -> Metadata:
        """A visit type."""
        return self._enter(self.visit_types, Metadata(_uuid(uuid), name))

    def add_visit_attribute_type(self, name: str, *, uuid: str | None = None, **more: Any) -> VisitAttributeType:
        """A visit attribute type."""
        row = VisitAttributeType(_uuid(uuid), name, **more)
        return self._enter(self.visit_attribute_types, row)

    def add_person_attribute_type(
        self, name: str, java: str = "java.lang.String", *, uuid: str | None = None
    ) -> PersonAttributeType:
        """A person attribute type; `java` is its format, e.g. org.openmrs.Concept."""
        row = PersonAttributeType(_uuid(uuid), name, format=java)
        return self._enter(self.person_attribute_types, row)

    def add_identifier_type(self, name: str, *, uuid: str | None = None, **more: Any) -> IdentifierType:
        """A patient identifier type; a location is not asked for unless told so."""
        more = {"location_behavior": "NOT_USED", **more}
        return self._enter(self.identifier_types, IdentifierType(_uuid(uuid), name, **more))

    def add_provider(self, name: str, *, uuid: str | None = None, identifier: str | None = None) -> Provider:
        """A provider."""
        row = Provider(_uuid(uuid), name, identifier=identifier, person=str(uuid4()))
        return self._enter(self.providers, row)

    def add_user(
        self,
        username: str,
        password: str,
        privileges: list[str] | None = None,
        *,
        uuid: str | None = None,
        provider: str | None = None,
    ) -> User:
        """A user; `privileges` None makes a superuser."""
        held = None if privileges is None else list(privileges)
        row = User(_uuid(uuid), username, password, str(uuid4()), username, held, provider)
        with self.lock:
            self.users[row.uuid] = row
        return row

    def _enter(self, table: dict[str, Row], row: Row) -> Row:
        with self.lock:
            row.audit = self.created()
            table[row.uuid] = row
        return row

    # what hospital people do

    def as_user(self, uuid: str | None) -> Store:
        """From now on the `hospital_…` methods act in this user's name."""
        self.acting = uuid
        return self

    def hospital_create_patient(
        self,
        given_name: str,
        family_name: str,
        identifier: str,
        *,
        identifier_type: str,
        gender: str = "F",
        birthdate: date | str = "1990-01-01",
        attributes: Mapping[str, Any] | None = None,
        uuid: str | None = None,
    ) -> Patient:
        """A clerk registers a patient: a feed event follows. `attributes` by type uuid."""
        person: dict[str, Any] = {
            "names": [{"givenName": given_name, "familyName": family_name}],
            "gender": gender,
            "birthdate": str(birthdate),
            "attributes": _attributes(attributes or {}),
        }
        if uuid:
            person["uuid"] = uuid
        numbers = [{"identifier": identifier, "identifierType": identifier_type}]
        with self.lock:
            return patients.create_patient(self, {"person": person, "identifiers": numbers})

    def hospital_edit_patient(self, uuid: str, **person: Any) -> None:
        """A clerk edits demographics (keys as in the API): a feed event follows."""
        with self.lock:
            patients.update_patient(self, self.patients[uuid], {"person": person})

    def hospital_edit_attribute(self, uuid: str, attribute_type: str, value: Any) -> None:
        """A clerk gives a person attribute another value, or none: a feed event follows."""
        self.hospital_edit_patient(uuid, attributes=_attributes({attribute_type: value}))

    def hospital_add_identifier(self, uuid: str, identifier: str, identifier_type: str) -> Identifier:
        """A further number for a patient: no feed event."""
        body = {"identifier": identifier, "identifierType": identifier_type}
        with self.lock:
            return patients.save_identifier(self, self.patients[uuid], body)

    def void_patient(self, uuid: str, reason: str = "entered twice") -> None:
        """A patient is voided: no feed event."""
        with self.lock:
            patients.void_patient(self, self.patients[uuid], reason)

    def unvoid_patient(self, uuid: str) -> None:
        """A voided patient comes back: a feed event follows."""
        with self.lock:
            patients.unvoid_patient(self, self.patients[uuid])

    def hospital_create_visit(self, **body: Any) -> Visit:
        """A visit is opened (keys as in the API)."""
        with self.lock:
            return visits.create_visit(self, body)

    def hospital_save_encounter(self, **body: Any) -> Encounter:
        """A clinician saves a form: unlike a REST write, a feed event follows."""
        with self.lock:
            known = self.encounters.get(body.get("uuid") or "")
            if known is None:
                known = encounters.create_encounter(self, body)
            else:
                encounters.update_encounter(self, known, body)
            self.encounter_saved(known.uuid)
            return known

    def void_encounter(self, uuid: str, reason: str = "entered twice") -> None:
        """An encounter is voided: no feed event."""
        with self.lock:
            encounters.void_encounter(self, self.encounters[uuid], reason)

    def load_patient_document(self, document: Mapping[str, Any]) -> Patient:
        """A real `v=full` patient document becomes a patient, with a feed event."""
        with self.lock:
            patient = read_patient(self, document)
            self.patient_saved(patient.uuid)
            return patient

    # the server

    def expire_sessions(self) -> None:
        """The server has been restarted: every cookie is stale."""
        with self.lock:
            self.doorkeeper.forget_all()

    # the whole state

    def dump(self) -> dict[str, Any]:
        """Everything as JSON: settings, tables, feeds. Sessions are not kept."""
        with self.lock:
            state: dict[str, Any] = {"settings": encode(self.settings)}
            for name in TABLES:
                state[name] = [encode(row) for row in getattr(self, name).values()]
            state["events"] = [encode(row) for row in self.feeds.rows]
            state["queue"] = [encode(row) for row in self.feeds.queue]
            return state

    def load(self, state: Mapping[str, Any]) -> None:
        """Replace everything by what `dump` gave; tables left out stay empty."""
        with self.lock:
            if "settings" in state:
                self.settings = decode(Settings, state["settings"])
            self.clear()
            self._add_truth()
            for name, kind in TABLES.items():
                for each in state.get(name, []):
                    self._restore(name, decode(kind, each))
            self.feeds.replace_rows([decode(FeedEvent, each) for each in state.get("events", [])])
            self.feeds.queue = [decode(FeedEvent, each) for each in state.get("queue", [])]
            self.doorkeeper.forget_all()

    def set_up_anew(self) -> None:
        """The server is installed once more: the same metadata and users, no patient, nothing in the feeds."""
        kept = {name: rows for name, rows in self.dump().items() if name not in (*RECORDS, "events", "queue")}
        self.load(kept)

    def _restore(self, table: str, row: Any) -> None:
        if isinstance(row, Person):
            persons.adopt(self, row, None)
            self.insert_person(row)
        elif isinstance(row, Patient):
            rows, row.identifiers = row.identifiers, []
            self.insert_patient(row, rows)
        elif isinstance(row, Visit):
            for attribute in row.attributes:
                self.claim("visit_attribute", attribute.uuid)
            self.insert_visit(row)
        elif isinstance(row, Encounter):
            for provider in row.providers:
                self.claim("encounter_provider", provider.uuid)
            self.insert_encounter(row)
        elif isinstance(row, Obs):
            self.insert_obs(row)
        elif isinstance(row, Order):
            self.insert_order(row)
        else:
            getattr(self, table)[row.uuid] = row


def _uuid(given: str | None) -> str:
    return given or str(uuid4())


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"attributeType": kind, "value": value} for kind, value in values.items()]
