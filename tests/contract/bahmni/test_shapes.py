"""The simulator's documents against documents of the same kind: keys, nesting, kinds of values.

Own samples stand in tests/fixtures/openmrs. Real documents are checked in place where a folder
of them is present: named by INTEGRATION_SHAPES_DIR, or `shared/fixtures` beside the checkout.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from simulators.bahmni import Store, catalogue, clinicians
from simulators.bahmni.clinicians import Result
from tests.contract.bahmni.shape import differences
from tests.contract.bahmni.support import (
    COMPLAINT,
    ENCOUNTER,
    FEVER,
    FIXTURES,
    FORM,
    HAEMOGLOBIN,
    NOTE,
    PARACETAMOL_500,
    PATIENT,
    PLATELETS,
    VISIT,
    WEIGHT,
    Http,
    fixture,
)

OWN = ["plain_values", "hydrated_objects", "concept_values"]
REAL = ["avni-bahmni/fullPatient.json", "bahmniapps/patient.json", "openerp/patientResource.json"]

FRONT_END = {"hydratedObject", "identifierSourceUuid", "primary"}
"""Keys the front end adds before it posts; no server answers them."""
RELEASE = {
    "resourceAlias",
    "personDateCreated",
    "birthtime",
    "deathdateEstimated",
    *(f"address{number}" for number in range(7, 16)),
}
"""Keys that came or went with releases."""


def shapes_folder() -> Path | None:
    named = os.environ.get("INTEGRATION_SHAPES_DIR")
    folder = Path(named) if named else Path(__file__).parents[4] / "shared" / "fixtures"
    return folder / "openmrs" if (folder / "openmrs").is_dir() else None


@pytest.fixture
def shapes() -> Path:
    folder = shapes_folder()
    if folder is None:
        pytest.skip("no folder with further shapes on this machine")
    return folder


def like(own: str, *real: str) -> pytest.MarkDecorator:
    """One case for our own document, and one for each real one that is present."""
    folder = shapes_folder()
    found = [FIXTURES / own, *(folder / name for name in real if folder)]
    return pytest.mark.parametrize("path", found, ids=lambda path: f"{path.parent.name}-{path.stem}")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# errors, session, search


def test_session_of_a_present_release(http: Http) -> None:
    body = http.get("/session").json()
    body["user"]["privileges"] = [{"uuid": "u", "display": "d", "name": "n"}]  # a superuser lists none
    assert differences(fixture("session_authenticated_ge_2.38.json"), body) == []


def test_session_of_nobody(http: Http) -> None:
    body = Http(http.base, user=None).get("/session").json()
    assert differences(fixture("session_anonymous.json"), body) == []


def test_session_of_an_old_release_has_all_an_old_client_reads(http: Http, store: Store) -> None:
    store.settings.session_id_in_body = True
    found = differences(fixture("session_authenticated_lt_2.38.json"), http.get("/session").json())
    assert [each for each in found if each.startswith("missing")] == []


def test_search_page(http: Http, store: Store, visit: str) -> None:
    for number in range(3):
        store.hospital_save_encounter(uuid=f"e{number}", patient=PATIENT, encounterType=catalogue.CONSULTATION)
    body = http.get("/encounter", patient=PATIENT, limit=1, totalCount="true").json()
    assert differences(fixture("search_page.json"), body) == []


def test_errors(http: Http, store: Store, visit: str) -> None:
    store.add_user("reader", "r", ["Get People"])
    person = {"uuid": PATIENT, "names": [{"givenName": "A"}], "gender": "F"}
    early = {"patient": PATIENT, "encounterType": "Consultation", "visit": VISIT, "encounterDatetime": "2020-01-01"}
    taken = {
        "person": {"names": [{"givenName": "A"}], "gender": "F"},
        "identifiers": [{"identifier": "GAN200001", "identifierType": catalogue.PATIENT_IDENTIFIER}],
    }
    answers = {
        "error_400_conversion_unknown_property": http.post("/person", {**person, "foo": 1}),
        "error_400_validation_encounter_outside_visit": http.post("/encounter", early),
        "error_400_validation_identifier_in_use": http.post("/patient", taken),
        "error_401_not_logged_in": Http(http.base, user=None).get(f"/patient/{PATIENT}"),
        "error_403_privilege": Http(http.base, user="reader", password="r").post("/patient", taken),
        "error_404": http.get("/patient/x"),
        "error_500_duplicate_uuid": http.post("/person", person),
        "error_500_v_default": http.get(f"/patient/{PATIENT}", v="default"),
    }
    for name, answer in answers.items():
        assert answer.status_code == int(name.split("_")[1]), name
        assert differences(fixture(f"{name}.json"), answer.json()) == [], name


def test_messages_a_client_branches_on(http: Http, store: Store, visit: str) -> None:
    person = {"uuid": PATIENT, "names": [{"givenName": "A"}], "gender": "F"}
    early = {"patient": PATIENT, "encounterType": "Consultation", "visit": VISIT, "encounterDatetime": "2020-01-01"}
    assert http.post("/encounter", early).json() == fixture("error_400_validation_encounter_outside_visit.json")
    assert http.get("/patient/x").json() == fixture("error_404.json")
    expected = fixture("error_500_duplicate_uuid.json")["error"]["message"]
    assert http.post("/person", person).json()["error"]["message"] == expected.replace(
        "9c1e5c5e-0000-4000-8000-000000000001", PATIENT
    )


# feeds


@pytest.mark.parametrize("category", ["patient", "encounter"])
def test_feed_page(http: Http, store: Store, visit: str, category: str) -> None:
    for _ in range(10 if category == "encounter" else 0):
        store.encounter_saved(ENCOUNTER)
    if category == "encounter":
        store.encounter_saved(ENCOUNTER)
    own = etree.fromstring(http.feed(f"{category}/recent").content)
    sample = etree.fromstring((FIXTURES / f"atomfeed_{category}_recent.xml").read_bytes())
    assert _outline(own) == _outline(sample)


def _outline(element: Any) -> Any:
    """Names, attribute names and fixed attribute values, in order."""
    fixed = {name: element.get(name) for name in ("rel", "type", "uri", "term") if element.get(name)}
    return element.tag, sorted(element.attrib), fixed, [_outline(child) for child in element]


# patients


@pytest.mark.parametrize("name", OWN)
def test_own_patient_document_comes_back_as_it_went_in(http: Http, store: Store, name: str) -> None:
    document = fixture(f"patients/{name}.json")
    _assert_comes_back(http, store, document)


@pytest.mark.parametrize("name", REAL)
def test_real_patient_document_comes_back_as_it_went_in(http: Http, store: Store, shapes: Path, name: str) -> None:
    _assert_comes_back(http, store, read(shapes / name))


def _assert_comes_back(http: Http, store: Store, document: Any) -> None:
    store.settings.links_prefix = "NEED-TO-CONFIGURE"
    stored = store.load_patient_document(document)
    document = document.get("patient", document)
    answer = http.get(f"/patient/{stored.uuid}", v="full")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    ignore = FRONT_END | RELEASE
    found = differences(document, body, ignore)
    hydrated = any("hydratedObject" in each for each in document["person"]["attributes"])
    assert [each for each in found if not (hydrated and "attributes" in each)] == []
    assert _plain(body) == _plain(document)
    assert _attributes(body["person"]["attributes"]) == _attributes(document["person"]["attributes"])


def _plain(document: Any) -> dict[str, Any]:
    """What must survive unchanged. Age depends on today; links and versions on the release."""
    person = document["person"]
    return {
        "patient": [document["uuid"], document["display"], document["voided"]],
        "audit": _audit(document["auditInfo"]),
        "identifiers": [
            [row["uuid"], row["identifier"], row["identifierType"]["uuid"], row["preferred"]]
            for row in document["identifiers"]
        ],
        "person": [
            person[key] for key in ("display", "gender", "birthdate", "birthdateEstimated", "dead", "deathDate")
        ],
        "person audit": _audit(person["auditInfo"]),
        "names": [{key: row[key] for key in row if key.endswith("Name")} for row in person["names"]],
        "addresses": [
            {
                key: value
                for key, value in row.items()
                if key not in ("display", "links", "resourceVersion") and value is not None
            }
            for row in person["addresses"]
        ],
    }


def _audit(audit: Any) -> list[Any]:
    return [audit["creator"] and audit["creator"]["uuid"], audit["dateCreated"]]


def _attributes(rows: Any) -> dict[str, Any]:
    """By type: plain values as they are, concepts as (uuid, display)."""
    found = {}
    for row in rows:
        value = row["value"]
        if isinstance(value, dict):
            value = (value["uuid"], value["display"])
        elif row.get("hydratedObject"):
            value = (row["hydratedObject"], value)
        found[row["attributeType"]["uuid"]] = value
    return found


# visits and encounters


@pytest.fixture
def encounter(http: Http, store: Store, visit: str) -> str:
    """A consultation with nested groups and every kind of value the real documents show."""
    store.add_concept("No", uuid="no")
    group = {"concept": FORM, "groupMembers": [{"concept": COMPLAINT, "value": FEVER}, {"concept": WEIGHT, "value": 5}]}
    note = {"concept": NOTE, "value": "text", "formFieldNamespace": "Bahmni", "formFieldPath": "F.1/1-0"}
    body = {
        "uuid": ENCOUNTER,
        "patient": PATIENT,
        "encounterType": catalogue.CONSULTATION,
        "visit": VISIT,
        "location": catalogue.OPD_1,
        "encounterDatetime": "2026-11-15T10:00:00.000+0530",
        "encounterProviders": [{"provider": catalogue.SUPERMAN, "encounterRole": catalogue.UNKNOWN_ROLE}],
        "obs": [{"concept": FORM, "groupMembers": [group, note]}],
    }
    assert http.post("/encounter", body).status_code == 201
    http.post(f"/visit/{VISIT}", {"attributes": [{"attributeType": catalogue.VISIT_STATUS, "value": "OPD"}]})
    return ENCOUNTER


def test_full_encounter(http: Http, shapes: Path, encounter: str) -> None:
    document = read(shapes / "avni-bahmni/fullEncounter.json")
    body = http.get(f"/encounter/{encounter}", v="full").json()
    assert differences(document, body, RELEASE) == []


def test_default_encounter(http: Http, shapes: Path, encounter: str) -> None:
    document = read(shapes / "avni-bahmni/defaultEncounterWithDrugOrders.json")
    body = http.get(f"/encounter/{encounter}").json()
    assert differences(document, body, RELEASE) == []


@like("visits/default.json", "bahmniapps/visit.json")
def test_default_visit(http: Http, encounter: str, path: Path) -> None:
    assert differences(read(path), http.get(f"/visit/{VISIT}").json(), RELEASE) == []


# orders, Bahmni's own documents, the laboratory


@pytest.fixture
def prescribed(store: Store, encounter: str) -> str:
    """The same with a revised prescription, an order that was voided, and two tests of which one is back."""
    first = clinicians.prescribe(store, encounter, PARACETAMOL_500)
    clinicians.revise_drug_order(store, first.uuid, dose=2)
    clinicians.void_order(store, clinicians.prescribe(store, encounter, PARACETAMOL_500).uuid)
    store.concepts[HAEMOGLOBIN].mappings = ["LOINC:718-7"]
    test = clinicians.order_test(store, encounter, HAEMOGLOBIN)
    clinicians.order_test(store, encounter, PLATELETS)
    found = Result(9.5, abnormal=True, lowest=12.0, highest=16.0, notes="pale")
    clinicians.receive_results(store, test.uuid, {HAEMOGLOBIN: found})
    return encounter


@like("orders/encounter_full.json", "avni-bahmni/encounterWithDrugOrders.json")
def test_full_encounter_with_drug_orders(http: Http, prescribed: str, path: Path) -> None:
    body = http.get(f"/encounter/{prescribed}", v="full").json()
    assert differences(read(path), body, RELEASE) == []


@like("orders/encounter_default.json", "avni-bahmni/defaultEncounterWithDrugOrders.json")
def test_default_encounter_with_an_order_that_was_voided(http: Http, prescribed: str, path: Path) -> None:
    assert differences(read(path), http.get(f"/encounter/{prescribed}").json(), RELEASE) == []


GONE = {
    "bahmniapps": {"missing observations.groupMembers.label"},  # the front end's
    "openerp": {"missing testOrders"},  # of 2014
}


@like(
    "transactions/consultation.json",
    "bahmniapps/encounter.json",
    "openerp/encounterResourceForOrders.json",
    "openerp/encounterResourceForDrugOrder.json",
)
def test_bahmnis_own_document_has_all_that_a_real_one_has(
    http: Http, store: Store, prescribed: str, path: Path
) -> None:
    document = read(path)
    store.settings.transaction_iso_dates = isinstance(document["encounterDateTime"], str)
    body = http.get(f"/bahmnicore/bahmniencounter/{prescribed}", includeAll="true").json()
    found = {each for each in differences(document, body, RELEASE) if not each.startswith("unexpected")}
    assert found <= GONE.get(path.parent.name, set())


@like("lab/results.json", "bahmniapps/labOrderResults.json")
def test_laboratory_results(http: Http, prescribed: str, path: Path) -> None:
    body = http.get("/bahmnicore/labOrderResults", patientUuid=PATIENT).json()
    assert differences(read(path), body, RELEASE) == []


def test_shape_comparison_sees_what_differs() -> None:
    left = {"a": 1, "b": [{"c": "x"}], "d": None, "e": []}
    right = {"a": "1", "b": [{"c": "x", "f": 1}], "d": {"g": 1}, "e": [{"h": 1}]}
    assert differences(left, right) == ["unexpected b.f", "a: ['number'] against ['text']"]
