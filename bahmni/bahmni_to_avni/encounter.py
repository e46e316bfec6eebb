"""Encounter of Bahmni → general encounters of the patient's subject, one per form filled in. Pure: the record's side.

A form is an observation at the top of an encounter. Each mapped one becomes an encounter of its own in Avni, with the
answers below it and the uuid of the whole encounter as marker, as the Java service writes it. Orders do not travel.

Stands on openmrs.md O66 (order, groups), O67, O68 (answers), O16 (voided ones), O43 (a voided patient's encounters).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.subject import identifier_of
from bahmni.bahmni_to_avni.answers import answers_question, name_of, observations
from bahmni.bahmni_to_avni.part import Part
from bahmni.bahmni_to_avni.patient import preferred_identifier
from bahmni.bahmni_to_avni.values import moment
from common.fingerprint import fingerprint
from common.outcome import FINISHED, Outcome
from engine.ports import Known, Parent, Want
from engine.verdicts import Defer, Fail, Skip
from mappings.models import Side
from mappings.snapshot import Snapshot


@dataclass(frozen=True)
class HospitalEncounter:
    """What Avni should hold of one encounter. Of a voided one nothing: then there are no parts.

    `left_out` are forms (uuids) that stand in it and do not travel by the mappings as they are now.
    """

    uuid: str
    patient_uuid: str
    patient_voided: bool
    voided: bool
    held_at: str
    parts: tuple[Part, ...]
    left_out: frozenset[str] = frozenset()


def parent(encounter: Mapping[str, Any]) -> Parent | None:
    """The patient, whose link tells the subject; None for a record that names none."""
    uuid = (encounter.get("patient") or {}).get("uuid")
    return Parent(v.PATIENT, uuid) if uuid else None


def wanted(encounter: Mapping[str, Any], snapshot: Snapshot) -> Want:
    """What Avni should hold. Raises Skip for a patient outside the programme, Fail for what cannot be translated.

    A representation without the patient's identifiers leaves it to the ledger whether the patient is in the programme.
    """
    patient = encounter.get("patient") or {}
    identifier, prefix = preferred_identifier(patient), snapshot.constant(v.IDENTIFIER_PREFIX)
    patient_voided, voided = patient.get("voided") is True, encounter.get("voided") is True
    if not patient.get("uuid"):
        raise Fail("record.field-missing", field="patient")
    is_told = "identifiers" in patient and not patient_voided  # voiding a patient voids its numbers, too
    if is_told and (not identifier.startswith(prefix) or identifier == prefix):
        raise Skip("bahmni.not-in-programme")
    unmapped: list[str] = []
    left_out: set[str] = set()
    content = HospitalEncounter(
        uuid=encounter["uuid"],
        patient_uuid=patient["uuid"],
        patient_voided=patient_voided,
        voided=voided,
        held_at=_held_at(encounter),
        parts=() if voided else tuple(_parts(encounter, snapshot, unmapped, left_out)),
        left_out=frozenset(left_out),
    )
    said: list[Any] = [[part.key, part.encounter_type, part.observations] for part in content.parts]
    said += sorted(left_out)
    return Want(
        content=content,
        fingerprint=fingerprint([content.voided, content.patient_uuid, content.held_at, said]),
        identifier=identifier,
        unmapped=tuple(unmapped),
    )


def owner(want: Want, known: Known | None, patient: Known | None) -> str:
    """Uuid of the subject the parts belong to, by the patient's link. Raises Skip when nothing is to be done at all.

    Raises Defer while the patient is not safely registered in Avni. A patient that no event told of (one never seen,
    one whose number was given or changed later: F22) is asked for.
    """
    content: HospitalEncounter = want.content
    if not content.parts:
        if known is None or not known.points_somewhere:
            raise Skip("bahmni.voided-before-hand-over" if content.voided else "bahmni.no-mapped-form")
        return known.target_parent_id  # what we wrote is voided, whatever became of the patient
    arrival, asked = v.arrival_of_patient(content.patient_uuid), (v.PATIENT, content.patient_uuid)
    if content.patient_voided or (patient and patient.left_fingerprint == v.VOIDED_BY_US):
        raise Defer("bahmni.patient-of-encounter-voided", waits_for=arrival)
    if patient is None or not patient.points_somewhere:
        is_on_its_way = patient is not None and patient.outcome not in FINISHED
        raise Defer("bahmni.patient-not-yet", asks_for=None if is_on_its_way else asked, waits_for=arrival)
    if patient.outcome is Outcome.HELD:
        raise Defer("bahmni.patient-held", waits_for=arrival)
    if want.identifier and patient.identifier not in ("", want.identifier):
        raise Defer("bahmni.patient-number-differs", asks_for=asked, waits_for=arrival)
    return patient.target_parent_id


def confirm_subject(subject: Mapping[str, Any] | None, number: str, snapshot: Snapshot) -> None:
    """Raises Fail unless the subject is un-voided and still has the patient's number (empty where it is not told).

    Else the number has another owner by now: often the subject for which this one was voided as a duplicate.
    """
    if subject is None or subject["Voided"] or number not in ("", identifier_of(subject, snapshot)):
        raise Fail("bahmni.subject-id-changed-for-patient")


# -- forms and answers -----------------------------------------------------------------------------------------------


def _parts(encounter: Mapping[str, Any], snapshot: Snapshot, unmapped: list[str], left_out: set[str]) -> Iterator[Part]:
    """The mapped forms, in the order of their keys' making. What is left out is named in `unmapped` and `left_out`."""
    marker = snapshot.single(*v.BAHMNI_MARKER_CONCEPT)
    marked = {marker.avni_value: encounter["uuid"]} if marker else {}
    from_avni = snapshot.single(*v.MARKER_CONCEPT)
    times: Counter[str] = Counter()
    for form in encounter.get("obs") or ():
        concept = form["concept"]
        if form.get("voided") or (from_avni and answers_question(form, from_avni.int_system_value)):
            continue  # one that carries the id of a record of Avni came from there and does not travel back
        if snapshot.is_ignored(Side.INT_SYSTEM, concept["uuid"]):
            left_out.add(concept["uuid"])
            continue
        entry = snapshot.from_int_system(*v.HOSPITAL_FORM, concept["uuid"])
        if entry is None:
            left_out.add(concept["uuid"])
            unmapped.append(name_of(concept))
            continue
        times[concept["uuid"]] += 1
        again = times[concept["uuid"]]
        key = concept["uuid"] if again == 1 else f"{concept['uuid']}#{again}"
        yield Part(key, entry.avni_value, {**observations(form, snapshot, unmapped), **marked})


def _held_at(encounter: Mapping[str, Any]) -> str:
    try:
        return moment(encounter["encounterDatetime"])
    except ValueError:
        raise Fail("record.field-missing", field="encounterDatetime") from None
