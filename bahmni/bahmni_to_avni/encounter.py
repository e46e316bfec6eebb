"""Encounter of Bahmni → encounters of the patient's subject, one for each of its parts. Pure: the record's side.

A form is an observation at the top of an encounter. Each mapped one becomes an encounter of its own in Avni, general or
in a program, with the answers below it and the uuid of the whole encounter as marker, as the Java service writes it.
The results of an encounter of the laboratory are one part, the drugs prescribed in an encounter another.

Stands on openmrs.md O66 (order, groups), O16 (voided ones), O43 (a voided patient's encounters).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.subject import identifier_of
from bahmni.bahmni_to_avni import laboratory, prescription
from bahmni.bahmni_to_avni.answers import answers_question, name_of, observations
from bahmni.bahmni_to_avni.part import IN_PROGRAM, LABORATORY, PRESCRIPTION, Part
from bahmni.bahmni_to_avni.patient import preferred_identifier
from bahmni.bahmni_to_avni.values import moment
from bahmni.bahmni_to_avni.visit_type import is_outpatient
from bahmni.kinds import wrong_kind
from bahmni.shapes import FORMS, HOSPITAL_ENCOUNTER, check
from common.fingerprint import fingerprint
from common.outcome import FINISHED, Outcome
from engine.ports import Known, Parent, Want
from engine.verdicts import Defer, Fail, Outside, Skip
from mappings.models import Side
from mappings.snapshot import Entry, Snapshot


@dataclass(frozen=True)
class HospitalEncounter:
    """What Avni should hold of one encounter. Of a voided one nothing: then there are no parts.

    `left_out` are forms (uuids), or the words for other parts, that stand in it and do not travel by the settings as
    they are now; `elsewhere` is true where only the type of its visit keeps something from travelling. `outside` is one
    of a patient outside the programme, who may have left it.
    """

    uuid: str
    patient_uuid: str
    patient_voided: bool
    voided: bool
    held_at: str
    parts: tuple[Part, ...]
    left_out: frozenset[str] = frozenset()
    elsewhere: bool = False
    outside: bool = False
    marked: Mapping[str, str] = field(default_factory=dict)
    """The marker."""


def parent(encounter: Mapping[str, Any]) -> Parent | None:
    """The patient, whose link tells the subject; None for a record that names none."""
    uuid = (encounter.get("patient") or {}).get("uuid")
    return Parent(v.PATIENT, uuid) if uuid else None


def wanted(encounter: Mapping[str, Any], snapshot: Snapshot) -> Want:
    """What Avni should hold. Raises Outside for a patient outside the programme, Fail for what cannot be translated.

    One that is voided is looked at whoever the patient is by now: what was handed over before is voided with it.
    A representation without the patient's identifiers leaves it to the ledger whether the patient is in the programme.
    """
    check(encounter, HOSPITAL_ENCOUNTER)
    patient = encounter["patient"]
    identifier = preferred_identifier(patient)
    patient_voided, voided = patient.get("voided") is True, encounter.get("voided") is True
    outside = is_outside(encounter, snapshot)
    if outside and not voided:
        raise Outside("bahmni.not-in-programme")
    if not voided:  # what a voided one says may not keep it from being voided
        check(encounter, FORMS)
    unmapped: list[str] = []
    left_out: set[str] = set()
    marker = snapshot.single(*v.BAHMNI_MARKER_CONCEPT)
    marked = {marker.avni_value: encounter["uuid"]} if marker else {}
    content = HospitalEncounter(
        uuid=encounter["uuid"],
        patient_uuid=patient["uuid"],
        patient_voided=patient_voided,
        voided=voided,
        held_at=_held_at(encounter),
        parts=() if voided else tuple(_parts(encounter, snapshot, marked, unmapped, left_out)),
        left_out=frozenset(left_out),
        elsewhere=not voided and _is_elsewhere(encounter, snapshot),
        outside=outside,
        marked=marked,
    )
    said: list[Any] = [[part.key, part.encounter_type, part.observations, part.program] for part in content.parts]
    said += sorted(left_out)
    return Want(
        content=content,
        fingerprint=fingerprint([content.voided, content.patient_uuid, content.held_at, said]),
        identifier=identifier,
        unmapped=tuple(unmapped),
    )


def is_outside(encounter: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """Whether the patient is surely none of the programme: a number is told, and it does not have the prefix."""
    patient, prefix = encounter["patient"], snapshot.constant(v.IDENTIFIER_PREFIX)
    identifier = preferred_identifier(patient)
    is_told = "identifiers" in patient and patient.get("voided") is not True  # its numbers are voided with a patient
    return is_told and (not identifier.startswith(prefix) or identifier == prefix)


def owner(want: Want, known: Known | None, patient: Known | None) -> str:
    """Uuid of the subject the parts belong to, by the patient's link. Raises Skip or Outside if nothing is to do.

    Raises Defer while the patient is not safely registered in Avni. A patient that no event told of (one never seen,
    one whose number was given or changed later: F22) is asked for.
    """
    content: HospitalEncounter = want.content
    if not content.parts:
        if known is None or not known.points_somewhere:
            raise Outside("bahmni.not-in-programme") if content.outside else Skip(_why_nothing(content))
        return known.target_parent_id  # what we wrote is voided, whatever became of the patient
    arrival, asked = v.arrival_of_patient(content.patient_uuid), (v.PATIENT, content.patient_uuid)
    if content.patient_voided or (patient and patient.left_fingerprint == v.VOIDED_BY_US):
        raise Defer("bahmni.patient-of-encounter-voided", waits_for=arrival)
    if patient and patient.is_apart:
        raise Defer("bahmni.patient-apart", waits_for=arrival)
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


def _why_nothing(content: HospitalEncounter) -> str:
    if content.voided:
        return "bahmni.voided-before-hand-over"
    return "bahmni.not-outpatient" if content.elsewhere else "bahmni.no-mapped-form"


# -- parts -----------------------------------------------------------------------------------------------------------


def _parts(
    encounter: Mapping[str, Any],
    snapshot: Snapshot,
    marked: Mapping[str, str],
    unmapped: list[str],
    left_out: set[str],
) -> Iterator[Part]:
    """Forms or laboratory results, then prescriptions. What is left out is named in `unmapped` and `left_out`."""
    if laboratory.is_handed_over(encounter, snapshot):
        if results := laboratory.part(encounter, snapshot, marked, unmapped):
            yield results
    else:
        forms = list(_forms(encounter, snapshot, marked, unmapped, left_out))
        yield from forms
        if not forms and any(not form.get("voided") for form in encounter.get("obs") or ()):
            left_out.add(LABORATORY)
    if prescription.are_handed_over(encounter, snapshot):
        if drugs := prescription.part(encounter, snapshot, marked, unmapped):
            yield drugs
    elif prescription.orders(encounter):
        left_out.add(PRESCRIPTION)


def _is_elsewhere(encounter: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """Whether there is something mapped that does not travel because of the type of the visit."""
    prescribed = prescription.is_mapped(snapshot) and bool(prescription.orders(encounter))
    return not is_outpatient(encounter, snapshot) and (prescribed or laboratory.is_of(encounter, snapshot))


def _forms(
    encounter: Mapping[str, Any],
    snapshot: Snapshot,
    marked: Mapping[str, str],
    unmapped: list[str],
    left_out: set[str],
) -> Iterator[Part]:
    """The mapped forms, in the order of their keys' making."""
    from_avni = snapshot.single(*v.MARKER_CONCEPT)
    times: Counter[str] = Counter()
    for form in encounter.get("obs") or ():
        concept = form["concept"]
        if form.get("voided") or (from_avni and answers_question(form, from_avni.int_system_value)):
            continue  # one that carries the id of a record of Avni came from there and does not travel back
        if snapshot.is_ignored(Side.INT_SYSTEM, concept["uuid"]):
            left_out.add(concept["uuid"])
            continue
        mapped = _as_mapped(concept, snapshot)
        if mapped is None:
            left_out.add(concept["uuid"])
            unmapped.append(name_of(concept))
            continue
        encounter_type, program = mapped
        times[concept["uuid"]] += 1
        again = times[concept["uuid"]]
        key = concept["uuid"] if again == 1 else f"{concept['uuid']}#{again}"
        said = {**observations(form, snapshot, unmapped, _mapping_of(concept, snapshot)), **marked}
        yield Part(IN_PROGRAM + key if program else key, encounter_type, said, program)


