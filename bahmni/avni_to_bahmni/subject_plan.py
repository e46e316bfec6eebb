"""Avni subject → the writes that make Bahmni agree, given what was found there. Pure.

A patient is found by number and made when there is none; its registration is an encounter in a visit of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NoReturn
from uuid import UUID

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.demographics import (
    Person,
    check_complete,
    differences,
    follow,
    left_of,
    new_person,
)
from bahmni.avni_to_bahmni.form_encounter import (
    NEVER,
    Form,
    Room,
    bring_in_line,
    confirm,
    created_before,
    left_in,
    moment_of,
    new_encounter,
    ours_among,
)
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundPerson, FoundVisit
from bahmni.avni_to_bahmni.owner import SUBJECT as OWNER
from bahmni.avni_to_bahmni.subject import Registration, identifier_concept
from bahmni.avni_to_bahmni.visit import Home, covers, dated, is_over, may_begin_later, room_for, room_of
from bahmni.avni_to_bahmni.visit import Policy as VisitPolicy
from bahmni.same_person import Demographics, Likeness, choose
from bahmni.same_person import confirm as confirm_likeness
from common.fingerprint import derived_uuid, fingerprint
from common.outcome import Outcome
from engine.left import Left
from engine.ports import Known, Plan, Want, Write
from engine.settling import chosen, settled
from engine.verdicts import Conflict, Difference, Fail, Hold, Skip
from errors.specs import Move
from mappings.snapshot import Snapshot


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
    """The patient's visits, when one has to be found or opened."""
    inside: tuple[FoundEncounter, ...] = ()
    """The un-voided encounters of the registration visit, when `may_begin_later`."""
    now: datetime = NEVER
    """The hospital's clock when it was asked, in its own zone."""
    created_before: FoundPatient | None = None
    """The patient we created before, that has another number by now and that a person says is the one."""


@dataclass(frozen=True)
class Policy:
    """Settings of the tenant the plan depends on."""

    namespace: UUID
    likeness: Likeness
    follows_demographics: bool = True
    """Whether changes of them reach patients this tenant created."""


def admit(content: Registration, known: Known | None) -> None:
    """Whether there is anything to look up.

    Raises Fail for what could not be translated, and Hold when its number is another than the one handed over: nothing
    that belongs to the subject may be written until somebody has said whose it is. Of all others `plan` tells that.
    """
    if content.untranslated:
        refuse(content, known, content.untranslated)


def refuse(content: Registration, known: Known | None, failure: Fail) -> NoReturn:
    """Raises the failure, or Hold when the number is in doubt as well."""
    is_another = known and known.points_somewhere and known.identifier != content.identifier
    if is_another and not chosen(known, Move.TARGET):  # that the numbers differ is then known
        raise Hold("bahmni.subject-id-changed").about(Conflict(moves=(Move.APART,)))
    raise failure


def home_of(content: Registration, snapshot: Snapshot, policy: Policy) -> Home:
    """The subject's own visit: that of its registration."""
    kind, visit_type = OWNER.visit, snapshot.constant(v.VISIT_TYPE)
    return Home(kind, content.subject_id, visit_type, VisitPolicy(snapshot, policy.namespace))


def looks_into_visit(form: Form | None, ours: FoundEncounter, home: Home, now: datetime) -> bool:
    """Whether what else the registration's visit holds decides where it may begin."""
    return form is not None and may_begin_later(form, ours, home, now)


def needs_another_visit(form: Form | None, ours: FoundEncounter, home: Home, now: datetime) -> bool:
    """Whether the registration stands in somebody else's visit that is over by its day."""
    return form is not None and is_over(form.day, ours.visit, home, now)


def plan(want: Want, found: Found, known: Known | None, snapshot: Snapshot, policy: Policy) -> Plan:
    """The writes that make Bahmni agree. Raises Skip, Defer, Hold, Fail."""
    content: Registration = want.content
    admit(content, known)
    derived = _derived(policy, "encounter", content)
    ours = ours_among(found.registrations, content.subject_id, want, known, voided=content.voided, derived=derived)
    if ours is None:
        return _first_time(want, content, found, known, snapshot, policy)
    number: str = ""
    renamed: tuple[Write, ...] = ()
    if known and known.points_somewhere:
        confirm(ours.patient, known.target_parent_id, "")
        if content.voided:  # it may have another number by now; what stands in Bahmni stands under the former
            confirm(ours.patient, known.target_parent_id, known.identifier)
            number = known.identifier
        else:
            number, renamed = _settled_number(want, content, ours.patient, known, snapshot, policy)
    if ours.voided and not content.voided and known and known.left_fingerprint == v.VOIDED_BY_US:
        _refuse_a_second_owner(content, found, snapshot)
    standing = {"patient": ours.patient.uuid, "visit": ours.visit_uuid, "encounter": ours.uuid}
    home = home_of(content, snapshot, policy)
    made = bring_in_line(
        want, content.form, ours, room_of(content.form, ours, home, found.now, others=found.visits), known,
        snapshot=snapshot, namespace=policy.namespace, now=found.now,
    )  # fmt: skip
    made = replace(made, writes=(*renamed, *made.writes), created_by_us=_created_by_us(content, standing, policy))
    if renamed and not made.look_again and made.outcome is Outcome.UNCHANGED:
        made = replace(made, outcome=Outcome.UPDATED)
    whole = next((one for one in found.patients if one.uuid == ours.patient.uuid), ours.patient)
    made = _with_demographics(_redated(made, content, ours, found, home), content, whole, known, policy)
    return replace(made, identifier=number)


