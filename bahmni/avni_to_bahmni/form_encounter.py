"""A record of Avni as one form in an encounter of Bahmni: its answers with marker and event date. Pure.

What all streams of this direction have in common: where the encounter stands (openmrs.md O62, O128), its body, what
must be confirmed before anything is written over, and the writes that bring an encounter in line with its record
(O22 un-voiding, O75 to O86 observations).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any
from uuid import UUID

from avni.wire import instant
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni import somebody
from bahmni.avni_to_bahmni.answers import Answers
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundVisit
from bahmni.avni_to_bahmni.observations import (
    FoundObs,
    Group,
    Leaf,
    NewUuids,
    agrees,
    changes,
    emptied,
    new_member,
    without,
)
from bahmni.kinds import LAST_YEAR, UUID_OF_OPENMRS, wrong_kind
from common.fingerprint import fingerprint
from common.outcome import Outcome
from engine.left import Left, question_note
from engine.ports import Known, Plan, Want, Write
from engine.settling import chosen, settled
from engine.verdicts import Conflict, Defer, Fail, Hold
from errors.specs import Move
from mappings.snapshot import Pair, Snapshot

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Form:
    """What one un-voided record says, and under which encounter type and form (uuids) the hospital files it."""

    encounter_type: str
    concept: str
    day: date
    """The record's own day, as the hospital counts days."""
    answers: Answers
    marker: Leaf
    event_date: Leaf
    version: str
    program_data: tuple[Leaf, ...] = ()
    """What an enrolment or exit says of its program; empty while that concept is not mapped."""

    @property
    def members(self) -> list[Leaf | Group]:
        """Everything that stands in the form's group, each observation once."""
        return [*dict.fromkeys(self.answers.leaves), self.marker, self.event_date, *self.program_data]

    @property
    def content(self) -> list[Any]:
        """What the form says and every mapping used, but neither version nor the list of all concepts."""
        concepts = [self.encounter_type, self.concept, self.marker.concept, self.event_date.concept]
        leaves = (*self.answers.leaves, *self.program_data)
        said = sorted([leaf.concept, str(leaf.value)] for leaf in leaves)
        return [concepts, self.day.isoformat(), said, *(list(unknown) for unknown in self.answers.unknown)]


@dataclass(frozen=True)
class Room:
    """The visit an encounter stands in, as it will be once `writes` are through."""

    visit: FoundVisit
    writes: tuple[Write, ...] = ()


def filled_in(
    record_id: str, day: date, answered: Answers, version: str, snapshot: Snapshot, *, encounter_type: str, concept: str
) -> Form:  # fmt: skip
    """The form of a record of Avni with this id."""
    marker = Leaf(mapped(snapshot, v.MARKER_CONCEPT), record_id)
    event_date = Leaf(mapped(snapshot, v.EVENT_DATE_CONCEPT), day.isoformat(), is_date=True)
    return Form(encounter_type, concept, day, answered, marker, event_date, version)


def day_in(text: Any, field: str, zone: tzinfo) -> date:
    """The day of a moment, as the hospital counts days. Raises Fail that names the field it stands in."""
    try:
        day = instant(text).astimezone(zone).date()
    except (TypeError, ValueError, OverflowError):
        raise wrong_kind(field, "a date and time", text) from None
    if day.year > LAST_YEAR:
        raise wrong_kind(field, f"a time before the year {LAST_YEAR + 1}", text)
    return day


def partner(name: str, pair: Pair, unmapped: str, snapshot: Snapshot) -> str:
    """The uuid that an Avni type or program is mapped to. Raises Fail, with the message `unmapped` where it is not."""
    entry = snapshot.from_avni(*pair, name)
    if entry is None:
        raise Fail(unmapped, side="avni", value=name)
    if not UUID_OF_OPENMRS.fullmatch(entry.int_system_value):
        what = unmapped.removeprefix("bahmni.").removesuffix("-unmapped")
        raise Fail(f"bahmni.mapping-without-uuid.{what}", name=name, side="avni", value=name)
    return entry.int_system_value


def mapped(snapshot: Snapshot, pair: Pair) -> str:
    """The other side of a mapping that is looked up without a value; the empty text while it is missing."""
    entry = snapshot.single(*pair)
    return entry.int_system_value if entry else ""