def _mapping_of(form: Mapping[str, Any], snapshot: Snapshot) -> Entry | None:
    """The mapping of a form that travels: it may say what becomes of questions without one."""
    general = snapshot.from_int_system(*v.HOSPITAL_FORM, form["uuid"])
    return general or snapshot.from_int_system(*v.HOSPITAL_PROGRAM_FORM, form["uuid"])


def _as_mapped(concept: Mapping[str, Any], snapshot: Snapshot) -> tuple[str, str] | None:
    """The encounter type in Avni of a form, and the program it belongs to, "" for none; None for one without mapping.

    Raises Fail where nobody can tell what the form shall become.
    """
    uuid = concept["uuid"]
    named = {"side": Side.INT_SYSTEM, "value": uuid, "name": name_of(concept)}
    pairs = (v.HOSPITAL_FORM, v.HOSPITAL_PROGRAM_FORM, v.HOSPITAL_ENROLMENT_FORM)
    general, in_program, enrolment = (snapshot.from_int_system(*pair, uuid) for pair in pairs)
    if enrolment:
        raise Fail("bahmni.form-of-enrolment", **named)
    if general and in_program:
        raise Fail("bahmni.form-mapped-twice", **named)
    if in_program is None:
        return (general.avni_value, "") if general else None
    program = snapshot.from_int_system(*v.FORM_PROGRAM, uuid)
    if program is None or not program.avni_value:
        raise Fail("bahmni.form-without-program", **named)
    return in_program.avni_value, program.avni_value


def _held_at(encounter: Mapping[str, Any]) -> str:
    try:
        return moment(encounter["encounterDatetime"])
    except ValueError:
        raise wrong_kind("encounterDatetime", "a date with its time", encounter["encounterDatetime"]) from None
