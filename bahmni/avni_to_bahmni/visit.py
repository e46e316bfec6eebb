"""Visits of Bahmni that hold what comes from Avni: whose they are, how one is opened, how far ours give way. Pure.

A subject has one of its own, that of its registration, and so has each enrolment. Stands on openmrs.md O54, O55, O57
(borders, encounters inside, not before birth), O56 (attributes), O58 (found by attribute) and O62.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from uuid import UUID

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.form_encounter import Form, Room, instant_of, mapped, says_its_day
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundVisit
from common.fingerprint import derived_uuid
from engine.ports import Write
from engine.verdicts import Hold
from mappings.snapshot import Snapshot


@dataclass(frozen=True)
class Policy:
    """What of the tenant decides about visits."""

    snapshot: Snapshot
    namespace: UUID


@dataclass(frozen=True)
class Home:
    """The visit of one record of Avni, its own: how it is known, and what it is opened with.

    `kind` is `Owner.visit`, `visit_type` a uuid; empty where none will have to be opened.
    """

    kind: str
    owner_id: str
    visit_type: str
    policy: Policy

    @property
    def uuid(self) -> str:
        """The uuid of the visit we open for it."""
        return str(derived_uuid(self.policy.namespace, "visit", self.kind, self.owner_id))

    def is_own(self, visit: FoundVisit) -> bool:
        """Whether it was opened for this record, by us or by the service before us."""
        marker = visit.attributes.get(mapped(self.policy.snapshot, v.VISIT_MARKER))
        return visit.uuid == self.uuid or marker == self.owner_id

    def may_share(self, visit: FoundVisit) -> bool:
        """Whether a visit of somebody else's will do: one of its type that was opened for no record of Avni."""
        marker = visit.attributes.get(mapped(self.policy.snapshot, v.VISIT_MARKER))
        return visit.type == self.visit_type and not marker

    def among(self, visits: Iterable[FoundVisit]) -> FoundVisit | None:
        """Its own visit; None when it has none. Raises Hold when it has several."""
        own = [visit for visit in visits if self.is_own(visit)]
        if len(own) > 1:
            raise Hold("bahmni.multiple-visits")
        return own[0] if own else None

    def opened(self, day: date, *, patient: str, born: str, now: datetime, why: str) -> Room:
        """A new visit that begins on `day`, or with the patient's birth where that is later."""
        start, snapshot = not_before_birth(day, born), self.policy.snapshot
        body = {
            "uuid": self.uuid,
            "patient": patient,
            "visitType": self.visit_type,
            "location": snapshot.constant(v.LOCATION),
            "startDatetime": start.isoformat(),
            "attributes": [
                {"attributeType": mapped(snapshot, v.VISIT_MARKER), "value": self.owner_id},
                {"attributeType": mapped(snapshot, v.VISIT_EVENT_DATE), "value": day.isoformat()},
            ],
        }
        visit = FoundVisit(self.uuid, _spelled(_midnight(start, now)))
        return Room(visit, (Write("create", "visit", self.uuid, body, why),))


def not_before_birth(day: date, born: str) -> date:
    """The day, or the day of birth where that is later: no visit may begin before it."""
    return max(day, date.fromisoformat(born)) if born else day


def is_over(day: date, visit: FoundVisit | None, home: Home, now: datetime) -> bool:
    """Whether this is somebody else's visit that ended before the day: then the record's own one takes its place."""
    return bool(visit and visit.ends and visit.ends < _midnight(day, now) and not home.is_own(visit))


def covers(day: date, visit: FoundVisit, now: datetime) -> bool:
    """Whether an encounter of that day may stand in the visit as it is, on that day."""
    ends = visit.ends
    return visit.begins.astimezone(now.tzinfo).date() <= day and (ends is None or _midnight(day, now) <= ends)


def room_for(
    day: date, visit: FoundVisit, home: Home, now: datetime, *,
    patient: str, born: str = "", others: Iterable[FoundVisit] = (),
) -> Room:  # fmt: skip
    """Where an encounter of that day stands that lies in `visit`, or is meant for it.

    The record's own visit is stretched until the day lies in it, neither before birth nor beyond now; somebody else's
    stays as it is. Where that one is over, the own one takes its place: among `others`, or a new one. `born`: the
    patient's birth date, empty when nobody knows it; `now`: the hospital's clock in its zone.
    """
    if not is_over(day, visit, home, now):
        return _stretched(day, visit, born, now) if home.is_own(visit) else Room(visit)
    own = home.among(others)
    if own is None:
        return home.opened(day, patient=patient, born=born, now=now, why="the visit used so far is over")
    return _stretched(day, own, born, now)


