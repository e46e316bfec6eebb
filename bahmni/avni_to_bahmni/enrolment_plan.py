"""Enrolment of Avni → visit of its own in Bahmni with one encounter, and one more for the exit. Pure: what to write.

Both encounters carry the enrolment's id as their marker, the visit carries it as an attribute. The link's target is the
encounter of the enrolment; its other targets are `visit` and `exit`, whose key begins with `voided ` while we hold it
voided. A voided enrolment takes the visit along only when all that is left in it came from Avni through this enrolment.
An exit whose day has not come keeps nothing else waiting. A corrected date reaches the visit and its attribute, too.
Stands on openmrs.md O53 to O59 (visits) and O127 (what is voided with a visit comes back with it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.enrolment_look import EXIT, VOIDED_EXIT, Case, Found, Part, parts, visit_to_void
from bahmni.avni_to_bahmni.form_encounter import (
    Form,
    Room,
    bring_in_line,
    confirm,
    confirm_void,
    is_shared,
    is_written_into,
    left_in,
    moment_of,
    new_encounter,
)
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundVisit
from bahmni.avni_to_bahmni.owner import VOIDED_VISIT
from bahmni.avni_to_bahmni.visit import Policy, dated, room_for, room_of
from common.fingerprint import fingerprint
from common.outcome import Outcome
from engine.left import Left
from engine.ports import Known, Plan, Want, Write
from engine.verdicts import Defer, Hold, Skip

VISIT = "visit"
"""Key of the visit among a link's other targets."""


@dataclass(frozen=True)
class Step:
    """What one of the encounters needs, and how it stands then. `uuid` is empty when there is none."""

    writes: tuple[Write, ...] = ()
    uuid: str = ""
    is_voided_by_us: bool = False
    look_again: bool = False
    rest: Defer | None = None
    """Why it is left as it is for now."""
    left: Mapping[str, Left] = field(default_factory=dict)


def plan(want: Want, found: Found, known: Known | None, policy: Policy) -> Plan:
    """The writes that make Bahmni agree. Raises Skip, Defer, Hold, Fail."""
    case = Case(want, found, known, policy)
    begin, end = parts(case)
    for one in (begin.there, end.there):
        if one and known and known.points_somewhere:
            confirm(one.patient, known.target_parent_id, found.number)
        if one and found.patient:
            confirm(one.patient, found.patient, found.number)
    if case.content.voided:
        made = _void(case, begin, end)
    elif begin.form and begin.there:
        made = _again(case, begin, begin.form, begin.there, end)
    else:
        made = _first_time(case, begin, end)
    return replace(made, identifier=found.number)


# -- nothing there yet -----------------------------------------------------------------------------------------------


def _first_time(case: Case, begin: Part, end: Part) -> Plan:
    """No encounter of the patient stands for the enrolment yet."""
    owner = case.found.owner
    if begin.form is None or owner is None:
        raise Hold("bahmni.patient-voided")
    confirm(owner, case.found.patient, case.found.number)
    own = case.home.among(case.found.visits)
    opened = Room(own) if own else _opened(case, begin.form, owner)
    made, visit = _create(case, begin.form, begin.uuid, owner, opened.visit)
    ended, _ = _of_exit(case, end, owner, visit)
    writes = (*opened.writes, *made, *ended.writes, *_dated(case, begin.form, owner, visit))
    made_ = _plan(writes, case, begin.uuid, owner.uuid, opened.visit.uuid, ended, Outcome.CREATED)
    return replace(made_, left={**left_in(begin.form, begin.uuid), **ended.left})


def _opened(case: Case, form: Form, owner: FoundPatient) -> Room:
    why = "the enrolment has no visit"
    return case.home.opened(form.day, patient=owner.uuid, born=owner.birthdate, now=case.found.now, why=why)


def _create(
    case: Case, form: Form, uuid: str, owner: FoundPatient, visit: FoundVisit
) -> tuple[tuple[Write, ...], FoundVisit]:
    """What creates one of the encounters in the visit, and the visit as it will stand."""
    now, policy = case.found.now, case.policy
    room = room_for(form.day, visit, case.home, now, patient=owner.uuid, born=owner.birthdate, others=case.found.visits)
    body = new_encounter(
        form, uuid, patient=owner.uuid, visit=room.visit.uuid, moment=moment_of(form.day, room.visit, now),
        snapshot=policy.snapshot, namespace=policy.namespace,
    )  # fmt: skip
    create = Write("create", "encounter", uuid, body, "no encounter of this type carries the marker")
    return (*room.writes, create), room.visit


