"""The shell of the patient stream: reads feed and patients, asks Avni, and leaves every decision to `patient`.

Stands on atomfeed.md F22 (what raises an entry), openmrs.md O16, O37 (voided patients), avni.md A13, A14 (External ID).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import cast

from atomfeed.reader import Feed
from avni.client import AvniClient
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.subject import identifier_of
from bahmni.bahmni_to_avni import by_number, patient
from bahmni.bahmni_to_avni.avni_encounters import carrying, send
from bahmni.bahmni_to_avni.notices import Notices
from bahmni.bahmni_to_avni.versions import Versions, changed_at
from bahmni.openmrs import OpenMRSClient
from bahmni.same_person import Likeness
from engine.ports import Change, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write
from engine.registry import Setting
from engine.settling import chosen
from engine.verdicts import Fail
from errors.specs import Move

TITLE = "Patient"
PATIENT_PATH = re.compile(r"/ws/rest/v1/patient/([0-9A-Za-z-]{36,38})(?:[?/]|$)")
"""A uuid of OpenMRS: 36 characters, up to 38 in old data."""

PATIENT = (
    "custom:(uuid,voided,identifiers:(identifier,identifierType:(uuid),preferred,voided),"
    "person:(gender,birthdate,preferredName:(givenName,familyName),"
    "attributes:(value,voided,attributeType:(uuid,display))),auditInfo)"
)


class PatientHandover:
    """Patients of Bahmni, by its patient feed → registration encounters in Avni."""

    def __init__(self, setting: Setting, avni: AvniClient, openmrs: OpenMRSClient, feed: Feed) -> None:
        self._snapshot = setting.snapshot
        self._avni = avni
        self._openmrs = openmrs
        self._notices = Notices(feed, TITLE, PATIENT_PATH)
        self._namespace = setting.tenant.namespace
        self._versions = Versions(setting.snapshot)
        self._born_here = setting.tenant.born_here
        self._likeness = Likeness(setting.tenant.match_name_likeness, setting.tenant.match_birth_years)
        self._us = setting.connections[v.AVNI].username
        self._subject_type = setting.snapshot.constant(v.SUBJECT_TYPE)

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """See `Notices.pages`; the feed is the only partition."""
        return self._notices.pages(position)

    def reread(self, partition: str, place: str) -> tuple[Sequence[Change], Gap | None]:
        """A feed has no gaps: it is read on, or not at all."""
        return (), None

    def fetch(self, entity_id: str) -> JsonObject | None:
        """One patient as it is now; voided ones too."""
        return self._openmrs.patient(entity_id, PATIENT)

    def walk(self, position: JsonObject) -> Iterator[Page]:
        """All patients with a number of the programme, by the beginnings of their numbers; voided ones too."""
        prefix = self._snapshot.constant(v.IDENTIFIER_PREFIX)
        left = position.get("left", [prefix] if prefix else [])
        for step in by_number.steps(left, *by_number.listing_of(self._openmrs, PATIENT)):
            changes = tuple(Change(row["uuid"], self.version(row), changed_at(row), row) for row in step.rows)
            yield Page(changes, {"left": step.left}, beginning=step.beginning if step.is_whole else None)

    def version(self, record: JsonObject) -> str:
        """See `Versions.of_patient`."""
        return self._versions.of_patient(record)

    def lane(self, change: Change) -> str:
        """Patients with one number go one behind the other."""
        return patient.preferred_identifier(cast(JsonObject, change.record)) or change.entity_id

    def parent(self, change: Change) -> Parent | None:
        """A patient hangs on a subject that its number leads to, not on a record of its own system."""
        return None

    def want(self, change: Change) -> Want:
        """See `patient.wanted`."""
        try:
            return patient.wanted(cast(JsonObject, change.record), self._snapshot)
        except KeyError as missing:
            raise Fail("record.field-missing", field=str(missing.args[0])) from None

    def look(self, want: Want, known: Known | None, parent: Known | None) -> patient.Found:
        """With a link one request, and one more for the subject before anything is written to it.

        Without, by the id we would choose, by marker, then the subject by number.
        """
        content: patient.HospitalRegistration = want.content
        if known and known.points_somewhere:
            registration = self._avni.encounter(known.target_id)
            if registration is not None and patient.would_write(content, registration):
                subjects = self._subject_if_it_has(want.identifier, registration)
                return patient.Found(registration, subjects, subjects_asked=True)
            if registration is not None or not chosen(known, Move.SOURCE):
                return patient.Found(registration)
        there: JsonObject | None = self._avni.encounter(patient.external_id(self._namespace, content.patient_uuid))
        if there is None and not self._born_here:
            there = self._by_marker(content.patient_uuid)
        if content.voided:
            return patient.Found(there)
        subjects = self._subjects(content.bare_identifier)
        return patient.Found(there, subjects, subjects_asked=True)

    def plan(self, want: Want, state: patient.Found, known: Known | None) -> Plan:
        """See `patient.plan`."""
        return patient.plan(want, state, known, self._namespace, self._likeness, self._us)

    def write(self, write: Write) -> str:
        """Send one write to Avni. Gives the id Avni knows the encounter by."""
        return send(write, self._avni)

    def _by_marker(self, patient_uuid: str) -> JsonObject | None:
        """The registration encounter a service before us may have written. Several are a person's business."""
        rows = carrying(patient_uuid, v.HOSPITAL_REGISTRATION, self._avni, self._snapshot)
        if len(rows) > 1:
            raise Fail("bahmni.multiple-registrations")
        return rows[0] if rows else None

    def _subject_if_it_has(self, number: str, registration: JsonObject) -> list[JsonObject]:
        """The subject of a registration, as long as it carries the patient's number."""
        subject = self._avni.subject(registration["Subject ID"])
        return [subject] if subject and identifier_of(subject, self._snapshot) == number else []

    def _subjects(self, bare_identifier: str) -> list[JsonObject]:
        concept = self._snapshot.single(*v.IDENTIFIER_CONCEPT)
        if concept is None:
            return []
        concepts = {concept.avni_value: bare_identifier}
        return list(self._avni.subjects(v.LONG_AGO, self._subject_type, concepts=concepts).content)
