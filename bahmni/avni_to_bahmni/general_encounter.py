"""General encounter of an Avni subject → encounter in the registration visit of its patient in Bahmni. Pure.

`wanted` turns record and mappings into what Bahmni should hold; `admit` says what has to wait before anything is looked
up; `plan` compares with what was found. Compatible with the Java service: encounter type and form by the name of the
Avni type, form group, marker and event date. Stands on avni.md A22 (held, planned, cancelled) and A25 to A28 (answers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any
from uuid import UUID

from avni.wire import instant
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.form_encounter import (
    NEVER,
    Form,
    bring_in_line,
    confirm,
    filled_in,
    moment_of,
    new_encounter,
    ours_among,
)
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundVisit
from bahmni.avni_to_bahmni.observations import UUID_OF_OPENMRS, answers
from common.fingerprint import derived_uuid, fingerprint
from common.outcome import Outcome
from engine.ports import Known, Plan, Want, Write
from engine.verdicts import Defer, Fail, Hold, Skip
from mappings.snapshot import Pair, Snapshot

MADE_FROM_BAHMNI = (v.HOSPITAL_FORM, v.HOSPITAL_PROGRAM_FORM, v.LAB_ENCOUNTER_TYPE, v.DRUG_ENCOUNTER_TYPE)
"""Mappings whose Avni side names encounter types that hold what came from Bahmni."""

DAY = "Encounter date time"


@dataclass(frozen=True)
class GeneralEncounter:
    """What Bahmni should hold of one encounter. `form` is None when it is voided, and while it is not completed."""

    encounter_id: str
    subject_id: str
    voided: bool
    form: Form | None


@dataclass(frozen=True)
class Found:
    """What was read before writing. `patient` (uuid) and `number` are those of the subject, as the ledger has them."""

    patient: str = ""
    number: str = ""
    encounters: tuple[FoundEncounter, ...] = ()
    """The one behind the link; without a link all that carry the marker."""
    visit: FoundVisit | None = None
    """The subject's registration visit, when an encounter has to be created in it."""
    now: datetime = NEVER
    """The hospital's clock when it was asked, in its own zone."""


def encounter_types(snapshot: Snapshot) -> tuple[str, ...]:
    """The Avni encounter types that are handed over: those mapped, but none that holds what came from Bahmni."""
    return tuple(sorted(_named(snapshot, v.GENERAL_ENCOUNTER_TYPE, v.GENERAL_ENCOUNTER_FORM) - _from_bahmni(snapshot)))


def half_mapped(snapshot: Snapshot) -> dict[Pair, tuple[str, ...]]:
    """The encounter types that have one of their two mappings only, by the one they lack: read, and each a failure."""
    pairs = (v.GENERAL_ENCOUNTER_TYPE, v.GENERAL_ENCOUNTER_FORM)
    lacking = {
        pair: [kind for kind in encounter_types(snapshot) if kind not in _named(snapshot, pair)] for pair in pairs
    }
    return {pair: tuple(kinds) for pair, kinds in lacking.items() if kinds}


def _from_bahmni(snapshot: Snapshot) -> set[str]:
    return {v.HOSPITAL_REGISTRATION} | _named(snapshot, *MADE_FROM_BAHMNI)


def _named(snapshot: Snapshot, *pairs: Pair) -> set[str]:
    return {name for pair in pairs for name in snapshot.by_avni_value.get(pair, {}) if name}


def wanted(encounter: Mapping[str, Any], snapshot: Snapshot, zone: tzinfo) -> Want:
    """What Bahmni should hold; `zone` is the hospital's.

    Raises Skip for what came from there or belongs to nobody who is a patient, Fail, KeyError.
    """
    kind, observations = encounter["Encounter type"], encounter["observations"]
    if not isinstance(observations, Mapping):
        raise Fail("record.field-missing", field="observations")
    if not isinstance(encounter["Subject ID"], str):
        raise Fail("record.field-missing", field="Subject ID")
    marker = snapshot.single(*v.BAHMNI_MARKER_CONCEPT)
    if kind in _from_bahmni(snapshot) or (marker and observations.get(marker.avni_value)):
        raise Skip("bahmni.came-from-bahmni")
    patients = snapshot.constant(v.SUBJECT_TYPE)
    if encounter.get("Subject type", patients) != patients:
        raise Skip("bahmni.not-of-a-patient")  # one encounter type may serve households and people
    voided, completed = encounter["Voided"] is True, bool(encounter.get(DAY))
    # What is voided does not travel any more, and may not keep the encounter from being voided.
    answered = answers({} if voided or not completed else observations, snapshot, zone)
    form = None
    if completed and not voided:
        form = filled_in(
            encounter["ID"],
            _day(encounter[DAY], zone),
            answered,
            encounter["audit"]["Last modified at"],
            snapshot,
            encounter_type=_partner(kind, v.GENERAL_ENCOUNTER_TYPE, "type", snapshot),
            concept=_partner(kind, v.GENERAL_ENCOUNTER_FORM, "form", snapshot),
        )
    content = GeneralEncounter(encounter["ID"], encounter["Subject ID"], voided, form)
    said = form.content if form else ["voided" if voided else "not completed"]
    return Want(content, fingerprint([content.subject_id, *said]), unmapped=answered.unmapped)