def moment_of(day: date, visit: FoundVisit | None, now: datetime) -> str:
    """When the encounter of that day stands, as OpenMRS takes it: the day, or the visit's start when that is later.

    `now` is the hospital's clock in its own zone; `visit` None stands for one that begins on that day.
    Raises Defer until that moment has come.
    """
    moment, text = datetime.combine(day, time.min, now.tzinfo), day.isoformat()
    if visit and visit.begins > moment:
        moment, text = visit.begins, visit.start
    if moment > now:
        raise Defer("bahmni.future", due=moment)
    return text


def new_encounter(
    form: Form, uuid: str, *, patient: str, visit: str, moment: str, snapshot: Snapshot, namespace: UUID
) -> dict[str, Any]:  # fmt: skip
    """The body of an encounter that does not exist yet."""
    uuids = NewUuids(namespace, uuid, "new", form.version)
    return {
        "uuid": uuid,
        "patient": patient,
        "encounterType": form.encounter_type,
        "location": snapshot.constant(v.LOCATION),
        "visit": visit,
        "encounterDatetime": moment,
        "encounterProviders": [
            {"provider": snapshot.constant(v.PROVIDER), "encounterRole": snapshot.constant(v.ENCOUNTER_ROLE)}
        ],
        "obs": [_new_group(form, uuids)],
    }


def ours_among(
    encounters: Collection[FoundEncounter], record_id: str, want: Want, known: Known | None, *,
    voided: bool, derived: str = "",
) -> FoundEncounter | None:  # fmt: skip
    """The encounter that carries the record's marker; a voided one hides its marker and is known by the link.

    Raises Hold when what was handed over before is not there any more; where a person decided that it is to be written
    again, gives the one that lost its marker, and nothing for one that is gone. Of a record that is voided and that we
    voided there, too, nothing is missing. Without a link `derived` is the uuid by which such a one is known.
    """
    unlinked = "" if known and known.points_somewhere else derived
    for one in encounters:
        if one.uuid == unlinked and not one.marker:
            settled(
                Hold("bahmni.target-voided" if one.voided else "bahmni.registration-gone"), want, known, Move.SOURCE
            )
            return one
        if one.marker == record_id or (one.voided and known and one.uuid == known.target_id):
            return one
    if known and known.points_somewhere and not (voided and known.left_fingerprint == v.VOIDED_BY_US):
        settled(Hold("bahmni.registration-gone"), want, known, Move.SOURCE)
        return next((one for one in encounters if one.uuid == known.target_id and not one.marker), None)
    return None


def the_one_of(encounters: Sequence[FoundEncounter], want: Want, known: Known | None) -> Sequence[FoundEncounter]:
    """These encounters when there is one at most, else the one a person chose. Raises Hold when nobody did."""
    if len(encounters) < 2:
        return encounters
    uuids = tuple(one.uuid for one in encounters)
    hold = Hold("bahmni.multiple-encounters").about(Conflict(fingerprint(sorted(uuids)), "encounter", uuids))
    meant = settled(hold, want, known, Move.SAME).chosen
    return [one for one in encounters if one.uuid == meant]


def confirm(patient: FoundPatient, uuid: str, number: str) -> None:
    """A link is a hint: raises Hold unless this is the patient meant. `number`: empty when nobody remembers one."""
    if patient.voided:
        raise Hold("bahmni.patient-voided")
    if patient.uuid != uuid or (number and not patient.has_number(number)):
        raise Hold("bahmni.number-moved").about(Conflict(moves=(Move.TARGET,)))


def created_before(patient: str) -> Hold:
    """The patient (uuid) we created for a subject before has another number by now, so no search by number finds it."""
    conflict = Conflict(fingerprint(["created before", patient]), "patient", (patient,), (Move.SAME, Move.APART))
    return Hold("bahmni.number-moved").about(conflict)


