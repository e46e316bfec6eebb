"""The shell of the subject stream: asks Avni and OpenMRS, and leaves every decision to pure modules.

Stands on avni.md A1, A7, A10 (lists) and openmrs.md O49 (look-up by number).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import cast

from avni.client import AvniClient, AvniPage
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni import subject, subject_plan
from bahmni.avni_to_bahmni.form_encounter import mapped
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient
from bahmni.avni_to_bahmni.hospital import Hospital
from bahmni.avni_to_bahmni.reading import LookBack, naming_what_is_missing, pages, refuse_unknown, reread
from bahmni.openmrs import OpenMRSClient
from bahmni.same_person import Likeness
from engine.ports import Change, Decided, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write
from engine.registry import Setting
from engine.settling import chosen
from engine.verdicts import Fail
from errors.specs import Move


class SubjectHandover:
    """Avni subjects of the tenant's subject type → patients of Bahmni."""

    def __init__(self, setting: Setting, avni: AvniClient, openmrs: OpenMRSClient, late: LookBack) -> None:
        self._late = late
        self._snapshot = setting.snapshot
        self._avni = avni
        self._hospital = Hospital(setting, openmrs)
        self._subject_type = setting.snapshot.constant(v.SUBJECT_TYPE)
        tenant = setting.tenant
        likeness = Likeness(tenant.match_name_likeness, tenant.match_birth_years)
        self._policy = subject_plan.Policy(tenant.namespace, likeness, tenant.follows_demographics)

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """Subjects of a type modified since the position, oldest first."""
        return pages(partition, position, partial(self._fetch_page, partition), self._late)

    def reread(self, partition: str, place: str) -> tuple[Sequence[Change], Gap | None]:
        """See `reading.reread`."""
        return reread(partition, place, partial(self._fetch_page, partition))

    def fetch(self, entity_id: str) -> JsonObject | None:
        """One subject as it is now."""
        return self._avni.subject(entity_id)

    def lane(self, change: Change) -> str:
        """Subjects with one patient number go one behind the other."""
        return subject.identifier_of(cast(JsonObject, change.record), self._snapshot) or change.entity_id

    def parent(self, change: Change) -> Parent | None:
        """A subject hangs on nothing."""
        return None

    def want(self, change: Change) -> Want:
        """See `subject.wanted`."""
        with naming_what_is_missing():
            return subject.wanted(cast(JsonObject, change.record), self._snapshot, self._hospital.zone)

    def look(self, want: Want, known: Known | None, parent: Known | None) -> subject_plan.Found:
        """With a link one request, or two where its visit has to change; without, whatever tells that none is there."""
        content: subject.Registration = want.content
        subject_plan.admit(content, known)
        try:
            refuse_unknown(content.form, self._avni, self._snapshot)
        except Fail as failure:
            subject_plan.refuse(content, known, failure)
        again = chosen(known, Move.SOURCE)
        if known and (known.points_somewhere or again):
            linked = self._linked(content, known.target_id or self._uuid("encounter", content))
            if linked.registrations or not again:
                return linked
        if content.voided and not content.identifier:
            return subject_plan.Found(now=self._hospital.now())  # nothing to find it by
        # A voided one is never created, so rivals and visits do not matter.
        rivals = () if content.voided else self._rivals(content)
        patients, same = self._hospital.patients(content.identifier), chosen(known, Move.SAME)
        before = self._hospital.patient(same.chosen) if same and not patients else None
        meant = before or _the_one(patients, same)
        if meant is None:
            return subject_plan.Found(rivals, patients, now=self._hospital.now())
        registrations = self._registrations(meant.uuid)
        visits = () if registrations or content.voided else self._hospital.visits(meant.uuid)
        return subject_plan.Found(
            rivals, patients, registrations, visits, now=self._hospital.now(), created_before=before
        )

    def _around(self, content: subject.Registration, ours: FoundEncounter) -> subject_plan.Found:
        """Our registration, with what else its visit holds or what other visits there are, where that counts."""
        home, now = subject_plan.home_of(content, self._snapshot, self._policy), self._hospital.now()
        visit, patient = ours.visit_uuid, ours.patient.uuid
        inside = subject_plan.looks_into_visit(content.form, ours, home, now)
        another = subject_plan.needs_another_visit(content.form, ours, home, now)
        return subject_plan.Found(
            registrations=(ours,),
            visits=self._hospital.visits(patient) if another else (),
            inside=self._hospital.encounters_in(visit, patient) if inside else (),
            now=now,
        )

    def _linked(self, content: subject.Registration, encounter_id: str) -> subject_plan.Found:
        """One request; of a subject that comes back also whether its number or patient is somebody else's by now."""
        encounter = self._hospital.registration(encounter_id)
        if encounter is None:
            return subject_plan.Found(now=self._hospital.now())
        if content.voided or not encounter.voided:
            return self._around(content, encounter)
        others = self._registrations(encounter.patient.uuid)
        return subject_plan.Found(self._rivals(content), registrations=(encounter, *others), now=self._hospital.now())

    def _registrations(self, patient: str) -> tuple[FoundEncounter, ...]:
        registration_type = mapped(self._snapshot, v.REGISTRATION_ENCOUNTER_TYPE)
        return self._hospital.encounters_of_type(patient, registration_type)

    def plan(self, want: Want, state: subject_plan.Found, known: Known | None) -> Plan:
        """See `subject_plan.plan`."""
        return subject_plan.plan(want, state, known, self._snapshot, self._policy)

    def write(self, write: Write) -> str:
        """Send one write to OpenMRS."""
        return self._hospital.write(write)

    def _uuid(self, kind: str, content: subject.Registration) -> str:
        return subject_plan.uuid_of(kind, content, self._policy.namespace)

    def _fetch_page(self, subject_type: str, since: datetime, page: int, size: int) -> AvniPage:
        return self._avni.subjects(since, subject_type, page=page, size=size)

    def _rivals(self, content: subject.Registration) -> tuple[subject_plan.Rival, ...]:
        """Other un-voided subjects with the same number: one request, before a first hand-over and an un-voiding."""
        concept = self._snapshot.single(*v.IDENTIFIER_CONCEPT)
        if concept is None:
            return ()
        bare = content.identifier.removeprefix(self._snapshot.constant(v.IDENTIFIER_PREFIX))
        rows = self._avni.subjects(v.LONG_AGO, self._subject_type, concepts={concept.avni_value: bare}).content
        return tuple(
            subject_plan.Rival(row["ID"], row["audit"]["Created at"])
            for row in rows
            if not row["Voided"] and row["ID"] != content.subject_id
        )


def _the_one(patients: Sequence[FoundPatient], same: Decided | None) -> FoundPatient | None:
    """The only patient there is, else the one a person chose."""
    if len(patients) == 1:
        return patients[0]
    return next((patient for patient in patients if same and patient.uuid == same.chosen), None)