def _day(text: Any, zone: tzinfo) -> date:
    try:
        return instant(text).astimezone(zone).date()
    except (TypeError, ValueError, OverflowError):
        raise Fail("bahmni.value-kind", question=DAY, expected="a date and time", kind="something else") from None


def _partner(kind: str, pair: Pair, what: str, snapshot: Snapshot) -> str:
    entry = snapshot.from_avni(*pair, kind)
    if entry is None:
        raise Fail(f"bahmni.encounter-{what}-unmapped", side="avni", value=kind)
    if not UUID_OF_OPENMRS.fullmatch(entry.int_system_value):
        raise Fail(f"bahmni.mapping-without-uuid.{what}", name=kind, side="avni", value=kind)
    return entry.int_system_value


def admit(content: GeneralEncounter, known: Known | None, subject: Known | None) -> None:
    """Whether there is anything to look up, `subject` being what the ledger remembers of the encounter's subject.

    Raises Skip, Hold, and Defer until the subject stands in Bahmni beyond doubt. When it raises nothing and there is no
    link, the subject has a patient.
    """
    if content.voided:
        if not any(one and one.points_somewhere for one in (known, subject)):
            raise Skip("bahmni.voided-before-hand-over")
        return
    if content.form is None:
        if known and known.points_somewhere and known.left_fingerprint != v.VOIDED_BY_US:
            raise Hold("bahmni.completed-before")
        raise Skip("bahmni.not-completed")
    arrival = v.arrival_of_subject(content.subject_id)
    if subject is None:
        raise Defer("bahmni.subject-not-yet", waits_for=arrival, asks_for=(v.SUBJECT, content.subject_id))
    # A voided subject that is read again without a change counts as unchanged; what we left tells it still.
    if subject.outcome is Outcome.VOIDED or subject.left_fingerprint == v.VOIDED_BY_US:
        raise Defer("bahmni.subject-voided", waits_for=arrival)
    if not subject.points_somewhere:
        raise Defer("bahmni.subject-not-yet", waits_for=arrival)
    if subject.outcome is Outcome.HELD:  # perhaps its number changed: then nobody knows whose patient this is
        raise Defer("bahmni.subject-held", waits_for=arrival)


def plan(want: Want, found: Found, known: Known | None, snapshot: Snapshot, namespace: UUID) -> Plan:
    """The writes that make Bahmni agree. Raises Skip, Defer, Hold, Fail."""
    content: GeneralEncounter = want.content
    if len(found.encounters) > 1:
        raise Hold("bahmni.multiple-encounters")
    ours = ours_among(found.encounters, content.encounter_id, known, voided=content.voided)
    derived = str(derived_uuid(namespace, "encounter", "general", content.encounter_id))
    if ours is None:
        return _first_time(want, found, derived, snapshot, namespace)
    if known and known.points_somewhere:
        confirm(ours.patient, known.target_parent_id, found.number)
    if found.patient:
        confirm(ours.patient, found.patient, found.number)
    created_by_us = ("encounter",) if ours.uuid == derived else ()
    return bring_in_line(
        want, content.form, ours, known, created_by_us=created_by_us, namespace=namespace, now=found.now
    )


def _first_time(want: Want, found: Found, uuid: str, snapshot: Snapshot, namespace: UUID) -> Plan:
    """No encounter of the patient carries the marker yet."""
    form: Form | None = want.content.form
    if form is None:
        raise Skip("bahmni.voided-before-hand-over")
    visit = found.visit
    if visit and visit.patient:
        confirm(visit.patient, found.patient, found.number)
    if visit is None or visit.voided:
        raise Hold("bahmni.visit-gone")
    moment = moment_of(form.day, visit, found.now)
    body = new_encounter(
        form, uuid, patient=found.patient, visit=visit.uuid, moment=moment, snapshot=snapshot, namespace=namespace
    )
    create = Write("create", "encounter", uuid, body, "no encounter carries the marker")
    return Plan(
        (create,),
        Outcome.CREATED,
        uuid,
        found.patient,
        {"visit": visit.uuid},
        ("encounter",),
        fingerprint([want.fingerprint]),
    )
