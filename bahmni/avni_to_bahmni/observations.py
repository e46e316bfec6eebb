"""Observations of Avni → leaf observations of OpenMRS, and what must change for a form group to agree with them. Pure.

Values: openmrs.md O66 to O74; updates: O75 to O85. An edited observation gets a new uuid from the server, what is
not listed stays untouched, `voided` is only ever sent as true, and the uuid of a new one never repeats an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import isfinite
from typing import Any
from uuid import UUID

from avni.wire import INDIA, instant, is_day
from bahmni import vocabulary as v
from bahmni.numbers import number_in
from common.fingerprint import derived_uuid
from common.text import is_storable
from engine.verdicts import Fail
from mappings.models import DataTypeHint, Side
from mappings.snapshot import Entry, Snapshot

Value = str | int | float

LONGEST_ANSWER = 255
"""Characters of the longest name of a concept; what is longer names none and may be anything."""

UUID_OF_OPENMRS = re.compile(r"[0-9A-Za-z-]{36,38}")
"""36 characters, up to 38 in old data; not always in the usual form."""

FIRST_DAY = "1970-01-01T"
"""How OpenMRS shows a time of the day (O72)."""

DEMOGRAPHICS = frozenset({"First name", "Middle name", "Last name", "Date of birth", "Gender", "Profile picture"})
"""Avni puts these among a subject's observations; they travel as name, gender and birth date of the person."""


@dataclass(frozen=True)
class Leaf:
    """One observation without members: a question's concept and one value (coded: the answer's concept)."""

    concept: str
    value: Value
    is_coded: bool = False
    is_date: bool = False
    is_moment: bool = False


@dataclass(frozen=True)
class Answers:
    """All leaves of a record, the concepts we answer for (also those left blank), and questions without a mapping."""

    leaves: tuple[Leaf, ...]
    concepts: frozenset[str]
    unmapped: tuple[str, ...]


def answers(observations: Mapping[str, Any], snapshot: Snapshot, zone: tzinfo) -> Answers:
    """Translate the observations of one Avni record. Raises Fail naming question, kind and mapping.

    `zone` is the hospital's, which takes moments as its own clock shows them. Ignored answers are left out like those
    nobody gave, and counted nowhere; so are ignored questions, for which we do not answer at all.
    """
    leaves: list[Leaf] = []
    unmapped: list[str] = []
    number = snapshot.single(*v.IDENTIFIER_CONCEPT)  # travels as the patient's identifier
    elsewhere = DEMOGRAPHICS | ({number.avni_value} if number else set())
    for question, value in sorted(observations.items()):
        if snapshot.is_ignored(Side.AVNI, question):
            continue
        entry = snapshot.from_avni(*v.CONCEPT, question)
        if entry:
            leaves += _leaves(question, value, entry, snapshot, zone)
        elif question not in elsewhere:
            unmapped.append(question)
    concepts = frozenset(
        entry.int_system_value
        for name, entry in snapshot.by_avni_value.get(v.CONCEPT, {}).items()
        if not snapshot.is_ignored(Side.AVNI, name)
    )
    return Answers(tuple(leaves), concepts, tuple(unmapped))


def _leaves(question: str, value: Any, entry: Entry, snapshot: Snapshot, zone: tzinfo) -> Iterator[Leaf]:
    if value is None:
        return
    concept = _concept(question, entry)
    match entry.data_type_hint:
        case DataTypeHint.CODED:
            for answer in value if isinstance(value, list) else [value]:
                if isinstance(answer, str) and snapshot.is_ignored(Side.AVNI, answer):
                    continue
                yield Leaf(concept, _answer(question, answer, snapshot), is_coded=True)
        case DataTypeHint.DATE:
            yield Leaf(concept, _date(question, value, zone), is_date=True)
        case DataTypeHint.DATETIME:
            yield Leaf(concept, _moment(question, value, zone), is_moment=True)
        case DataTypeHint.NUMERIC:
            yield Leaf(concept, _number(question, value))
        case _:
            text = _plain(question, value, entry.data_type_hint)
            if not isinstance(text, str) or text.strip():
                yield Leaf(concept, text)


def _answer(question: str, answer: Any, snapshot: Snapshot) -> str:
    if not isinstance(answer, str) or len(answer) > LONGEST_ANSWER or not is_storable(answer):
        raise Fail("bahmni.value-kind", question=question, expected="the name of an answer", kind=_kind(answer))
    entry = snapshot.from_avni(*v.CONCEPT, answer)
    if entry is None:
        raise Fail("bahmni.answer-unmapped", question=question, value=answer, side="avni")
    return _concept(answer, entry)


