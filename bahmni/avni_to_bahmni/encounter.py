"""Encounter of Avni, general or in a program → encounter in the visit its owner has in Bahmni. Pure.

`wanted` turns record and mappings into what Bahmni should hold; `admit` says what has to wait before anything is looked
up; `plan` compares with what was found. Compatible with the Java service: encounter type and form by the name of the
Avni type, form group, marker and event date. Stands on avni.md A22, A48 (held, planned, cancelled) and A25 to A28
(answers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.answers import answers
from bahmni.avni_to_bahmni.form_encounter import (
    NEVER,
    Form,
    bring_in_line,
    confirm,
    day_in,
    filled_in,
    left_in,
    moment_of,
    new_encounter,
    ours_among,
    partner,
    the_one_of,
)
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundVisit
from bahmni.avni_to_bahmni.owner import ENROLMENT, SUBJECT, VOIDED_VISIT, Owner, wait_for
from bahmni.avni_to_bahmni.visit import Home, Policy, is_over, room_for, room_of
from bahmni.shapes import AVNI_ENCOUNTER, check
from common.fingerprint import derived_uuid, fingerprint
from common.outcome import Outcome
from engine.ports import Known, Plan, Want, Write
from engine.verdicts import Defer, Hold, Skip
from mappings.snapshot import Pair, Snapshot

MADE_FROM_BAHMNI = (v.HOSPITAL_FORM, v.HOSPITAL_PROGRAM_FORM, v.LAB_ENCOUNTER_TYPE, v.DRUG_ENCOUNTER_TYPE)
"""Mappings whose Avni side names encounter types that hold what came from Bahmni."""

DAY = "Encounter date time"


@dataclass(frozen=True)
class Kind:
    """What tells general encounters and those of programs apart: names of mappings, and messages where one is missing.

    `name` goes into the uuids of what we create.
    """

    name: str
    owner: Owner
    encounter_type: Pair
    form: Pair
    type_unmapped: str
    form_unmapped: str


GENERAL = Kind(
    "general", SUBJECT, v.GENERAL_ENCOUNTER_TYPE, v.GENERAL_ENCOUNTER_FORM,
    "bahmni.encounter-type-unmapped", "bahmni.encounter-form-unmapped",
)  # fmt: skip
IN_PROGRAM = Kind(
    "program", ENROLMENT, v.PROGRAM_ENCOUNTER_TYPE, v.PROGRAM_ENCOUNTER_FORM,
    "bahmni.program-encounter-type-unmapped", "bahmni.program-encounter-form-unmapped",
)  # fmt: skip


@dataclass(frozen=True)
class Encounter:
    """What Bahmni should hold of one encounter. `form` is None when it is voided, and while it is not completed."""

    kind: Kind
    encounter_id: str
    owner_id: str
    subject_id: str
    visit_type: str
    """Of the owner's visit, as a uuid; empty while it is not mapped."""
    voided: bool
    form: Form | None

    def home(self, policy: Policy) -> Home:
        """The owner's visit."""
        return Home(self.kind.owner.visit, self.owner_id, self.visit_type, policy)


@dataclass(frozen=True)
class Found:
    """What was read before writing. `patient` (uuid) and `number` are those of the owner, as the ledger has them."""

    patient: str = ""
    number: str = ""
    encounters: tuple[FoundEncounter, ...] = ()
    """The one behind the link; without a link all that carry the marker."""
    visit: FoundVisit | None = None
    """The visit the owner stands in, when an encounter has to be created in it."""
    visits: tuple[FoundVisit, ...] = ()
    """The patient's visits, when `needs_another_visit`."""
    now: datetime = NEVER
    """The hospital's clock when it was asked, in its own zone."""


def encounter_types(kind: Kind, snapshot: Snapshot) -> tuple[str, ...]:
    """The Avni encounter types that are handed over: those mapped, but none that holds what came from Bahmni."""
    return tuple(sorted(snapshot.avni_values(kind.encounter_type, kind.form) - _from_bahmni(snapshot)))


def half_mapped(kind: Kind, snapshot: Snapshot) -> dict[Pair, tuple[str, ...]]:
    """The encounter types that have one of their two mappings only, by the one they lack: read, and each a failure."""
    lacking = {
        pair: [name for name in encounter_types(kind, snapshot) if name not in snapshot.avni_values(pair)]
        for pair in (kind.encounter_type, kind.form)
    }
    return {pair: tuple(names) for pair, names in lacking.items() if names}


def _from_bahmni(snapshot: Snapshot) -> set[str]:
    return {v.HOSPITAL_REGISTRATION} | snapshot.avni_values(*MADE_FROM_BAHMNI)


