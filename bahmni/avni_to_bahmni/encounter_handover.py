"""The shell of the streams of general and program encounters: asks OpenMRS, leaves every decision to `encounter`.

Costs, reading included: an update 1 GET + 1 POST (a changed date another pair, because it gives all observations new
uuids), a new encounter 2 GET + 1 POST, a hand-over of what another service wrote 1 GET, and 1 POST where the visit of a
program has to be stretched. What has to wait costs nothing. Stands on avni.md A1, A7, A9, A48 (lists).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, cast

from avni.client import AvniClient, AvniPage
from bahmni.avni_to_bahmni import encounter
from bahmni.avni_to_bahmni.found import FoundEncounter
from bahmni.avni_to_bahmni.hospital import Hospital
from bahmni.avni_to_bahmni.owner import SUBJECT
from bahmni.avni_to_bahmni.reading import LookBack, naming_what_is_missing, pages, refuse_unknown, reread
from bahmni.avni_to_bahmni.visit import Policy
from bahmni.openmrs import OpenMRSClient
from engine.ports import Change, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write
from engine.registry import Setting
from engine.settling import chosen, settled
from engine.verdicts import Hold
from errors.specs import Move


class ListEncounters(Protocol):
    """Encounters of a type modified since a time, one page of them."""

    def __call__(self, since: datetime, encounter_type: str, *, page: int, size: int) -> AvniPage:
        """See `AvniClient.encounters`."""


class EncounterHandover:
    """Avni encounters of one kind, one partition per encounter type → encounters of Bahmni."""

    def __init__(
        self, kind: encounter.Kind, list_: ListEncounters, one: Callable[[str], JsonObject | None],
        setting: Setting, avni: AvniClient, openmrs: OpenMRSClient, late: LookBack,
    ) -> None:  # fmt: skip
        """`list_` and `one` ask Avni for encounters of this kind; see `general_encounters`, `program_encounters`."""
        self._late = late
        self._kind = kind
        self._list = list_
        self._one = one
        self._avni = avni
        self._snapshot = setting.snapshot
        self._policy = Policy(setting.snapshot, setting.tenant.namespace)
        self._hospital = Hospital(setting, openmrs)

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """Encounters of a type modified since the position, oldest first."""
        return pages(partition, position, partial(self._fetch_page, partition), self._late)

    def reread(self, partition: str, place: str) -> tuple[Sequence[Change], Gap | None]:
        """See `reading.reread`."""
        return reread(partition, place, partial(self._fetch_page, partition))

    def fetch(self, entity_id: str) -> JsonObject | None:
        """One encounter as it is now."""
        return self._one(entity_id)

    def lane(self, change: Change) -> str:
        """Encounters of one subject go one behind the other."""
        return str(cast(JsonObject, change.record)["Subject ID"])

    def parent(self, change: Change) -> Parent | None:
        """The owner: its patient and its visit are where the encounter goes. Of an enrolment the subject, too."""
        owner, record = self._kind.owner, cast(JsonObject, change.record)
        subject = None if owner is SUBJECT else Parent(SUBJECT.stream, str(record[SUBJECT.field]))
        return Parent(owner.stream, str(record[owner.field]), subject)

    def want(self, change: Change) -> Want:
        """See `encounter.wanted`."""
        with naming_what_is_missing():
            record = cast(JsonObject, change.record)
            return encounter.wanted(self._kind, record, self._snapshot, self._hospital.zone)

    def look(self, want: Want, known: Known | None, parent: Known | None) -> encounter.Found:
        """With a link one request; without, the search by marker, then the visit an encounter is to be created in.

        Where that visit is somebody else's and over, the patient's visits, too. An encounter of ours without a link and
        without its marker is met when creating it fails: its uuid is taken.
        """
        content: encounter.Encounter = want.content
        try:
            encounter.admit(content, known, parent)
        except Hold as hold:
            settled(hold, want, known, Move.SOURCE)
        refuse_unknown(content.form, self._avni, self._snapshot)
        patient, number = (parent.target_parent_id, parent.identifier) if parent else ("", "")
        there, visit = self._there(content, known, patient), None
        if parent and not (there or content.voided or (known and known.points_somewhere)):
            visit = self._hospital.visit(parent.other_targets.get("visit", ""))
        now, stands_in = self._hospital.now(), there[0].visit if there else visit
        is_over = encounter.needs_another_visit(content, stands_in, now, self._policy)
        visits = self._hospital.visits(patient) if is_over else ()
        return encounter.Found(patient, number, there, visit, visits, now)

    def _there(self, content: encounter.Encounter, known: Known | None, patient: str) -> tuple[FoundEncounter, ...]:
        if known and known.points_somewhere:
            linked = self._hospital.encounter(known.target_id)
            if linked or not chosen(known, Move.SOURCE):
                return (linked,) if linked else ()
        elif chosen(known, Move.SOURCE):
            there = self._hospital.encounter(encounter.uuid_of(content, self._policy.namespace))
            if there:
                return (there,)
        return self._hospital.encounters_marked(patient, content.encounter_id)

    def plan(self, want: Want, state: encounter.Found, known: Known | None) -> Plan:
        """See `encounter.plan`."""
        return encounter.plan(want, state, known, self._policy)

    def write(self, write: Write) -> str:
        """Send one write to OpenMRS."""
        return self._hospital.write(write)

    def _fetch_page(self, encounter_type: str, since: datetime, page: int, size: int) -> AvniPage:
        return self._list(since, encounter_type, page=page, size=size)


def general_encounters(
    setting: Setting, avni: AvniClient, openmrs: OpenMRSClient, late: LookBack
) -> EncounterHandover:  # fmt: skip
    """The stream of general encounters."""
    return EncounterHandover(encounter.GENERAL, avni.encounters, avni.encounter, setting, avni, openmrs, late)


def program_encounters(
    setting: Setting, avni: AvniClient, openmrs: OpenMRSClient, late: LookBack
) -> EncounterHandover:  # fmt: skip
    """The stream of program encounters."""
    return EncounterHandover(
        encounter.IN_PROGRAM, avni.program_encounters, avni.program_encounter, setting, avni, openmrs, late
    )  # fmt: skip
