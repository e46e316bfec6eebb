"""The door beside the product's paths: hospital people moved from another process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from simulators.bahmni import BahmniApp, Store, catalogue
from simulators.bahmni.model import Encounter, Obs
from simulators.bahmni.moves import moves
from simulators.control import DO, Inspectable
from simulators.server import Server
from tests.contract.bahmni.support import (
    COMPLAINT,
    COUGH,
    FEVER,
    FORM,
    HAEMOGLOBIN,
    NOTE,
    PARACETAMOL_500,
    PATIENT,
    WEIGHT,
    Http,
)


@pytest.fixture
def door(store: Store) -> Iterator[Server]:
    with Server(Inspectable(BahmniApp(store), store.dump, moves(store))) as running:
        yield running
        assert running.failures == []


def do(door: Server, move: str, **arguments: Any) -> requests.Response:
    order = {"move": move, "arguments": arguments}
    return requests.post(door.base_url + DO, json=order, timeout=5)


def encounter(store: Store) -> Encounter:
    return next(iter(store.encounters.values()))


def row(store: Store, concept: str) -> Obs:
    return next(each for each in store.obs.values() if each.concept == concept and not each.voided)


@pytest.fixture
def seen(door: Server, store: Store, visit: str) -> None:
    forms = [{"concept": FORM, "answers": {WEIGHT: 51, COMPLAINT: [FEVER, COUGH]}}]
    answer = do(door, "save_encounter", patient=PATIENT, forms=forms, at="2026-11-21T10:00:00+05:30")
    assert answer.status_code == 200, answer.text


def test_encounter_is_saved_edited_and_voided(door: Server, store: Store, seen: None) -> None:
    assert [each.value for each in store.obs.values()] == [None, 51.0, FEVER, COUGH]
    assert do(door, "edit_obs", obs=row(store, WEIGHT).uuid, value=52).status_code == 200
    assert row(store, WEIGHT).value == 52.0
    filled = {"concept": FORM, "answers": {NOTE: "x"}}
    assert do(door, "add_form", encounter=encounter(store).uuid, **filled).status_code == 200
    assert do(door, "remove_obs", obs=row(store, NOTE).uuid).status_code == 200
    assert do(door, "void_encounter", encounter=encounter(store).uuid).status_code == 200
    assert all(each.voided for each in store.obs.values())
    assert len(store.feeds.of("encounter")) == 4


def test_orders_are_given_and_results_come(door: Server, store: Store, seen: None) -> None:
    uuid = encounter(store).uuid
    assert do(door, "prescribe", encounter=uuid, drug=PARACETAMOL_500, days=3).status_code == 200
    assert do(door, "order_test", encounter=uuid, test=HAEMOGLOBIN).status_code == 200
    drug, test = store.orders
    assert do(door, "revise_drug_order", order=drug, dose=2).status_code == 200
    answer = do(door, "receive_results", order=test, results={HAEMOGLOBIN: {"value": 9.5, "abnormal": True}})
    assert answer.status_code == 200, answer.text
    made = list(store.encounters)[-1]
    assert do(door, "correct_results", encounter=made, order=test, results={HAEMOGLOBIN: {"value": 10}}).ok
    assert {each.value for each in store.obs_of(made) if not each.voided and each.value} == {10.0}


def test_patients_are_registered_and_voided(door: Server, store: Store) -> None:
    new = {"given_name": "Asha", "family_name": "Devi", "identifier": "GAN7", "uuid": PATIENT}
    assert do(door, "hospital_create_patient", identifier_type=catalogue.PATIENT_IDENTIFIER, **new).ok
    assert do(door, "void_patient", uuid=PATIENT).ok
    assert store.patients[PATIENT].voided


def test_knobs_are_turned(door: Server, store: Store) -> None:
    assert do(door, "adjust", feed_stopped=True).ok
    assert store.settings.feed_stopped
    refused = do(door, "adjust", mood="bad")
    assert (refused.status_code, "mood" in refused.json()["error"]) == (400, True)


def test_what_the_hospital_refuses_is_said(door: Server, store: Store, seen: None) -> None:
    refused = do(door, "edit_obs", obs=row(store, WEIGHT).uuid, value=999)
    assert (refused.status_code, refused.json()["error"]) == (400, "ValueError: the hospital refuses with 400")


def test_product_answers_beside_the_door(door: Server) -> None:
    assert Http(door.base_url).get("/session").json()["authenticated"]
