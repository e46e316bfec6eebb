"""The shell of the subject stream: asks Avni and OpenMRS, and leaves every decision to `subject`.

Stands on avni.md A1, A7, A10 (lists) and openmrs.md O17, O38 (ids we choose), O22, O23 (void and back), O39, O41, O46
(what is refused), O49 (look-up by number), O58, O64 (searches).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast
from zoneinfo import ZoneInfo

from avni.client import AvniClient
from avni.windows import WindowPosition, read_window
from avni.wire import instant
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni import subject
from bahmni.avni_to_bahmni.found import (
    ENCOUNTER,
    PATIENT,
    VISIT,
    FoundEncounter,
    found_encounter,
    found_patient,
    found_visit,
)
from bahmni.openmrs import OpenMRSClient
from bahmni.same_person import Likeness
from common.http_errors import Refused, Unclear
from engine.ports import Change, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write
from engine.registry import Setting
from engine.verdicts import Fail, Hold

REFUSALS = {
    "GivenName.invalid": ("bahmni.name-refused", {"field": "First name"}),
    "FamilyName.invalid": ("bahmni.name-refused", {"field": "Last name"}),
    "identifier.in-use": ("bahmni.number-in-use", {}),
}
"""What OpenMRS says no to, in words an administrator can act on."""


class SubjectHandover:
    """Avni subjects of the tenant's subject type → patients of Bahmni."""

    def __init__(self, setting: Setting, avni: AvniClient, openmrs: OpenMRSClient) -> None:
        self._snapshot = setting.snapshot
        self._avni = avni
        self._openmrs = openmrs
        self._subject_type = setting.snapshot.constant(v.SUBJECT_TYPE)
        self._zone = ZoneInfo(setting.connections[v.BAHMNI].zone)
        tenant = setting.tenant
        likeness = Likeness(tenant.match_name_likeness, tenant.match_birth_years)
        self._policy = subject.Policy(tenant.namespace, likeness)

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """Subjects of a type modified since the position, oldest first."""
        for rows, after in read_window(cast(WindowPosition, position), partial(self._fetch_page, partition)):
            changes = tuple(_change(row) for row in rows)
            yield Page(changes, cast(JsonObject, after), changes[-1].source_time if changes else None)

    def reread(self, partition: str, place: str) -> tuple[Sequence[Change], Gap | None]:
        """There are no gaps yet."""
        return (), None

    def parent(self, change: Change) -> Parent | None:
        """A subject hangs on nothing."""
        return None

    def fetch(self, entity_id: str) -> JsonObject | None:
        """One subject as it is now."""
        return self._avni.subject(entity_id)

    def lane(self, change: Change) -> str:
        """Subjects with one patient number go one behind the other."""
        return subject.identifier_of(cast(JsonObject, change.record), self._snapshot) or change.entity_id

    def want(self, change: Change) -> Want:
        """See `subject.wanted`."""
        try:
            return subject.wanted(cast(JsonObject, change.record), self._snapshot)
        except KeyError as missing:
            raise Fail("record.field-missing", field=str(missing.args[0])) from None

    def look(self, want: Want, known: Known | None, parent: Known | None) -> subject.Found:
        """With a link one request; without, whatever tells that nothing is created twice."""
        content: subject.Registration = want.content
        if known and known.points_somewhere:
            encounter = self._encounter(known.target_id)
            return subject.Found(registrations=(encounter,) if encounter else (), now=self._now())
        if content.voided:  # nothing will be created, so rivals and visits do not matter
            return self._patient_and_registrations(want.identifier, ())
        rivals = self._rivals(content)
        return self._patient_and_registrations(want.identifier, rivals)

    def plan(self, want: Want, state: subject.Found, known: Known | None) -> Plan:
        """See `subject.plan`."""
        return subject.plan(want, state, known, self._snapshot, self._policy)

    def write(self, write: Write) -> str:
        """Send one write to OpenMRS."""
        try:
            match write.verb:
                case "create":
                    self._openmrs.post(
                        f"/{write.kind}", write.body, v=None if write.kind == "patient" else "custom:(uuid)"
                    )
                case "update":
                    self._openmrs.post(f"/{write.kind}/{write.id}", write.body, v="custom:(uuid)")
                case "void":
                    self._openmrs.delete(f"/{write.kind}/{write.id}", "voided in Avni")
                case "unvoid":
                    self._openmrs.post(f"/{write.kind}/{write.id}", {"deleted": "false"}, v="custom:(uuid)")
                case verb:
                    raise ValueError(verb)
        except Refused as refusal:
            for code in refusal.codes:
                if code in REFUSALS:
                    message, params = REFUSALS[code]
                    raise Fail(message, **params) from None
            self._refuse_to_create_a_patient_twice(write)
            raise
        except Unclear:
            self._refuse_to_touch_a_voided_one(write)
            raise
        return write.id

    def _refuse_to_create_a_patient_twice(self, write: Write) -> None:
        """The patient we created before has another number by now, so the search by number did not find it."""
        if write.kind == "patient" and self._openmrs.patient(write.id, "custom:(uuid)"):
            raise Hold("bahmni.number-moved") from None

    def _refuse_to_touch_a_voided_one(self, write: Write) -> None:
        """The uuid may be taken by a record that somebody voided; creating would fail for ever."""
        if write.verb == "create" and write.kind == "encounter":
            there = self._encounter(write.id)
            if there and there.voided:
                raise Hold("bahmni.target-voided")

    def _fetch_page(self, subject_type: str, since: datetime, page: int) -> Any:
        return self._avni.subjects(since, subject_type, page=page)

    def _rivals(self, content: subject.Registration) -> tuple[subject.Rival, ...]:
        """Other un-voided subjects with the same number: one extra request, only before a first hand-over."""
        concept = self._snapshot.single(*v.IDENTIFIER_CONCEPT)
        if concept is None:
            return ()
        bare = content.identifier.removeprefix(self._snapshot.constant(v.IDENTIFIER_PREFIX))
        rows = self._avni.subjects(v.LONG_AGO, self._subject_type, concepts={concept.avni_value: bare}).content
        return tuple(
            subject.Rival(row["ID"], row["audit"]["Created at"])
            for row in rows
            if not row["Voided"] and row["ID"] != content.subject_id
        )

    def _patient_and_registrations(self, identifier: str, rivals: tuple[subject.Rival, ...]) -> subject.Found:
        identifier_type = self._snapshot.constant(v.IDENTIFIER_TYPE)
        rows = self._openmrs.patient_by_identifier(identifier, identifier_type=identifier_type, v=PATIENT)
        patients = tuple(found_patient(row) for row in rows)
        if len(patients) != 1:
            return subject.Found(rivals=rivals, patients=patients, now=self._now())
        of_patient = {"patient": patients[0].uuid}
        registration_type = self._snapshot.single(*v.REGISTRATION_ENCOUNTER_TYPE)
        of_type = {"encounterType": registration_type.int_system_value} if registration_type else {}
        encounters = self._openmrs.all("/encounter", {**of_patient, **of_type, "v": ENCOUNTER})
        registrations = tuple(found_encounter(row, self._marker()) for row in encounters)
        visits: list[dict[str, Any]] = []
        if not registrations:
            location = {"location": self._snapshot.constant(v.LOCATION)}
            visits = self._openmrs.all("/visit", {**of_patient, **location, "v": VISIT})
        found_visits = tuple(found_visit(row) for row in visits if not row.get("voided"))
        return subject.Found(rivals, patients, registrations, found_visits, self._now())

    def _encounter(self, uuid: str) -> FoundEncounter | None:
        document = self._openmrs.one(f"/encounter/{uuid}", ENCOUNTER)
        return found_encounter(document, self._marker()) if document else None

    def _marker(self) -> str:
        entry = self._snapshot.single(*v.MARKER_CONCEPT)
        return entry.int_system_value if entry else ""

    def _now(self) -> datetime:
        return self._openmrs.server_now().astimezone(self._zone)


def _change(row: Mapping[str, Any]) -> Change:
    stamp = row["audit"]["Last modified at"]
    return Change(row["ID"], stamp, instant(stamp), row)