def wanted(kind: Kind, encounter: Mapping[str, Any], snapshot: Snapshot, zone: tzinfo) -> Want:
    """What Bahmni should hold; `zone` is the hospital's.

    Raises Skip for what came from there or belongs to nobody who is a patient, Fail, KeyError.
    """
    check(encounter, {**AVNI_ENCOUNTER, kind.owner.field: "text", SUBJECT.field: "text"})
    type_name, observations, owner_id = encounter["Encounter type"], encounter["observations"], kind.owner.field
    marker = snapshot.single(*v.BAHMNI_MARKER_CONCEPT)
    if type_name in _from_bahmni(snapshot) or (marker and observations.get(marker.avni_value)):
        raise Skip("bahmni.came-from-bahmni")
    patients = snapshot.constant(v.SUBJECT_TYPE)
    if encounter.get("Subject type", patients) != patients:
        raise Skip("bahmni.not-of-a-patient")  # one encounter type may serve households and people
    voided, completed = encounter["Voided"] is True, bool(encounter.get(DAY))
    # What is voided does not travel any more, and may not keep the encounter from being voided.
    mapping = snapshot.from_avni(*kind.form, type_name)
    answered = answers({} if voided or not completed else observations, snapshot, zone, mapping)
    form = None
    if completed and not voided:
        form = filled_in(
            encounter["ID"],
            day_in(encounter[DAY], DAY, zone),
            answered,
            encounter["audit"]["Last modified at"],
            snapshot,
            encounter_type=partner(type_name, kind.encounter_type, kind.type_unmapped, snapshot),
            concept=partner(type_name, kind.form, kind.form_unmapped, snapshot),
        )
    visit_type = _visit_type(kind, encounter, snapshot)
    content = Encounter(kind, encounter["ID"], encounter[owner_id], encounter[SUBJECT.field], visit_type, voided, form)
    said = form.content if form else ["voided" if voided else "not completed"]
    return Want(content, fingerprint([content.owner_id, *said]), unmapped=answered.unmapped)


def _visit_type(kind: Kind, encounter: Mapping[str, Any], snapshot: Snapshot) -> str:
    if kind.owner is SUBJECT:
        return snapshot.constant(v.VISIT_TYPE)
    entry = snapshot.from_avni(*v.PROGRAM_VISIT_TYPE, encounter.get("Program") or "")
    return entry.int_system_value if entry else ""


def admit(content: Encounter, known: Known | None, owner: Known | None) -> None:
    """Whether there is anything to look up, `owner` being what the ledger remembers of the encounter's owner.

    Raises Skip, Hold, and Defer until the owner stands in Bahmni beyond doubt. When it raises nothing and there is no
    link, the owner has a patient.
    """
    if content.voided:
        if not any(one and one.points_somewhere for one in (known, owner)):
            raise Skip("bahmni.voided-before-hand-over")
        is_done = known and known.left_fingerprint == v.VOIDED_BY_US
        if owner and VOIDED_VISIT in owner.other_targets and not is_done:
            # With the visit the hospital would bring the encounter back, too: it is voided on its own then. So would it
            # one without a link: we may have been cut off, and what is voided cannot be searched for.
            raise Defer(content.kind.owner.voided, waits_for=content.kind.owner.arrival(content.owner_id))
        return
    if content.form is None:
        if known and known.points_somewhere and known.left_fingerprint != v.VOIDED_BY_US:
            raise Hold("bahmni.completed-before")
        raise Skip("bahmni.not-completed")
    wait_for(content.kind.owner, content.owner_id, owner)
    if owner and content.kind.owner is not SUBJECT:
        wait_for(SUBJECT, content.subject_id, owner.owner)  # it may be voided, and what hangs on it is not


def needs_another_visit(content: Encounter, visit: FoundVisit | None, now: datetime, policy: Policy) -> bool:
    """Whether the visit an encounter stands in, or is meant for, is somebody else's and over by then."""
    return content.form is not None and is_over(content.form.day, visit, content.home(policy), now)


def plan(want: Want, found: Found, known: Known | None, policy: Policy) -> Plan:
    """The writes that make Bahmni agree. Raises Skip, Defer, Hold, Fail."""
    content: Encounter = want.content
    encounters = the_one_of(found.encounters, want, known)
    derived = uuid_of(content, policy.namespace)
    ours = ours_among(encounters, content.encounter_id, want, known, voided=content.voided, derived=derived)
    if ours is None:
        return _first_time(want, found, derived, policy)
    if known and known.points_somewhere:
        confirm(ours.patient, known.target_parent_id, found.number)
    if found.patient:
        confirm(ours.patient, found.patient, found.number)
    room = room_of(content.form, ours, content.home(policy), found.now, others=found.visits)
    created_by_us = ("encounter",) if ours.uuid == derived else ()
    made = bring_in_line(
        want,
        content.form,
        ours,
        room,
        known,
        snapshot=policy.snapshot,
        namespace=policy.namespace,
        now=found.now,
    )
    return replace(made, identifier=found.number, created_by_us=created_by_us)


def uuid_of(content: Encounter, namespace: UUID) -> str:
    """The uuid we give the encounter."""
    return str(derived_uuid(namespace, "encounter", content.kind.name, content.encounter_id))


def _first_time(want: Want, found: Found, uuid: str, policy: Policy) -> Plan:
    """No encounter of the patient carries the marker yet."""
    content: Encounter = want.content
    form, visit = content.form, found.visit
    if form is None:
        raise Skip("bahmni.voided-before-hand-over")
    if visit and visit.patient:
        confirm(visit.patient, found.patient, found.number)
    if visit is None or visit.voided:
        raise Hold("bahmni.visit-gone")
    born, home = visit.patient.birthdate if visit.patient else "", content.home(policy)
    room = room_for(form.day, visit, home, found.now, patient=found.patient, born=born, others=found.visits)
    body = new_encounter(
        form, uuid, patient=found.patient, visit=room.visit.uuid, moment=moment_of(form.day, room.visit, found.now),
        snapshot=policy.snapshot, namespace=policy.namespace,
    )  # fmt: skip
    create = Write("create", "encounter", uuid, body, "no encounter carries the marker")
    return Plan(
        (*room.writes, create),
        Outcome.CREATED,
        uuid,
        found.patient,
        {"visit": room.visit.uuid},
        ("encounter",),
        fingerprint([want.fingerprint]),
        identifier=found.number,
        left=left_in(form, uuid),
    )
