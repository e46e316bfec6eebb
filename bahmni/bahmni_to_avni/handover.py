"""The shell of the patient stream: reads feed and patients, asks Avni, and leaves every decision to `patient`.

Stands on atomfeed.md F1, F22, F25 (what an entry says and what raises none), openmrs.md O16, O37 (voided patients),
avni.md A2, A10 (search by marker), A13, A14 (External ID), A16, A17 (partial update, void).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast

from atomfeed.page import Entry
from atomfeed.position import FeedPosition, FeedReset
from atomfeed.reader import Feed, Reading
from avni.client import AvniClient
from bahmni import vocabulary as v
from bahmni.bahmni_to_avni import patient
from bahmni.openmrs import OpenMRSClient
from bahmni.same_person import Likeness
from engine.ports import Change, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write
from engine.registry import Setting
from engine.verdicts import Fail, Hold

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
        self._feed = feed
        self._namespace = setting.tenant.namespace
        self._born_here = setting.tenant.born_here
        self._likeness = Likeness(setting.tenant.match_name_likeness, setting.tenant.match_birth_years)
        self._subject_type = setting.snapshot.constant(v.SUBJECT_TYPE)

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """Notifications since the position, oldest first. What an entry says is not believed, only fetched."""
        for reading in self._readings(cast(FeedPosition, position)):
            changes = tuple(change for entry in reading.entries if (change := _change(entry)))
            others = Counter(entry.title for entry in reading.entries if _change(entry) is None)
            newest = changes[-1].source_time if changes else None
            yield Page(changes, cast(JsonObject, reading.position), newest, dict(others))

    def _readings(self, position: FeedPosition) -> Iterator[Reading]:
        try:
            yield from self._feed.read(position)
        except FeedReset:
            raise Hold("bahmni.feed-reset") from None

    def reread(self, partition: str, place: str) -> tuple[Sequence[Change], Gap | None]:
        """A feed has no gaps."""
        return (), None

    def parent(self, change: Change) -> Parent | None:
        """A patient hangs on nothing."""
        return None

    def fetch(self, entity_id: str) -> JsonObject | None:
        """One patient as it is now; voided ones too."""
        return self._openmrs.patient(entity_id, PATIENT)

    def lane(self, change: Change) -> str:
        """Patients with one number go one behind the other."""
        return patient.preferred_identifier(cast(JsonObject, change.record)) or change.entity_id

    def want(self, change: Change) -> Want:
        """See `patient.wanted`."""
        try:
            return patient.wanted(cast(JsonObject, change.record), self._snapshot)
        except KeyError as missing:
            raise Fail("record.field-missing", field=str(missing.args[0])) from None

    def look(self, want: Want, known: Known | None, parent: Known | None) -> patient.Found:
        """With a link one request; without, by the id we would choose, by marker, then the subject by number."""
        content: patient.HospitalRegistration = want.content
        if known and known.points_somewhere:
            return patient.Found(self._avni.encounter(known.target_id))
        there: JsonObject | None = self._avni.encounter(patient.external_id(self._namespace, content.patient_uuid))
        if there is None and not self._born_here:
            there = self._by_marker(content.patient_uuid)
        if content.voided:
            return patient.Found(there)
        subjects = self._subjects(content.bare_identifier)
        return patient.Found(there, subjects, subjects_asked=True)

    def plan(self, want: Want, state: patient.Found, known: Known | None) -> Plan:
        """See `patient.plan`."""
        return patient.plan(want, state, known, self._namespace, self._likeness)

    def write(self, write: Write) -> str:
        """Send one write to Avni. Gives the id Avni knows the encounter by."""
        match write.verb:
            case "create":
                return str(self._avni.upsert_encounter(write.body)["ID"])
            case "update":
                self._avni.patch_encounter(write.id, write.body)
            case "void":
                self._avni.void_encounter(write.id)
            case verb:
                raise ValueError(verb)
        return write.id

    def _by_marker(self, patient_uuid: str) -> JsonObject | None:
        """The registration encounter a service before us may have written. Several are a person's business."""
        marker = self._snapshot.single(*v.BAHMNI_MARKER_CONCEPT)
        if marker is None:
            return None
        concepts = {marker.avni_value: patient_uuid}
        rows = self._avni.encounters(v.LONG_AGO, v.HOSPITAL_REGISTRATION, concepts=concepts).content
        live = [row for row in rows if not row["Voided"]] or rows
        if len(live) > 1:
            raise Fail("bahmni.multiple-registrations")
        return live[0] if live else None

    def _subjects(self, bare_identifier: str) -> list[JsonObject]:
        concept = self._snapshot.single(*v.IDENTIFIER_CONCEPT)
        if concept is None:
            return []
        concepts = {concept.avni_value: bare_identifier}
        return list(self._avni.subjects(v.LONG_AGO, self._subject_type, concepts=concepts).content)


def _change(entry: Entry) -> Change | None:
    """The patient an entry is about, or None for an entry of another kind."""
    about = PATIENT_PATH.search(entry.content or "")
    return Change(about[1], entry.id, entry.updated) if entry.title == TITLE and about else None
