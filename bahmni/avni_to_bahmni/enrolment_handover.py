"""The shell of the stream of enrolments: asks OpenMRS, and leaves every decision to `enrolment` and `enrolment_plan`.

Costs, reading included: an update 1 GET + 1 POST for each encounter that differs (a changed date another pair, and a
POST when the visit has to be stretched), a new one 3 GET + 2 POST (another for an exit), a void 2 GET + 1 DELETE.
One search by marker shows both encounters, only voided ones are looked at by uuid. What has to wait costs nothing.
Stands on avni.md A47 (list).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import cast

from avni.client import AvniClient, AvniPage
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni import enrolment, enrolment_look, enrolment_plan
from bahmni.avni_to_bahmni.hospital import Hospital
from bahmni.avni_to_bahmni.reading import LookBack, naming_what_is_missing, pages, refuse_unknown, reread
from bahmni.avni_to_bahmni.visit import Policy
from bahmni.openmrs import OpenMRSClient
from engine.ports import Change, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write
from engine.registry import Setting


class EnrolmentHandover:
    """Avni enrolments, one partition per program → visits of Bahmni with one encounter or two."""

    def __init__(self, setting: Setting, avni: AvniClient, openmrs: OpenMRSClient, late: LookBack) -> None:
        self._late = late
        self._snapshot = setting.snapshot
        self._policy = Policy(setting.snapshot, setting.tenant.namespace)
        self._avni = avni
        self._hospital = Hospital(setting, openmrs)

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """Enrolments in a program modified since the position, oldest first."""
        return pages(partition, position, partial(self._fetch_page, partition), self._late)

    def reread(self, partition: str, place: str) -> tuple[Sequence[Change], Gap | None]:
        """See `reading.reread`."""
        return reread(partition, place, partial(self._fetch_page, partition))

    def fetch(self, entity_id: str) -> JsonObject | None:
        """One enrolment as it is now."""
        return self._avni.program_enrolment(entity_id)

    def lane(self, change: Change) -> str:
        """Enrolments of one subject go one behind the other."""
        return str(cast(JsonObject, change.record)["Subject ID"])

    def parent(self, change: Change) -> Parent | None:
        """The subject: its patient is whom the visit is for."""
        return Parent(v.SUBJECT, str(cast(JsonObject, change.record)["Subject ID"]))

    def want(self, change: Change) -> Want:
        """See `enrolment.wanted`."""
        with naming_what_is_missing():
            return enrolment.wanted(cast(JsonObject, change.record), self._snapshot, self._hospital.zone)

    def look(self, want: Want, known: Known | None, parent: Known | None) -> enrolment_look.Found:
        """What carries the marker; of a new enrolment patient and visits, of a voided one what else its visit holds.

        That also of one whose visit may begin later; and the visits where the encounter's is another's and over.
        """
        content: enrolment.Enrolment = want.content
        enrolment.admit(content, known, parent)
        for form in (content.form, content.exit):
            refuse_unknown(form, self._avni, self._snapshot)
        patient, number = (parent.target_parent_id, parent.identifier) if parent else ("", "")
        of = patient or (known.target_parent_id if known else "")
        marked = self._hospital.encounters_marked(of, content.enrolment_id)
        hidden = set(enrolment_look.uuids_behind(known, content)) - {one.uuid for one in marked}
        linked = (self._hospital.encounter(uuid) for uuid in sorted(hidden))
        encounters = (*marked, *(one for one in linked if one))
        found = enrolment_look.Found(patient, number, encounters, now=self._hospital.now())
        visit = enrolment_look.visit_to_weigh(content, encounters, found.now, self._policy)
        if content.voided and encounters and visit is None:
            found = replace(found, visits=self._hospital.visits(of))
            visit = enrolment_look.visit_to_void(encounters, content, self._policy, found.visits)
        if visit:
            found = replace(found, inside=self._hospital.encounters_in(visit.uuid, of))
        if not content.voided and enrolment_look.needs_visits(content, encounters, known, found.now, self._policy):
            found = replace(found, visits=self._hospital.visits(of))
        if not content.voided and enrolment_look.is_new(content, encounters, known):
            found = replace(found, owner=self._hospital.patient(of))
        return found

    def plan(self, want: Want, state: enrolment_look.Found, known: Known | None) -> Plan:
        """See `enrolment_plan.plan`."""
        return enrolment_plan.plan(want, state, known, self._policy)

    def write(self, write: Write) -> str:
        """Send one write to OpenMRS."""
        return self._hospital.write(write)

    def _fetch_page(self, program: str, since: datetime, page: int, size: int) -> AvniPage:
        return self._avni.enrolments(since, program, page=page, size=size)
