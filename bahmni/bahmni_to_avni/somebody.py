"""Answers of ours in Avni that somebody else changed: what no later version of the record may write over. Pure.

Avni tells of a record who changed it last, not who gave which answer (A100): which answers are no longer ours is told
by the notes of what we left. Where nobody remembers that (after a take-over), nothing is: else every record that the
field team ever opened would wait for a person.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from avni.wire import INDIA, instant, is_day
from bahmni.bahmni_to_avni.values import same
from common.fingerprint import fingerprint
from common.text import as_written
from engine.left import Left, noted, question_note, values_noted
from engine.verdicts import Conflict, Difference, Hold

DATE, TYPE = "Encounter date time", "Encounter type"
"""What an encounter says beside its answers, by the names of Avni."""

NOBODY = "\0"
"""A user name that nobody has: then all that is not as we left it is somebody else's, whoever was last."""


@dataclass(frozen=True)
class Contested:
    """A question that somebody answered otherwise than we want it, with both answers as Avni spells them."""

    question: str
    wanted: Any
    found: Any


@dataclass(frozen=True)
class Ours:
    """What the hospital speaks for: questions of Avni; and by its uuid what Avni calls inside a group so (A28)."""

    questions: Container[str]
    names: Mapping[str, str] = field(default_factory=dict)


def notes_of(said: Mapping[str, Any], salt: str) -> dict[str, list[str]]:
    """What a link remembers of the answers we leave in an encounter; `salt` is its name in the link."""
    return noted({question: _spelled(value) for question, value in said.items()}, salt)


def contested(
    wanted: Mapping[str, Any], ours: Ours, there: Mapping[str, Any], left: Left | None, salt: str, us: str
) -> tuple[Contested, ...]:
    """The questions of ours (and of `wanted`) that somebody answered otherwise in an encounter of Avni.

    `us` is our user name; what agrees with `wanted` by now is none.
    """
    if left is None or not _is_by_another(there, us):
        return ()
    shown = shown_in(there)
    questions = [question for question in sorted({*wanted, *shown}) if question in wanted or question in ours.questions]
    return tuple(
        Contested(question, wanted.get(question), shown.get(question))
        for question in questions
        if not same(wanted.get(question), shown.get(question), ours.questions, ours.names)
        and not _is_left(question, shown.get(question), left, salt, ours)
    )


def written_into(ours: Ours, there: Mapping[str, Any], left: Left | None, salt: str, us: str) -> tuple[Contested, ...]:
    """The answers to questions of ours that somebody gave: a void would take them along."""
    if left is None or not _is_by_another(there, us):
        return ()
    return tuple(
        Contested(question, None, value)
        for question, value in sorted(there["observations"].items())
        if question in ours.questions and not _is_left(question, value, left, salt, ours)
    )


def shown_in(there: Mapping[str, Any]) -> dict[str, Any]:
    """What an encounter of Avni says: its answers, date and type."""
    return {**there["observations"], DATE: there.get(DATE), TYPE: there.get(TYPE)}


def changed_by_somebody(found: Sequence[Contested], encounter: str) -> Hold:
    """The verdict: who changed what in an encounter (its id), without what they said."""
    differences = tuple(Difference(one.question, _told(one.wanted), {encounter: _told(one.found)}) for one in found)
    state = fingerprint([[one.question, sorted(_spelled(one.wanted)), sorted(_spelled(one.found))] for one in found])
    questions = ", ".join(one.question for one in found)
    hold = Hold("bahmni.changed-by-somebody", who="Somebody of the field team", questions=questions)
    return hold.about(Conflict(state, "encounter", (encounter,), differences=differences))


def kept(left: Left | None, questions: Iterable[str], salt: str) -> dict[str, Sequence[str]]:
    """What was remembered of these questions."""
    wanted = {question_note(question, salt) for question in questions}
    return {note: values for note, values in (left or {}).items() if note in wanted}


def _is_by_another(there: Mapping[str, Any], us: str) -> bool:
    """Whether Avni says that another user than ours changed a record last."""
    audit = there.get("audit")
    return bool(us) and isinstance(audit, Mapping) and audit.get("Last modified by") != us


def _is_left(question: str, value: Any, left: Left, salt: str, ours: Ours) -> bool:
    return values_noted(_spelled(value, ours), salt) == list(left.get(question_note(question, salt), ()))


def _spelled(value: Any, ours: Ours | None = None) -> list[str]:
    """The values of an answer in one spelling each: a day as Avni shows it (A26), numbers whatever their kind.

    `ours` is given for what Avni shows: of groups then only what is ours counts, by name.
    """
    return sorted({_one(one, ours) for one in (value if isinstance(value, list) else [value]) if one is not None})


def _one(value: Any, ours: Ours | None) -> str:
    if isinstance(value, Mapping):
        return fingerprint({name: _spelled(inner, ours) for name, inner in _named(value, ours).items()})
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return repr(float(value))
    text = str(value)
    try:
        at = instant(text).astimezone(INDIA)
    except (OverflowError, ValueError):
        return ours.names.get(text.lower(), text) if ours else text
    return at.date().isoformat() if is_day(at) else at.isoformat()


def _named(group: Mapping[str, Any], ours: Ours | None) -> dict[str, Any]:
    if ours is None:
        return dict(group)
    named = {ours.names.get(key.lower(), key): value for key, value in group.items()}
    return {name: value for name, value in named.items() if name in ours.questions}


def _told(value: Any) -> str:
    return ", ".join(map(as_written, value)) if isinstance(value, list) else "" if value is None else as_written(value)
