"""The answers below an observation of the hospital, as Avni's names and values. Pure.

Stands on openmrs.md O66 (order, groups), O67, O68 (answers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.values import is_coded, translated
from engine.verdicts import Fail
from mappings.models import Side
from mappings.snapshot import Entry, Snapshot

Obs = Mapping[str, Any]


def observations(form: Obs, snapshot: Snapshot, unmapped: list[str]) -> dict[str, Any]:
    """The answers of a form by Avni's names."""
    asked: dict[Entry, list[Any]] = {}
    for leaf in leaves(form):
        concept = leaf["concept"]
        if snapshot.is_ignored(Side.INT_SYSTEM, concept["uuid"]):
            continue
        entry = snapshot.from_int_system(*v.CONCEPT, concept["uuid"])
        if entry is None:
            unmapped.append(name_of(concept))
        else:
            asked.setdefault(entry, []).append(leaf["value"])
    said = {entry.avni_value: _said(entry, values, snapshot) for entry, values in asked.items()}
    return {question: value for question, value in said.items() if value is not None}


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


def _said(entry: Entry, values: Sequence[Any], snapshot: Snapshot) -> Any:
    """What one question was answered: a value, or the names of several answers, each once; None if all are left out."""
    said: list[Any] = []
    for value in values:
        one = translated(value, entry, snapshot, unmapped="bahmni.observation-answer-unmapped")
        if one is not None and one not in said:
            said.append(one)
    if len(said) > 1 and not all(is_coded(value, entry) for value in values):
        raise Fail("bahmni.repeated-question", question=entry.avni_value)
    return sorted(said) if len(said) > 1 else next(iter(said), None)


def name_of(concept: Mapping[str, Any]) -> str:
    """Name of a question or form where the document tells it, else its uuid."""
    return str(concept.get("display") or concept["uuid"])