def bring_in_line(
    want: Want, form: Form | None, ours: FoundEncounter, room: Room | None, known: Known | None, *,
    snapshot: Snapshot, namespace: UUID, now: datetime,
) -> Plan:  # fmt: skip
    """Let our encounter hold what the form says, or void it when the record is voided (`form` is None).

    `room` is the visit it will stand in, None when it stands in none. Raises Hold when a person voided it, answered it
    otherwise or wrote into what is to be voided, and what `moment_of` raises.
    """
    made_room = room.writes if room else ()
    targets: dict[str, Any] = {
        "target_id": ours.uuid, "target_parent_id": ours.patient.uuid, "other_targets": {"visit": ours.visit_uuid},
    }  # fmt: skip
    if form is None and ours.voided:
        return Plan((), Outcome.UNCHANGED, left_fingerprint=known.left_fingerprint if known else "", **targets)
    if form is None:
        void = _void(want, ours, known, snapshot)
        return Plan((void,), Outcome.VOIDED, left_fingerprint=v.VOIDED_BY_US, **targets)
    if ours.voided:
        if known is None or known.left_fingerprint != v.VOIDED_BY_US:
            # Only what we voided ourselves comes back by itself.
            settled(Hold("bahmni.target-voided"), want, known, Move.SOURCE)
        unvoid = Write("unvoid", "encounter", ours.uuid, {}, "the record was un-voided in Avni")
        return Plan((*made_room, unvoid), Outcome.UPDATED, look_again=True, **targets)
    theirs = _left_to_somebody(want, form, ours, known, snapshot)
    placed = {} if form.event_date.concept in theirs else _placed(form, ours, known, room.visit if room else None, now)
    if placed:
        # A new time gives all observations new uuids (O84, O86): those that differ are written with the next look.
        why = "its date was changed in Avni" if "encounterDatetime" in placed else "its type is mapped to another one"
        move = Write("update", "encounter", ours.uuid, placed, why)
        return Plan((*made_room, move), Outcome.UPDATED, look_again=True, **targets)
    was_handed_over = known is None or known.wanted_fingerprint == want.fingerprint
    # Nothing but the time tells a second repair of one version from the first, whose uuids are spent.
    attempt = f"{form.version} {now.isoformat()}" if was_handed_over else form.version
    writes = _differences(form, ours, NewUuids(namespace, ours.uuid, ours.changed, attempt), theirs)
    outcome = Outcome.UPDATED if writes else Outcome.UNCHANGED
    left = {ours.uuid: _left(form, ours.uuid, known, theirs)}
    return Plan(writes, outcome, left_fingerprint=fingerprint([want.fingerprint]), left=left, **targets)


def left_in(form: Form, encounter: str) -> dict[str, Left]:
    """What a link remembers of a form that is filed in an encounter (uuid) of its own."""
    return {encounter: somebody.notes_of(form.members, encounter)}


def _left(form: Form, encounter: str, known: Known | None, theirs: frozenset[str]) -> Left:
    """The same; of questions left to somebody what was remembered of them before."""
    ours = without(form.members, theirs)
    before = (known.left.get(encounter) if known else None) or {}
    kept = {question_note(concept, encounter) for concept in theirs}
    return {**{note: values for note, values in before.items() if note in kept}, **somebody.notes_of(ours, encounter)}


def _left_to_somebody(
    want: Want, form: Form, ours: FoundEncounter, known: Known | None, snapshot: Snapshot
) -> frozenset[str]:
    """The questions that stay as somebody answered them, because a person decided so.

    Raises Hold while nobody has decided about what somebody answered otherwise.
    """
    owned, groups = _spoken_for(form) - {form.marker.concept}, _groups(form, ours)
    if known and chosen(known, Move.TARGET):
        known = replace(known, is_suspect=False)  # what was left to them stays theirs, though we wrote since
    contested = somebody.contested(form.members, owned, ours, groups, known)
    if not contested:
        return frozenset()
    hold = somebody.changed_by_somebody(contested, ours.uuid, snapshot)
    if settled(hold, want, known, Move.SOURCE, Move.TARGET).move is Move.SOURCE:
        return frozenset()
    return frozenset(one.question for one in contested)


def _void(want: Want, ours: FoundEncounter, known: Known | None, snapshot: Snapshot) -> Write:
    """What voids our encounter; where a person decided about what others wrote beside our form, the form alone.

    Raises Hold while nobody has decided, and where others wrote into the form.
    """
    why = "the record was voided in Avni"
    confirm_void(want, ours, known, snapshot)
    if not is_shared(ours):
        return Write("void", "encounter", ours.uuid, {}, why)
    settled(Hold("bahmni.encounter-shared"), want, known, Move.SOURCE)
    groups = _marked_in(ours)
    body = [emptied(group, frozenset(leaf.concept for leaf in group.leaves())) for group in groups]
    return Write("update", "encounter", ours.uuid, {"obs": body}, why)


