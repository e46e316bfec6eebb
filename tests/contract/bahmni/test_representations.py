"""`v=`, lists, paging, links, dates, errors that belong to no resource."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.bahmni import Store, catalogue
from simulators.bahmni.model import Patient
from tests.contract.bahmni.support import PATIENT, Http, message, uuids


@pytest.fixture
def places(store: Store) -> list[str]:
    """Seven locations in all."""
    for number in range(5):
        store.add_location(f"Ward {number}")
    return list(store.locations)


def test_single_object_is_default_and_list_is_ref(http: Http) -> None:
    one = http.get(f"/location/{catalogue.OPD_1}").json()
    listed = http.get("/location").json()["results"][0]
    assert "parentLocation" in one
    assert set(listed) == {"uuid", "display", "links"}


def test_default_asked_for_on_a_single_object_is_500(http: Http) -> None:
    answer = http.get(f"/location/{catalogue.OPD_1}", v="default")
    assert answer.status_code == 500
    assert "Do not specify ?v=default" in message(answer)


def test_default_asked_for_on_a_list_is_fine(http: Http) -> None:
    assert "tags" in http.get("/location", v="default").json()["results"][0]


def test_ref_asked_for_on_a_list_is_500(http: Http) -> None:
    assert http.get("/location", v="ref").status_code == 500


def test_empty_representation_is_500(http: Http) -> None:
    assert http.get(f"/location/{catalogue.OPD_1}", v="").status_code == 500


def test_custom_representation_nests(http: Http, patient: Patient) -> None:
    wanted = "custom:(uuid,person:(gender,preferredName:(givenName,familyName)),identifiers:ref)"
    body = http.get(f"/patient/{PATIENT}", v=wanted).json()
    assert set(body) == {"uuid", "person", "identifiers", "resourceVersion"}
    assert body["person"]["preferredName"]["givenName"] == "Asha"
    assert set(body["identifiers"][0]) == {"uuid", "display", "links"}


def test_custom_property_without_representation_is_default(http: Http, patient: Patient) -> None:
    body = http.get(f"/patient/{PATIENT}", v="custom:(identifiers)").json()
    assert body["identifiers"][0]["identifier"] == "GAN200001"


@pytest.mark.parametrize("broken", ["custom:(uuid", "custom:uuid)", "custom:(uuid))", "custom:(a:b:c)", "odd"])
def test_malformed_representation_is_400(http: Http, patient: Patient, broken: str) -> None:
    assert http.get(f"/patient/{PATIENT}", v=broken).status_code == 400


def test_unknown_property_in_custom_is_400_naming_it(http: Http, patient: Patient) -> None:
    answer = http.get(f"/patient/{PATIENT}", v="custom:(uuid,shoe)")
    assert answer.status_code == 400
    assert message(answer) == "[shoe on class org.openmrs.Patient]"


def test_every_representation_but_ref_has_a_version(http: Http, patient: Patient) -> None:
    body = http.get(f"/patient/{PATIENT}", v="full").json()
    assert body["resourceVersion"] == "1.8"
    assert "resourceVersion" not in http.get("/location").json()["results"][0]


def test_post_honours_v(http: Http) -> None:
    body = {"names": [{"givenName": "Asha"}], "gender": "F"}
    assert "auditInfo" in http.post("/person", body, v="full").json()


def test_full_shows_who_and_when_in_server_time(http: Http) -> None:
    body = {"names": [{"givenName": "Asha"}], "gender": "F"}
    audit = http.post("/person", body, v="full").json()["auditInfo"]
    assert audit["creator"]["display"] == "integration"
    assert audit["dateCreated"] == "2026-11-21T11:30:00.000+0530"
    assert (audit["changedBy"], audit["dateChanged"]) == (None, None)


def test_metadata_say_who_made_them_and_when(http: Http) -> None:
    body = http.get("/location", v="custom:(uuid,auditInfo)").json()["results"][0]
    assert body["auditInfo"]["dateCreated"] == "2026-11-21T11:30:00.000+0530"


def test_date_header_is_the_hospitals_clock(http: Http, store: Store) -> None:
    store.settings.clock_offset = 3
    assert http.get("/session").headers["Date"] == "Sat, 21 Nov 2026 06:00:03 GMT"


def test_zone_of_the_server_can_be_another(http: Http, store: Store, patient: Patient) -> None:
    store.settings.zone_name = "America/New_York"
    audit = http.get(f"/patient/{PATIENT}", v="full").json()["auditInfo"]
    assert audit["dateCreated"] == "2026-11-21T01:00:00.000-0500"


def test_page_is_cut_by_limit_and_start(http: Http, places: list[str]) -> None:
    answer = http.get("/location", limit=3, startIndex=3, totalCount="true")
    assert uuids(answer) == places[3:6]
    assert answer.json()["totalCount"] == 7
    assert [link["rel"] for link in answer.json()["links"]] == ["next", "prev"]


def test_last_page_has_no_next_link(http: Http, places: list[str]) -> None:
    links = http.get("/location", limit=3, startIndex=6).json()["links"]
    assert [link["rel"] for link in links] == ["prev"]


def test_single_page_has_no_links_and_no_count_unasked(http: Http, places: list[str]) -> None:
    assert set(http.get("/location").json()) == {"results"}


def test_page_size_has_a_default(http: Http, store: Store, places: list[str]) -> None:
    store.settings.page_size = 4
    assert len(uuids(http.get("/location"))) == 4


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_limit_out_of_bounds_is_500(http: Http, limit: int) -> None:
    answer = http.get("/location", limit=limit)
    assert answer.status_code == 500
    assert "absolute limit at 1000" in message(answer)


def test_start_beyond_the_end_is_500(http: Http) -> None:
    assert http.get("/location", startIndex=99).status_code == 500


def test_retired_metadata_are_hidden_from_lists_only(http: Http, store: Store) -> None:
    store.locations[catalogue.OPD_1].retired = True
    assert catalogue.OPD_1 not in uuids(http.get("/location"))
    assert catalogue.OPD_1 in uuids(http.get("/location", includeAll="true"))
    assert http.get(f"/location/{catalogue.OPD_1}").json()["retired"] is True


@pytest.mark.parametrize(
    ("prefix", "begins"), [("NEED-TO-CONFIGURE", "NEED-TO-CONFIGURE/ws/"), ("http://wrong.example", "http://wrong")]
)
def test_links_carry_whatever_the_server_was_told(
    http: Http, store: Store, patient: Patient, prefix: str, begins: str
) -> None:
    store.settings.links_prefix = prefix
    assert http.get(f"/patient/{PATIENT}").json()["links"][0]["uri"].startswith(begins)


def test_unknown_uuid_is_404(http: Http) -> None:
    answer = http.get("/patient/nobody")
    assert answer.status_code == 404
    assert message(answer) == "Object with given uuid doesn't exist [null]"


def test_unknown_resource_is_404(http: Http) -> None:
    assert http.get("/unheardof").status_code == 404


def test_wrong_verb_is_405(http: Http) -> None:
    assert http("PUT", f"/ws/rest/v1/patient/{PATIENT}", {}).status_code == 405


def test_xml_body_is_415(http: Http) -> None:
    answer = http("POST", "/ws/rest/v1/person", headers={"Content-Type": "application/xml"}, data="<a/>")
    assert answer.status_code == 415


def test_malformed_json_is_400(http: Http) -> None:
    answer = http("POST", "/ws/rest/v1/person", headers={"Content-Type": "application/json"}, data="{")
    assert answer.status_code == 400


NOT_BUILT = [
    ("GET", "/ws/rest/v1/bahmnicore/observations?patientUuid=x"),
    ("POST", "/ws/rest/v1/bahmnicore/bahmniencounter/match-decision"),
    ("POST", "/ws/rest/v1/idgen/identifiersource"),
    ("GET", "/ws/rest/v1/idgen/latestidentifier"),
    ("POST", "/ws/rest/v1/order"),
    ("GET", "/ws/rest/v1/person/x/name"),
    ("GET", "/ws/fhir2/R4/Patient"),
    ("POST", "/ws/rest/emrapi/encounter"),
]


@pytest.mark.parametrize(("method", "path"), NOT_BUILT)
def test_route_not_built_answers_501_naming_its_topic(http: Http, method: str, path: str) -> None:
    answer = http(method, path, {} if method == "POST" else None)
    body: dict[str, Any] = answer.json()
    assert answer.status_code == 501
    assert body["topic"]
    assert body["route"]


def test_path_outside_the_context_is_404(http: Http) -> None:
    assert http.session.get(f"{http.base}/other", timeout=10).status_code == 404


LOOKUPS = [
    ("concept", "Fever"),
    ("location", "OPD-1"),
    ("encountertype", "Consultation"),
    ("visittype", "OPD"),
    ("visitattributetype", "Avni UUID"),
    ("personattributetype", "phone"),
    ("patientidentifiertype", "Patient Identifier"),
    ("provider", "Super Man"),
    ("encounterrole", "Unknown"),
]


@pytest.mark.parametrize(("resource", "name"), LOOKUPS)
def test_metadata_are_found_by_uuid_and_by_word(http: Http, resource: str, name: str) -> None:
    found = uuids(http.get(f"/{resource}", q=name))
    assert len(found) == 1
    assert name in http.get(f"/{resource}/{found[0]}").json()["display"]


def test_some_metadata_are_found_by_name(http: Http) -> None:
    assert http.get("/encountertype/Consultation").status_code == 200
    assert http.get("/provider/Super Man").status_code == 404


def test_concepts_are_found_by_mapping_references_and_exact_name(http: Http, store: Store) -> None:
    fever = next(row.uuid for row in store.concepts.values() if row.name == "Fever")
    assert http.get("/concept/CIEL:140238").json()["uuid"] == fever
    assert uuids(http.get("/concept", references=f"{fever},nothing")) == [fever]
    assert uuids(http.get("/concept", name="fever")) == [fever]
    assert uuids(http.get("/concept", s="byFullySpecifiedName", name="Feve")) == []


def test_numeric_concept_shows_its_limits(http: Http) -> None:
    body = http.get("/concept", name="Weight", v="default").json()["results"][0]
    assert (body["units"], body["hiAbsolute"], body["allowDecimal"]) == ("kg", 300.0, True)
    assert body["datatype"]["display"] == "Numeric"
