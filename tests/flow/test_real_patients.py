"""Patient documents as hospitals really hold them travel to Avni: every mapped attribute right, unmapped ones counted.

Own documents of the same three shapes always; the originals where a folder of them is present, named by
INTEGRATION_SHAPES_DIR or `shared/fixtures` beside the checkout.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from common.outcome import Outcome
from mappings.models import Constant
from simulators.bahmni import catalogue
from syncstatus.models import Run
from tests.flow.world import MARKER, World

ROOT = Path(__file__).parents[2]
OWN = sorted((ROOT / "tests" / "fixtures" / "openmrs" / "patients").glob("*.json"))
SHAPES = Path(os.environ.get("INTEGRATION_SHAPES_DIR") or ROOT.parent / "shared" / "fixtures") / "openmrs"
REAL = [
    path
    for name in ("avni-bahmni/fullPatient.json", "bahmniapps/patient.json", "openerp/patientResource.json")
    if (path := SHAPES / name).exists()
]


def patient_in(path: Path) -> dict[str, Any]:
    """The patient of a document, some of which wrap it."""
    document: dict[str, Any] = json.loads(path.read_text())
    return document.get("patient", document)


def answer_uuid(attribute: dict[str, Any]) -> str | None:
    """The concept behind an attribute's value, if there is one."""
    value = attribute["value"]
    return str(value["uuid"]) if isinstance(value, dict) else attribute.get("hydratedObject")


def patient_as_subject(patient: dict[str, Any]) -> tuple[str, str, str]:
    """First name, last name and gender, as the field team would have written the same person down."""
    person = patient["person"]
    name = person.get("preferredName") or person["names"][0]
    first, *rest = (name.get("givenName") or name.get("display") or "").split()
    last = name.get("familyName") or " ".join(rest)
    return first, last, {"M": "Male", "F": "Female"}.get(person["gender"], "Other")


def set_up(world: World, patient: dict[str, Any]) -> tuple[str, dict[str, Any], int]:
    """A subject with the patient's number, and mappings for all its attributes but the last.

    Gives the subject, what Avni should hold, and how many attributes are left without a mapping.
    """
    identifier = patient["identifiers"][0]["identifier"]
    prefix = identifier[:3]
    constant = Constant.objects.get(key="BahmniIdentifierPrefix")
    constant.value = prefix
    constant.save()
    first, last, gender = patient_as_subject(patient)
    born = patient["person"]["birthdate"][:10]
    subject = world.subject(identifier.removeprefix(prefix), first, last, gender=gender, born=born)
    filled = [row for row in patient["person"]["attributes"] if row["value"] not in (None, "")]
    expected: dict[str, Any] = {MARKER: patient["uuid"]}
    for number, attribute in enumerate(filled[:-1] or filled):
        concept, answer = f"Attribute {number} [HP]", answer_uuid(attribute)
        hint = "Coded" if answer else ""
        world.avni.add_concept(concept, "Coded" if answer else "Text", answers=[f"Answer {number}"] if answer else [])
        world.map("PatientSubject", "PersonAttributeConcept", concept, attribute["attributeType"]["uuid"], hint)
        if answer:
            world.map("Observation", "Concept", f"Answer {number}", answer)
        expected[concept] = f"Answer {number}" if answer else attribute["value"]
    return subject, expected, len(filled) - len(filled[:-1] or filled)


@pytest.mark.parametrize("path", [*OWN, *REAL], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_real_patient_travels_with_every_mapped_attribute(world: World, path: Path) -> None:
    document = patient_in(path)
    kinds = {row["identifierType"]["uuid"] for row in document["identifiers"]} - {catalogue.PATIENT_IDENTIFIER}
    for kind in kinds:
        if kind not in world.bahmni.identifier_types:
            world.bahmni.add_identifier_type("Other", uuid=kind)
    subject, expected, unmapped = set_up(world, document)
    world.bahmni.load_patient_document(json.loads(path.read_text()))
    world.sync("patient")
    assert world.link("patient", document["uuid"]).outcome == Outcome.CREATED.value
    (encounter,) = world.avni.encounters_of(subject)
    names = {row.uuid: row.name for row in world.avni.organisation("demo").concepts.values()}
    stored = world.avni.encounters[encounter].observations
    assert {names[key]: names.get(str(value), value) for key, value in stored.items()} == expected
    assert sum(Run.objects.get(created=1).unmapped.values()) == unmapped


def test_each_of_the_three_shapes_has_a_document_of_our_own() -> None:
    assert len(OWN) >= 3
