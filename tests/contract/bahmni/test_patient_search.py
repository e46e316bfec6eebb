"""Finding patients: fuzzy by default, exact by nobody, prefix on request."""

from __future__ import annotations

import pytest

from simulators.bahmni import Store, catalogue
from tests.contract.bahmni.support import Clock, Http, uuids

ASHA, GANESH, RAVI = "asha", "ganesh", "ravi"


@pytest.fixture(autouse=True)
def _people(store: Store) -> None:
    for given, identifier, uuid in (
        ("Asha", "GAN200001", ASHA),
        ("Ganesh", "TRI100", GANESH),
        ("Ravi", "XGAN200001", RAVI),
    ):
        store.hospital_create_patient(
            given, "Devi", identifier, identifier_type=catalogue.PATIENT_IDENTIFIER, uuid=uuid
        )


def test_identifier_search_finds_substrings_exact_first(http: Http) -> None:
    assert uuids(http.get("/patient", identifier="GAN200001")) == [ASHA, RAVI]


def test_identifier_search_finds_names_too(http: Http) -> None:
    assert GANESH in uuids(http.get("/patient", identifier="gan"))


def test_prefix_search_finds_beginnings_only(http: Http) -> None:
    assert uuids(http.get("/patient", identifier="gan", searchType="start")) == [ASHA]


def test_prefix_search_takes_wildcards(http: Http) -> None:
    assert uuids(http.get("/patient", identifier="%GAN2", searchType="start")) == [ASHA, RAVI]
    assert uuids(http.get("/patient", identifier="TR_1", searchType="start")) == [GANESH]


def test_prefix_search_finds_voided_identifiers_and_fuzzy_does_not(http: Http, store: Store) -> None:
    store.identifiers[store.patients[ASHA].identifiers[0].uuid].voided = True
    assert uuids(http.get("/patient", identifier="GAN2", searchType="start")) == [ASHA]
    assert uuids(http.get("/patient", identifier="GAN200001")) == [RAVI]


def test_voided_patients_are_found_with_include_all_only(http: Http, store: Store) -> None:
    store.void_patient(ASHA)
    found = uuids(http.get("/patient", identifier="GAN2", searchType="start"))
    assert found == []
    assert uuids(http.get("/patient", identifier="GAN2", searchType="start", includeAll="true")) == [ASHA]


def test_two_rows_of_one_patient_are_one_result(http: Http, store: Store) -> None:
    store.hospital_add_identifier(ASHA, "GAN300", catalogue.PATIENT_IDENTIFIER)
    assert uuids(http.get("/patient", identifier="GAN", searchType="start")) == [ASHA]


def test_fuzzy_search_may_lag_and_prefix_never_does(http: Http, store: Store, clock: Clock) -> None:
    store.settings.search_lag = 10
    assert uuids(http.get("/patient", identifier="TRI100")) == []
    assert uuids(http.get("/patient", identifier="TRI100", searchType="start")) == [GANESH]
    clock.move(11)
    assert uuids(http.get("/patient", identifier="TRI100")) == [GANESH]


def test_free_text_finds_by_beginnings_of_names(http: Http) -> None:
    assert uuids(http.get("/patient", q="dev rav")) == [RAVI]


def test_short_text_finds_nothing(http: Http) -> None:
    assert uuids(http.get("/patient", q="a")) == []


def test_name_is_found_after_an_edit(http: Http, store: Store) -> None:
    store.hospital_edit_patient(RAVI, names=[{"uuid": store.persons[RAVI].names[0].uuid, "givenName": "Mohan"}])
    assert uuids(http.get("/patient", q="Mohan")) == [RAVI]
    assert uuids(http.get("/patient", q="Ravi")) == []


def test_search_can_be_full(http: Http) -> None:
    found = http.get("/patient", identifier="TRI", searchType="start", v="full").json()["results"]
    assert found[0]["identifiers"][0]["identifier"] == "TRI100"


def test_search_without_criteria_is_400(http: Http) -> None:
    assert http.get("/patient").status_code == 400


def test_unknown_parameter_leaves_nothing_to_search_by(http: Http) -> None:
    assert uuids(http.get("/patient", identifier="TRI100", colour="red")) == []


def test_search_is_paged(http: Http) -> None:
    answer = http.get("/patient", q="Devi", limit=2, totalCount="true")
    assert len(uuids(answer)) == 2
    assert answer.json()["totalCount"] == 3
