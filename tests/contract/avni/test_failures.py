"""What goes wrong by the caller's fault, and how it looks (avni.md A31 to A37)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from simulators.avni import AvniStore
from simulators.avni.app import NOT_BUILT
from simulators.server import Server
from tests.contract.avni.support import Caller, encounter_body, enrolment, fixture, subject, subject_body


@pytest.fixture
def owner(store: AvniStore) -> str:
    return subject(store, at=0, external_id="s-1").uuid


@pytest.mark.parametrize("path", ["/api/subject/nowhere", "/api/encounter/nowhere"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_row_that_is_not_there_is_an_empty_404(avni: Caller, method: str, path: str) -> None:
    answer = avni.call(method, path)
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_changing_a_row_that_is_not_there_is_a_500(avni: Caller, owner: str, method: str) -> None:
    answer = avni.call(method, "/api/encounter/nowhere", encounter_body(owner))
    assert (answer.status_code, "nowhere" in answer.text) == (500, True)


@pytest.mark.parametrize(
    "keys",
    [
        {"Encounter type": "No such type"},
        {"Encounter type": None},
        {"Subject ID": "nobody"},
        {"Subject ID": None},
        {"observations": {"No such question": 1}},
        {"observations": None},
        {"cancelObservations": None},
    ],
)
def test_most_mistakes_in_an_encounter_are_a_500_with_a_stack_trace(
    avni: Caller, owner: str, keys: dict[str, Any]
) -> None:
    answer = avni.call("POST", "/api/encounter", encounter_body(owner) | keys)
    assert (answer.status_code, "\n\tat " in answer.text) == (500, True)


@pytest.mark.parametrize("missing", ["observations", "cancelObservations"])
def test_a_missing_observation_map_is_a_500(store: AvniStore, avni: Caller, owner: str, missing: str) -> None:
    body = encounter_body(owner)
    del body[missing]
    assert avni.call("POST", "/api/encounter", body).status_code == 500
    assert store.encounters == {}


def test_an_unknown_answer_is_a_400_with_a_stack_trace(avni: Caller, owner: str) -> None:
    body = encounter_body(owner, observations={"Marital status": "No such answer"})
    answer = avni.call("POST", "/api/encounter", body)
    assert (answer.status_code, "BadRequestError" in answer.text) == (400, True)


def test_an_encounter_without_any_time_is_a_400_in_plain_text(avni: Caller, owner: str) -> None:
    answer = avni.call("POST", "/api/encounter", encounter_body(owner) | {"Encounter date time": None})
    assert (answer.status_code, "\n" in answer.text) == (400, False)


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        ({"Subject type": "No such type"}, 500),
        ({"observations": None}, 500),
        ({"Registration date": None}, 500),
        ({"First name": None}, 400),
        ({"Gender": "Unheard of"}, 400),
        ({"Gender": None}, 400),
        ({"Subject type": "Household", "Registration date": None}, 400),
        ({"Registration date": "yesterday"}, 400),
        ({"Voided": "perhaps"}, 400),
    ],
)
def test_mistakes_in_a_subject(store: AvniStore, avni: Caller, keys: dict[str, Any], status: int) -> None:
    assert avni.call("POST", "/api/subject", subject_body() | keys).status_code == status
    assert store.subjects == {}


def test_echoing_a_subject_as_it_was_read_is_refused(store: AvniStore, avni: Caller) -> None:
    made = subject(store).uuid
    read = avni.get(f"/api/subject/{made}")
    assert avni.call("PUT", f"/api/subject/{made}", read).status_code == 500


def test_unknown_keys_are_ignored(avni: Caller, owner: str) -> None:
    avni.send("POST", "/api/encounter", encounter_body(owner, Colour="green"))


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [("{", "application/json", 400), ("[]", "application/json", 400), ("{}", "text/plain", 415)],
)
def test_what_is_no_json_document_is_refused(
    avni: Caller, server: Server, body: str, content_type: str, status: int
) -> None:
    headers = avni.headers | {"Content-Type": content_type}
    answer = requests.post(server.base_url + "/api/encounter", data=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_a_bad_time_in_the_query_is_a_problem_document(avni: Caller) -> None:
    answer = avni.call("GET", "/api/subjects", lastModifiedDateTime="yesterday")
    assert answer.status_code == 400
    assert answer.json().keys() == fixture("error-400-bad-datetime-param").keys()


def test_a_stack_trace_is_labelled_json_for_those_who_ask_for_json(avni: Caller, owner: str) -> None:
    avni.headers["Accept"] = "application/json"
    answer = avni.call("POST", "/api/encounter", {})
    assert answer.headers["Content-Type"] == "application/json"
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_stack_traces_can_be_switched_off(store: AvniStore, avni: Caller, owner: str) -> None:
    store.settings.error_body = False
    answer = avni.call("POST", "/api/encounter", {})
    assert (answer.status_code, answer.content) == (500, b"")


def test_a_verb_the_path_does_not_know_is_a_405(avni: Caller) -> None:
    assert avni.call("PATCH", "/api/encounters", {}).status_code == 405


def test_an_encoded_slash_in_a_path_is_refused(avni: Caller) -> None:
    assert avni.call("GET", "/api/subject/a%2Fb").status_code == 400


def test_a_junk_version_is_a_500(avni: Caller, owner: str) -> None:
    assert avni.call("GET", f"/api/subject/{owner}", version="two").status_code == 500


@pytest.mark.parametrize("path", ["/api/encounters/1", "/api/enrolments", "/nowhere"])
def test_a_path_the_product_does_not_have_is_a_404(avni: Caller, path: str) -> None:
    assert avni.call("DELETE", path).status_code == 404


@pytest.mark.parametrize("path", sorted(NOT_BUILT))
def test_a_route_not_built_says_so_and_names_its_topic(avni: Caller, path: str) -> None:
    answer = avni.call("GET", path.replace("{id}", "1"))
    assert (answer.status_code, answer.json()) == (
        501,
        {"route": path, "topic": f"not yet built: {NOT_BUILT[path]}"},
    )


def test_requests_are_counted_by_route(avni: Caller, server: Server, owner: str) -> None:
    server.reset_counts()
    avni.get(f"/api/subject/{owner}")
    avni.get("/api/subject/s-1")
    assert server.counts == {("GET", "/api/subject/{id}"): 2}


def test_voiding_needs_a_privilege_of_its_own(store: AvniStore, avni: Caller, owner: str) -> None:
    store.users["integration@demo"].cannot_void.append("Individual")
    answer = avni.call("DELETE", f"/api/subject/{owner}")
    assert (answer.status_code, answer.text.split(" for ")[0]) == (403, "Privilege VoidSubject is missing")
    assert not store.subjects[owner].voided


def test_an_enrolment_is_voided_before_the_privilege_is_asked_for(store: AvniStore, avni: Caller, owner: str) -> None:
    enrolled = enrolment(store, owner, at=0)
    store.users["integration@demo"].cannot_void.append(enrolled.kind)
    assert avni.call("DELETE", f"/api/programEnrolment/{enrolled.uuid}").status_code == 403
    assert store.enrolments[enrolled.uuid].voided
