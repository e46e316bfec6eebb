"""Laboratory results: encounters no feed tells of, and the call that gathers them."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.bahmni import Store, catalogue, clinicians
from simulators.bahmni.clinicians import Result
from simulators.bahmni.model import Encounter
from tests.contract.bahmni.support import (
    BLOOD_COUNT,
    COMPLAINT,
    FEVER,
    HAEMOGLOBIN,
    PATIENT,
    PLATELETS,
    VISIT,
    Clock,
    Http,
)

RESOURCE = "/bahmnicore/labOrderResults"
NOW = 1795240800000
LOW = Result(9.5, abnormal=True, lowest=12.0, highest=16.0, notes="pale")


@pytest.fixture
def seen(store: Store, visit: str) -> Encounter:
    return clinicians.save_encounter(store, PATIENT)


def results(http: Http, **query: Any) -> list[dict[str, Any]]:
    answer = http.get(RESOURCE, **(query or {"patientUuid": PATIENT}))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_order_without_a_result_is_listed(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    row = results(http)[0]
    assert (row["orderUuid"], row["accessionUuid"], row["testName"]) == (order.uuid, seen.uuid, "Haemoglobin")
    assert (row["result"], row["testUuid"], row["referredOut"]) == (None, None, False)


def test_result_comes_with_its_range_and_notes(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    clinicians.receive_results(store, order.uuid, {HAEMOGLOBIN: LOW})
    row = results(http)[0]
    assert (row["result"], row["testUuid"], row["testUnitOfMeasurement"]) == ("9.5", HAEMOGLOBIN, "g/dl")
    assert (row["minNormal"], row["maxNormal"], row["abnormal"], row["notes"]) == (12.0, 16.0, True, "pale")
    assert (row["provider"], row["accessionDateTime"], row["resultDateTime"]) == (
        "Super Man",
        1795240800000,
        1795240800000,
    )


def test_panel_gives_a_row_for_each_test(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, BLOOD_COUNT)
    clinicians.receive_results(store, order.uuid, {HAEMOGLOBIN: LOW, PLATELETS: Result(200)})
    rows = results(http)
    assert [(row["panelName"], row["testName"], row["result"]) for row in rows] == [
        ("Blood count", "Haemoglobin", "9.5"),
        ("Blood count", "Platelets", "200.0"),
    ]


def test_coded_result_is_a_name(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, COMPLAINT)
    clinicians.receive_results(store, order.uuid, {COMPLAINT: Result(FEVER)})
    assert results(http)[0]["result"] == "Fever"


def test_referred_out_is_said_without_a_result(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    clinicians.receive_results(store, order.uuid, {HAEMOGLOBIN: Result(referred_out=True)})
    assert (results(http)[0]["referredOut"], results(http)[0]["result"]) == (True, None)


def test_corrected_result_takes_the_place_of_the_old_one(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    made = clinicians.receive_results(store, order.uuid, {HAEMOGLOBIN: LOW})
    clinicians.correct_results(store, made.uuid, order.uuid, {HAEMOGLOBIN: Result(13)})
    assert [row["result"] for row in results(http)] == ["13.0"]


def test_voided_orders_and_encounters_are_left_out(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    made = clinicians.receive_results(store, order.uuid, {HAEMOGLOBIN: LOW})
    clinicians.void_encounter(store, made.uuid)
    assert [row["result"] for row in results(http)] == [None]
    clinicians.void_order(store, order.uuid)
    assert results(http) == []


def test_order_that_was_stopped_is_waited_for_no_more(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    body = {
        "patientUuid": PATIENT,
        "visitUuid": VISIT,
        "encounterUuid": seen.uuid,
        "locationUuid": catalogue.OPD_1,
        "orders": [{"previousOrderUuid": order.uuid, "action": "DISCONTINUE"}],
    }
    assert http.post("/bahmnicore/bahmniencounter", body).status_code == 200
    assert results(http) == []


def test_results_are_asked_by_visits_and_accessions(http: Http, store: Store, clock: Clock, seen: Encounter) -> None:
    clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    http.post(f"/visit/{VISIT}", {"stopDatetime": "2026-11-21T11:30:00.000+0530"})
    clock.move(60)
    later = clinicians.save_encounter(store, PATIENT)
    clinicians.order_test(store, later.uuid, PLATELETS)
    assert [row["testName"] for row in results(http)] == ["Platelets", "Haemoglobin"]
    assert [row["testName"] for row in results(http, visitUuids=VISIT)] == ["Haemoglobin"]
    assert [row["testName"] for row in results(http, patientUuid=PATIENT, numberOfVisits=1)] == ["Platelets"]
    assert [row["testName"] for row in results(http, patientUuid=PATIENT, numberOfAccessions=1)] == ["Platelets"]


def test_table_points_at_days_and_tests(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, BLOOD_COUNT)
    clinicians.receive_results(store, order.uuid, {PLATELETS: Result(200), HAEMOGLOBIN: LOW})
    table = http.get(RESOURCE, patientUuid=PATIENT).json()["tabularResult"]
    assert table["dates"] == [{"index": 0, "date": "21-Nov-2026"}]
    assert [(row["index"], row["testName"]) for row in table["orders"]] == [(1, "Haemoglobin"), (0, "Platelets")]
    assert [(row["testOrderIndex"], row["result"]) for row in table["values"]] == [(0, "200.0"), (1, "9.5")]


def test_unknown_patient_is_500_and_none_400(http: Http) -> None:
    assert http.get(RESOURCE, patientUuid="x").status_code == 500
    assert http.get(RESOURCE, visitUuids="x").status_code == 500
    assert http.get(RESOURCE).status_code == 400


def test_encounter_of_results_is_read_like_any_other(http: Http, store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    made = clinicians.receive_results(store, order.uuid, {HAEMOGLOBIN: LOW})
    shown = http.get(f"/encounter/{made.uuid}", v="full").json()
    assert shown["encounterType"]["uuid"] == catalogue.LAB_RESULT
    test = shown["obs"][0]
    assert (test["concept"]["uuid"], test["order"]["uuid"]) == (HAEMOGLOBIN, order.uuid)
    inner = test["groupMembers"][0]
    assert [row["concept"]["display"] for row in inner["groupMembers"]] == [
        "Haemoglobin",
        "LAB_ABNORMAL",
        "LAB_MINNORMAL",
        "LAB_MAXNORMAL",
        "LAB_NOTES",
    ]
