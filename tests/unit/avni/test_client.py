from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from avni import AvniClient, NoSignIn
from common.http import (
    Forbidden,
    Garbled,
    NotFound,
    Refused,
    RemoteError,
    SignInFailed,
    Timeouts,
    Unclear,
    Unreachable,
    WriteRefused,
)
from simulators.server import Response, Server
from tests.unit.common.scripted import Scripted, html

BODY = {"External ID": "b-1", "Voided": False, "observations": {}, "cancelObservations": {}}
ENROLMENT = {"External ID": "b-1", "Voided": False, "observations": {}, "exitObservations": {}}
PAGE = {"content": [], "totalElements": 0, "totalPages": 0, "pageSize": 100}
SINCE = datetime(2026, 3, 1, 12, 0, 0, 17_999, tzinfo=UTC)
SECRET = "Asha Devi"

Ask = Callable[[AvniClient], Any]


def listed(client: AvniClient) -> Any:
    return client.subjects(SINCE, "Individual")


def stored(client: AvniClient) -> Any:
    return client.upsert_encounter(BODY)


def ask(app: Scripted, what: Ask, **options: Any) -> Any:
    with Server(app) as server:
        return what(AvniClient(server.base_url, NoSignIn("bot"), timeouts=Timeouts(2, 2), **options))


def trace(java_class: str) -> str:
    return f'{java_class}: value "{SECRET}" is wrong\n\tat org.avni.server.web.Thing.do(Thing.java:7)'


# --- what is asked ------------------------------------------------------------------------------


def test_a_list_is_asked_by_type_version_time_and_page() -> None:
    app = Scripted(Response(body=PAGE))
    ask(app, lambda client: client.subjects(SINCE, "Individual", page=3, size=50))
    assert app.requests[0].query == {
        "subjectType": ["Individual"],
        "page": ["3"],
        "size": ["50"],
        "version": ["2"],
        "lastModifiedDateTime": ["2026-03-01T12:00:00.017Z"],
    }


@pytest.mark.parametrize(
    ("kind", "filter_name", "path"),
    [
        ("encounters", "encounterType", "/api/encounters"),
        ("enrolments", "program", "/api/programEnrolments"),
        ("program_encounters", "encounterType", "/api/programEncounters"),
    ],
)
def test_each_list_has_its_own_path_and_filter(kind: str, filter_name: str, path: str) -> None:
    app = Scripted(Response(body=PAGE))
    ask(app, lambda client: getattr(client, kind)(SINCE, "ANC", page=3, size=50))
    assert app.requests[0].path == path
    assert app.requests[0].query == {
        filter_name: ["ANC"],
        "page": ["3"],
        "size": ["50"],
        "version": ["2"],
        "lastModifiedDateTime": ["2026-03-01T12:00:00.017Z"],
    }


def test_the_enrolments_of_a_subject_are_asked_without_a_time() -> None:
    app = Scripted(Response(body=PAGE))
    ask(app, lambda client: client.enrolments_of("uuid-1", "Pregnancy", page=1, size=7))
    asked = {"program": ["Pregnancy"], "subject": ["uuid-1"], "page": ["1"], "size": ["7"], "version": ["2"]}
    assert (app.requests[0].path, app.requests[0].query) == ("/api/programEnrolments", asked)


@pytest.mark.parametrize(("subject", "program"), [("", "Pregnancy"), ("uuid-1", "")])
def test_the_enrolments_of_nobody_are_not_asked(subject: str, program: str) -> None:
    app = Scripted()
    with pytest.raises(ValueError, match="list"):
        ask(app, lambda client: client.enrolments_of(subject, program))
    assert app.requests == []


@pytest.mark.parametrize("kind", ["subjects", "encounters", "enrolments", "program_encounters"])
def test_a_list_without_a_type_is_not_asked(kind: str) -> None:
    app = Scripted()
    with pytest.raises(ValueError, match="type"):
        ask(app, lambda client: getattr(client, kind)(SINCE, ""))
    assert app.requests == []


def test_concepts_arrive_as_they_are() -> None:
    app = Scripted(Response(body=PAGE))
    concepts = {'Tea & "milk" + सूगर 100%': "a/b?c=d#e\\"}
    ask(app, lambda client: client.encounters(None, "Visit", concepts=concepts))
    assert json.loads(app.requests[0].param("concepts") or "") == concepts


def test_an_identifier_is_one_step_of_the_path() -> None:
    app = Scripted(Response(body={"ID": "1"}))
    ask(app, lambda client: client.subject("a b/c?d"))
    assert app.requests[0].raw_path == "/api/subject/a%20b%2Fc%3Fd"


def test_a_write_carries_the_body_as_it_is() -> None:
    app = Scripted(Response(body={"ID": "1"}))
    ask(app, lambda client: client.upsert_encounter({**BODY, "Encounter type": "पंजीकरण"}))
    request = app.requests[0]
    assert (request.method, request.path, request.param("version")) == ("POST", "/api/encounter", "2")
    assert request.json() == {**BODY, "Encounter type": "पंजीकरण"}


