"""Prescriptions and laboratory results as hospitals really hold them: in words, and by test.

Own documents of the same shape always; the originals where a folder of them is present, named by INTEGRATION_SHAPES_DIR
or `shared/fixtures` beside the checkout.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter import wanted
from bahmni.bahmni_to_avni.part import LABORATORY, PRESCRIPTION, Part
from bahmni.bahmni_to_avni.prescription import with_details
from mappings.snapshot import Entry, Snapshot
from tests.chaos.forms import forms_snapshot, with_singles

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "openmrs"
OWN_RESULTS = FIXTURES / "lab" / "encounter_full.json"
SHAPES = Path(os.environ.get("INTEGRATION_SHAPES_DIR") or ROOT.parent / "shared" / "fixtures") / "openmrs"
REAL_ORDERS = SHAPES / "avni-bahmni" / "encounterWithDrugOrders.json"
REAL_RESULTS = [
    path
    for name in ("avni-bahmni/fullEncounter3.json", "avni-bahmni/fullEncounterWithObsOfIgnoredClasses.json")
    if (path := SHAPES / name).exists()
]


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def prescribed(full: Path, default: Path) -> str:
    """The text of an encounter whose orders two answers tell of: `default` which are voided, `full` all else."""
    details, told = read(full), read(default)
    for order in told["orders"]:
        order.setdefault("voided", False)
    snapshot = with_singles(
        forms_snapshot(),
        {v.DRUG_ENCOUNTER_TYPE: Entry("Drugs", "", ""), v.DRUG_TEXT: Entry("Text", "", "")},
        OutpatientVisitTypes=details["visit"]["visitType"]["uuid"],
    )
    record = with_details({**details, "orders": told["orders"]}, details)
    (part,) = [one for one in parts(record, snapshot) if one.key == PRESCRIPTION]
    return str(part.observations["Text"])


def parts(document: dict[str, Any], snapshot: Snapshot) -> tuple[Part, ...]:
    found: tuple[Part, ...] = wanted(document, snapshot).content.parts
    return found


def test_prescriptions_of_our_own_document_are_told_as_they_hold() -> None:
    told = prescribed(FIXTURES / "orders" / "encounter_full.json", FIXTURES / "orders" / "encounter_default.json")
    assert told.split(";   ") == [
        "Oral rehydration salts ml - 200 for 3 days - starting 20-11-2026 (Twice a day, Oral, As directed)",
        "Amoxicillin 250 mg Capsule(s) - 1 for 5 days - starting 20-11-2026 (Thrice a day, Oral, As directed)",
    ]


@pytest.mark.skipif(not REAL_ORDERS.exists(), reason="no folder with further shapes on this machine")
def test_a_real_encounters_prescriptions_begin_as_the_java_service_told_them() -> None:
    told = prescribed(REAL_ORDERS, REAL_ORDERS.with_name("defaultEncounterWithDrugOrders.json"))
    without_brackets = re.sub(r" \([^()]*\)(?=;   |$)", "", told)
    assert without_brackets == (
        "Betamethasone crème Unit(s) - 1 for 1 days - starting 27-08-2017;   "
        "Salbutamol 2Mg Tablet(s) - 1 for 7 days - starting 27-08-2017;   "
        "Cetirizine  10Mg Tablet(s) - 1 for 7 days - starting 27-08-2017;   "
        "Atorvastatin 10Mg Tablet(s) - 1 for 30 days - starting 27-08-2017"
    )
    assert "(SOS, Topical, As directed)" in told


def leaves(obs: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every live result and what stands beside it."""
    if obs["voided"]:
        return
    for member in obs["groupMembers"] or []:
        yield from leaves(member)
    if not obs["groupMembers"] and obs["value"] is not None:
        yield obs


def laboratory(document: dict[str, Any]) -> Snapshot:
    """Mappings for all that stands in an encounter of the laboratory, and the text and the group by test."""
    concepts: dict[str, Entry] = {}
    for leaf in [one for obs in document["obs"] for one in leaves(obs)]:
        for concept in (leaf["concept"], *([leaf["value"]] if isinstance(leaf["value"], dict) else [])):
            concepts[concept["uuid"]] = Entry(str(concept["display"]), concept["uuid"], "")
    singles = {
        v.LAB_ENCOUNTER_TYPE: Entry("Lab", document["encounterType"]["uuid"], ""),
        v.LAB_TEXT: Entry("Text", "", ""),
        v.LAB_GROUP: Entry("Group", "", ""),
        v.LAB_TEST: Entry("Test", "", ""),
    }
    usual = with_singles(forms_snapshot(), singles, OutpatientVisitTypes=document["visit"]["visitType"]["uuid"])
    return replace(
        usual,
        by_int_system_value=MappingProxyType({**usual.by_int_system_value, v.CONCEPT: MappingProxyType(concepts)}),
    )


@pytest.mark.parametrize(
    "path",
    [OWN_RESULTS, *REAL_RESULTS],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_every_result_of_a_real_encounter_is_told_by_its_test(path: Path) -> None:
    document = read(path)
    (part,) = parts(document, laboratory(document))
    assert part.key == LABORATORY
    found = [one for obs in document["obs"] for one in leaves(obs)]
    told = [{name: value for name, value in row.items() if name != "Test"} for row in part.observations["Group"]]
    assert sum(map(len, told)) == len(found)
    for leaf in found:
        value = leaf["value"]["display"] if isinstance(leaf["value"], dict) else leaf["value"]
        assert any(row.get(leaf["concept"]["display"]) == value for row in told)


def test_results_of_our_own_document_are_told_in_words() -> None:
    document = read(OWN_RESULTS)
    (part,) = parts(document, laboratory(document))
    assert part.observations["Text"] == (
        "Haemoglobin level: 9.1 (LAB_ABNORMAL: True, LAB_MINNORMAL: 11, LAB_MAXNORMAL: 15.5, LAB_NOTES: pale smear);   "
        "White cells: 8.2"
    )
