"""What a form says as observations of OpenMRS, and what must change for a form group to agree with it. Pure.

Updates: openmrs.md O75 to O85, groups O83, O160. An edited observation gets a new uuid from the server, what is not
listed stays untouched, `voided` is only ever sent as true, and the uuid of a new one never repeats an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from common.fingerprint import derived_uuid

Value = str | int | float

FIRST_DAY = "1970-01-01T"
"""How OpenMRS shows a time of the day (O72)."""


@dataclass(frozen=True)
class Leaf:
    """One observation without members: a question's concept and one value (coded: the answer's concept).

    A truth is sent as the word true or false, which OpenMRS takes for one of two concepts (O68).
    """

    concept: str
    value: Value
    is_coded: bool = False
    is_date: bool = False
    is_moment: bool = False
    is_truth: bool = False


@dataclass(frozen=True)
class Group:
    """A group of questions answered once: one observation with members. `number` tells repetitions apart."""

    concept: str
    members: tuple[Leaf | Group, ...]
    number: int = 1

    @property
    def value(self) -> str:
        """All it says, as one text in an order of its own: what a change of it changes."""
        return json.dumps(sorted([member.concept, str(member.value)] for member in self.members))


@dataclass(frozen=True)
class FoundObs:
    """An un-voided observation as OpenMRS returned it; a coded value by its uuid."""

    uuid: str
    concept: str
    value: Any
    members: tuple[FoundObs, ...] = ()
    name: str = ""
    """What OpenMRS calls a coded value."""
    by_another: bool = False
    """Whether the server says that somebody else than our account wrote it."""

    def leaves(self) -> Iterator[FoundObs]:
        """The observations without members below (or at) this one."""
        if not self.members:
            yield self
        for member in self.members:
            yield from member.leaves()


def found_obs(document: Mapping[str, Any], us: str = "") -> FoundObs | None:
    """Read an obs of a custom representation; None when it is voided. `us` is the uuid of our account."""
    if document.get("voided"):
        return None
    value, uuid, concept = document.get("value"), str(document["uuid"]), str(document["concept"]["uuid"])
    members = tuple(obs for member in document.get("groupMembers") or () if (obs := found_obs(member, us)))
    theirs = by_another(document, us)
    if isinstance(value, Mapping):
        return FoundObs(uuid, concept, value.get("uuid"), members, str(value.get("display")), theirs)
    return FoundObs(uuid, concept, value, members, by_another=theirs)


def by_another(document: Mapping[str, Any], us: str) -> bool:
    """Whether a document with `auditInfo` was changed last by another account than `us` (O200)."""
    audit = document.get("auditInfo")
    if not us or not isinstance(audit, Mapping):
        return False
    return ((audit.get("changedBy") or audit.get("creator")) or {}).get("uuid") != us


@dataclass(frozen=True)
class NewUuids:
    """Source of uuids for new observations of one encounter.

    Never repeated, because they also hash the encounter's last change and the version of the source record, and in
    which repetition of which group the observation stands.
    """

    namespace: UUID
    encounter: str
    changed: str
    version: str
    place: tuple[str, ...] = ()

    def of(self, said: Leaf | Group | str) -> str:
        """The uuid for an observation, or for a form by its concept."""
        known = (self.encounter, self.changed, self.version, *self.place)
        match said:
            case Leaf():
                known = (*known, said.concept, str(said.value))
            case Group():
                known = (*known, said.concept, str(said.number), "group")
            case concept:
                known = (*known, concept)
        return str(derived_uuid(self.namespace, "obs", *known))

    def inside(self, group: Group) -> NewUuids:
        """The source for the members of a group."""
        return replace(self, place=(*self.place, group.concept, str(group.number)))


def new_member(said: Leaf | Group, uuids: NewUuids) -> dict[str, Any]:
    """The body of an observation that does not exist yet."""
    body: dict[str, Any] = {"uuid": uuids.of(said), "concept": said.concept}
    if isinstance(said, Leaf):
        return {**body, "value": said.value}
    return {**body, "groupMembers": [new_member(member, uuids.inside(said)) for member in said.members]}


def changes(
    wanted: Sequence[Leaf | Group], ours: frozenset[str], group: FoundObs, uuids: NewUuids
) -> list[dict[str, Any]]:
    """What must be sent below an existing group so that its questions in `ours` hold `wanted`; empty when they do.

    Observations of other concepts belong to the hospital and are left alone.
    """
    leaves: dict[str, list[FoundObs]] = {}
    groups: dict[str, list[FoundObs]] = {}
    for obs in _questions(group, ours):
        (groups if obs.members else leaves).setdefault(obs.concept, []).append(obs)
    answered: dict[str, list[Leaf]] = {}
    repeated: dict[str, list[Group]] = {}
    for said in dict.fromkeys(wanted):
        if isinstance(said, Leaf):
            answered.setdefault(said.concept, []).append(said)
        else:
            repeated.setdefault(said.concept, []).append(said)
    sent: list[dict[str, Any]] = []
    for concept in sorted({*leaves, *groups, *answered, *repeated}):
        sent += _one_question(answered.get(concept, []), leaves.get(concept, []), uuids)
        sent += _one_group(repeated.get(concept, []), groups.get(concept, []), ours, uuids)
    return sent


def emptied(group: FoundObs, ours: frozenset[str]) -> dict[str, Any]:
    """Take all that is ours out of a group, and the group too if that leaves nothing in it.

    Members are voided one by one as well: what lists observations of a patient knows nothing of their groups (O160).
    """
    members = [
        emptied(obs, ours) if obs.members else {"uuid": obs.uuid, "concept": obs.concept, "voided": True}
        for obs in _questions(group, ours)
    ]
    body = {"uuid": group.uuid, "concept": group.concept, "groupMembers": members}
    return {**body, "voided": True} if all(leaf.concept in ours for leaf in group.leaves()) else body


def _questions(group: FoundObs, ours: frozenset[str]) -> Iterator[FoundObs]:
    """Answers and groups of ours in a group; what is no question of ours may be a section that holds some."""
    for member in group.members:
        if member.concept in ours:
            yield member
        else:
            yield from _questions(member, ours)


def _one_group(
    wanted: list[Group], found: list[FoundObs], ours: frozenset[str], uuids: NewUuids
) -> Iterator[dict[str, Any]]:
    """Leave repetitions alone that say the same; of the others change the ones that agree most, add and take out."""
    left = list(found)
    missing: list[Group] = []
    for said in wanted:
        same = next((obs for obs in left if not changes(said.members, ours, obs, uuids)), None)
        if same:
            left.remove(same)
        else:
            missing.append(said)
    alike = [(_likeness(said, obs), said, obs) for said in missing for obs in left]
    alike.sort(key=lambda pair: -pair[0])
    is_the_only_one = len(missing) == len(left) == 1
    for likeness, said, obs in alike:
        if said in missing and obs in left and (likeness or is_the_only_one):
            missing.remove(said)
            left.remove(obs)
            inside = changes(said.members, ours, obs, uuids.inside(said))
            yield {"uuid": obs.uuid, "concept": obs.concept, "groupMembers": inside}
    for obs in left:
        body = emptied(obs, ours)
        if body["groupMembers"]:  # else clinicians' answers are all that is left in it
            yield body
    for said in missing:
        yield new_member(said, uuids)


def _likeness(group: Group, found: FoundObs) -> int:
    """How many answers of a group stand in one that was found."""
    there = list(found.leaves())
    said = leaves_in(group.members)
    return sum(any(leaf.concept == obs.concept and agrees(leaf, obs) for obs in there) for leaf in said)


def leaves_in(said: Iterable[Leaf | Group]) -> Iterator[Leaf]:
    """The answers themselves, also those inside groups."""
    for member in said:
        if isinstance(member, Leaf):
            yield member
        else:
            yield from leaves_in(member.members)


def without(said: Iterable[Leaf | Group], questions: Collection[str]) -> list[Leaf | Group]:
    """The same without these questions, and without groups that hold nothing else."""
    rest: list[Leaf | Group] = []
    for member in said:
        if isinstance(member, Group):
            inside = without(member.members, questions)
            rest += [replace(member, members=tuple(inside))] if inside else []
        elif member.concept not in questions:
            rest.append(member)
    return rest


def _one_question(leaves: list[Leaf], found: list[FoundObs], uuids: NewUuids) -> Iterator[dict[str, Any]]:
    """Keep what agrees, edit a single value in place, add what is new, void what is gone."""
    left = list(found)
    missing: list[Leaf] = []
    for leaf in leaves:
        same = next((obs for obs in left if agrees(leaf, obs)), None)
        if same:
            left.remove(same)
        else:
            missing.append(leaf)
    if len(missing) == len(left) == 1 and not missing[0].is_coded:
        yield {"uuid": left[0].uuid, "concept": left[0].concept, "value": missing[0].value}
        return
    for obs in left:
        yield {"uuid": obs.uuid, "concept": obs.concept, "voided": True}
    for leaf in missing:
        yield new_member(leaf, uuids)


def agrees(leaf: Leaf, obs: FoundObs) -> bool:
    """Whether OpenMRS holds this value.

    Numbers come back as floats, dates (in older releases) as times at midnight, moments in another spelling, times of
    the day as moments of the first day of 1970.
    """
    wanted, there = leaf.value, obs.value
    if isinstance(there, bool):
        return False
    if leaf.is_truth:
        return obs.name.lower() == wanted
    if isinstance(there, int | float):
        try:
            return float(wanted) == float(there)
        except ValueError:
            return False
    if wanted == there:
        return True
    return isinstance(there, str) and isinstance(wanted, str) and _agrees_in_time(leaf, wanted, there)


def _agrees_in_time(leaf: Leaf, wanted: str, there: str) -> bool:
    if leaf.is_date:
        return there[:10] == wanted
    if leaf.is_moment:
        return there[:16].replace("T", " ") == wanted
    # No hint tells a time of the day, and no text begins so.
    return there.startswith(FIRST_DAY) and there.removeprefix(FIRST_DAY)[:5] == wanted[:5]