def _redated(made: Plan, content: Registration, ours: FoundEncounter, found: Found, home: Home) -> Plan:
    """The plan, with what lets the subject's own visit follow a registration date that was corrected."""
    if content.form is None or made.look_again:
        return made
    day, born = content.form.day, ours.patient.birthdate
    writes = dated(day, ours.visit, home, found.now, born=born, first=day, inside=found.inside)
    return replace(made, writes=(*made.writes, *writes), outcome=Outcome.UPDATED) if writes else made


# -- nothing there yet -----------------------------------------------------------------------------------------------


def _first_time(
    want: Want, content: Registration, found: Found, known: Known | None, snapshot: Snapshot, policy: Policy
) -> Plan:
    """Nothing in Bahmni carries the subject's marker yet."""
    if content.form is None:
        raise Skip("bahmni.voided-before-hand-over")
    _refuse_a_second_owner(content, found, snapshot)
    patient, home = _the_patient(want, content, found, known, policy), home_of(content, snapshot, policy)
    writes: list[Write] = []
    uuids = {kind: _derived(policy, kind, content) for kind in ("patient", "visit", "encounter")}
    if patient is None:
        body = _patient(content, uuids["patient"], snapshot)
        writes.append(Write("create", "patient", uuids["patient"], body, "no patient has this number"))
    else:
        uuids["patient"] = patient.uuid
    born = patient.birthdate if patient else content.person.birthdate
    room = _room(content.form.day, uuids["patient"], born, found, home)
    uuids["visit"] = room.visit.uuid
    writes += room.writes
    body = new_encounter(
        content.form, uuids["encounter"], patient=uuids["patient"], visit=room.visit.uuid,
        moment=moment_of(content.form.day, room.visit, found.now), snapshot=snapshot, namespace=policy.namespace,
    )  # fmt: skip
    missing = "no registration encounter carries the subject's marker"
    writes.append(Write("create", "encounter", uuids["encounter"], body, missing))
    return Plan(
        tuple(writes),
        Outcome.CREATED,
        uuids["encounter"],
        uuids["patient"],
        {"visit": uuids["visit"]},
        _created_by_us(content, uuids, policy),
        fingerprint([want.fingerprint]),
        identifier=next(iter(patient.numbers), "") if patient and not patient.has_number(content.identifier) else "",
        left={**left_in(content.form, uuids["encounter"]), **_left_in_the_patient(content, patient, policy)},
    )


def _refuse_a_second_owner(content: Registration, found: Found, snapshot: Snapshot) -> None:
    """Raises Fail when the number or the patient is another subject's: the one registered first keeps it."""
    if any((rival.created_at, rival.subject_id) < (content.created_at, content.subject_id) for rival in found.rivals):
        raise Fail("bahmni.multiple-subjects", concept=identifier_concept(snapshot))
    if any(one.marker != content.subject_id for one in found.registrations if not one.voided):
        raise Fail("bahmni.subject-id-changed")


def _the_patient(
    want: Want, content: Registration, found: Found, known: Known | None, policy: Policy
) -> FoundPatient | None:
    """Whom the subject is handed over to; None for a patient of its own.

    Raises Hold where a number alone does not tell, until a person has decided.
    """
    derived, one = _derived(policy, "patient", content), _demographics(content.person)
    if found.created_before and not found.patients:
        settled(created_before(found.created_before.uuid), want, known, Move.SAME)
        return found.created_before
    if len(found.patients) > 1:
        others = {patient.uuid: _demographics(patient.person) for patient in found.patients}
        meant = choose(one, others, Hold("bahmni.multiple-patients"), "patient", want, known)
        return next(patient for patient in found.patients if patient.uuid == meant)
    for patient in found.patients:
        if patient.uuid != derived:
            other = _demographics(patient.person)
            confirm_likeness(one, other, policy.likeness, kind="patient", uuid=patient.uuid, want=want, known=known)
        return patient
    return None


