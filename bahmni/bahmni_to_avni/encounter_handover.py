"""The shell of the encounter stream: reads feed and encounters, asks Avni, and leaves every decision to pure modules.

Stands on atomfeed.md F23 (what raises an entry), openmrs.md O11, O13, O16, O87 (representations, voided ones), O102,
O103 (orders), avni.md A13, A14 (External ID), A47 (enrolments of a subject).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from atomfeed.reader import Feed
from avni.client import AvniClient
from bahmni import vocabulary as v
from bahmni.bahmni_to_avni import encounter, encounter_plan, part_plan, prescription
from bahmni.bahmni_to_avni.avni_encounters import carrying, enrolments, one, send
from bahmni.bahmni_to_avni.notices import Notices
from bahmni.bahmni_to_avni.part import Part
from bahmni.bahmni_to_avni.versions import Versions, changed_at
from bahmni.openmrs import OpenMRSClient
from bahmni.shapes import FORMS, HOSPITAL_ENCOUNTER, check
from engine.ports import Change, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write
from engine.registry import Setting
from engine.verdicts import Fail

TITLE: Final = "Encounter"
ENCOUNTER_PATH: Final = re.compile(r"/(?:bahmni)?encounter/([0-9A-Za-z-]{36,38})(?:[?/]|$)")
"""Bahmni names its own page of the encounter, other distributions the REST resource."""

LEVELS: Final = 6
"""Of groups inside groups that are asked for one by one; what lies deeper comes in the default representation."""


def _obs(levels: int) -> str:
    """The representation of observations and of what is below them. A list of members not spelled out is complete."""
    members = f"groupMembers:{_obs(levels - 1)}" if levels > 1 else "groupMembers"
    return f"(uuid,voided,concept:(uuid,display),value:ref,{members})"


ENCOUNTER: Final = (
    "custom:(uuid,voided,encounterDatetime,encounterType:(uuid),visit:(uuid,visitType:(uuid)),"
    "patient:(uuid,voided,identifiers:(identifier,identifierType:(uuid),preferred,voided)),"
    f"obs:{_obs(LEVELS)},orders:(uuid,voided,dateStopped,type),auditInfo)"
)
ORDERS: Final = "custom:(uuid,orders:default)"
"""A property that only prescriptions have cannot be asked for among other orders, and by default none says `voided`."""


def _ids(levels: int) -> str:
    """As `_obs`, of what a version covers: the ids, and no answer."""
    members = f"groupMembers:{_ids(levels - 1)}" if levels > 1 else "groupMembers"
    return f"(uuid,{members})"


TRACES: Final = (
    "custom:(uuid,voided,encounterDatetime,encounterType:(uuid),"
    f"obs:(uuid,concept:(uuid),groupMembers:{_ids(LEVELS - 1)}),orders:(uuid,voided,dateStopped),auditInfo)"
)
"""What `Versions.of_encounter` looks at, a tenth of the whole."""


class EncounterHandover:
    """Encounters of Bahmni, by its encounter feed → encounters in Avni, one for each part."""

    def __init__(self, setting: Setting, avni: AvniClient, openmrs: OpenMRSClient, feed: Feed) -> None:
        self._snapshot = setting.snapshot
        self._avni = avni
        self._openmrs = openmrs
        self._notices = Notices(feed, TITLE, ENCOUNTER_PATH)
        self._versions = Versions(setting.snapshot)
        self._born_here = setting.tenant.born_here
        self._policy = part_plan.Policy(
            setting.tenant.namespace,
            part_plan.questions(setting.snapshot),
            ZoneInfo(setting.connections[v.BAHMNI].zone),
            part_plan.names(setting.snapshot),
            setting.connections[v.AVNI].username,
        )

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """See `Notices.pages`; the feed is the only partition."""
        return self._notices.pages(position)

    def reread(self, partition: str, place: str) -> tuple[Sequence[Change], Gap | None]:
        """A feed has no gaps: it is read on, or not at all."""
        return (), None

    def fetch(self, entity_id: str) -> JsonObject | None:
        """One encounter as it is now; voided ones too, which show no observations.

        Its orders are asked for apart, where it has prescriptions that go to Avni.
        """
        path = f"/encounter/{entity_id}"
        found = self._openmrs.one(path, ENCOUNTER)
        if found is None or not self._has_prescriptions(found):
            return found
        details = self._openmrs.one(path, ORDERS)
        return prescription.with_details(found, details) if details else None

    def _has_prescriptions(self, record: JsonObject) -> bool:
        """Whether its orders have to be asked for; of a record of another shape `want` says what is wrong with it."""
        try:
            check(record, HOSPITAL_ENCOUNTER)
            if encounter.is_outside(record, self._snapshot):
                return False
            check(record, FORMS)
        except Fail:
            return False
        return prescription.is_to_read(record, self._snapshot)

    def below(self, parent_id: str) -> Sequence[Change]:
        """The un-voided encounters of a patient, oldest first, by their traces (openmrs.md O64, O181)."""
        rows = self._openmrs.all("/encounter", {"patient": parent_id, "v": TRACES})
        return [Change(row["uuid"], self.version(row), changed_at(row)) for row in rows]

    def version(self, record: JsonObject) -> str:
        """See `Versions.of_encounter`."""
        return self._versions.of_encounter(record)

    def lane(self, change: Change) -> str:
        """Encounters of one patient go one behind the other."""
        patient = self.parent(change)
        return patient.entity_id if patient else change.entity_id

    def parent(self, change: Change) -> Parent | None:
        """See `encounter.parent`."""
        return encounter.parent(cast(JsonObject, change.record))

    def want(self, change: Change) -> Want:
        """See `encounter.wanted`."""
        try:
            return encounter.wanted(cast(JsonObject, change.record), self._snapshot)
        except KeyError as missing:
            raise Fail("record.field-missing", field=str(missing.args[0])) from None

    def look(self, want: Want, known: Known | None, parent: Known | None) -> encounter_plan.Found:
        """One request per part: by its Avni id where the link tells it, else by the id we would choose, then by marker.

        One more for the subject, before anything is created, and one for its enrolments, before a program encounter
        is. None at all while the patient is not there, see `encounter.owner`.
        """
        content: encounter.HospitalEncounter = want.content
        subject_id, before = encounter.owner(want, known, parent), encounter_plan.remembered(known)
        ids = before.ids
        asked = [key for key in ids if not encounter_plan.is_left_out(key, content)]
        there = {key: self._one(key, ids[key]) for key in asked}
        for part in content.parts:
            if part.key not in ids:
                there[part.key] = self._one(part.key, self._external_id(content, part))
        if not self._born_here:
            parts = [part for part in content.parts if part.key not in ids]
            self._find_by_marker(content, parts, there, frozenset(ids.values()))
        if any(there[part.key] is None for part in content.parts):
            encounter.confirm_subject(self._avni.subject(subject_id), want.identifier, self._snapshot)
        homeless = [part for part in content.parts if encounter_plan.needs_place(part, there.get(part.key), before)]
        programs = sorted({part.program for part in homeless})
        there_are = {program: enrolments(self._avni, subject_id, program) for program in programs}
        return encounter_plan.Found(subject_id, there, there_are)

    def plan(self, want: Want, state: encounter_plan.Found, known: Known | None) -> Plan:
        """See `encounter_plan.plan`."""
        return encounter_plan.plan(want, state, known, self._policy)

    def write(self, write: Write) -> str:
        """Send one write to Avni. Gives the id Avni knows the record by."""
        return send(write, self._avni)

    def _one(self, key: str, identity: str) -> Mapping[str, Any] | None:
        """What Avni holds of a part."""
        return one(self._avni, part_plan.kind_of(key), identity)

    def _external_id(self, content: encounter.HospitalEncounter, part: Part) -> str:
        return part_plan.external_id(self._policy.namespace, content.uuid, part.key)

    def _find_by_marker(
        self,
        content: encounter.HospitalEncounter,
        parts: Sequence[Part],
        there: dict[str, Mapping[str, Any] | None],
        remembered: frozenset[str],
    ) -> None:
        """Complete `there` by what a service before us wrote: one encounter per type, whatever number of forms it has.

        What the link remembers stands for other parts. Several that nothing tells apart are a person's business.
        """
        for part in parts:
            if there[part.key] is not None:
                continue
            taken = remembered | {row["ID"] for row in there.values() if row}
            kind = part_plan.kind_of(part.key)
            rows = carrying(content.uuid, part.encounter_type, self._avni, self._snapshot, kind=kind, apart_from=taken)
            if len(rows) > 1:
                raise Fail("bahmni.multiple-encounters-for-form", form=part.encounter_type)
            there[part.key] = rows[0] if rows else None
