"""What a form of the hospital says, by Avni's names: questions, groups of questions, and what has no mapping. Pure.

A group of observations becomes a group of questions where its mapping says so (QuestionGroup, RepeatableGroup); any
other is a section of the form, whose questions stand in Avni beside all others, as the Java service has them.
Stands on openmrs.md O66 (order, groups), O67, O68 (answers) and avni.md A28, A81 (groups).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bahmni import unmapped as policy
from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.values import may_be_several, translated
from engine.verdicts import Fail
from mappings.models import DataTypeHint, Side, Unmapped
from mappings.snapshot import Entry, Snapshot

Obs = Mapping[str, Any]

GROUPS = frozenset({DataTypeHint.QUESTION_GROUP, DataTypeHint.REPEATABLE_GROUP})


def observations(
    form: Obs, snapshot: Snapshot, unmapped: list[str], mapping: Entry | None = None
) -> dict[str, Any]:  # fmt: skip
    """The answers of a form by Avni's names; `mapping` is that of the form.

    What is left out by policy is added to `unmapped` by name. Raises Fail.
    """
    reading = _Reading(snapshot, unmapped)
    said = reading.members(form, mapping, ())
    if reading.lines:
        spare, text = policy.in_one_text(reading.lines, snapshot.single(*v.UNMAPPED_CONCEPT))
        said[spare.avni_value] = text
    return said


def leaves(obs: Obs) -> Iterator[Obs]:
    """Un-voided observations with a value, depth first; one with members is a group and has none itself."""
    if obs.get("voided"):
        return
    if obs.get("groupMembers"):
        for member in obs["groupMembers"]:
            yield from leaves(member)
    elif obs.get("value") is not None and obs["value"] != "":
        yield obs


def answers_question(form: Obs, question: str) -> bool:
    """Whether a form answers a question (uuid)."""
    return any(leaf["concept"]["uuid"] == question for leaf in leaves(form))


def name_of(concept: Mapping[str, Any]) -> str:
    """Name of a question or form where the document tells it, else its uuid."""
    return str(concept.get("display") or concept["uuid"])


@dataclass
class _Reading:
    """One form being read, and what is left out on the way."""

    snapshot: Snapshot
    unmapped: list[str]
    lines: list[str] = field(default_factory=list)
    """Questions without a mapping that are sent as text."""

    def members(self, group: Obs, place: Entry | None, path: tuple[str, ...]) -> dict[str, Any]:
        """What stands in a form or group, mapped by `place`; `path`: names of the groups around."""
        asked: dict[Entry, list[Obs]] = {}
        for obs in self._below(group):
            entry = self._mapped(obs)
            if entry is None:
                self._without_mapping(obs, place, path)
            else:
                asked.setdefault(entry, []).append(obs)
        said = {entry.avni_value: self._said(entry, found, path) for entry, found in asked.items()}
        return {question: value for question, value in said.items() if value not in (None, {}, [])}

    def _mapped(self, obs: Obs) -> Entry | None:
        return self.snapshot.from_int_system(*v.CONCEPT, obs["concept"]["uuid"])

    def _below(self, obs: Obs) -> Iterator[Obs]:
        """Questions and groups of questions in a form, a group or a section; one without members stands for itself."""
        if not obs.get("groupMembers"):
            yield from leaves(obs)
            return
        for member in obs["groupMembers"]:
            if member.get("voided") or self.snapshot.is_ignored(Side.INT_SYSTEM, member["concept"]["uuid"]):
                continue
            entry = self._mapped(member)
            if member.get("groupMembers") and entry and entry.data_type_hint in GROUPS:
                yield member
            else:
                yield from self._below(member)

    def _said(self, entry: Entry, found: list[Obs], path: tuple[str, ...]) -> Any:
        if any(obs.get("groupMembers") for obs in found):
            return self._group(entry, found, path)
        return self._value(entry, [obs["value"] for obs in found])

    def _group(self, entry: Entry, found: list[Obs], path: tuple[str, ...]) -> Any:
        """A group of questions as an object, or each of its repetitions in order; those that say nothing left out."""
        said = [self.members(obs, entry, (*path, entry.avni_value)) for obs in found]
        said = [one for one in said if one]
        if entry.data_type_hint == DataTypeHint.REPEATABLE_GROUP:
            return said
        if len(said) > 1:
            raise Fail("bahmni.repeated-question", question=entry.avni_value)
        return next(iter(said), None)

    def _value(self, entry: Entry, values: list[Any]) -> Any:
        """What one question was answered: a value, or several answers, each once; None if all are left out."""
        said: list[Any] = []
        for value in values:
            one = translated(
                value, entry, self.snapshot, unmapped="bahmni.observation-answer-unmapped", counted=self.unmapped
            )  # fmt: skip
            if one is not None and one not in said:
                said.append(one)
        if len(said) > 1 and not all(may_be_several(value, entry) for value in values):
            raise Fail("bahmni.repeated-question", question=entry.avni_value)
        return sorted(said) if len(said) > 1 else next(iter(said), None)

    def _without_mapping(self, obs: Obs, place: Entry | None, path: tuple[str, ...]) -> None:
        name = name_of(obs["concept"])
        match policy.for_questions(self.snapshot, Side.INT_SYSTEM, place):
            case Unmapped.FAIL:
                uuid = obs["concept"]["uuid"]
                raise Fail("bahmni.observation-question-unmapped", name=name, value=uuid, side=Side.INT_SYSTEM)
            case Unmapped.TEXT:
                self.lines.append(f"{' / '.join((*path, name))}: {_as_text(name, obs['value'])}")
            case _:
                self.unmapped.append(name)


def _as_text(name: str, value: Any) -> str:
    """A value for people to read: of a concept or place its name."""
    shown = value.get("display") if isinstance(value, Mapping) else value
    return str(translated(shown, Entry(name, "", DataTypeHint.TEXT), _NOTHING, unmapped=""))


_NOTHING = Snapshot({}, {}, {}, {})