def room_of(
    form: Form | None, ours: FoundEncounter, home: Home, now: datetime, *, others: Iterable[FoundVisit] = ()
) -> Room | None:
    """The same for an encounter that stands there: as long as it need not move, its visit as it is.

    None for one that stands in no visit. A voided one comes back where it stood, which its visit may have left behind.
    """
    if ours.visit is None:
        return None
    if form is None or (not ours.voided and says_its_day(form, ours)):
        return Room(ours.visit)
    if ours.voided:
        return _reaching(instant_of(ours.at, now), ours.visit) if home.is_own(ours.visit) else Room(ours.visit)
    patient = ours.patient
    return room_for(form.day, ours.visit, home, now, patient=patient.uuid, born=patient.birthdate, others=others)


def is_dated_otherwise(day: date, visit: FoundVisit | None, home: Home) -> bool:
    """Whether the record's own visit still tells another day than the record: that was corrected."""
    told = visit.attributes.get(mapped(home.policy.snapshot, v.VISIT_EVENT_DATE), "") if visit else ""
    return bool(visit and told and told[:10] != day.isoformat() and not visit.voided and home.is_own(visit))


def may_begin_later(form: Form, ours: FoundEncounter | None, home: Home, now: datetime) -> bool:
    """Whether a correction leaves the own visit beginning too early, as far as our encounter tells.

    Then what else it holds decides.
    """
    if ours is None or ours.voided or ours.visit is None or not is_dated_otherwise(form.day, ours.visit, home):
        return False
    begin = _beginning(form.day, ours.patient.birthdate, now)
    return ours.visit.begins < begin <= instant_of(ours.at, now)


def dated(
    day: date, visit: FoundVisit | None, home: Home, now: datetime, *,
    born: str, first: date, inside: Iterable[FoundEncounter],
) -> tuple[Write, ...]:  # fmt: skip
    """What lets the record's own visit follow a corrected day: where it begins, and the attribute that tells the day.

    `inside` are the encounters in it, when `may_begin_later`: it begins no later than the first of them, nor than
    `first`, the earliest day that the record itself has in it.
    """
    if visit is None or not is_dated_otherwise(day, visit, home):
        return ()
    writes: list[Write] = []
    moments = [instant_of(one.at, now) for one in inside]
    begin = min([_beginning(first, born, now), *moments])
    if moments and visit.begins < begin:
        why = "the record's date was corrected to a later day"
        border = {"startDatetime": _spelled(begin)}
        writes.append(Write("update", "visit", visit.uuid, border, why, takes_nothing=True))
    kind = mapped(home.policy.snapshot, v.VISIT_EVENT_DATE)
    body = {"visit": visit.uuid, "value": day.isoformat()}
    attribute, why = visit.attribute_uuids[kind], "its date was changed in Avni"
    return (*writes, Write("update", "visit attribute", attribute, body, why, takes_nothing=True))


def _stretched(day: date, visit: FoundVisit, born: str, now: datetime) -> Room:
    moment, begin = _midnight(day, now), _beginning(day, born, now)
    if begin < visit.begins:
        return _with_border(visit, "startDatetime", begin)
    if visit.ends and visit.ends < moment <= now:
        return _with_border(visit, "stopDatetime", min(datetime.combine(day, time(23, 59, 59), now.tzinfo), now))
    return Room(visit)


def _reaching(moment: datetime, visit: FoundVisit) -> Room:
    """The visit stretched to the very moment."""
    if moment < visit.begins:
        return _with_border(visit, "startDatetime", moment)
    if visit.ends and visit.ends < moment:
        return _with_border(visit, "stopDatetime", moment)
    return Room(visit)


def _with_border(visit: FoundVisit, border: str, moment: datetime) -> Room:
    text, is_start = _spelled(moment), border == "startDatetime"
    moved = replace(visit, start=text) if is_start else replace(visit, stop=text)
    why = "an encounter lies before its visit" if is_start else "the visit ended before an encounter of it"
    return Room(moved, (Write("update", "visit", visit.uuid, {border: text}, why, takes_nothing=True),))


def _beginning(day: date, born: str, now: datetime) -> datetime:
    return _midnight(not_before_birth(day, born), now)


def _spelled(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000%z")


def _midnight(day: date, now: datetime) -> datetime:
    return datetime.combine(day, time.min, now.tzinfo)
