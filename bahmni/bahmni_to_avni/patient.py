"""Bahmni patient → registration encounter "Bahmni Patient Registration" of the subject with the same number. Pure.

The subject itself belongs to Avni and is never written. The encounter carries the patient's attributes that are mapped,
and the patient's uuid as marker, as the Java service writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni import somebody
from bahmni.bahmni_to_avni.values import differing, moment, translated
from bahmni.same_person import Demographics, Likeness, choose, confirm
from bahmni.shapes import PATIENT, check
from common.fingerprint import derived_uuid, fingerprint
from common.outcome import Outcome
from engine.left import Left
from engine.ports import Known, Plan, Want, Write
from engine.settling import chosen, settled
from engine.verdicts import Conflict, Defer, Difference, Fail, Hold, Skip
from errors.specs import Move
from mappings.snapshot import Snapshot

SALT: Final = "registration"
"""Name of the registration encounter in what a link remembers of answers."""


@dataclass(frozen=True)
class HospitalRegistration:
    """What Avni should hold of one patient. `managed` are the concepts we speak for, also where there is no value."""

    patient_uuid: str
    voided: bool
    person: Demographics
    bare_identifier: str
    registered_at: str
    observations: Mapping[str, Any]
    managed: frozenset[str]


@dataclass(frozen=True)
class Found:
    """What was read from Avni. Both only as far as the plan needs them.

    `subjects`: those with the patient's number, when they were asked for; of a linked patient just its own.
    """

    encounter: Mapping[str, Any] | None = None
    subjects: Sequence[Mapping[str, Any]] = ()
    subjects_asked: bool = False


def preferred_identifier(patient: Mapping[str, Any]) -> str:
    """The patient number people see; the empty text when there is none."""
    rows = [row for row in patient.get("identifiers") or () if not row.get("voided")]
    preferred = [row for row in rows if row.get("preferred")] or rows[:1]
    return str(preferred[0].get("identifier") or "").strip() if preferred else ""


def wanted(patient: Mapping[str, Any], snapshot: Snapshot) -> Want:
    """What Avni should hold. Raises Skip for a patient outside the programme, Fail for what cannot be translated."""
    check(patient, PATIENT)
    identifier, prefix = preferred_identifier(patient), snapshot.constant(v.IDENTIFIER_PREFIX)
    voided = patient.get("voided") is True
    if not voided and (not identifier.startswith(prefix) or identifier == prefix):
        # Voiding a patient voids its numbers, too: then the ledger alone tells whether it was in the programme.
        raise Skip("bahmni.not-in-programme")
    marker = snapshot.single(*v.BAHMNI_MARKER_CONCEPT)
    observations: dict[str, Any] = {marker.avni_value: patient["uuid"]} if marker else {}
    unmapped: list[str] = []
    attributes = [] if voided else (patient.get("person") or {}).get("attributes") or []
    for attribute in attributes:  # of a voided one nothing travels, so nothing may keep it from being voided
        value = attribute.get("value")
        if attribute.get("voided") or value is None or value == "":
            continue
        entry = snapshot.from_int_system(*v.PERSON_ATTRIBUTE, attribute["attributeType"]["uuid"])
        if entry is None:
            unmapped.append(_attribute_name(attribute))
            continue
        shown = translated(value, entry, snapshot, unmapped="bahmni.attribute-answer-unmapped", counted=unmapped)
        if shown is not None:
            observations[entry.avni_value] = shown
    concepts = {entry.avni_value for entry in snapshot.by_int_system_value.get(v.PERSON_ATTRIBUTE, {}).values()}
    content = HospitalRegistration(
        patient_uuid=patient["uuid"],
        voided=voided,
        person=_person(patient),
        bare_identifier=identifier.removeprefix(prefix),
        registered_at=_registered_at(patient),
        observations=observations,
        managed=frozenset(concepts | observations.keys()),
    )
    return Want(
        content=content,
        fingerprint=fingerprint([content.voided, identifier, observations]),
        identifier=identifier,
        arrives=() if voided else (v.arrival_of_patient(content.patient_uuid),),
        unmapped=tuple(unmapped),
    )


def external_id(namespace: UUID, patient_uuid: str) -> str:
    """The External ID of the registration encounter: chosen by us, so that a create cut off is found again."""
    return str(derived_uuid(namespace, "avni-encounter", "patient", patient_uuid))


def would_write(content: HospitalRegistration, there: Mapping[str, Any]) -> bool:
    """Whether a registration that stands there is to be changed or brought back: then its subject must be confirmed."""
    return not content.voided and bool(_changes(content, there) or there["Voided"])


def plan(want: Want, found: Found, known: Known | None, namespace: UUID, likeness: Likeness, us: str = "") -> Plan:
    """The writes that make Avni agree. Raises Skip, Defer, Hold, Fail. `us` is our user name there."""
    content: HospitalRegistration = want.content
    there = found.encounter
    if known and known.points_somewhere and there is None:
        settled(Hold("bahmni.registration-gone"), want, known, Move.SOURCE)
    if there is None:
        return _first_time(want, content, found, known, namespace, likeness)
    _confirm(want, content, there, found, known)
    left, chosen = fingerprint([want.fingerprint]), external_id(namespace, content.patient_uuid)
    targets: dict[str, Any] = {
        "target_id": there["ID"],
        "target_parent_id": there["Subject ID"],
        "created_by_us": ("encounter",) if there.get("External ID") == chosen else (),
    }
    if content.voided and there["Voided"]:
        return Plan((), Outcome.UNCHANGED, left_fingerprint=known.left_fingerprint if known else "", **targets)
    if content.voided:
        written = somebody.written_into(somebody.Ours(content.managed), there, _left(known), SALT, us)
        if written:
            settled(somebody.changed_by_somebody(written, there["ID"]), want, known, Move.SOURCE)
        void = Write("void", "encounter", there["ID"], {}, "the patient was voided in Bahmni")
        return Plan((void,), Outcome.VOIDED, left_fingerprint=v.VOIDED_BY_US, **targets)
    theirs = frozenset[str]() if there["Voided"] else _left_to_somebody(want, content, there, known, us)
    changes = {question: value for question, value in _changes(content, there).items() if question not in theirs}
    body: dict[str, Any] = {"observations": changes} if changes else {}
    if there["Voided"]:
        if known is None or known.left_fingerprint != v.VOIDED_BY_US:
            settled(Hold("bahmni.target-voided"), want, known, Move.SOURCE)
        body["Voided"] = False
    targets["left"] = {SALT: {**somebody.kept(_left(known), theirs, SALT), **_notes(content, theirs)}}
    if not body:
        return Plan((), Outcome.UNCHANGED, left_fingerprint=left, **targets)
    why = f"{len(changes)} observations differ" if changes else "the patient was un-voided in Bahmni"
    update = Write("update", "encounter", there["ID"], body, why)
    return Plan((update,), Outcome.UPDATED, left_fingerprint=left, **targets)


def _changes(content: HospitalRegistration, there: Mapping[str, Any]) -> dict[str, Any]:
    return differing(content.observations, there["observations"], content.managed)


# -- the record alone ------------------------------------------------------------------------------------------------


def _attribute_name(attribute: Mapping[str, Any]) -> str:
    """Name of the attribute type where the document tells it, else its uuid."""
    kind = attribute["attributeType"]
    return str(kind.get("display") or kind["uuid"])


def _person(patient: Mapping[str, Any]) -> Demographics:
    person = patient.get("person") or {}
    name = person.get("preferredName") or {}
    names = [part for part in (name.get("givenName"), name.get("familyName")) if part]
    return Demographics(" ".join(names), person.get("gender") or "", (person.get("birthdate") or "")[:10])


def _registered_at(patient: Mapping[str, Any]) -> str:
    """When the hospital registered the patient, in UTC; the encounter's date, so that planning again plans the same."""
    created = (patient.get("auditInfo") or {}).get("dateCreated")
    if not created:
        raise Fail("record.field-missing", field="auditInfo.dateCreated")
    try:
        return moment(created)
    except ValueError:
        raise Fail("record.field-missing", field="auditInfo.dateCreated") from None


