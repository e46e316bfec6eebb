"""Avni subject → Bahmni patient with a registration visit and a registration encounter. Pure.

`wanted` turns record and mappings into what Bahmni should hold; `plan` compares that with what was found there.
Compatible with the Java service: identifier prefix, visit and encounter types, form group, marker and event date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundVisit
from bahmni.avni_to_bahmni.observations import Leaf, NewUuids, answers, changes, new_member
from bahmni.same_person import Demographics, Likeness, confirm
from bahmni.vocabulary import GENDERS
from common.fingerprint import derived_uuid, fingerprint
from common.outcome import Outcome
from common.text import is_storable
from engine.ports import Known, Plan, Want, Write
from engine.verdicts import Defer, Fail, Hold, Skip
from mappings.snapshot import Snapshot

NEVER = datetime.max.replace(tzinfo=UTC)

LONGEST_NUMBER = 50
"""Characters of a patient identifier in OpenMRS."""


@dataclass(frozen=True)
class Registration:
    """What Bahmni should hold of one subject."""

    subject_id: str
    voided: bool
    identifier: str
    given_name: str
    family_name: str
    gender: str
    birthdate: str | None
    registered_on: date
    created_at: str
    leaves: tuple[Leaf, ...]
    concepts: frozenset[str]
    version: str


@dataclass(frozen=True)
class Rival:
    """Another un-voided subject that claims the same patient number, and when it was registered."""

    subject_id: str
    created_at: str


@dataclass(frozen=True)
class Found:
    """What was read before writing. `registrations`: the patient's registration encounters, ours or not."""

    rivals: tuple[Rival, ...] = ()
    patients: tuple[FoundPatient, ...] = ()
    registrations: tuple[FoundEncounter, ...] = ()
    visits: tuple[FoundVisit, ...] = ()
    now: datetime = NEVER
    """The hospital's clock when it was asked, in its own zone."""


@dataclass(frozen=True)
class Policy:
    """Settings of the tenant the plan depends on."""

    namespace: UUID
    likeness: Likeness


def identifier_of(subject: Mapping[str, Any], snapshot: Snapshot) -> str:
    """The patient number both sides know, with the hospital's prefix; the empty text when the subject has none."""
    concept = snapshot.single(*v.IDENTIFIER_CONCEPT)
    bare = subject["observations"].get(concept.avni_value) if concept else None
    text = str(bare).strip() if isinstance(bare, str | int) and not isinstance(bare, bool) else ""
    return snapshot.constant(v.IDENTIFIER_PREFIX) + text if text else ""


def wanted(subject: Mapping[str, Any], snapshot: Snapshot) -> Want:
    """What Bahmni should hold. Raises Fail for a record that cannot be handed over as it is."""
    observations, voided = subject["observations"], subject["Voided"] is True
    if not isinstance(observations, Mapping):
        raise Fail("record.field-missing", field="observations")
    identifier = identifier_of(subject, snapshot)
    if not identifier:
        if voided:
            raise Skip("bahmni.voided-before-hand-over")
        raise Fail("bahmni.subject-id-null", concept=_name(snapshot))
    if len(identifier) > LONGEST_NUMBER or not is_storable(identifier):
        raise Fail("bahmni.value-kind", question=_name(snapshot), expected="a patient number", kind="something else")
    if voided:
        observations = {}  # what it said does not travel any more, and may not keep it from being voided
    answered = answers(observations, snapshot)
    content = Registration(
        subject_id=subject["ID"],
        voided=voided,
        identifier=identifier,
        given_name=_text(observations, "First name"),
        family_name=_text(observations, "Last name"),
        gender=_text(observations, "Gender"),
        birthdate=_birthdate(observations),
        registered_on=_registered_on(subject),
        created_at=subject["audit"]["Created at"],
        leaves=answered.leaves,
        concepts=answered.concepts,
        version=subject["audit"]["Last modified at"],
    )
    return Want(
        content=content,
        fingerprint=_fingerprint(content, snapshot),
        identifier=identifier,
        arrives=() if voided else (v.arrival_of(identifier),),
        unmapped=answered.unmapped,
    )


