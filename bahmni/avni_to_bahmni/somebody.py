"""Answers of ours in Bahmni that somebody else changed: what no later version of the record may write over. Pure.

An observation never changes in OpenMRS, an edit is another one (O78), so whoever wrote it is who answered last (O200).
What is missing was taken out by somebody, because we left it there. What we left ourselves is told by its note.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.found import FoundEncounter
from bahmni.avni_to_bahmni.observations import FoundObs, Group, Leaf, agrees, leaves_in
from common.fingerprint import fingerprint
from common.text import as_written
from engine.left import Left, noted, question_note, values_noted
from engine.ports import Known
from engine.verdicts import Conflict, Difference, Hold
from mappings.snapshot import Snapshot

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d).*)?")
_TIME_OF_DAY: Final = re.compile(r"(?:1970-01-01T)?(\d\d:\d\d)(?::\d\d.*)?")


@dataclass(frozen=True)
class Contested:
    """A question (concept) that somebody answered otherwise than we want it, with both answers."""

    question: str
    wanted: tuple[str, ...]
    found: tuple[str, ...]


def notes_of(answers: Iterable[Leaf | Group], encounter: str) -> dict[str, list[str]]:
    """What a link remembers of the answers we leave in an encounter (uuid)."""
    said: dict[str, list[str]] = {}
    for leaf in leaves_in(answers):
        said.setdefault(leaf.concept, []).append(spelled(leaf.value))
    return noted(said, encounter)


def contested(
    wanted: Sequence[Leaf | Group],
    owned: Collection[str],
    ours: FoundEncounter,
    groups: Iterable[FoundObs],
    known: Known | None,
) -> tuple[Contested, ...]:
    """The questions among `owned` that somebody answered otherwise in these groups of our encounter.

    What agrees with `wanted` by now is none. Without a memory of what we left only answers that stand there count.
    """
    left = known.left.get(ours.uuid) if known else None
    is_sure = ours.by_another or not (known and known.is_suspect)  # a write of ours may not have been written down
    there = _by_question(groups)
    asked: dict[str, list[Leaf]] = {}
    for leaf in leaves_in(wanted):
        asked.setdefault(leaf.concept, []).append(leaf)
    found = [
        Contested(question, _all_spelled(asked.get(question, [])), _all_spelled(there.get(question, [])))
        for question in sorted(owned)
        if not _agree(asked.get(question, []), there.get(question, []))
        and _is_somebodys(question, there.get(question, []), asked.get(question, []), left, ours.uuid, is_sure=is_sure)
    ]
    return tuple(found)


def written_into(ours: FoundEncounter, groups: Iterable[FoundObs], known: Known | None) -> tuple[Contested, ...]:
    """Whatever others wrote into these groups of ours: a void would take it along."""
    left = (known.left.get(ours.uuid) if known else None) or {}
    theirs = {
        question: [obs for obs in there if obs.by_another and not _is_left(question, obs, left, ours.uuid)]
        for question, there in _by_question(groups).items()
    }
    return tuple(Contested(question, (), _all_spelled(obs)) for question, obs in sorted(theirs.items()) if obs)


def changed_by_somebody(found: Sequence[Contested], encounter: str, snapshot: Snapshot) -> Hold:
    """The verdict: who changed what, without what they said."""
    names = [_name(one.question, snapshot) for one in found]
    differences = tuple(
        Difference(name, _told(one.wanted, snapshot), {encounter: _told(one.found, snapshot)})
        for name, one in zip(names, found, strict=True)
    )
    state = fingerprint([[one.question, sorted(one.wanted), sorted(one.found)] for one in found])
    hold = Hold("bahmni.changed-by-somebody", who="Somebody at the hospital", questions=", ".join(names))
    return hold.about(Conflict(state, "encounter", (encounter,), differences=differences))


def spelled(value: Any) -> str:
    """A value in one spelling, sent or shown: numbers, days, moments (to the minute), times of the day."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        text = str(value)
    if time := _TIME_OF_DAY.fullmatch(text):
        return time[1]
    if moment := _MOMENT.fullmatch(text):
        return moment[1] if moment[2] in (None, "00:00") else f"{moment[1]} {moment[2]}"
    return text


def _by_question(groups: Iterable[FoundObs]) -> dict[str, list[FoundObs]]:
    there: dict[str, list[FoundObs]] = {}
    for group in groups:
        for obs in _answers(group):
            there.setdefault(obs.concept, []).append(obs)
    return there


def _answers(group: FoundObs) -> Iterator[FoundObs]:
    return (obs for obs in group.leaves() if obs is not group)


def _agree(wanted: Sequence[Leaf], there: Sequence[FoundObs]) -> bool:
    left = list(there)
    for leaf in dict.fromkeys(wanted):
        same = next((obs for obs in left if agrees(leaf, obs)), None)
        if same is None:
            return False
        left.remove(same)
    return not left


def _is_somebodys(
    question: str, there: Sequence[FoundObs], wanted: Sequence[Leaf], left: Left | None, salt: str, *, is_sure: bool
) -> bool:
    if left is None:
        return any(obs.by_another and not any(agrees(leaf, obs) for leaf in wanted) for obs in there)
    added = [obs for obs in there if not _is_left(question, obs, left, salt)]
    if added:
        return any(obs.by_another for obs in added)
    shown = {note for obs in there for note in _notes_of(obs, salt)}
    return is_sure and not set(left.get(question_note(question, salt), ())) <= shown


def _is_left(question: str, obs: FoundObs, left: Left, salt: str) -> bool:
    return bool(_notes_of(obs, salt) & set(left.get(question_note(question, salt), ())))


def _notes_of(obs: FoundObs, salt: str) -> set[str]:
    """A truth is sent as a word and shown as a concept of that name (O68)."""
    return {*values_noted([spelled(obs.value), obs.name.lower()], salt)}


def _all_spelled(answers: Iterable[Leaf | FoundObs]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(spelled(one.value) for one in answers))


def _name(concept: str, snapshot: Snapshot) -> str:
    """A question or answer as Avni calls it; the concept's uuid where nothing does."""
    entry = snapshot.from_int_system(*v.CONCEPT, concept)
    if entry:
        return entry.avni_value
    date = snapshot.single(*v.EVENT_DATE_CONCEPT)
    return "the date" if date and date.int_system_value == concept else concept


def _told(values: Iterable[str], snapshot: Snapshot) -> str:
    return ", ".join(as_written(_name(value, snapshot)) for value in values)
