"""Visits: range rules in both directions, attributes, search, void and purge."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.bahmni import Store, catalogue
from simulators.bahmni.model import Patient
from tests.contract.bahmni.support import (
    AVNI_UUID_TYPE,
    ENCOUNTER,
    PATIENT,
    VISIT,
    Clock,
    Http,
    field_codes,
    fixture,
    message,
    uuids,
)

START = "2026-11-10T00:00:00.000+0530"


def body(**more: Any) -> dict[str, Any]:
    return {"patient": PATIENT, "visitType": catalogue.OPD, "startDatetime": START, **more}


@pytest.fixture
def encounter(store: Store, visit: str) -> str:
    store.hospital_save_encounter(
        uuid=ENCOUNTER,
        patient=PATIENT,
        encounterType=catalogue.CONSULTATION,
        visit=VISIT,
        encounterDatetime="2026-11-15T10:00:00.000+0530",
    )
    return ENCOUNTER


def test_visit_is_created_with_a_chosen_uuid(http: Http, patient: Patient) -> None:
    answer = http.post("/visit", body(uuid="v", location=catalogue.OPD_1))
    assert (answer.status_code, answer.json()["uuid"]) == (201, "v")
    assert answer.json()["display"] == "OPD @ OPD-1 - 11/10/2026 12:00 AM"
    assert answer.json()["startDatetime"] == START


def test_visit_uuid_taken_is_a_duplicate_entry(http: Http, visit: str) -> None:
    answer = http.post("/visit", body(uuid=VISIT))
    assert answer.status_code == 500
    assert "Duplicate entry" in message(answer)


def test_visit_type_may_be_given_by_name(http: Http, patient: Patient) -> None:
    assert http.post("/visit", body(visitType="OPD")).status_code == 201


def test_unknown_location_is_silently_dropped(http: Http, patient: Patient) -> None:
    assert http.post("/visit", body(location="nowhere")).json()["location"] is None


def test_unknown_patient_fails_validation(http: Http) -> None:
    assert field_codes(http.post("/visit", body(patient="x"))) == [("patient", "Visit.error.patient.required")]


def test_start_is_now_unless_given(http: Http, patient: Patient) -> None:
    answer = http.post("/visit", {"patient": PATIENT, "visitType": catalogue.OPD})
    assert answer.json()["startDatetime"] == "2026-11-21T11:30:00.000+0530"


def test_stop_may_not_be_before_start(http: Http, patient: Patient) -> None:
    answer = http.post("/visit", body(stopDatetime="2026-11-09"))
    assert field_codes(answer) == [("stopDatetime", "Visit.error.endDateBeforeStartDate")]


def test_start_may_not_be_before_birth(http: Http, patient: Patient) -> None:
    answer = http.post("/visit", body(startDatetime="1989-12-31"))
    code = "Visit.startDateCannotFallBeforeTheBirthDateOfTheSamePatient"
    assert field_codes(answer) == [("startDatetime", code)]


def test_estimated_birth_date_gets_grace(http: Http, patient: Patient, store: Store) -> None:
    store.persons[PATIENT].birthdate_estimated = True
    assert http.post("/visit", body(startDatetime="1989-12-31")).status_code == 201


def test_future_start_is_allowed(http: Http, patient: Patient) -> None:
    assert http.post("/visit", body(startDatetime="2027-01-01")).status_code == 201


def test_overlap_is_allowed_unless_the_site_forbids_it(http: Http, store: Store, visit: str) -> None:
    assert http.post("/visit", body()).status_code == 201
    store.settings.overlapping_visits = False
    code = "Visit.visitCannotOverlapAnotherVisitOfTheSamePatient"
    assert ("startDatetime", code) in field_codes(http.post("/visit", body()))


def test_visit_cannot_leave_its_encounters_behind(http: Http, encounter: str) -> None:
    late = http.post(f"/visit/{VISIT}", {"startDatetime": "2026-11-16"})
    early = http.post(f"/visit/{VISIT}", {"stopDatetime": "2026-11-14"})
    assert field_codes(late) == [("startDatetime", "Visit.encountersCannotBeBeforeStartDate")]
    assert field_codes(early) == [("stopDatetime", "Visit.encountersCannotBeAfterStopDate")]


def test_visit_may_be_stretched_closed_and_reopened(http: Http, encounter: str) -> None:
    assert http.post(f"/visit/{VISIT}", {"startDatetime": "2026-01-01"}).status_code == 200
    assert http.post(f"/visit/{VISIT}", {"stopDatetime": "2026-11-20"}).json()["stopDatetime"] is not None
    assert http.post(f"/visit/{VISIT}", {"stopDatetime": None}).json()["stopDatetime"] is None


def test_voided_encounters_do_not_hold_a_visit(http: Http, store: Store, encounter: str) -> None:
    store.void_encounter(ENCOUNTER)
    assert http.post(f"/visit/{VISIT}", {"startDatetime": "2026-11-16"}).status_code == 200


def test_patient_of_a_visit_cannot_be_changed(http: Http, visit: str) -> None:
    assert http.post(f"/visit/{VISIT}", {"patient": "other"}).status_code == 400
    assert http.post(f"/visit/{VISIT}", {"patient": PATIENT}).status_code == 200


def test_attributes_are_appended_until_there_are_too_many(http: Http, store: Store, visit: str) -> None:
    store.visit_attribute_types[AVNI_UUID_TYPE].max_occurs = 2
    once = {"attributes": [{"attributeType": AVNI_UUID_TYPE, "value": "subject"}]}
    assert http.post(f"/visit/{VISIT}", once).status_code == 200
    assert http.post(f"/visit/{VISIT}", once).status_code == 200
    assert len(store.visits[VISIT].attributes) == 2
    assert field_codes(http.post(f"/visit/{VISIT}", once)) == [("attributes", "attribute.error.maxOccurs")]
    assert len(store.visits[VISIT].attributes) == 2


def test_attribute_named_by_uuid_is_changed_in_place(http: Http, store: Store, visit: str) -> None:
    for value in ("one", "two"):
        row = {"uuid": "attr", "attributeType": AVNI_UUID_TYPE, "value": value}
        assert http.post(f"/visit/{VISIT}", {"attributes": [row]}).status_code == 200
    assert [row.value for row in store.visits[VISIT].attributes] == ["two"]


def test_attribute_sub_resource_replaces_where_one_may_occur(http: Http, store: Store, visit: str) -> None:
    for value in ("one", "two"):
        row = {"attributeType": AVNI_UUID_TYPE, "value": value}
        assert http.post(f"/visit/{VISIT}/attribute", row).status_code == 201
    rows = store.visits[VISIT].attributes
    assert [(row.value, row.voided) for row in rows] == [("one", True), ("two", False)]
    assert len(http.get(f"/visit/{VISIT}/attribute").json()["results"]) == 1


def test_attribute_is_read_changed_and_voided_by_uuid(http: Http, visit: str) -> None:
    http.post(f"/visit/{VISIT}/attribute", {"uuid": "attr", "attributeType": AVNI_UUID_TYPE, "value": "one"})
    path = f"/visit/{VISIT}/attribute/attr"
    assert http.get(path).json()["display"] == "Avni UUID: one"
    assert http.post(path, {"value": "two"}).json()["value"] == "two"
    assert http.delete(path).status_code == 204
    assert http.get(f"/visit/{VISIT}").json()["attributes"] == []


def test_full_visit_shows_values_of_attributes(http: Http, visit: str) -> None:
    http.post(f"/visit/{VISIT}/attribute", {"attributeType": AVNI_UUID_TYPE, "value": "one"})
    attribute = http.get(f"/visit/{VISIT}", v="full").json()["attributes"][0]
    assert (attribute["value"], attribute["attributeType"]["uuid"]) == ("one", AVNI_UUID_TYPE)


def test_search_by_patient_location_and_type(http: Http, visit: str) -> None:
    wanted = {"patient": PATIENT, "location": catalogue.REGISTRATION_DESK, "visitType": catalogue.OPD}
    assert uuids(http.get("/visit", **wanted)) == [VISIT]
    assert uuids(http.get("/visit", **{**wanted, "location": catalogue.OPD_1})) == []


@pytest.mark.parametrize("name", ["patient", "location", "visitType"])
def test_unknown_reference_in_a_search_is_404(http: Http, visit: str, name: str) -> None:
    assert http.get("/visit", **{name: "x"}).status_code == 404


def test_search_without_criteria_gives_all_visits(http: Http, visit: str) -> None:
    assert uuids(http.get("/visit")) == [VISIT]


def test_closed_visits_are_left_out_on_demand(http: Http, clock: Clock, visit: str) -> None:
    http.post(f"/visit/{VISIT}", {"stopDatetime": "2026-11-20"})
    assert uuids(http.get("/visit", patient=PATIENT)) == [VISIT]
    assert uuids(http.get("/visit", patient=PATIENT, includeInactive="false")) == []


def test_search_by_date(http: Http, visit: str) -> None:
    assert uuids(http.get("/visit", patient=PATIENT, fromStartDate="2026-11-01")) == [VISIT]
    assert uuids(http.get("/visit", patient=PATIENT, fromStartDate="2026-11-02")) == []
    assert uuids(http.get("/visit", patient=PATIENT, toStopDate="2027-01-01")) == []


def test_search_takes_in_the_places_around_on_demand(http: Http, visit: str) -> None:
    assert uuids(http.get("/visit", patient=PATIENT, location=catalogue.OPD_1)) == []
    around = http.get("/visit", patient=PATIENT, location=catalogue.OPD_1, includeParentLocations="true")
    assert uuids(around) == [VISIT]


def test_parameter_a_search_does_not_know_is_not_looked_at(http: Http, visit: str) -> None:
    assert uuids(http.get("/visit", patient=PATIENT, attribute="anything")) == [VISIT]


def test_voided_visits_are_listed_on_demand(http: Http, visit: str) -> None:
    http.delete(f"/visit/{VISIT}")
    assert uuids(http.get("/visit", patient=PATIENT)) == []
    assert uuids(http.get("/visit", patient=PATIENT, includeAll="true")) == [VISIT]


def test_visit_is_ended_now(http: Http, visit: str) -> None:
    assert http.post("/bahmnicore/visit/endVisit", visitUuid=VISIT).status_code == 200
    assert http.get(f"/visit/{VISIT}").json()["stopDatetime"] == "2026-11-21T11:30:00.000+0530"
    assert http.post("/bahmnicore/visit/endVisit", visitUuid="x").status_code == 500


def test_purge_of_a_visit_in_use_is_500_even_when_its_encounters_are_voided(
    http: Http, store: Store, encounter: str
) -> None:
    store.void_encounter(ENCOUNTER)
    answer = http.delete(f"/visit/{VISIT}", purge="true")
    assert answer.status_code == 500
    assert "Visit.purge.inUse" in message(answer)


def test_purge_of_an_empty_visit_removes_it(http: Http, visit: str) -> None:
    assert [http.delete(f"/visit/{VISIT}", purge="true").status_code for _ in range(2)] == [204, 204]
    assert http.get(f"/visit/{VISIT}").status_code == 404


def test_void_takes_the_encounters_along_and_unvoid_brings_them_back(http: Http, store: Store, encounter: str) -> None:
    assert http.delete(f"/visit/{VISIT}").status_code == 204
    assert store.encounters[ENCOUNTER].voided
    assert http.get(f"/visit/{VISIT}").json()["voided"] is True
    assert http.post(f"/visit/{VISIT}", {"deleted": "false"}).status_code == 200
    assert not store.encounters[ENCOUNTER].voided


def test_voided_encounters_are_left_out_of_a_visit(http: Http, store: Store, encounter: str) -> None:
    assert len(http.get(f"/visit/{VISIT}").json()["encounters"]) == 1
    store.void_encounter(ENCOUNTER)
    assert http.get(f"/visit/{VISIT}").json()["encounters"] == []


def test_void_of_an_unknown_visit_is_404(http: Http) -> None:
    assert http.delete("/visit/x").status_code == 404


def test_sample_request_of_a_client_is_taken(http: Http, store: Store) -> None:
    request = fixture("request_visit_create.json")
    store.add_visit_attribute_type("Enrolment", uuid=request["attributes"][0]["attributeType"])
    store.hospital_create_patient(
        "Asha", "Devi", "X", identifier_type=catalogue.PATIENT_IDENTIFIER, uuid=request["patient"]
    )
    assert http.post("/visit", request).status_code == 201