def plan(want: Want, found: Found, known: Known | None, snapshot: Snapshot, policy: Policy) -> Plan:
    """The writes that make Bahmni agree. Raises Skip, Defer, Hold, Fail."""
    content: Registration = want.content
    ours = _ours(content, found, known)
    if known and known.points_somewhere:
        _confirm(content, ours, found, known)
    if ours is None:
        return _first_time(content, found, snapshot, policy)
    left = fingerprint([want.fingerprint])
    standing = {"patient": ours.patient.uuid, "visit": ours.visit_uuid, "encounter": ours.uuid}
    targets: dict[str, Any] = {
        "target_id": ours.uuid, "target_parent_id": ours.patient.uuid, "other_targets": {"visit": ours.visit_uuid},
        "created_by_us": _created_by_us(content, standing, policy),
    }  # fmt: skip
    if content.voided and ours.voided:
        return Plan((), Outcome.UNCHANGED, left_fingerprint=known.left_fingerprint if known else "", **targets)
    if content.voided:
        void = Write("void", "encounter", ours.uuid, {}, "the subject was voided in Avni")
        return Plan((void,), Outcome.VOIDED, left_fingerprint=v.VOIDED_BY_US, **targets)
    if ours.voided:
        return _revive(ours, known, targets)
    was_handed_over = known is None or known.wanted_fingerprint == want.fingerprint
    # Nothing but the time tells a second repair of one version from the first, whose uuids are spent.
    attempt = f"{content.version} {found.now.isoformat()}" if was_handed_over else content.version
    uuids = NewUuids(policy.namespace, ours.uuid, ours.changed, attempt)
    writes = _agree(content, ours, snapshot, uuids)
    return Plan(writes, Outcome.UPDATED if writes else Outcome.UNCHANGED, left_fingerprint=left, **targets)


# -- the record alone ------------------------------------------------------------------------------------------------


def _text(observations: Mapping[str, Any], key: str) -> str:
    value = observations.get(key)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _registered_on(subject: Mapping[str, Any]) -> date:
    try:
        return date.fromisoformat(subject["Registration date"][:10])
    except (TypeError, ValueError):
        raise Fail("bahmni.registration-date-missing") from None


def _birthdate(observations: Mapping[str, Any]) -> str | None:
    value = observations.get("Date of birth")
    if not value:
        return None
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except (TypeError, ValueError):
        raise Fail("bahmni.value-kind", question="Date of birth", expected="a date", kind="something else") from None


def _name(snapshot: Snapshot) -> str:
    entry = snapshot.single(*v.IDENTIFIER_CONCEPT)
    return entry.avni_value if entry else ""


def _fingerprint(content: Registration, snapshot: Snapshot) -> str:
    """Content and every mapping used, but neither version nor the list of all concepts: they do not travel."""
    return fingerprint(
        [
            content.voided,
            content.identifier,
            content.registered_on.isoformat(),
            sorted([leaf.concept, str(leaf.value)] for leaf in content.leaves),
            [_mapped(snapshot, pair) for pair in (v.REGISTRATION_FORM, v.MARKER_CONCEPT, v.EVENT_DATE_CONCEPT)],
        ]
    )


def _mapped(snapshot: Snapshot, pair: tuple[str, str]) -> str:
    entry = snapshot.single(*pair)
    return entry.int_system_value if entry else ""


# -- against what was found ------------------------------------------------------------------------------------------


def _ours(content: Registration, found: Found, known: Known | None) -> FoundEncounter | None:
    """The encounter that carries the subject's marker; a voided one hides its marker and is known by the link."""
    for one in found.registrations:
        if one.marker == content.subject_id or (one.voided and known and one.uuid == known.target_id):
            return one
    return None


