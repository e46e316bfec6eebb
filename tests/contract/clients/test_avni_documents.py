"""Every sample document of Avni: answers come out of our client as they went in, requests are taken by the simulator.

Own documents always; further ones where a folder of them is present, named by INTEGRATION_SHAPES_DIR or
`shared/fixtures` beside the checkout. A kind nobody thought of fails.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from avni import AvniClient, GenerateToken, NoSignIn
from avni.answers import read_answer
from common.http import HttpSession, Refused, Request, SignInFailed, Timeouts
from simulators.avni import AvniApp, AvniStore
from simulators.avni.app import NOT_BUILT, ROUTES
from simulators.server import Response, Server
from tests.unit.common.scripted import Scripted

ROOT = Path(__file__).parents[3]
SHAPES = Path(os.environ.get("INTEGRATION_SHAPES_DIR") or ROOT.parent / "shared" / "fixtures") / "avni"
OWN = sorted((ROOT / "tests" / "fixtures" / "avni").glob("*.json"))
FURTHER = sorted(path for path in SHAPES.rglob("*") if path.is_file())
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
QUICK = Timeouts(2, 2)
SUBJECT = "11111111-1111-4111-8111-111111111111"
MAPS = ("observations", "cancelObservations", "exitObservations")

LISTS: dict[str, Callable[[AvniClient], Any]] = {
    "subjects-list-empty": lambda client: client.subjects(SINCE, "Individual"),
    "subjects-list-with-subjectType-filter": lambda client: client.subjects(SINCE, "Individual"),
    "encounters-list": lambda client: client.encounters(SINCE, "Home visit"),
    "programEnrolments-list": lambda client: client.enrolments(SINCE, "Pregnancy"),
    "programEncounters-list": lambda client: client.program_encounters(SINCE, "ANC Visit"),
}
RECORDS: dict[str, Callable[[AvniClient], Any]] = {
    "subject-get-v1": lambda client: client.subject("1"),
    "subject-get-v2": lambda client: client.subject("1"),
    "encounter-completed": lambda client: client.encounter("1"),
    "encounter-scheduled": lambda client: client.encounter("1"),
    "encounter-cancelled": lambda client: client.encounter("1"),
    "programEnrolment-get": lambda client: client.program_enrolment("1"),
    "programEncounter-get": lambda client: client.program_encounter("1"),
}
ANSWERS = {
    "approvalStatuses-list", "cognito-details", "cognito-initiate-auth-response", "custom-query-response",
    "groupSubjects-list", "idp-details-cognito", "keycloak-token-response", "location-get",
    "subjectTree-delete-response", "task-response", "user-enable-response",
}  # fmt: skip
"""Kinds our streams do not ask for; they go through the reading of answers alone."""
ERRORS: dict[str, tuple[int, type[Exception]]] = {
    "error-400-bad-datetime-param": (400, Refused),
    "error-401-body": (401, SignInFailed),
}
WRITES = {
    "encounter-post-request": ("POST", "/api/encounter"),
    "issue-453-encounter-post-question-group": ("POST", "/api/encounter"),
    "programEncounter-post-request": ("POST", "/api/programEncounter"),
    "programEnrolment-post-request": ("POST", "/api/programEnrolment"),
    "subject-patch-request": ("PATCH", f"/api/subject/{SUBJECT}"),
    "subject-post-request-v1": ("POST", "/api/subject"),
    "subject-post-request-v3": ("POST", "/api/subject?version=3"),
}
OPENLY_NOT_BUILT = {
    "custom-query-request": ("POST", "/executeQuery"),
    "openapi-bulk-subject-migration-request": ("POST", "/api/subjectMigration/bulk"),
    "postman-task-post": ("POST", "/api/task"),
    "subjectTree-delete-request": ("DELETE", "/api/subjectTree"),
    "user-enable-request": ("POST", "/api/user/enable"),
}
TOKENS = {"generateToken-request", "generateToken-response"}
FRAGMENTS = {"issue-489-subject-location-fragment"}
ROUTES_TOLD = {"external-api"}
ELSEWHERE = {"cognito-initiate-auth-request"}
"""Sent to the identity provider, not to Avni."""


def of(names: Collection[str]) -> pytest.MarkDecorator:
    """One case for every document of these kinds, our own and further ones."""
    found = [path for path in (*OWN, *FURTHER) if path.stem in names]
    return pytest.mark.parametrize("path", found, ids=lambda path: f"{path.parent.name}-{path.stem}")


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_there_is_no_document_of_a_kind_nobody_thought_of() -> None:
    known = {
        *LISTS, *RECORDS, *ANSWERS, *ERRORS, *WRITES, *OPENLY_NOT_BUILT, *FRAGMENTS, *ELSEWHERE, *ROUTES_TOLD,
        *TOKENS,
    }  # fmt: skip
    assert {path.name for path in (*OWN, *FURTHER) if path.stem not in known} == set()


def test_there_are_documents_of_our_own_for_every_kind_the_client_reads() -> None:
    assert {*LISTS, *RECORDS, *ERRORS, *TOKENS, "idp-details-cognito"} <= {path.stem for path in OWN}


# --- answers ------------------------------------------------------------------------------------


@of(LISTS)
def test_a_page_comes_out_as_it_went_in(path: Path) -> None:
    """All but the two numbers about this one page, of which one is misleading (avni.md A8)."""
    document = load(path)
    assert set(document) == {"content", "totalPages", "totalElements", "pageSize"}
    page = answered(document, LISTS[path.stem])
    assert (page.content, page.total_pages) == (document["content"], document["totalPages"])


@of(RECORDS)
def test_a_record_comes_out_as_it_went_in(path: Path) -> None:
    document = load(path)
    assert answered(document, RECORDS[path.stem]) == document


@of(FRAGMENTS)
def test_a_part_of_a_record_comes_out_as_it_went_in(path: Path) -> None:
    document = {"ID": "1"} | load(path)
    assert answered(document, RECORDS["subject-get-v1"]) == document


@of(ANSWERS)
def test_what_no_stream_asks_for_yet_is_read_whole(path: Path) -> None:
    document = load(path)
    assert read(document) == document


@of(ERRORS)
def test_an_error_is_told_by_its_status(path: Path) -> None:
    status, error = ERRORS[path.stem]
    with pytest.raises(error):
        answered(load(path), LISTS["subjects-list-empty"], status=status)


@of(["generateToken-response"])
def test_the_token_in_an_answer_is_the_one_that_is_shown(path: Path) -> None:
    document = load(path)
    assert token_sent(document) == document["authToken"]


def test_a_write_hands_on_the_whole_answer() -> None:
    body = {"External ID": "b-1", "Voided": False, "observations": {}, "cancelObservations": {}, "exitObservations": {}}
    calls: dict[str, Callable[[AvniClient], Any]] = {
        "encounter-completed": lambda client: client.upsert_encounter(body),
        "programEnrolment-get": lambda client: client.upsert_program_enrolment(body),
        "programEncounter-get": lambda client: client.upsert_program_encounter(body),
    }
    for name, call in calls.items():
        document = json.loads(next(path for path in OWN if path.stem == name).read_text(encoding="utf-8"))
        assert answered(document, call) == document


def answered(document: Any, ask: Callable[[AvniClient], Any], *, status: int = 200) -> Any:
    """What our client makes of a document that a server answers with."""
    with Server(Scripted(Response(status, document))) as server:
        return ask(AvniClient(server.base_url, NoSignIn("bot"), timeouts=QUICK))


def read(document: Any) -> Any:
    """A document as the reading of answers hands it on."""
    with Server(Scripted(Response(200, document))) as server:
        session = HttpSession(server.base_url, side="avni", timeouts=QUICK, limit=1)
        request = Request("GET", "/x", "/x")
        return read_answer(session, request, session.read(request))


def token_sent(document: Any) -> str | None:
    """The token our client shows after it was given the document."""
    app = Scripted(Response(200, document), Response(404))
    with Server(app) as server:
        assert AvniClient(server.base_url, GenerateToken("bot", "secret"), timeouts=QUICK).subject("1") is None
    return app.requests[1].header("AUTH-TOKEN")


# --- requests -----------------------------------------------------------------------------------


@of(["generateToken-request"])
def test_a_request_for_a_token_is_answered_with_one(field: AvniStore, field_server: Server, path: Path) -> None:
    document = load(path)
    field.add_user(document["username"], document["password"])
    assert token_for(field_server, document)


@of(WRITES)
def test_a_write_is_taken_with_all_its_observations(field: AvniStore, field_server: Server, path: Path) -> None:
    document = load(path)
    prepare(field, document)
    answer = sent(field_server, document, *WRITES[path.stem])
    assert answer.status_code == 200, answer.text
    for name in MAPS:
        given = {key: value for key, value in document.get(name, {}).items() if value is not None}
        assert given.items() <= answer.json().get(name, {}).items()


@of(OPENLY_NOT_BUILT)
def test_what_the_simulator_cannot_take_yet_it_says(field_server: Server, path: Path) -> None:
    answer = sent(field_server, load(path), *OPENLY_NOT_BUILT[path.stem])
    assert (answer.status_code, "not yet built" in answer.json()["topic"]) == (501, True)


@of(ROUTES_TOLD)
def test_the_simulator_has_every_published_route_or_says_that_it_has_not(path: Path) -> None:
    app = AvniApp(AvniStore())
    built = {(route.method, route.template) for route in ROUTES}
    published = [
        (method.upper(), app.template(method, route.replace("{", "").replace("}", "")))
        for route, methods in yaml.safe_load(path.read_text(encoding="utf-8"))["paths"].items()
        for method in methods
    ]
    assert published
    assert [one for one in published if one not in built and one[1] not in NOT_BUILT] == []


def token_for(server: Server, credentials: Any) -> str:
    answer = requests.post(f"{server.base_url}/api/user/generateToken", json=credentials, timeout=5)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["authToken"])


def sent(server: Server, document: Any, method: str, target: str) -> requests.Response:
    headers = {"AUTH-TOKEN": token_for(server, {"username": "bot", "password": "secret"})}
    return requests.request(method, server.base_url + target, json=document, headers=headers, timeout=5)


def prepare(field: AvniStore, document: Any) -> None:
    """Whatever the document speaks of: types, questions, places, and the records it belongs to."""
    for key, add in (("Program", field.add_program), ("Encounter type", field.add_encounter_type)):
        if key in document:
            add(document[key])
    for name in MAPS:
        ask(field, document.get(name, {}))
    address = document.get("Address map") or dict(enumerate(document.get("Address", "").split(", ")))
    place = None
    for level, title in address.items():
        place = field.add_location(title, str(level), place)
    subject = field.put_subject(
        subject_type="Individual",
        first_name="Asha",
        gender="Female",
        registration_date="2024-02-03",
        uuid=document.get("Subject ID") or SUBJECT,
        external_id=document.get("Subject external ID"),
    )
    if "Enrolment ID" in document:
        field.add_program("Pregnancy")
        field.put_enrolment(program="Pregnancy", subject=subject.uuid, uuid=document["Enrolment ID"])


def ask(field: AvniStore, observations: dict[str, Any]) -> None:
    """Questions for these observations: a list is coded, an object a group, all else text."""
    for name, value in observations.items():
        if isinstance(value, dict):
            field.add_concept(name, "QuestionGroup")
            ask(field, value)
        elif isinstance(value, list):
            field.add_concept(name, "Coded", answers=value)
        else:
            field.add_concept(name, "Text")