# -- what stands there already ---------------------------------------------------------------------------------------


def _again(case: Case, begin: Part, form: Form, there: FoundEncounter, end: Part) -> Plan:
    """The enrolment's encounter stands; it and the exit are brought to what they should say now."""
    if there.visit is None:
        raise Hold("bahmni.visit-gone")
    visit, reopened = _unvoided(case, there.visit)
    begun, visit = _of_form(case, form, begin.known, replace(there, visit=visit), visit)
    ended, visit_at_end = _of_exit(case, end, there.patient, visit)
    writes = (*reopened, *begun.writes, *ended.writes)
    look_again = bool(reopened or begun.look_again or ended.look_again)
    own = next((one for one in (visit_at_end, visit) if case.home.is_own(one)), None)
    if not look_again:
        writes += (*_retyped(case, own), *_dated(case, form, there.patient, own))
    outcome = Outcome.UPDATED if writes else Outcome.UNCHANGED
    # Where a clinician put the encounter into another visit, what follows still goes into the enrolment's own.
    remembered = case.remembered.get(VISIT) or case.remembered.get(VOIDED_VISIT) or visit.uuid
    home = own.uuid if own else remembered
    made = _plan(writes, case, there.uuid, there.patient.uuid, home, ended, outcome)
    made = replace(made, left={**begun.left, **ended.left})
    return replace(made, left_fingerprint="", rest=None, look_again=True) if look_again else made


def _unvoided(case: Case, visit: FoundVisit) -> tuple[FoundVisit, tuple[Write, ...]]:
    """The visit, and what brings it back when it is voided. Raises Hold when it was a person who voided it."""
    gone = case.remembered.get(VOIDED_VISIT, "")
    if visit.voided and gone != visit.uuid:
        raise Hold("bahmni.visit-gone")
    if not visit.voided and gone in ("", visit.uuid):
        return visit, ()
    # An own one that a program encounter opened comes back, though the enrolment's encounter stands in another.
    back = Write("unvoid", "visit", gone, {}, "the enrolment was un-voided in Avni")
    return replace(visit, voided=False), (back,)


def _of_form(
    case: Case, form: Form, known: Known | None, ours: FoundEncounter, visit: FoundVisit
) -> tuple[Step, FoundVisit]:
    """What an encounter that stands there needs, and its visit as it will stand; `visit` when it lies in none."""
    now = case.found.now
    room = room_of(form, ours, case.home, now, others=case.found.visits)
    made = bring_in_line(
        case.want, form, ours, room, known, snapshot=case.policy.snapshot,
        namespace=case.policy.namespace, now=now,
    )  # fmt: skip
    return Step(made.writes, ours.uuid, look_again=made.look_again, left=made.left or {}), room.visit if room else visit


def _of_exit(case: Case, end: Part, owner: FoundPatient, visit: FoundVisit) -> tuple[Step, FoundVisit]:
    """What the exit needs, and its visit as it will stand; it goes into `visit` when it has to be created."""
    there, remembered, voided_by_us = (
        end.there,
        end.known.target_id if end.known else "",
        VOIDED_EXIT in case.remembered,
    )
    wait = _not_yet(end.form, case.found.now) if end.form else None
    if end.form and wait:
        return Step((), there.uuid if there else remembered, is_voided_by_us=voided_by_us, rest=wait), visit
    if end.form and there:
        as_it_will_lie = replace(there, visit=visit) if there.visit_uuid == visit.uuid else there
        return _of_form(case, end.form, end.known, as_it_will_lie, visit)
    if end.form:
        writes, visit = _create(case, end.form, end.uuid, owner, visit)
        return Step(writes, end.uuid, left=left_in(end.form, end.uuid)), visit
    if there and not there.voided:
        confirm_void(case.want, there, case.known, case.policy.snapshot)
        if is_shared(there):
            raise Hold("bahmni.encounter-shared")
        void = Write("void", "encounter", there.uuid, {}, "the exit was undone in Avni")
        return Step((void,), there.uuid, is_voided_by_us=True), visit
    return Step((), there.uuid if there else remembered, is_voided_by_us=voided_by_us), visit


def _not_yet(form: Form, now: datetime) -> Defer | None:
    """What an exit waits for whose day has not come."""
    day = datetime.combine(form.day, time.min, now.tzinfo)
    return Defer("bahmni.exit-in-future", due=day) if day > now else None


