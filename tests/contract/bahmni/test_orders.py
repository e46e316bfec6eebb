"""Orders on encounters and on their own: where it is told that one is voided, and where not."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.bahmni import Store, catalogue, clinicians
from simulators.bahmni.model import Encounter
from tests.contract.bahmni.support import (
    COMPLAINT,
    HAEMOGLOBIN,
    NOTE,
    PARACETAMOL,
    PARACETAMOL_500,
    PATIENT,
    Clock,
    Http,
    message,
    uuids,
)

RESOURCE = "/bahmnicore/bahmniencounter"


@pytest.fixture
def seen(store: Store, visit: str) -> Encounter:
    return clinicians.save_encounter(store, PATIENT)


@pytest.fixture
def drug_order(store: Store, seen: Encounter) -> str:
    return clinicians.prescribe(store, seen.uuid, PARACETAMOL_500, dose=1.5, days=5).uuid


@pytest.fixture
def lab_order(store: Store, seen: Encounter) -> str:
    return clinicians.order_test(store, seen.uuid, HAEMOGLOBIN).uuid


# on the encounter


def test_default_shows_references_that_say_voided(http: Http, store: Store, seen: Encounter, drug_order: str) -> None:
    before = http.get(f"/encounter/{seen.uuid}").json()["orders"][0]
    assert (before["type"], "voided" in before) == ("drugorder", False)
    clinicians.void_order(store, drug_order)
    after = http.get(f"/encounter/{seen.uuid}").json()["orders"][0]
    assert (after["uuid"], after["voided"]) == (drug_order, True)


@pytest.mark.parametrize("v", ["full", "custom:(orders:full)", "custom:(orders:default)"])
def test_neither_full_nor_default_tells_that_an_order_is_voided(
    http: Http, store: Store, seen: Encounter, drug_order: str, v: str
) -> None:
    clinicians.void_order(store, drug_order)
    order = http.get(f"/encounter/{seen.uuid}", v=v).json()["orders"][0]
    assert (order["uuid"], "voided" in order) == (drug_order, False)


def test_custom_tells_it(http: Http, store: Store, seen: Encounter, drug_order: str) -> None:
    clinicians.void_order(store, drug_order)
    shown = http.get(f"/encounter/{seen.uuid}", v="custom:(orders:(uuid,voided,type,display))").json()["orders"][0]
    assert (shown["voided"], shown["type"], shown["display"]) == (True, "drugorder", "(NEW) Paracetamol 500 mg: null")


def test_property_of_drugs_asked_of_another_order_is_400(http: Http, seen: Encounter, lab_order: str) -> None:
    answer = http.get(f"/encounter/{seen.uuid}", v="custom:(orders:(uuid,drug:(display)))")
    assert answer.status_code == 400
    assert "drug on class org.openmrs.Order" in message(answer)


def test_full_shows_all_of_a_prescription(http: Http, seen: Encounter, drug_order: str) -> None:
    order = http.get(f"/encounter/{seen.uuid}", v="full").json()["orders"][0]
    shown = {name: (order[name] or {}).get("display") for name in ("drug", "doseUnits", "frequency", "durationUnits")}
    assert shown == {
        "drug": "Paracetamol 500 mg",
        "doseUnits": "Tablet(s)",
        "frequency": "Twice a day",
        "durationUnits": "Day(s)",
    }
    assert (order["dose"], order["quantity"], order["duration"], order["asNeeded"]) == (1.5, 7.5, 5, False)
    assert order["orderType"]["name"] == "Drug Order"
    assert order["dosingInstructions"] == '{"instructions":"As directed"}'
    assert (order["dateActivated"], order["autoExpireDate"]) == (
        "2026-11-21T11:30:00.000+0530",
        "2026-11-26T11:29:59.000+0530",
    )


def test_drug_in_words_has_no_drug(http: Http, store: Store, seen: Encounter) -> None:
    clinicians.prescribe(store, seen.uuid, "Paracetamol")
    order = http.get(f"/encounter/{seen.uuid}", v="full").json()["orders"][0]
    assert (order["drug"], order["drugNonCoded"], order["concept"]["uuid"]) == (None, "Paracetamol", PARACETAMOL)


def test_void_of_the_encounter_voids_and_unvoid_revives_its_orders(
    http: Http, store: Store, seen: Encounter, drug_order: str
) -> None:
    http.delete(f"/encounter/{seen.uuid}")
    assert store.orders[drug_order].voided
    http.post(f"/encounter/{seen.uuid}", {"deleted": "false"})
    assert not store.orders[drug_order].voided


def test_orders_are_not_written_with_a_plain_encounter(http: Http, seen: Encounter) -> None:
    assert http.post(f"/encounter/{seen.uuid}", {"orders": [{"type": "testorder"}]}).status_code == 501


# on their own


def test_order_is_read_by_uuid_and_by_number(http: Http, store: Store, drug_order: str) -> None:
    number = store.orders[drug_order].number
    assert http.get(f"/order/{drug_order}").json()["orderNumber"] == number
    assert http.get(f"/order/{number}").json()["uuid"] == drug_order
    assert http.get("/order/x").status_code == 404


def test_orders_are_searched_by_patient_and_kind(http: Http, drug_order: str, lab_order: str) -> None:
    assert uuids(http.get("/order", patient=PATIENT)) == [drug_order, lab_order]
    assert uuids(http.get("/order", patient=PATIENT, t="drugorder")) == [drug_order]
    assert uuids(http.get("/order", patient=PATIENT, orderType=catalogue.LAB_ORDER_TYPE)) == [lab_order]


def test_search_needs_a_patient_it_knows(http: Http) -> None:
    assert http.get("/order").status_code == 400
    assert http.get("/order", patient="x").status_code == 404


def test_search_shows_what_is_in_force(http: Http, store: Store, drug_order: str) -> None:
    newer = clinicians.revise_drug_order(store, drug_order, dose=2).uuid
    assert uuids(http.get("/order", patient=PATIENT)) == [newer]
    assert uuids(http.get("/order", patient=PATIENT, status="inactive")) == [drug_order]
    assert uuids(http.get("/order", patient=PATIENT, status="any")) == [drug_order, newer]


def test_what_has_run_out_is_not_in_force(http: Http, clock: Clock, drug_order: str) -> None:
    assert uuids(http.get("/order", patient=PATIENT, asOfDate="2026-11-25")) == [drug_order]
    assert uuids(http.get("/order", patient=PATIENT, asOfDate="2026-11-27")) == []


def test_revision_shows_twice(http: Http, store: Store, seen: Encounter, drug_order: str) -> None:
    newer = clinicians.revise_drug_order(store, drug_order, dose=2).uuid
    old, new = http.get(f"/encounter/{seen.uuid}", v="full").json()["orders"]
    assert (old["action"], old["dateStopped"]) == ("NEW", "2026-11-21T11:29:59.000+0530")
    assert (new["uuid"], new["action"], new["previousOrder"]["uuid"], new["dose"]) == (newer, "REVISE", drug_order, 2)


def test_delete_voids_without_an_event(http: Http, store: Store, drug_order: str) -> None:
    before = len(store.feeds.of("encounter"))
    assert http.delete(f"/order/{drug_order}", reason="allergy").status_code == 204
    assert store.orders[drug_order].audit.void_reason == "allergy"
    assert uuids(http.get("/order", patient=PATIENT, status="any")) == []
    assert uuids(http.get("/order", patient=PATIENT, status="any", includeAll="true")) == [drug_order]
    assert len(store.feeds.of("encounter")) == before


def test_order_cannot_be_changed(http: Http, drug_order: str) -> None:
    assert http.post(f"/order/{drug_order}", {"instructions": "x"}).status_code == 400


# in Bahmni's own document


def transaction(http: Http, encounter: Encounter) -> Any:
    return http.get(f"{RESOURCE}/{encounter.uuid}", includeAll="false").json()


def test_document_tells_of_drug_orders_that_are_voided(
    http: Http, store: Store, seen: Encounter, drug_order: str
) -> None:
    assert transaction(http, seen)["drugOrders"][0]["voided"] is False
    clinicians.void_order(store, drug_order)
    shown = transaction(http, seen)["drugOrders"][0]
    assert (shown["uuid"], shown["voided"], shown["voidReason"]) == (drug_order, True, "entered twice")


def test_document_shows_drugs_and_tests_apart(http: Http, seen: Encounter, drug_order: str, lab_order: str) -> None:
    shown = transaction(http, seen)
    assert [row["uuid"] for row in shown["drugOrders"]] == [drug_order]
    assert [(row["uuid"], row["orderType"]) for row in shown["orders"]] == [(lab_order, "Lab Order")]


def test_document_shows_dosing_in_words(http: Http, seen: Encounter, drug_order: str) -> None:
    shown = transaction(http, seen)["drugOrders"][0]
    dosing = shown["dosingInstructions"]
    assert (dosing["dose"], dosing["doseUnits"], dosing["frequency"]) == (1.5, "Tablet(s)", "Twice a day")
    assert (shown["drug"]["name"], shown["careSetting"]) == ("Paracetamol 500 mg", "OUTPATIENT")
    assert (shown["duration"], shown["durationUnits"]) == (5, "Day(s)")


def test_dates_of_orders_are_milliseconds_in_every_release(
    http: Http, store: Store, seen: Encounter, drug_order: str
) -> None:
    store.settings.transaction_iso_dates = True
    assert transaction(http, seen)["drugOrders"][0]["dateActivated"] == 1795240800000


def saving(encounter: Encounter, **more: Any) -> dict[str, Any]:
    return {
        "patientUuid": PATIENT,
        "visitUuid": encounter.visit,
        "encounterUuid": encounter.uuid,
        "locationUuid": catalogue.OPD_1,
        **more,
    }


NEW = {"drug": {"uuid": PARACETAMOL_500}, "careSetting": "OUTPATIENT"}


def test_new_order_posted_again_is_another_one(http: Http, seen: Encounter) -> None:
    for _ in range(2):
        assert http.post(RESOURCE, saving(seen, drugOrders=[NEW])).status_code == 200
    assert len(transaction(http, seen)["drugOrders"]) == 2


def test_order_posted_with_its_uuid_stays_one(http: Http, seen: Encounter, drug_order: str) -> None:
    assert http.post(RESOURCE, saving(seen, drugOrders=[{**NEW, "uuid": drug_order}])).status_code == 200
    assert len(transaction(http, seen)["drugOrders"]) == 1


def test_order_is_voided_with_a_save(http: Http, store: Store, seen: Encounter, drug_order: str) -> None:
    sent = {"uuid": drug_order, "voided": True, "voidReason": "allergy"}
    assert http.post(RESOURCE, saving(seen, drugOrders=[sent])).status_code == 200
    assert store.orders[drug_order].audit.void_reason == "allergy"


def test_order_that_is_over_is_not_stopped_again(http: Http, store: Store, seen: Encounter, drug_order: str) -> None:
    clinicians.stop_drug_order(store, drug_order)
    sent = {"previousOrderUuid": drug_order, "action": "DISCONTINUE"}
    answer = http.post(RESOURCE, saving(seen, drugOrders=[sent]))
    assert (answer.status_code, message(answer)) == (400, "[Order.cannot.discontinue.inactive]")


def test_order_needs_somebody_who_gives_it(http: Http, visit: str) -> None:
    body = {
        "patientUuid": PATIENT,
        "encounterTypeUuid": catalogue.CONSULTATION,
        "locationUuid": catalogue.OPD_1,
        "drugOrders": [NEW],
    }
    assert http.post(RESOURCE, body).status_code == 500


def test_drug_nobody_knows_fails_validation(http: Http, seen: Encounter) -> None:
    unknown = {"drug": {"uuid": "x"}, "careSetting": "OUTPATIENT"}
    assert http.post(RESOURCE, saving(seen, drugOrders=[unknown])).status_code == 400


def test_type_of_a_test_follows_from_its_concept(http: Http, seen: Encounter) -> None:
    answer = http.post(RESOURCE, saving(seen, orders=[{"concept": {"uuid": HAEMOGLOBIN}}]))
    assert answer.json()["orders"][0]["orderTypeUuid"] == catalogue.LAB_ORDER_TYPE
    assert http.post(RESOURCE, saving(seen, orders=[{"concept": {"uuid": NOTE}}])).status_code == 500


def test_kind_of_an_order_follows_its_type(http: Http, store: Store, seen: Encounter) -> None:
    store.order_types[catalogue.LAB_ORDER_TYPE].java = "org.openmrs.TestOrder"
    clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    shown = http.get(f"/encounter/{seen.uuid}", v="full").json()["orders"][0]
    assert (shown["type"], shown["specimenSource"]) == ("testorder", None)


def test_drug_may_be_the_answer_to_a_coded_question(http: Http, seen: Encounter) -> None:
    http.post(f"/encounter/{seen.uuid}", {"obs": [{"concept": COMPLAINT, "value": PARACETAMOL_500}]})
    value = http.get(f"/encounter/{seen.uuid}", v="full").json()["obs"][0]["value"]
    assert (value["uuid"], value["concept"]["uuid"]) == (PARACETAMOL_500, PARACETAMOL)