def _settled_number(
    want: Want, content: Registration, patient: FoundPatient, known: Known, snapshot: Snapshot, policy: Policy
) -> tuple[str, tuple[Write, ...]]:
    """The number the link goes on with (empty: the subject's), and what gives the patient the subject's.

    Raises Hold when subject and patient have not the same number any more, until a person has decided which one counts.
    Only a patient that this tenant created is given another number.
    """
    wanted_, numbers = content.identifier, patient.numbers
    if wanted_ in numbers:
        return "", ()
    ours = [row for row in patient.rows if row.type == snapshot.constant(v.IDENTIFIER_TYPE)]
    row = next((row for row in ours if row.number == known.identifier), next(iter(ours), None))
    may_rename = bool(wanted_) and row is not None and patient.uuid == _derived(policy, "patient", content)
    moves = (*((Move.SOURCE,) if may_rename else ()), Move.TARGET, Move.APART)
    differs = Difference("number", wanted_, {patient.uuid: ", ".join(numbers)})
    conflict = Conflict(fingerprint([wanted_, sorted(numbers)]), "patient", (patient.uuid,), moves, (differs,))
    message = "bahmni.number-moved" if wanted_ == known.identifier else "bahmni.subject-id-changed"
    decided = settled(Hold(message).about(conflict), want, known, *moves[:-1])
    if decided.move is Move.SOURCE and row:
        kind = f"patient/{patient.uuid}/identifier"
        return "", (Write("update", kind, row.uuid, {"identifier": wanted_}, "its number was changed in Avni"),)
    return known.identifier if known.identifier in numbers else row.number if row else known.identifier, ()


def uuid_of(kind: str, content: Registration, namespace: UUID) -> str:
    """The uuid we give a subject's patient, visit or encounter."""
    return str(derived_uuid(namespace, kind, "registration", content.subject_id))


def _derived(policy: Policy, kind: str, content: Registration) -> str:
    return uuid_of(kind, content, policy.namespace)


def _created_by_us(content: Registration, standing: Mapping[str, str], policy: Policy) -> tuple[str, ...]:
    """The kinds whose record bears the uuid we would choose: nobody else gives it, whatever a link remembers."""
    return tuple(kind for kind, uuid in standing.items() if uuid == _derived(policy, kind, content))


def _demographics(person: Person | FoundPerson) -> Demographics:
    name = " ".join(part for part in (person.given_name, person.family_name) if part)
    return Demographics(name, person.gender, person.birthdate)


def _room(day: date, patient: str, born: str, found: Found, home: Home) -> Room:
    """The visit the registration goes into: the subject's own, else the one of its type in which the day lies.

    Never one that was opened for another record, whatever became of that.
    """
    own = home.among(found.visits)
    fitting = [visit for visit in found.visits if home.may_share(visit) and covers(day, visit, found.now)]
    if own is None and len(fitting) != 1:
        return home.opened(day, patient=patient, born=born, now=found.now, why="the patient has no registration visit")
    return room_for(day, own or fitting[0], home, found.now, patient=patient, born=born)


# -- who the patient is ----------------------------------------------------------------------------------------------


def _with_demographics(
    made: Plan, content: Registration, patient: FoundPatient, known: Known | None, policy: Policy
) -> Plan:
    """The plan, with what lets the patient be called as the subject is, or with a remark that they differ."""
    if content.form is None or made.look_again:
        return made  # what we left stays noted as it was
    remembered = (known.left.get(patient.uuid) if known else None) or {}
    if patient.uuid != _derived(policy, "patient", content) or not policy.follows_demographics:
        differing = differences(content.person, patient.person)
        return replace(made, left=_also_left(made, patient, remembered), remark=_remark(differing))
    following = follow(content.person, patient.person, content.subject_id, remembered)
    made = replace(made, left=_also_left(made, patient, following.left), remark=_remark(following.left_alone))
    if not following.written:
        return made
    why = f"{', '.join(following.written)} changed in Avni"
    # Last, so that a name the hospital refuses keeps no answer from getting through.
    writes = (*made.writes, Write("update", "patient", patient.uuid, following.body, why))
    return replace(made, writes=writes, outcome=Outcome.UPDATED)


def _left_in_the_patient(content: Registration, there: FoundPatient | None, policy: Policy) -> dict[str, Left]:
    """What a link begins with of a patient of ours: one to be created, or one that an earlier attempt created."""
    uuid = _derived(policy, "patient", content)
    if there and there.uuid != uuid:
        return {}
    differing = differences(content.person, there.person) if there else ()
    return {uuid: left_of(content.person, content.subject_id, differing=differing)}


def _also_left(made: Plan, patient: FoundPatient, left: Left) -> dict[str, Left]:
    """What the plan leaves in its encounter, and this in the patient."""
    return {**(made.left or {}), **({patient.uuid: left} if left else {})}


def _remark(differing: tuple[str, ...]) -> str:
    return "bahmni.demographics-differ" if differing else ""


# -- bodies ----------------------------------------------------------------------------------------------------------


def _patient(content: Registration, uuid: str, snapshot: Snapshot) -> dict[str, Any]:
    check_complete(content.person)
    identifier = {
        "identifier": content.identifier,
        "identifierType": snapshot.constant(v.IDENTIFIER_TYPE),
        "location": snapshot.constant(v.LOCATION),
        "preferred": True,
    }
    return {"person": {"uuid": uuid, **new_person(content.person)}, "identifiers": [identifier]}
