"""The shell of the stream of general encounters: asks OpenMRS, and leaves every decision to `general_encounter`.

Costs, reading included: an update 1 GET + 1 POST (a changed date another pair, because it gives all observations new
uuids), a new encounter 2 GET + 1 POST, a hand-over of what another service wrote 1 GET. What has to wait costs nothing.
Stands on avni.md A1, A7, A9 (lists).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import cast

from avni.client import AvniClient, AvniPage
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni import general_encounter
from bahmni.avni_to_bahmni.hospital import Hospital
from bahmni.avni_to_bahmni.reading import naming_what_is_missing, pages, reread
from bahmni.openmrs import OpenMRSClient
from engine.ports import Change, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write
from engine.registry import Setting


class GeneralEncounterHandover:
    """Avni general encounters, one partition per encounter type → encounters of Bahmni."""

    def __init__(self, setting: Setting, avni: AvniClient, openmrs: OpenMRSClient) -> None:
        self._snapshot = setting.snapshot
        self._namespace = setting.tenant.namespace
        self._avni = avni
        self._hospital = Hospital(setting, openmrs)

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """Encounters of a type modified since the position, oldest first."""
        return pages(partition, position, partial(self._fetch_page, partition))

    def reread(self, partition: str, place: str) -> tuple[Sequence[Change], Gap | None]:
        """See `reading.reread`."""
        return reread(partition, place, partial(self._fetch_page, partition))

    def fetch(self, entity_id: str) -> JsonObject | None:
        """One encounter as it is now."""
        return self._avni.encounter(entity_id)

    def lane(self, change: Change) -> str:
        """Encounters of one subject go one behind the other."""
        return str(cast(JsonObject, change.record)["Subject ID"])

    def parent(self, change: Change) -> Parent | None:
        """The subject: its patient and registration visit are where the encounter goes."""
        return Parent(v.SUBJECT, str(cast(JsonObject, change.record)["Subject ID"]))

    def want(self, change: Change) -> Want:
        """See `general_encounter.wanted`."""
        with naming_what_is_missing():
            return general_encounter.wanted(cast(JsonObject, change.record), self._snapshot, self._hospital.zone)

    def look(self, want: Want, known: Known | None, parent: Known | None) -> general_encounter.Found:
        """With a link one request; without, the search by marker, then the visit an encounter is to be created in.

        An encounter of ours without a link and without its marker is met when creating it fails: its uuid is taken.
        """
        content: general_encounter.GeneralEncounter = want.content
        general_encounter.admit(content, known, parent)
        patient, number = (parent.target_parent_id, parent.identifier) if parent else ("", "")
        if known and known.points_somewhere:
            linked = self._hospital.encounter(known.target_id)
            encounters = (linked,) if linked else ()
            return general_encounter.Found(patient, number, encounters, now=self._hospital.now())
        marked, visit = self._hospital.encounters_marked(patient, content.encounter_id), None
        if parent and not (marked or content.voided):
            visit = self._hospital.visit(parent.other_targets.get("visit", ""))
        return general_encounter.Found(patient, number, marked, visit, self._hospital.now())

    def plan(self, want: Want, state: general_encounter.Found, known: Known | None) -> Plan:
        """See `general_encounter.plan`."""
        return general_encounter.plan(want, state, known, self._snapshot, self._namespace)

    def write(self, write: Write) -> str:
        """Send one write to OpenMRS."""
        return self._hospital.write(write)

    def _fetch_page(self, encounter_type: str, since: datetime, page: int, size: int) -> AvniPage:
        return self._avni.encounters(since, encounter_type, page=page, size=size)