def _concept(name: str, entry: Entry) -> str:
    """The concept a question or answer is mapped to; a mapping typed by hand may hold anything."""
    if not UUID_OF_OPENMRS.fullmatch(entry.int_system_value):
        raise Fail("bahmni.mapping-without-uuid", name=name, side="avni", value=name)
    return entry.int_system_value


def _date(question: str, value: Any, zone: tzinfo) -> str:
    """A day; of a moment (the question may ask for the time as well) the one on which it is in the hospital."""
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo:
            at = at.astimezone(INDIA if is_day(at) else zone)
        return at.date().isoformat()
    except (TypeError, ValueError, OverflowError):
        raise Fail("bahmni.value-kind", question=question, expected="a date", kind=_kind(value)) from None


def _moment(question: str, value: Any, zone: tzinfo) -> str:
    """To the minute and with a blank, the one spelling that is taken (O72)."""
    try:
        return instant(value).astimezone(zone).replace(tzinfo=None).isoformat(" ", "minutes")
    except (TypeError, ValueError, OverflowError):
        raise Fail("bahmni.value-kind", question=question, expected="a date and time", kind=_kind(value)) from None


def _number(question: str, value: Any) -> float | int:
    try:
        return number_in(value)
    except ValueError:
        raise Fail("bahmni.value-kind", question=question, expected="a number", kind=_kind(value)) from None


def _plain(question: str, value: Any, hint: str) -> Value:
    if isinstance(value, str) and is_storable(value):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return str(value) if hint == DataTypeHint.TEXT else value
    raise Fail("bahmni.value-kind", question=question, expected="a text", kind=_kind(value))


def _kind(value: Any) -> str:
    names = {
        bool: "yes/no",
        int: "number",
        float: "number",
        str: "text",
        list: "list",
        dict: "group",
        type(None): "nothing",
    }
    return names.get(type(value), "something else")


# -- comparing with what stands in OpenMRS ---------------------------------------------------------------------------


@dataclass(frozen=True)
class FoundObs:
    """An un-voided observation as OpenMRS returned it; a coded value by its uuid."""

    uuid: str
    concept: str
    value: Any
    members: tuple[FoundObs, ...] = ()

    def leaves(self) -> Iterator[FoundObs]:
        """The observations without members below (or at) this one."""
        if not self.members:
            yield self
        for member in self.members:
            yield from member.leaves()


def found_obs(document: Mapping[str, Any]) -> FoundObs | None:
    """Read an obs of a custom representation; None when it is voided."""
    if document.get("voided"):
        return None
    value = document.get("value")
    members = tuple(obs for member in document.get("groupMembers") or () if (obs := found_obs(member)))
    if isinstance(value, Mapping):
        value = value.get("uuid")
    return FoundObs(str(document["uuid"]), str(document["concept"]["uuid"]), value, members)


@dataclass(frozen=True)
class NewUuids:
    """Source of uuids for new observations of one encounter.

    Never repeated, because they also hash the encounter's last change and the version of the source record.
    """

    namespace: UUID
    encounter: str
    changed: str
    version: str

    def of(self, leaf: Leaf | str) -> str:
        """The uuid for a leaf, or for a group by its concept."""
        parts = (leaf.concept, str(leaf.value)) if isinstance(leaf, Leaf) else (leaf,)
        return str(derived_uuid(self.namespace, "obs", self.encounter, self.changed, self.version, *parts))


def new_member(leaf: Leaf, uuids: NewUuids) -> dict[str, Any]:
    """The body of an observation that does not exist yet."""
    return {"uuid": uuids.of(leaf), "concept": leaf.concept, "value": leaf.value}


def changes(wanted: Sequence[Leaf], ours: frozenset[str], group: FoundObs, uuids: NewUuids) -> list[dict[str, Any]]:
    """What must be sent below an existing group so that its questions in `ours` hold `wanted`; empty when they do.

    Observations of other concepts belong to the hospital and are left alone.
    """
    existing: dict[str, list[FoundObs]] = {}
    for obs in group.leaves():
        if obs.concept in ours and obs is not group:
            existing.setdefault(obs.concept, []).append(obs)
    sent: list[dict[str, Any]] = []
    asked: dict[str, list[Leaf]] = {}
    for leaf in dict.fromkeys(wanted):
        asked.setdefault(leaf.concept, []).append(leaf)
    for concept in sorted({*existing, *asked}):
        sent += _one_question(asked.get(concept, []), existing.get(concept, []), uuids)
    return sent


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
