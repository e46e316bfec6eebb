"""Bahmni as all streams from Avni see it: what they look up in it, and how one write is sent.

Stands on openmrs.md O17, O38 (ids we choose), O22, O23 (void and back), O33 (a uuid that is taken), O39, O41, O46
(what is refused), O58, O64, O65 (searches).
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.demographics import asked_address
from bahmni.avni_to_bahmni.form_encounter import created_before
from bahmni.avni_to_bahmni.found import (
    ENCOUNTER,
    VISIT,
    VISIT_OF_PATIENT,
    FoundEncounter,
    FoundPatient,
    FoundVisit,
    found_encounter,
    found_patient,
    found_visit,
    patient,
    registration,
)
from bahmni.openmrs import OpenMRSClient
from common.http_errors import NotFound, Refused, Unclear
from engine.ports import Write
from engine.registry import Setting
from engine.verdicts import Fail, Hold

REFUSALS = {
    "GivenName.invalid": ("bahmni.name-refused", {"field": "First name"}),
    "FamilyName.invalid": ("bahmni.name-refused", {"field": "Last name"}),
    "identifier.in-use": ("bahmni.number-in-use", {}),
    "conversion": ("bahmni.not-understood", {}),
    "Encounter.error.encounterType.required": ("bahmni.not-understood", {}),
}
"""What OpenMRS says no to, in words an administrator can act on."""


class Hospital:
    """One tenant's OpenMRS, read and written in the terms of this direction. Raises what the client raises."""

    def __init__(self, setting: Setting, openmrs: OpenMRSClient) -> None:
        self._openmrs = openmrs
        self._snapshot = setting.snapshot
        self.zone = ZoneInfo(setting.connections[v.BAHMNI].zone)
        marker = setting.snapshot.single(*v.MARKER_CONCEPT)
        self._marker = marker.int_system_value if marker else ""
        self._address = asked_address(setting.snapshot)

    def now(self) -> datetime:
        """The hospital's clock, in its own zone."""
        return self._openmrs.server_now().astimezone(self.zone)

    def encounter(self, uuid: str) -> FoundEncounter | None:
        """An encounter, also when voided; None when there is none."""
        document = self._openmrs.one(f"/encounter/{uuid}", ENCOUNTER)
        return found_encounter(document, self._marker, self._us()) if document else None

    def registration(self, uuid: str) -> FoundEncounter | None:
        """An encounter with all we carry of its patient, also when voided; None when there is none."""
        document = self._openmrs.one(f"/encounter/{uuid}", registration(self._address))
        return found_encounter(document, self._marker, self._us()) if document else None

    def encounters_of_type(self, patient: str, encounter_type: str) -> tuple[FoundEncounter, ...]:
        """The patient's un-voided encounters of a type; of any type when none is named."""
        of_type = {"encounterType": encounter_type} if encounter_type else {}
        return self._encounters({"patient": patient, **of_type})

    def encounters_marked(self, patient: str, avni_id: str) -> tuple[FoundEncounter, ...]:
        """The patient's un-voided encounters that carry our marker with this Avni id, whoever wrote them."""
        try:
            found = self._encounters({"patient": patient, "obsConcept": self._marker, "obsValues": avni_id})
        except NotFound:  # this search knows neither the patient nor the concept (O64)
            return ()
        return tuple(one for one in found if one.marker == avni_id)

    def encounters_in(self, visit: str, patient: str) -> tuple[FoundEncounter, ...]:
        """The un-voided encounters of a visit of that patient, whoever wrote them."""
        return self._encounters({"patient": patient, "visit": visit})

    def _encounters(self, criteria: dict[str, str]) -> tuple[FoundEncounter, ...]:
        rows, us = self._openmrs.all("/encounter", {**criteria, "v": ENCOUNTER}), self._us()
        return tuple(found_encounter(row, self._marker, us) for row in rows)

    def patients(self, number: str) -> tuple[FoundPatient, ...]:
        """The un-voided patients with exactly this number."""
        identifier_type = self._snapshot.constant(v.IDENTIFIER_TYPE)
        rows = self._openmrs.patient_by_identifier(number, identifier_type=identifier_type, v=patient(self._address))
        return tuple(found_patient(row) for row in rows)

    def patient(self, uuid: str) -> FoundPatient | None:
        """A patient, also when voided; None when there is none."""
        document = self._openmrs.patient(uuid, patient(self._address))
        return found_patient(document) if document else None

    def visits(self, patient: str) -> tuple[FoundVisit, ...]:
        """The patient's un-voided visits at our location, with their attributes."""
        location = self._snapshot.constant(v.LOCATION)
        rows = self._openmrs.all("/visit", {"patient": patient, "location": location, "v": VISIT})
        return tuple(found_visit(row) for row in rows if not row.get("voided"))

    def visit(self, uuid: str) -> FoundVisit | None:
        """A visit with its patient, also when voided; None when there is none."""
        document = self._openmrs.one(f"/visit/{uuid}", VISIT_OF_PATIENT) if uuid else None
        return found_visit(document) if document else None

    def write(self, write: Write) -> str:
        """Send one write. Gives the id, which is ours. Raises Fail and Hold for what a person can put right."""
        try:
            self._send(write)
        except Refused as refusal:
            for code in refusal.codes:
                if code in REFUSALS:
                    message, params = REFUSALS[code]
                    raise Fail(message, **params) from None
            self._refuse_to_create_a_patient_twice(write)
            raise
        except Unclear:
            self._refuse_to_touch_one_that_is_not_ours(write)
            raise
        return write.id

    def _us(self) -> str:
        """Uuid of our account, by which our own writes are told from those of others."""
        return str(self._openmrs.account().get("uuid") or "")

    def _send(self, write: Write) -> None:
        short = "custom:(uuid)"
        match write.verb:
            case "update" if write.kind == "visit attribute":
                path = f"/visit/{write.body['visit']}/attribute/{write.id}"
                self._openmrs.post(path, {"value": write.body["value"]}, v=short)
            case "create":
                # Only this create answers its default whatever is asked (O12).
                self._openmrs.post(f"/{write.kind}", write.body, v=None if write.kind == "patient" else short)
            case "update":
                self._openmrs.post(f"/{write.kind}/{write.id}", write.body, v=short)
            case "void":
                self._openmrs.delete(f"/{write.kind}/{write.id}", "voided in Avni")
            case "unvoid":
                self._openmrs.post(f"/{write.kind}/{write.id}", {"deleted": "false"}, v=short)
            case verb:
                raise ValueError(verb)

    def _refuse_to_create_a_patient_twice(self, write: Write) -> None:
        """See `created_before`."""
        if write.verb == "create" and write.kind == "patient" and self._openmrs.patient(write.id, "custom:(uuid)"):
            raise created_before(write.id) from None

    def _refuse_to_touch_one_that_is_not_ours(self, write: Write) -> None:
        """The uuid may be taken by one that somebody voided or robbed of its marker; creating would fail for ever."""
        if write.verb != "create":
            return
        if write.kind == "encounter":
            there = self.encounter(write.id)
            if there and there.voided:
                raise Hold("bahmni.target-voided")
            if there and not there.marker:
                raise Hold("bahmni.registration-gone")
        if write.kind == "visit":
            visit = self.visit(write.id)
            if visit and visit.voided:
                raise Hold("bahmni.visit-gone")
