"""The registration desk's calls: patients with a number out of a source, and numbers alone."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.bahmni import Store, catalogue
from simulators.bahmni.model import IdentifierSource, Patient
from tests.contract.bahmni.support import PATIENT, Http, message

PROFILE = "/bahmnicore/patientprofile"


@pytest.fixture
def source(store: Store) -> IdentifierSource:
    kind = catalogue.PATIENT_IDENTIFIER
    return store.add_identifier_source("GAN", kind, prefix="GAN", next_number=300001)


def profile(source: IdentifierSource, **number: Any) -> dict[str, Any]:
    identifier = {
        "identifierSourceUuid": source.uuid,
        "identifierPrefix": "GAN",
        "identifierType": catalogue.PATIENT_IDENTIFIER,
        "preferred": True,
        "voided": False,
        **number,
    }
    person = {"names": [{"givenName": "Asha", "familyName": "Devi"}], "gender": "F", "birthdate": "1990-01-01"}
    return {"patient": {"person": person, "identifiers": [identifier]}, "relationships": []}


def number_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["patient"]["identifiers"][0]["identifier"])


def test_patient_is_registered_with_a_number_of_the_source(http: Http, store: Store, source: IdentifierSource) -> None:
    answer = http.post(PROFILE, profile(source))
    assert number_of(answer) == "GAN300001"
    assert set(answer.json()) == {"patient", "image", "relationships"}
    assert len(store.feeds.of("patient")) == 1


def test_number_below_the_counter_is_taken_as_it_is(http: Http, source: IdentifierSource) -> None:
    assert number_of(http.post(PROFILE, profile(source, identifier="GAN200500"))) == "GAN200500"
    assert source.next_number == 300001


def test_number_beyond_the_counter_is_412_until_accepted(http: Http, source: IdentifierSource) -> None:
    jump = profile(source, identifier="GAN300011")
    refused = http.post(PROFILE, jump)
    assert refused.status_code == 412
    assert refused.json() == [{"identifierType": catalogue.PATIENT_IDENTIFIER, "sizeOfJump": 10}]
    accepted = http("POST", f"/ws/rest/v1{PROFILE}", jump, headers={"Jump-Accepted": "true"})
    assert number_of(accepted) == "GAN300011"
    assert source.next_number == 300012


def test_number_in_use_is_400_in_the_general_shape(http: Http, source: IdentifierSource, patient: Patient) -> None:
    answer = http.post(PROFILE, profile(source, identifier="GAN200001"))
    assert (answer.status_code, "globalErrors" in answer.json()["error"]) == (400, False)
    assert "already in use by another patient" in message(answer)


def test_taken_uuid_is_400(http: Http, source: IdentifierSource, patient: Patient) -> None:
    body = profile(source)
    body["patient"]["person"]["names"][0]["uuid"] = http.get(f"/person/{PATIENT}").json()["preferredName"]["uuid"]
    assert http.post(PROFILE, body).status_code == 400


def test_profile_is_read_and_changed(http: Http, store: Store, patient: Patient) -> None:
    answer = http.post(f"{PROFILE}/{PATIENT}", {"patient": {"person": {"gender": "M"}, "identifiers": []}})
    assert answer.json()["patient"]["person"]["gender"] == "M"
    assert http.get(f"/patientprofile/{PATIENT}", v="full").json() == answer.json()
    assert len(store.feeds.of("patient")) == 2
    assert http.get("/patientprofile/x", v="full").status_code == 404


def test_relationships_are_not_pretended(http: Http, source: IdentifierSource) -> None:
    assert http.post(PROFILE, {**profile(source), "relationships": [{}]}).status_code == 501


def test_number_of_a_named_source_is_plain_text(http: Http, source: IdentifierSource) -> None:
    numbers = [http.post("/idgen", {"identifierSourceName": "GAN", "comment": "x"}).text for _ in range(2)]
    assert numbers == ["GAN300001", "GAN300002"]
    assert http.post("/idgen", {"identifierSourceName": "none"}).status_code == 500


def test_numbers_of_a_source_by_uuid(http: Http, source: IdentifierSource) -> None:
    one = http.post(f"/idgen/identifiersource/{source.uuid}/identifier")
    assert (one.status_code, one.json()) == (201, {"identifier": "GAN300001"})
    body = {"generateIdentifiers": True, "sourceUuid": source.uuid, "numberToGenerate": 2, "comment": "x"}
    assert http.post("/idgen/identifiersource", body).json() == {"identifiers": ["GAN300002", "GAN300003"]}
    assert http.post("/idgen/identifiersource/x/identifier").status_code == 404


def test_sources_are_listed(http: Http, source: IdentifierSource) -> None:
    listed = http.get("/idgen/identifiersources").json()
    assert listed == [{"uuid": source.uuid, "name": "GAN", "prefix": "GAN"}]


def test_number_is_used_up_by_a_refused_registration(http: Http, source: IdentifierSource) -> None:
    body = profile(source)
    body["patient"]["person"]["gender"] = None
    assert http.post(PROFILE, body).status_code == 400
    assert number_of(http.post(PROFILE, profile(source))) == "GAN300002"
