"""Encounter documents as hospitals really hold them (`v=full`, more than the stream asks for): what is mapped travels.

Own documents of the same shape always; the originals where a folder of them is present, named by INTEGRATION_SHAPES_DIR
or `shared/fixtures` beside the checkout.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter import parent, wanted
from mappings.snapshot import Entry, Snapshot
from tests.chaos.records import MARKER, snapshot

ROOT = Path(__file__).parents[3]
OWN = sorted((ROOT / "tests" / "fixtures" / "openmrs" / "encounters").glob("*.json"))
SHAPES = Path(os.environ.get("INTEGRATION_SHAPES_DIR") or ROOT.parent / "shared" / "fixtures") / "openmrs"
REAL = [path for name in ("avni-bahmni/fullEncounter.json",) if (path := SHAPES / name).exists()]
DOCUMENTS = pytest.mark.parametrize("path", [*OWN, *REAL], ids=lambda path: f"{path.parent.name}-{path.stem}")


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def answers(obs: dict[str, Any]) -> Iterator[tuple[dict[str, str], Any]]:
    """Concept and value of every live answer below an observation."""
    waiting = [obs]
    while waiting:
        one = waiting.pop()
        if one["voided"]:
            continue
        waiting += one["groupMembers"] or []
        if one["value"] is not None:
            yield one["concept"], one["value"]


def mapped(document: dict[str, Any], left_out: str) -> Snapshot:
    """Mappings for all forms, answers, and questions but one, each named in Avni after its uuid."""
    usual = snapshot()
    concepts: dict[str, Entry] = {}
    for form in document["obs"]:
        for concept, value in answers(form):
            coded = isinstance(value, dict)
            if coded:
                concepts[value["uuid"]] = Entry(f"answer {value['uuid']}", value["uuid"], "")
            if concept["uuid"] != left_out:
                concepts[concept["uuid"]] = Entry(f"question {concept['uuid']}", concept["uuid"], "")
    forms = {form["concept"]["uuid"]: Entry(f"type {form['concept']['uuid']}", "", "") for form in document["obs"]}
    tables = {**usual.by_int_system_value, v.CONCEPT: concepts, v.HOSPITAL_FORM: forms}
    return replace(usual, by_int_system_value=MappingProxyType(tables))


def expected(form: dict[str, Any], left_out: str) -> dict[str, Any]:
    """What Avni should read of a form, worked out from the document alone."""
    found: dict[str, list[Any]] = {}
    for concept, value in answers(form):
        if concept["uuid"] != left_out:
            shown = f"answer {value['uuid']}" if isinstance(value, dict) else value
            found.setdefault(f"question {concept['uuid']}", []).append(shown)
    return {question: values[0] if len(values) == 1 else sorted(values) for question, values in found.items()}


@DOCUMENTS
def test_every_mapped_answer_of_a_real_encounter_travels_and_the_others_are_counted(path: Path) -> None:
    document = read(path)
    asked = [concept for form in document["obs"] for concept, _ in answers(form)]
    left_out = asked[-1]["uuid"]
    want = wanted(document, mapped(document, left_out))
    assert [dict(part.observations) for part in want.content.parts] == [
        {**expected(form, left_out), MARKER: document["uuid"]} for form in document["obs"]
    ]
    assert want.unmapped == tuple(concept["display"] for concept in asked if concept["uuid"] == left_out)


@DOCUMENTS
def test_a_real_encounter_names_its_patient(path: Path) -> None:
    document = read(path)
    found = parent(document)
    assert found
    assert (found.stream, found.entity_id) == (v.PATIENT, document["patient"]["uuid"])


def test_documents_of_our_own_hold_groups_in_groups_voided_members_and_several_answers() -> None:
    documents = [read(path) for path in OWN]
    texts = [path.read_text() for path in OWN]
    assert len(documents) >= 2
    assert any('"voided": true' in text for text in texts)
    depths = [text.count('"groupMembers": [') for text in texts]
    assert max(depths) >= 5
