"""Creating, changing and voiding patients, persons and identifiers."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.bahmni import Store, catalogue
from simulators.bahmni.model import Patient
from tests.contract.bahmni.support import (
    CLASS_TYPE,
    FEVER,
    PATIENT,
    PHONE_TYPE,
    VISIT,
    Http,
    field_codes,
    fixture,
    global_codes,
    message,
)

IDENTIFIER = {
    "identifier": "GAN200002",
    "identifierType": catalogue.PATIENT_IDENTIFIER,
    "location": catalogue.REGISTRATION_DESK,
}


def nested(**person: Any) -> dict[str, Any]:
    usual = {"names": [{"givenName": "Ravi", "familyName": "Kumar"}], "gender": "M", "birthdate": "1980-05-17"}
    return {"person": {**usual, **person}, "identifiers": [IDENTIFIER]}


def events(store: Store) -> int:
    return len(store.feeds.rows)


# create


def test_patient_is_created_with_a_chosen_person_uuid(http: Http) -> None:
    answer = http.post("/patient", nested(uuid="chosen"))
    assert answer.status_code == 201
    assert answer.json()["uuid"] == answer.json()["person"]["uuid"] == "chosen"
    assert answer.json()["display"] == "GAN200002 - Ravi Kumar"


def test_create_answers_default_whatever_v_says(http: Http) -> None:
    body = http.post("/patient", nested(), v="full").json()
    assert "auditInfo" not in body
    assert set(body["identifiers"][0]) == {"uuid", "display", "links"}


def test_patient_is_made_of_an_existing_person(http: Http) -> None:
    person = {"uuid": "p", "names": [{"givenName": "Ravi"}], "gender": "M"}
    assert http.post("/person", person).status_code == 201
    answer = http.post("/patient", {"person": "p", "identifiers": [IDENTIFIER]})
    assert (answer.status_code, answer.json()["uuid"]) == (201, "p")


def test_uuid_at_the_top_is_refused(http: Http) -> None:
    answer = http.post("/patient", {**nested(), "uuid": "chosen"})
    assert answer.status_code == 400
    assert message(answer) == "[Some properties are not allowed to be set: uuid]"


@pytest.mark.parametrize("missing", ["person", "identifiers"])
def test_person_and_identifiers_are_required(http: Http, missing: str) -> None:
    body = nested()
    del body[missing]
    answer = http.post("/patient", body)
    assert answer.status_code == 400
    assert f"The {missing} property is missing" in message(answer)


def test_unknown_property_is_refused_by_name(http: Http) -> None:
    answer = http.post("/patient", {**nested(), "foo": 1})
    assert message(answer) == "[Some properties are not allowed to be set: foo]"


def test_repeat_with_the_same_person_uuid_is_500_and_stores_nothing(http: Http, store: Store) -> None:
    assert http.post("/patient", nested(uuid="chosen")).status_code == 201
    again = http.post("/patient", {**nested(uuid="chosen"), "identifiers": [{**IDENTIFIER, "identifier": "X1"}]})
    assert again.status_code == 500
    assert len(store.identifiers) == 1


def test_repeat_for_an_existing_patient_adds_a_second_identifier_row(http: Http, patient: Patient) -> None:
    body = {"person": PATIENT, "identifiers": [{**IDENTIFIER, "identifier": "GAN200001"}]}
    assert http.post("/patient", body).status_code == 201
    assert [row.identifier for row in patient.identifiers] == ["GAN200001", "GAN200001"]


def test_repeat_with_an_identifier_uuid_is_a_duplicate_key(http: Http, patient: Patient) -> None:
    row = {**IDENTIFIER, "identifier": "GAN200001", "uuid": patient.identifiers[0].uuid}
    answer = http.post("/patient", {"person": PATIENT, "identifiers": [row]})
    assert answer.status_code == 500
    assert "Duplicate entry" in message(answer)


def test_identifier_in_use_is_a_global_error_in_words(http: Http, patient: Patient, store: Store) -> None:
    answer = http.post("/patient", {**nested(), "identifiers": [{**IDENTIFIER, "identifier": "gan200001"}]})
    assert global_codes(answer) == ["Identifier gan200001 already in use by another patient"]
    assert len(store.patients) == 1


def test_identifier_of_a_voided_patient_is_free_again(http: Http, patient: Patient, store: Store) -> None:
    store.void_patient(PATIENT)
    body = {**nested(), "identifiers": [{**IDENTIFIER, "identifier": "GAN200001"}]}
    assert http.post("/patient", body).status_code == 201


def test_same_identifier_of_another_type_is_free(http: Http, patient: Patient, store: Store) -> None:
    kind = store.add_identifier_type("National id").uuid
    row = {"identifier": "GAN200001", "identifierType": kind}
    assert http.post("/patient", {**nested(), "identifiers": [row]}).status_code == 201


def test_identifier_has_to_match_the_format(http: Http, store: Store) -> None:
    store.identifier_types[catalogue.PATIENT_IDENTIFIER].format = r"GAN\d{6}"
    answer = http.post("/patient", {**nested(), "identifiers": [{**IDENTIFIER, "identifier": "X"}]})
    assert global_codes(answer) == [r"Identifier X does not match : GAN\d{6}"]


def test_identifier_needs_a_location_where_the_type_says_so(http: Http, store: Store) -> None:
    store.identifier_types[catalogue.PATIENT_IDENTIFIER].location_behavior = "REQUIRED"
    row = {**IDENTIFIER, "location": None}
    assert "must have a location" in global_codes(http.post("/patient", {**nested(), "identifiers": [row]}))[0]


def test_unknown_identifier_location_is_400(http: Http) -> None:
    row = {**IDENTIFIER, "location": "nowhere"}
    assert http.post("/patient", {**nested(), "identifiers": [row]}).status_code == 400


def test_missing_required_identifier_type_is_500(http: Http, store: Store) -> None:
    store.add_identifier_type("Obligatory", required=True)
    assert http.post("/patient", nested()).status_code == 500


def test_first_identifier_is_preferred_when_none_is(http: Http, store: Store) -> None:
    http.post("/patient", nested())
    assert [row.preferred for row in store.identifiers.values()] == [True]


def test_two_preferred_identifiers_are_400(http: Http) -> None:
    rows = [{**IDENTIFIER, "preferred": True}, {**IDENTIFIER, "identifier": "B", "preferred": True}]
    assert http.post("/patient", {**nested(), "identifiers": rows}).status_code == 400


@pytest.mark.parametrize("name", ["D'Souza", "Ravi2", "रवि", "Kumar, Jr"])
def test_name_outside_the_clean_pattern_is_refused(http: Http, name: str) -> None:
    answer = http.post("/patient", nested(names=[{"givenName": name, "familyName": "Kumar"}]))
    assert field_codes(answer) == [("names[0].givenName", "GivenName.invalid")]


def test_name_pattern_can_be_switched_off(http: Http, store: Store) -> None:
    store.settings.name_pattern = None
    answer = http.post("/patient", nested(names=[{"givenName": "रवि", "familyName": "D'Souza"}]))
    assert answer.status_code == 201


def test_given_name_is_required(http: Http) -> None:
    answer = http.post("/patient", nested(names=[{"familyName": "Kumar"}]))
    assert field_codes(answer) == [("names[0]", "Patient.names.required.given.family")]


def test_gender_is_required(http: Http) -> None:
    assert field_codes(http.post("/patient", nested(gender=None))) == [("gender", "Person.gender.required")]


@pytest.mark.parametrize(
    ("born", "code"), [("2026-11-22", "error.date.future"), ("1880-01-01", "error.date.nonsensical")]
)
def test_birth_date_has_to_be_sensible(http: Http, born: str, code: str) -> None:
    assert field_codes(http.post("/patient", nested(birthdate=born))) == [("birthdate", code)]


@pytest.mark.parametrize(
    ("sent", "zone", "day"),
    [
        ("1990-01-01", "Asia/Kolkata", "1990-01-01"),
        ("1990-01-01T00:00:00.000Z", "Asia/Kolkata", "1990-01-01"),
        ("1990-01-01T00:00:00.000Z", "America/New_York", "1989-12-31"),
        ("1990-01-01T23:30:00.000+0530", "Asia/Kolkata", "1990-01-01"),
    ],
)
def test_offset_of_a_birth_date_counts(http: Http, store: Store, sent: str, zone: str, day: str) -> None:
    store.settings.zone_name = zone
    body = http.post("/patient", nested(birthdate=sent)).json()
    assert body["person"]["birthdate"][:19] == f"{day}T00:00:00"


@pytest.mark.parametrize("odd", ["01-01-1990", "1990-13-01", "1990-01-01 10:00", 631152000000])
def test_other_date_forms_are_400(http: Http, odd: Any) -> None:
    answer = http.post("/patient", nested(birthdate=odd))
    assert answer.status_code == 400
    assert "Error converting date" in message(answer)


def test_age_makes_an_estimated_first_of_january(http: Http) -> None:
    person = http.post("/person", {"names": [{"givenName": "Ravi"}], "gender": "M", "age": 40}).json()
    assert (person["birthdate"][:10], person["birthdateEstimated"]) == ("1986-01-01", True)


def test_sample_requests_of_a_client_are_taken(http: Http, store: Store) -> None:
    store.add_person_attribute_type("caste", uuid="c1f4239f-3f10-11e4-adec-0800271c1b75")
    assert http.post("/patient", fixture("request_patient_create_nested_person.json")).status_code == 201


def test_sample_requests_in_two_steps_are_taken(http: Http) -> None:
    assert http.post("/person", fixture("request_person_create.json")).status_code == 201
    assert http.post("/patient", fixture("request_patient_create_from_person.json")).status_code == 201


# person


def test_person_uuid_taken_is_a_duplicate_entry(http: Http) -> None:
    body = {"uuid": "p", "names": [{"givenName": "Ravi"}], "gender": "M"}
    assert http.post("/person", body).status_code == 201
    again = http.post("/person", body)
    assert again.status_code == 500
    assert message(again).endswith("Duplicate entry 'p' for key 'person.uuid']")


def test_person_without_names_lacks_a_required_property(http: Http) -> None:
    assert "Some required properties are missing: names" in message(http.post("/person", {"gender": "M"}))


def test_person_edit_leaves_no_event_and_the_patients_audit_alone(http: Http, patient: Patient, store: Store) -> None:
    before = events(store)
    assert http.post(f"/person/{PATIENT}", {"gender": "M"}).status_code == 200
    assert events(store) == before
    assert patient.audit.date_changed is None
    assert store.persons[PATIENT].audit.date_changed is not None


def test_concept_attribute_reads_back_as_an_object(http: Http, patient: Patient) -> None:
    body = {"person": {"attributes": [{"attributeType": CLASS_TYPE, "value": FEVER}]}}
    assert http.post(f"/patient/{PATIENT}", body).status_code == 200
    attribute = http.get(f"/patient/{PATIENT}", v="full").json()["person"]["attributes"][0]
    assert (attribute["value"]["uuid"], attribute["display"]) == (FEVER, "Fever")


def test_attribute_value_is_replaced_with_a_new_row(http: Http, patient: Patient, store: Store) -> None:
    for value in ("1", "2", "2"):
        http.post(f"/patient/{PATIENT}", {"person": {"attributes": [{"attributeType": PHONE_TYPE, "value": value}]}})
    rows = store.persons[PATIENT].attributes
    assert [(row.value, row.voided) for row in rows] == [("1", True), ("2", False)]


def test_null_removes_an_attribute(http: Http, patient: Patient) -> None:
    for value in ("1", None):
        http.post(f"/patient/{PATIENT}", {"person": {"attributes": [{"attributeType": PHONE_TYPE, "value": value}]}})
    assert http.get(f"/patient/{PATIENT}", v="full").json()["person"]["attributes"] == []


def test_attribute_values_keep_the_kind_of_their_type(http: Http, patient: Patient, store: Store) -> None:
    sent = {
        "java.lang.Integer": "3",
        "java.lang.Float": 2.5,
        "java.lang.Boolean": "true",
        "java.lang.String": 7,
        "org.openmrs.util.AttributableDate": "2012-03-04T00:00:00.000+0530",
    }
    for java, value in sent.items():
        kind = store.add_person_attribute_type(java, java).uuid
        http.post(f"/patient/{PATIENT}", {"person": {"attributes": [{"attributeType": kind, "value": value}]}})
    rows = http.get(f"/patient/{PATIENT}", v="full").json()["person"]["attributes"]
    assert [row["value"] for row in rows] == [3, 2.5, True, "7", "2012-03-04T00:00:00.000+0530"]


def test_unknown_attribute_type_is_400(http: Http, patient: Patient) -> None:
    body = {"person": {"attributes": [{"attributeType": "what", "value": "1"}]}}
    assert http.post(f"/patient/{PATIENT}", body).status_code == 400


# update


def test_name_given_by_uuid_is_edited_and_without_added(http: Http, patient: Patient, store: Store) -> None:
    name = store.persons[PATIENT].names[0]
    http.post(f"/patient/{PATIENT}", {"person": {"names": [{"uuid": name.uuid, "givenName": "Usha"}]}})
    http.post(f"/patient/{PATIENT}", {"person": {"names": [{"givenName": "Other", "familyName": "Name"}]}})
    assert [row.given_name for row in store.persons[PATIENT].names] == ["Usha", "Other"]
    assert http.get(f"/patient/{PATIENT}").json()["display"] == "GAN200001 - Usha Devi"


def test_refused_update_changes_nothing(http: Http, patient: Patient, store: Store) -> None:
    body = {"person": {"gender": "M", "names": [{"givenName": "1"}]}}
    assert http.post(f"/patient/{PATIENT}", body).status_code == 400
    assert store.persons[PATIENT].gender == "F"


def test_identifiers_cannot_be_changed_with_the_patient(http: Http, patient: Patient) -> None:
    answer = http.post(f"/patient/{PATIENT}", {"identifiers": [IDENTIFIER]})
    assert answer.status_code == 400
    assert "only be set for newly created" in message(answer)


def test_update_notes_who_changed_patient_and_person(http: Http, patient: Patient) -> None:
    http.post(f"/patient/{PATIENT}", {"person": {"gender": "M"}})
    body = http.get(f"/patient/{PATIENT}", v="full").json()
    assert body["auditInfo"]["changedBy"]["display"] == "integration"
    assert body["person"]["auditInfo"]["changedBy"]["display"] == "integration"


# identifiers


def test_identifier_sub_resource_leaves_no_event_and_no_audit(http: Http, patient: Patient, store: Store) -> None:
    before = events(store)
    answer = http.post(f"/patient/{PATIENT}/identifier", {**IDENTIFIER, "preferred": True})
    assert answer.status_code == 201
    assert events(store) == before
    assert patient.audit.date_changed is None
    assert http.get(f"/patient/{PATIENT}").json()["display"].startswith("GAN200002 - ")


def test_identifier_is_read_changed_and_voided_by_uuid(http: Http, patient: Patient) -> None:
    path = f"/patient/{PATIENT}/identifier/{patient.identifiers[0].uuid}"
    assert http.get(path).json()["identifier"] == "GAN200001"
    assert http.post(path, {"identifier": "GAN9"}).json()["identifier"] == "GAN9"
    assert http.delete(path).status_code == 204
    assert http.get(f"/patient/{PATIENT}/identifier").json()["results"] == []
    assert http.get(path).json()["voided"] is True


def test_identifier_of_another_patient_is_404(http: Http, patient: Patient, store: Store) -> None:
    other = store.hospital_create_patient("Ravi", "Kumar", "X1", identifier_type=catalogue.PATIENT_IDENTIFIER)
    assert http.get(f"/patient/{PATIENT}/identifier/{other.identifiers[0].uuid}").status_code == 404


# void


def test_voided_patient_is_still_read_and_says_so(http: Http, patient: Patient) -> None:
    assert http.delete(f"/patient/{PATIENT}", reason="double").status_code == 204
    body = http.get(f"/patient/{PATIENT}", v="full").json()
    assert body["voided"] is True
    assert body["auditInfo"]["voidReason"] == "double"
    assert (body["identifiers"], body["person"]["names"]) == ([], [])


def test_void_takes_the_visits_along(http: Http, store: Store, visit: str) -> None:
    http.delete(f"/patient/{PATIENT}")
    assert store.visits[VISIT].voided
    assert store.visits[VISIT].audit.void_reason == "Patient deleted"


def test_void_leaves_no_event(http: Http, patient: Patient, store: Store) -> None:
    before = events(store)
    http.delete(f"/patient/{PATIENT}")
    assert events(store) == before


def test_void_again_is_204_and_of_nobody_404(http: Http, patient: Patient) -> None:
    assert [http.delete(f"/patient/{uuid}").status_code for uuid in (PATIENT, PATIENT, "x")] == [204, 204, 404]


def test_unvoid_brings_everything_back_with_an_event(http: Http, store: Store, visit: str) -> None:
    http.delete(f"/patient/{PATIENT}")
    before = events(store)
    assert http.post(f"/patient/{PATIENT}", {"deleted": "false"}).status_code == 200
    assert events(store) == before + 1
    assert http.get(f"/patient/{PATIENT}").json()["display"] == "GAN200001 - Asha Devi"
    assert not store.visits[VISIT].voided


def test_purge_of_nobody_is_204_and_with_data_500(http: Http, visit: str) -> None:
    assert http.delete("/patient/x", purge="true").status_code == 204
    assert http.delete(f"/patient/{PATIENT}", purge="true").status_code == 500


def test_other_values_of_purge_are_an_error(http: Http, patient: Patient) -> None:
    assert http.delete(f"/patient/{PATIENT}", purge="false").status_code == 400
    assert not patient.voided