# -- against what was found ------------------------------------------------------------------------------------------


def _first_time(
    want: Want, content: HospitalRegistration, found: Found, known: Known | None, namespace: UUID, likeness: Likeness
) -> Plan:
    if content.voided:
        raise Skip("bahmni.voided-before-hand-over")
    subject = _the_subject(want, content, found, known, likeness)
    chosen = external_id(namespace, content.patient_uuid)
    body = {
        "External ID": chosen,
        "Subject ID": subject["ID"],
        "Encounter type": v.HOSPITAL_REGISTRATION,
        "Encounter date time": content.registered_at,
        "observations": dict(content.observations),
        "cancelObservations": {},
        "Voided": False,
    }
    create = Write("create", "encounter", chosen, body, "no registration encounter carries the patient's marker")
    left = fingerprint([want.fingerprint])
    return Plan(
        (create,), Outcome.CREATED, chosen, subject["ID"], created_by_us=("encounter",), left_fingerprint=left,
        left={SALT: _notes(content, frozenset())},
    )  # fmt: skip


def _the_subject(
    want: Want, content: HospitalRegistration, found: Found, known: Known | None, likeness: Likeness
) -> Mapping[str, Any]:
    """The un-voided subject with the patient's number, of several the one a person chose."""
    live = {row["ID"]: row for row in found.subjects if not row["Voided"]}
    if not live:
        raise Defer("bahmni.no-subject", waits_for=v.arrival_of(want.identifier))
    people = {subject_id: _subjects_person(row) for subject_id, row in live.items()}
    if len(live) > 1:
        several = Fail("bahmni.multiple-subjects-for-patient")
        return live[choose(content.person, people, several, "subject", want, known)]
    ((subject_id, subject),) = live.items()
    confirm(content.person, people[subject_id], likeness, kind="subject", uuid=subject_id, want=want, known=known)
    return subject