def test_a_partial_change_goes_to_the_uuid_with_nothing_but_what_changes() -> None:
    app = Scripted(Response(body={"ID": "1"}))
    ask(app, lambda client: client.patch_encounter("uuid-1", {"observations": {"Caste": None}}))
    assert (app.requests[0].method, app.requests[0].path) == ("PATCH", "/api/encounter/uuid-1")
    assert app.requests[0].json() == {"observations": {"Caste": None}}


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("void_encounter", "/api/encounter/uuid-1"),
        ("void_program_enrolment", "/api/programEnrolment/uuid-1"),
        ("void_program_encounter", "/api/programEncounter/uuid-1"),
    ],
)
def test_a_void_goes_to_the_uuid(call: str, path: str) -> None:
    app = Scripted(Response(body={"ID": "1"}))
    ask(app, lambda client: getattr(client, call)("uuid-1"))
    assert (app.requests[0].method, app.requests[0].path) == ("DELETE", path)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("subject", "/api/subject/uuid-1"),
        ("encounter", "/api/encounter/uuid-1"),
        ("program_enrolment", "/api/programEnrolment/uuid-1"),
        ("program_encounter", "/api/programEncounter/uuid-1"),
    ],
)
def test_a_single_read_goes_to_the_uuid(call: str, path: str) -> None:
    app = Scripted(Response(body={"ID": "1"}))
    assert ask(app, lambda client: getattr(client, call)("uuid-1")) == {"ID": "1"}
    assert (app.requests[0].method, app.requests[0].path, app.requests[0].param("version")) == ("GET", path, "2")


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        ("upsert_program_enrolment", "/api/programEnrolment", ENROLMENT),
        ("upsert_program_encounter", "/api/programEncounter", BODY),
    ],
)
def test_what_belongs_to_a_program_is_posted_as_it_is(call: str, path: str, body: dict[str, Any]) -> None:
    app = Scripted(Response(body={"ID": "1"}))
    assert ask(app, lambda client: getattr(client, call)({**body, "Program": "गर्भ"})) == {"ID": "1"}
    request = app.requests[0]
    assert (request.method, request.path, request.param("version")) == ("POST", path, "2")
    assert request.json() == {**body, "Program": "गर्भ"}


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        ("replace_program_enrolment", "/api/programEnrolment/uuid-1", ENROLMENT),
        ("replace_program_encounter", "/api/programEncounter/uuid-1", BODY),
    ],
)
def test_a_replacement_goes_to_the_uuid_and_needs_no_external_id(call: str, path: str, body: dict[str, Any]) -> None:
    app = Scripted(Response(body={"ID": "1"}))
    given = {key: value for key, value in body.items() if key != "External ID"}
    ask(app, lambda client: getattr(client, call)("uuid-1", given))
    assert (app.requests[0].method, app.requests[0].path, app.requests[0].json()) == ("PUT", path, given)


WRITES: dict[str, Callable[[AvniClient, dict[str, Any]], Any]] = {
    "encounter": lambda client, change: client.upsert_encounter(BODY | change),
    "enrolment": lambda client, change: client.upsert_program_enrolment(ENROLMENT | change),
    "enrolment replaced": lambda client, change: client.replace_program_enrolment("1", ENROLMENT | change),
    "program encounter": lambda client, change: client.upsert_program_encounter(BODY | change),
    "program encounter replaced": lambda client, change: client.replace_program_encounter("1", BODY | change),
}


@pytest.mark.parametrize("key", ["observations", "second map", "Voided"])
@pytest.mark.parametrize("write", list(WRITES))
def test_a_body_the_server_would_misunderstand_is_not_sent(write: str, key: str) -> None:
    second = "exitObservations" if "enrolment" in write else "cancelObservations"
    missing = second if key == "second map" else key
    app = Scripted()
    with pytest.raises(ValueError, match=missing):
        ask(app, lambda client: WRITES[write](client, {missing: None}))
    assert app.requests == []


@pytest.mark.parametrize("external_id", ["", " b-1", None])
@pytest.mark.parametrize("write", ["encounter", "enrolment", "program encounter"])
def test_a_body_without_a_sound_external_id_is_not_sent(write: str, external_id: str | None) -> None:
    app = Scripted()
    with pytest.raises(ValueError, match="External ID"):
        ask(app, lambda client: WRITES[write](client, {"External ID": external_id}))
    assert app.requests == []


@pytest.mark.parametrize("write", ["program encounter", "program encounter replaced"])
def test_a_program_encounter_both_held_and_cancelled_is_not_sent(write: str) -> None:
    both = {"Encounter date time": "2026-03-01T00:00:00Z", "Cancel date time": "2026-03-02T00:00:00Z"}
    app = Scripted()
    with pytest.raises(ValueError, match="Cancel date time"):
        ask(app, lambda client: WRITES[write](client, both))
    assert app.requests == []