def confirm_void(want: Want, ours: FoundEncounter, known: Known | None, snapshot: Snapshot) -> None:
    """Raises Hold while nobody has decided about answers that others gave in our form: a void would take them along."""
    if written := somebody.written_into(ours, _marked_in(ours), known):
        settled(somebody.changed_by_somebody(written, ours.uuid, snapshot), want, known, Move.SOURCE)


def is_written_into(ours: FoundEncounter) -> bool:
    """Whether others wrote beside our form or, as far as the hospital tells, answered in it."""
    return is_shared(ours) or bool(somebody.written_into(ours, _marked_in(ours), None))


def _marked_in(ours: FoundEncounter) -> list[FoundObs]:
    return [obs for obs in ours.obs if _is_marked(obs, ours.marker)]


def _groups(form: Form, ours: FoundEncounter) -> list[FoundObs]:
    """Where the answers of the form stand, or stood under another mapping."""
    return [obs for obs in ours.obs if obs.concept == form.concept or _is_marked(obs, ours.marker)]


def _spoken_for(form: Form) -> frozenset[str]:
    return form.answers.concepts | {said.concept for said in form.members}


def is_shared(ours: FoundEncounter) -> bool:
    """Whether clinicians wrote beside our form: a void would take that along."""
    return any(not _is_marked(obs, ours.marker) for obs in ours.obs)


def says_its_day(form: Form, ours: FoundEncounter) -> bool:
    """Whether the encounter states the record's own day already, wherever it stands in time."""
    return any(agrees(form.event_date, leaf) for leaf in _stated_days(form, ours))


def _stated_days(form: Form, ours: FoundEncounter) -> Iterator[FoundObs]:
    return (leaf for obs in ours.obs for leaf in obs.leaves() if leaf.concept == form.event_date.concept)


def _stays_put(form: Form, ours: FoundEncounter, known: Known | None) -> bool:
    """Whether it stands where a person put it, whatever day it says.

    Where a write of ours may have come late it says the right day at the time of an older version; a person who moved
    it would have become the writer of all that stands in it (O200).
    """
    moved_by_us = not any(leaf.by_another for leaf in _stated_days(form, ours))
    return says_its_day(form, ours) and not (known and known.is_suspect and moved_by_us)


def _placed(
    form: Form, ours: FoundEncounter, known: Known | None, visit: FoundVisit | None, now: datetime
) -> dict[str, str]:
    """What of its type, visit and time must change. While it says the record's day it stays where a person put it."""
    other_type = {"encounterType": form.encounter_type} if ours.type and ours.type != form.encounter_type else {}
    if _stays_put(form, ours, known):
        return other_type
    moment = moment_of(form.day, visit, now)
    if instant_of(moment, now) == instant_of(ours.at, now):
        return other_type
    other_visit = {"visit": visit.uuid} if visit and visit.uuid != ours.visit_uuid else {}
    return {**other_type, **other_visit, "encounterDatetime": moment}


def instant_of(text: str, now: datetime) -> datetime:
    """A moment as the server spells it, or the first one of a day; `now` tells the zone."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def _differences(form: Form, ours: FoundEncounter, uuids: NewUuids, theirs: frozenset[str]) -> tuple[Write, ...]:
    """What brings all but the questions in `theirs` in line."""
    spoken_for = _spoken_for(form) - theirs
    members = without(form.members, theirs)
    group = next((obs for obs in ours.obs if obs.concept == form.concept), None)
    if group is None:
        body, why = [_new_group(form, uuids)], "the form group is missing"
    else:
        changed = changes(members, spoken_for, group, uuids)
        body = [{"uuid": group.uuid, "concept": form.concept, "groupMembers": changed}] if changed else []
        why = f"{len(changed)} observations differ"
    former = [obs for obs in ours.obs if obs.concept != form.concept and _is_marked(obs, ours.marker)]
    if former:
        body += [emptied(obs, spoken_for) for obs in former]
        why = "it is filed under another form now"
    return (Write("update", "encounter", ours.uuid, {"obs": body}, why),) if body else ()


def _is_marked(obs: FoundObs, marker: str) -> bool:
    """Whether a group is the form of the record with this id."""
    return any(leaf.value == marker for leaf in obs.leaves())


def _new_group(form: Form, uuids: NewUuids) -> dict[str, Any]:
    members = [new_member(leaf, uuids) for leaf in form.members]
    return {"uuid": uuids.of(form.concept), "concept": form.concept, "groupMembers": members}