def _retyped(case: Case, visit: FoundVisit | None) -> tuple[Write, ...]:
    """What lets the own visit follow its program's mapping."""
    wanted = case.content.visit_type
    if visit is None or visit.type in ("", wanted):
        return ()
    return (Write("update", "visit", visit.uuid, {"visitType": wanted}, "its type is mapped to another one"),)


def _dated(case: Case, form: Form, owner: FoundPatient, visit: FoundVisit | None) -> tuple[Write, ...]:
    """What lets the own visit follow the enrolment's date. `visit` as it will stand."""
    days = [one.day for one in (form, case.content.exit) if one]
    found = case.found
    return dated(form.day, visit, case.home, found.now, born=owner.birthdate, first=min(days), inside=found.inside)


# -- voided in Avni --------------------------------------------------------------------------------------------------


def _void(case: Case, begin: Part, end: Part) -> Plan:
    """Both encounters are voided; with them the visit, unless somebody else's encounters stand in it."""
    content, known, remembered = case.content, case.known, case.remembered
    standing = [one for one in case.found.encounters if not one.voided and one.marker == content.enrolment_id]
    there = next(iter((*filter(None, (begin.there, end.there)), *standing)), None)
    if there is None:
        raise Skip("bahmni.voided-before-hand-over")
    for one in standing:
        confirm_void(case.want, one, known, case.policy.snapshot)
    if any(is_shared(one) for one in standing):
        raise Hold("bahmni.encounter-shared")
    why, last = "the enrolment was voided in Avni", []
    visit = visit_to_void(case.found.encounters, content, case.policy, case.found.visits)
    from_avni = content.encounters | {content.enrolment_id}
    others = [one for one in case.found.inside if one.uuid not in {own.uuid for own in standing}]
    is_theirs = any(one.marker not in from_avni or is_written_into(one) for one in others)
    if visit and not is_theirs:
        last.append(Write("void", "visit", visit.uuid, {}, why))  # and the encounters in it (O59)
        standing = [one for one in standing if one.visit_uuid != visit.uuid]
        targets = {VOIDED_VISIT: visit.uuid}
    else:
        key = VOIDED_VISIT if VOIDED_VISIT in remembered and visit is None else VISIT
        targets = {key: visit.uuid if visit else remembered.get(key, there.visit_uuid)}
    # What the link remembers as voided by us hangs on the enrolment's own encounter, so that goes last: cut off before
    # it, the rest is still remembered by its own key.
    standing.sort(key=lambda one: one is begin.there)
    writes = [*(Write("void", "encounter", one.uuid, {}, why) for one in standing), *last]
    if end.there:
        voided_by_us = not end.there.voided or VOIDED_EXIT in remembered
        targets[VOIDED_EXIT if voided_by_us else EXIT] = end.there.uuid
    else:
        targets |= {key: remembered[key] for key in (EXIT, VOIDED_EXIT) if key in remembered}
    target = begin.there.uuid if begin.there else known.target_id if known else there.uuid
    left = known.left_fingerprint if known else ""
    return Plan(
        tuple(writes),
        Outcome.VOIDED if writes else Outcome.UNCHANGED,
        target,
        there.patient.uuid,
        targets,
        _created_by_us(case, writes, target, *targets.values()),
        v.VOIDED_BY_US if begin.there and not begin.there.voided else left,
    )


# -- how it stands then ----------------------------------------------------------------------------------------------


def _plan(
    writes: tuple[Write, ...], case: Case, target: str, patient: str, home: str, ended: Step, outcome: Outcome
) -> Plan:
    targets = {VISIT: home}
    if ended.uuid:
        targets[VOIDED_EXIT if ended.is_voided_by_us else EXIT] = ended.uuid
    left = fingerprint([case.want.fingerprint])
    return Plan(
        writes, outcome, target, patient, targets, _created_by_us(case, writes, target, home), left, rest=ended.rest
    )


def _created_by_us(case: Case, writes: Iterable[Write], encounter: str, *others: str) -> tuple[str, ...]:
    """The encounters it changes say it, be it one of them or both; where it changes none, the enrolment's own."""
    visit = ("visit",) if case.home.uuid in others else ()
    changed = {write.id for write in writes if write.kind == "encounter" and write.verb in ("update", "unvoid")}
    is_ours = (changed or {encounter}) <= {case.uuid("enrolment"), case.uuid("exit")}
    return (*visit, "encounter") if is_ours else visit