def _confirm(content: Registration, ours: FoundEncounter | None, found: Found, known: Known) -> None:
    """A link is a hint: before anything is written the target must say the same (or a person decides)."""
    if known.identifier != content.identifier:
        raise Hold("bahmni.subject-id-changed")
    if ours is None:
        if content.voided and known.left_fingerprint == v.VOIDED_BY_US:
            return  # purged after we voided it: nothing is missing
        raise Hold("bahmni.registration-gone")
    if ours.patient.voided:
        raise Hold("bahmni.patient-voided")
    if ours.patient.uuid != known.target_parent_id or not ours.patient.has_number(known.identifier):
        raise Hold("bahmni.number-moved")


def _first_time(content: Registration, found: Found, snapshot: Snapshot, policy: Policy) -> Plan:
    """Nothing in Bahmni carries the subject's marker yet."""
    if content.voided:
        raise Skip("bahmni.voided-before-hand-over")
    if any((rival.created_at, rival.subject_id) < (content.created_at, content.subject_id) for rival in found.rivals):
        raise Fail("bahmni.multiple-subjects", concept=_name(snapshot))
    if len(found.patients) > 1:
        raise Hold("bahmni.multiple-patients")
    if found.registrations:
        raise Fail("bahmni.subject-id-changed")
    if content.registered_on > found.now.date():
        raise Defer("bahmni.future", due=datetime.combine(content.registered_on, time.min, found.now.tzinfo))
    patient = found.patients[0] if found.patients else None
    patient_uuid = _derived(policy, "patient", content)
    writes: list[Write] = []
    if patient is None:
        writes.append(
            Write(
                "create",
                "patient",
                patient_uuid,
                _patient(content, patient_uuid, snapshot),
                "no patient has this number",
            )
        )
    else:
        if patient.uuid != patient_uuid:
            there = Demographics(patient.name, patient.gender, patient.birthdate)
            confirm(_demographics(content), there, policy.likeness)
        patient_uuid = patient.uuid
    visit, begin = _registration_visit(content, found, snapshot)
    if visit is None:
        visit = _derived(policy, "visit", content)
        body = _visit(content, visit, patient_uuid, snapshot)
        writes.append(Write("create", "visit", visit, body, "the patient has no registration visit"))
    encounter = _derived(policy, "encounter", content)
    body = _encounter(content, encounter, patient_uuid, visit, begin, snapshot, policy)
    writes.append(
        Write("create", "encounter", encounter, body, "no registration encounter carries the subject's marker")
    )
    return Plan(
        tuple(writes),
        Outcome.CREATED,
        encounter,
        patient_uuid,
        {"visit": visit},
        _created_by_us(content, {"patient": patient_uuid, "visit": visit, "encounter": encounter}, policy),
        fingerprint([_fingerprint(content, snapshot)]),
    )


def _derived(policy: Policy, kind: str, content: Registration) -> str:
    return str(derived_uuid(policy.namespace, kind, "registration", content.subject_id))


def _created_by_us(content: Registration, standing: Mapping[str, str], policy: Policy) -> tuple[str, ...]:
    """The kinds whose record bears the uuid we would choose: nobody else gives it, whatever a link remembers."""
    return tuple(kind for kind, uuid in standing.items() if uuid == _derived(policy, kind, content))


def _demographics(content: Registration) -> Demographics:
    name, gender = f"{content.given_name} {content.family_name}", GENDERS.get(content.gender, "")
    return Demographics(name, gender, content.birthdate or "")


def _registration_visit(content: Registration, found: Found, snapshot: Snapshot) -> tuple[str | None, str | None]:
    """The visit to use, and its beginning when that is later than the registration: encounters lie inside visits."""
    visits = [visit for visit in found.visits if visit.type == snapshot.constant(v.VISIT_TYPE)]
    marked = [visit for visit in visits if content.subject_id in visit.attributes.values()]
    if not (marked or visits):
        return None, None
    if len(marked or visits) > 1:
        raise Hold("bahmni.multiple-visits")
    visit = (marked or visits)[0]
    return visit.uuid, visit.start if visit.start_date > content.registered_on else None


def _revive(ours: FoundEncounter, known: Known | None, targets: Mapping[str, Any]) -> Plan:
    """Only what we voided ourselves comes back by itself."""
    if known is None or known.left_fingerprint != v.VOIDED_BY_US:
        raise Hold("bahmni.target-voided")
    unvoid = Write("unvoid", "encounter", ours.uuid, {}, "the subject was un-voided in Avni")
    return Plan((unvoid,), Outcome.UPDATED, look_again=True, **targets)


