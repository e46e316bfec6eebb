"""Visits of Bahmni that hold what comes from Avni: how one is opened, and how far one of ours may be stretched. Pure.

Stands on openmrs.md O55, O57 (borders, encounters inside, not before birth), O58 (found by attribute) and O62.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Protocol
from uuid import UUID

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.form_encounter import Form, mapped, says_its_day
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundVisit
from common.fingerprint import derived_uuid
from engine.ports import Write
from mappings.snapshot import Snapshot


@dataclass(frozen=True)
class Policy:
    """What of the tenant decides about visits."""

    snapshot: Snapshot
    namespace: UUID


@dataclass(frozen=True)
class Room:
    """A visit as it will stand once `writes` are through."""

    visit: FoundVisit
    writes: tuple[Write, ...] = ()


class FindRoom(Protocol):
    """Says where in a visit the encounter of a day may stand."""

    def __call__(self, day: date, visit: FoundVisit, owner_id: str, born: str, now: datetime, policy: Policy) -> Room:
        """`born`: the patient's birth date, empty when nobody knows it; `now`: the hospital's clock in its zone."""


def new_visit(
    uuid: str, patient: str, owner_id: str, *, visit_type: str, start: date, day: date, snapshot: Snapshot
) -> dict[str, Any]:
    """The body of a visit opened for the record `owner_id`, whose own day is `day`."""
    return {
        "uuid": uuid,
        "patient": patient,
        "visitType": visit_type,
        "location": snapshot.constant(v.LOCATION),
        "startDatetime": start.isoformat(),
        "attributes": [
            {"attributeType": mapped(snapshot, v.VISIT_MARKER), "value": owner_id},
            {"attributeType": mapped(snapshot, v.VISIT_EVENT_DATE), "value": day.isoformat()},
        ],
    }


def program_visit_uuid(namespace: UUID, enrolment_id: str) -> str:
    """The uuid of the visit we open for an enrolment."""
    return str(derived_uuid(namespace, "visit", "enrolment", enrolment_id))


def is_opened_for(visit: FoundVisit, enrolment_id: str, policy: Policy) -> bool:
    """Whether it is this enrolment's own visit, opened by us or by the service before us."""
    marker = visit.attributes.get(mapped(policy.snapshot, v.VISIT_MARKER))
    return visit.uuid == program_visit_uuid(policy.namespace, enrolment_id) or marker == enrolment_id


def not_before_birth(day: date, born: str) -> date:
    """The day, or the day of birth where that is later: no visit may begin before it."""
    return max(day, date.fromisoformat(born)) if born else day


def spelled(day: date, now: datetime) -> str:
    """The first moment of a day in the hospital's zone, as the server spells it."""
    return _spelled(_midnight(day, now))


def as_it_stands(day: date, visit: FoundVisit, owner_id: str, born: str, now: datetime, policy: Policy) -> Room:
    """The visit is never stretched."""
    return Room(visit)


def in_program_visit(day: date, visit: FoundVisit, owner_id: str, born: str, now: datetime, policy: Policy) -> Room:
    """An enrolment's own visit is stretched until the day lies in it; any other one stays as it is.

    Stretching keeps every encounter inside. It goes neither before the day of birth nor beyond now.
    """
    if not is_opened_for(visit, owner_id, policy):
        return Room(visit)
    moment, begin = _midnight(day, now), _midnight(not_before_birth(day, born), now)
    if begin < visit.begins:
        return _stretched(visit, "startDatetime", begin, "an encounter lies before its visit")
    if visit.ends and visit.ends < moment <= now:
        end = min(datetime.combine(day, time(23, 59, 59), now.tzinfo), now)
        return _stretched(visit, "stopDatetime", end, "the visit ended before an encounter of it")
    return Room(visit)


def stretched_for(
    form: Form, ours: FoundEncounter, find_room: FindRoom, owner_id: str, now: datetime, policy: Policy
) -> tuple[FoundEncounter, tuple[Write, ...]]:
    """Our encounter as it stands once its visit has room for the day it will be moved to, and what makes that room."""
    if ours.visit is None or ours.voided or says_its_day(form, ours):
        return ours, ()
    room = find_room(form.day, ours.visit, owner_id, ours.patient.birthdate, now, policy)
    return replace(ours, visit=room.visit), room.writes


def _stretched(visit: FoundVisit, border: str, moment: datetime, why: str) -> Room:
    text = _spelled(moment)
    moved = replace(visit, start=text) if border == "startDatetime" else replace(visit, stop=text)
    return Room(moved, (Write("update", "visit", visit.uuid, {border: text}, why, takes_nothing=True),))


def _spelled(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000%z")


def _midnight(day: date, now: datetime) -> datetime:
    return datetime.combine(day, time.min, now.tzinfo)