def _left(known: Known | None) -> Left | None:
    return known.left.get(SALT) if known else None


def _notes(content: HospitalRegistration, theirs: frozenset[str]) -> Left:
    """What the link remembers of the answers we leave, but those left to somebody."""
    ours = {question: value for question, value in content.observations.items() if question not in theirs}
    return somebody.notes_of(ours, SALT)


def _left_to_somebody(
    want: Want, content: HospitalRegistration, there: Mapping[str, Any], known: Known | None, us: str
) -> frozenset[str]:
    """The questions that stay as somebody answered them, because a person decided so.

    Raises Hold while nobody has decided about what somebody answered otherwise.
    """
    said = {question: value for question, value in content.observations.items() if value != content.patient_uuid}
    owned = somebody.Ours(content.managed - (content.observations.keys() - said.keys()))
    if chosen(known, Move.TARGET):
        us = somebody.NOBODY  # what was left to them stays theirs, though we wrote since
    found = somebody.contested(said, owned, there, _left(known), SALT, us)
    if not found:
        return frozenset()
    hold = somebody.changed_by_somebody(found, there["ID"])
    if settled(hold, want, known, Move.SOURCE, Move.TARGET).move is Move.SOURCE:
        return frozenset()
    return frozenset(one.question for one in found)


def _subjects_person(subject: Mapping[str, Any]) -> Demographics:
    said = subject["observations"]
    names = [said[part] for part in ("First name", "Last name") if said.get(part)]
    gender = v.GENDERS.get(said.get("Gender") or "", "")
    return Demographics(" ".join(names), gender, (said.get("Date of birth") or "")[:10])


def _confirm(
    want: Want, content: HospitalRegistration, there: Mapping[str, Any], found: Found, known: Known | None
) -> None:
    """The encounter must carry our patient's marker and hang on the subject we know, or a person decides.

    So must the number that led to that subject still be the patient's; a voided patient may have lost it.
    """
    if content.patient_uuid not in there["observations"].values():
        settled(Hold("bahmni.marker-missing"), want, known, Move.SOURCE)
    if known and known.points_somewhere:
        has_other_number = not content.voided and known.identifier not in ("", want.identifier)
        if has_other_number or there["Subject ID"] != known.target_parent_id:
            subject, differs = there["Subject ID"], Difference("number", want.identifier, {})
            state = fingerprint([want.identifier, known.identifier, subject, known.target_parent_id])
            conflict = Conflict(state, "subject", (subject,), (Move.TARGET, Move.APART), (differs,))
            settled(Hold("bahmni.number-moved").about(conflict), want, known, Move.TARGET)
    # Where a person left the registration where it is, that the numbers differ is known.
    if (
        found.subjects_asked
        and not chosen(known, Move.TARGET)
        and there["Subject ID"] not in [row["ID"] for row in found.subjects if not row["Voided"]]
    ):
        raise Fail("bahmni.subject-id-changed-for-patient")