def _agree(content: Registration, ours: FoundEncounter, snapshot: Snapshot, uuids: NewUuids) -> tuple[Write, ...]:
    form, members = _mapped(snapshot, v.REGISTRATION_FORM), _members(content, snapshot)
    group = next((obs for obs in ours.obs if obs.concept == form), None)
    if group is None:
        body = [
            {"uuid": uuids.of(form), "concept": form, "groupMembers": [new_member(leaf, uuids) for leaf in members]}
        ]
        return (Write("update", "encounter", ours.uuid, {"obs": body}, "the form group is missing"),)
    concepts = content.concepts | {leaf.concept for leaf in members}
    changed = changes(members, concepts, group, uuids)
    if not changed:
        return ()
    body = [{"uuid": group.uuid, "concept": form, "groupMembers": changed}]
    return (Write("update", "encounter", ours.uuid, {"obs": body}, f"{len(changed)} observations differ"),)


# -- bodies ----------------------------------------------------------------------------------------------------------


def _members(content: Registration, snapshot: Snapshot) -> list[Leaf]:
    marker = Leaf(_mapped(snapshot, v.MARKER_CONCEPT), content.subject_id)
    event_date = Leaf(_mapped(snapshot, v.EVENT_DATE_CONCEPT), content.registered_on.isoformat(), is_date=True)
    return [*dict.fromkeys(content.leaves), marker, event_date]


def _patient(content: Registration, uuid: str, snapshot: Snapshot) -> dict[str, Any]:
    for field, value in (("First name", content.given_name), ("Last name", content.family_name)):
        if not value:
            raise Fail("bahmni.demographic-missing", field=field)
    if content.gender not in GENDERS:
        raise Fail("bahmni.demographic-missing", field="Gender")
    person = {
        "uuid": uuid,
        "names": [{"givenName": content.given_name, "familyName": content.family_name, "preferred": True}],
        "gender": GENDERS[content.gender],
    }
    if content.birthdate:
        person["birthdate"] = content.birthdate
    identifier = {
        "identifier": content.identifier,
        "identifierType": snapshot.constant(v.IDENTIFIER_TYPE),
        "location": snapshot.constant(v.LOCATION),
        "preferred": True,
    }
    return {"person": person, "identifiers": [identifier]}


def _visit(content: Registration, uuid: str, patient: str, snapshot: Snapshot) -> dict[str, Any]:
    registered = content.registered_on.isoformat()
    return {
        "uuid": uuid,
        "patient": patient,
        "visitType": snapshot.constant(v.VISIT_TYPE),
        "location": snapshot.constant(v.LOCATION),
        "startDatetime": registered,
        "attributes": [
            {"attributeType": _mapped(snapshot, v.VISIT_MARKER), "value": content.subject_id},
            {"attributeType": _mapped(snapshot, v.VISIT_EVENT_DATE), "value": registered},
        ],
    }


def _encounter(
    content: Registration, uuid: str, patient: str, visit: str, begin: str | None, snapshot: Snapshot, policy: Policy
) -> dict[str, Any]:
    uuids = NewUuids(policy.namespace, uuid, "new", content.version)
    form = _mapped(snapshot, v.REGISTRATION_FORM)
    members = [new_member(leaf, uuids) for leaf in _members(content, snapshot)]
    return {
        "uuid": uuid,
        "patient": patient,
        "encounterType": _mapped(snapshot, v.REGISTRATION_ENCOUNTER_TYPE),
        "location": snapshot.constant(v.LOCATION),
        "visit": visit,
        "encounterDatetime": begin or content.registered_on.isoformat(),
        "encounterProviders": [
            {"provider": snapshot.constant(v.PROVIDER), "encounterRole": snapshot.constant(v.ENCOUNTER_ROLE)}
        ],
        "obs": [{"uuid": uuids.of(form), "concept": form, "groupMembers": members}],
    }