VOIDS: dict[str, Ask] = {
    "void of an encounter": lambda client: client.void_encounter("1"),
    "void of an enrolment": lambda client: client.void_program_enrolment("1"),
    "void of a program encounter": lambda client: client.void_program_encounter("1"),
}


@pytest.mark.parametrize("write", [*WRITES, *VOIDS])
def test_looking_only_sends_neither_write_nor_sign_in(write: str) -> None:
    app = Scripted()
    with pytest.raises(WriteRefused):
        ask(app, VOIDS.get(write) or (lambda client: WRITES[write](client, {})), refuse_writes=True)
    assert app.requests == []


# --- what an answer means -----------------------------------------------------------------------


def test_a_page_brings_rows_pages_and_the_servers_time() -> None:
    answer = Response(
        body=PAGE | {"content": [{"ID": "1"}], "totalPages": 7}, headers={"Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
    )
    page = ask(Scripted(answer), listed)
    assert (page.content, page.total_pages) == ([{"ID": "1"}], 7)
    assert page.server_date == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("call", ["subject", "encounter", "program_enrolment", "program_encounter"])
def test_nothing_there_is_none(call: str) -> None:
    assert ask(Scripted(Response(404)), lambda client: getattr(client, call)("b-1")) is None


def test_program_encounters_of_another_type_say_that_the_server_left_out_the_filter() -> None:
    rows = [{"ID": "1", "Encounter type": "ANC"}, {"ID": "2", "Encounter type": "PNC"}]
    app = Scripted(Response(body=PAGE | {"content": rows, "totalPages": 1}))
    with pytest.raises(NotFound, match="knows no encounter type"):
        ask(app, lambda client: client.program_encounters(SINCE, "ANC"))


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "{}", '{"content": {}, "totalPages": 1}', '{"content": [1], "totalPages": 1}', '{"content": []}'],
)
def test_a_page_without_its_shape_is_garbled(body: str) -> None:
    with pytest.raises(Garbled):
        ask(Scripted(Response(body=body)), listed)


def test_a_page_without_the_servers_time_is_garbled() -> None:
    with pytest.raises(Garbled, match="time"):
        ask(Scripted(Response(body=PAGE, headers={"Date": "soon"})), listed)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (html(200), Unreachable),
        (html(404), Unreachable),
        (html(500), Unreachable),
        (Response(502), Unreachable),
        (Response(503), Unreachable),
        (Response(504), Unreachable),
        (Response(429), Unreachable),
        (Response(400, "no"), Refused),
        (html(400), Refused),
        (Response(403, "no"), Forbidden),
        (Response(404), NotFound),
        (Response(500, trace("java.lang.NullPointerException")), Refused),
        (Response(401), SignInFailed),
    ],
)
def test_each_answer_to_a_read_has_its_meaning(answer: Response, error: type[RemoteError]) -> None:
    with pytest.raises(error) as raised:
        ask(Scripted(answer), listed)
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(200, "half a bo"), Unclear),
        (Response(200, {"External ID": "b-1"}), Unclear),
        (html(200), Unclear),
        (html(404), Unclear),
        (html(500), Unclear),
        (Response(409, "conflict"), Unclear),
        (Response(502), Unclear),
        (Response(503), Unclear),
        (Response(504), Unclear),
        (Response(500, trace("org.springframework.dao.CannotAcquireLockException")), Unclear),
        (Response(429), Unreachable),
        (Response(400, "no"), Refused),
        (Response(403, "no"), Forbidden),
        (Response(500), Refused),
        (Response(500, trace("java.lang.NullPointerException")), Refused),
        (Response(401), SignInFailed),
    ],
)
def test_each_answer_to_a_write_has_its_meaning(answer: Response, error: type[RemoteError]) -> None:
    app = Scripted(answer)
    with pytest.raises(error) as raised:
        ask(app, stored)
    assert type(raised.value) is error
    assert len(app.requests) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (trace("org.avni.server.util.BadRequestError"), "BadRequestError"),
        (trace("java.lang.NullPointerException"), "NullPointerException"),
        (trace("jakarta.persistence.EntityNotFoundException"), "EntityNotFoundException"),
        ("First name missing", ""),
        (f"{SECRET} Error", ""),
        ("", ""),
    ],
)
def test_only_the_java_class_is_taken_from_an_error(text: str, code: str) -> None:
    with pytest.raises(Refused) as raised:
        ask(Scripted(Response(400, text, content_type="application/json")), stored)
    assert raised.value.code == code
    assert SECRET not in str(raised.value)


def test_a_missing_privilege_is_named() -> None:
    with pytest.raises(Forbidden) as raised:
        ask(Scripted(Response(403, "User bot does not have the privilege ViewSubject")), listed)
    assert raised.value.privilege == "ViewSubject"
