from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from atomfeed import PAGE_MISSING
from bahmni.openmrs import OpenMRSClient
from common import clock
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
from simulators.server import Request, Response, Server
from tests.unit.common.scripted import html

UUID = "0f54fe40-89af-4412-8dd4-5eaebe8684dc"
SECRET = "Asha Devi"
SESSION = {"authenticated": True, "user": {"uuid": "u-1", "privileges": [{"name": "Get Patients"}]}}

Ask = Callable[[OpenMRSClient], Any]


class Hospital:
    """Opens sessions c1, c2, …; knows only those in `valid`; otherwise answers `answer`."""

    def __init__(self, answer: Response | None = None, *, door: Response | None = None) -> None:
        self.answer = answer or Response(body={"uuid": UUID})
        self.door = door
        self.lost = html(401)
        self.opened = 0
        self.valid: set[str] = set()
        self.seen: list[Request] = []
        self.lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        with self.lock:
            self.seen.append(request)
            if request.path.endswith("/session"):
                return self.door or self._open()
            known = (request.header("cookie") or "").removeprefix("JSESSIONID=") in self.valid
        return self.answer if known else self.lost

    def _open(self) -> Response:
        self.opened += 1
        self.valid.add(f"c{self.opened}")
        return Response(body=SESSION, headers={"Set-Cookie": f"JSESSIONID=c{self.opened}; Path=/openmrs; HttpOnly"})

    @property
    def asked(self) -> list[Request]:
        return [request for request in self.seen if not request.path.endswith("/session")]


def client_of(server: Server, **options: Any) -> OpenMRSClient:
    options = {"username": "bot", "password": "secret"} | options
    return OpenMRSClient(f"{server.base_url}/openmrs", timeouts=Timeouts(2, 2), **options)


def ask(hospital: Hospital, what: Ask, **options: Any) -> Any:
    with Server(hospital) as server:
        return what(client_of(server, **options))


def read(client: OpenMRSClient) -> Any:
    return client.get(f"/patient/{UUID}", {"v": "custom:(uuid,voided)"})


def write(client: OpenMRSClient) -> Any:
    return client.post("/encounter", {"uuid": UUID})


def error(message: str = "", status: int = 500, **more: Any) -> Response:
    return Response(status, {"error": {"message": message, "code": "org.openmrs.Thing:17", "detail": "", **more}})


def invalid(whole: list[dict[str, str]] | None = None, **fields: list[dict[str, str]]) -> Response:
    return error(
        "Invalid Submission", 400, code="webservices.rest.error.invalid.submission",
        globalErrors=whole or [], fieldErrors=fields,
    )  # fmt: skip


# --- the session --------------------------------------------------------------------------------


def test_the_password_travels_with_the_opening_of_the_session_only() -> None:
    hospital = Hospital()
    ask(hospital, read)
    assert hospital.seen[0].header("authorization") == "Basic Ym90OnNlY3JldA=="
    assert hospital.asked[0].header("authorization") is None
    assert hospital.asked[0].header("cookie") == "JSESSIONID=c1"


def test_one_session_serves_many_requests_and_threads() -> None:
    hospital = Hospital()
    with Server(hospital) as server:
        client = client_of(server)
        threads = [threading.Thread(target=read, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert hospital.opened == 1
    assert (client.counts.calls, client.counts.sign_ins) == (8, 1)


@pytest.mark.parametrize("lost", [html(401), html(403), error("User is not logged in", 401)])
def test_a_read_whose_session_was_lost_is_asked_again_in_a_new_one(lost: Response) -> None:
    hospital = Hospital()
    hospital.lost = lost
    with Server(hospital) as server:
        client = client_of(server)
        read(client)
        hospital.valid.clear()
        assert read(client) == {"uuid": UUID}
    assert hospital.opened == 2


def test_threads_whose_session_was_lost_open_one_new_one() -> None:
    hospital = Hospital()
    with Server(hospital) as server:
        client = client_of(server)
        read(client)
        hospital.valid.clear()
        threads = [threading.Thread(target=read, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert hospital.opened == 2


@pytest.mark.parametrize("lost", [html(401), html(403)])
def test_a_write_whose_session_was_lost_is_unclear_and_not_sent_again(lost: Response) -> None:
    hospital = Hospital()
    hospital.lost = lost
    with Server(hospital) as server:
        client = client_of(server)
        read(client)
        hospital.valid.clear()
        with pytest.raises(Unclear):
            write(client)
        assert len(hospital.asked) == 2
        assert write(client) == {"uuid": UUID}
    assert hospital.opened == 2


def test_a_new_session_that_is_lost_too_is_a_failed_sign_in() -> None:
    hospital = Hospital(Response(401))
    with pytest.raises(SignInFailed):
        ask(hospital, read)
    assert hospital.opened == 2


@pytest.mark.parametrize(
    ("door", "reason"),
    [
        (Response(body={"authenticated": False}), "wrong"),
        (Response(204), "second factor"),
        (Response(401), "second factor"),
        (Response(400, "Invalid credentials provided"), "credentials"),
        (html(403), "address"),
    ],
)
def test_a_failed_log_in_tells_why_and_is_the_last(door: Response, reason: str) -> None:
    hospital = Hospital(door=door)
    with Server(hospital) as server:
        client = client_of(server)
        for attempt in (read, write, read):
            with pytest.raises(SignInFailed, match=reason):
                attempt(client)
    assert len(hospital.seen) == 1


def test_a_password_with_a_colon_is_not_even_tried() -> None:
    hospital = Hospital()
    with pytest.raises(SignInFailed, match="colon"):
        ask(hospital, read, password="sec:ret")
    assert hospital.seen == []


@pytest.mark.parametrize("door", [html(200), html(404), html(503), Response(500), Response(302), Response(429)])
def test_a_server_that_starts_or_asks_to_wait_may_be_asked_again(door: Response) -> None:
    hospital = Hospital(door=door)
    with Server(hospital) as server:
        client = client_of(server)
        with pytest.raises(Unreachable):
            read(client)
        hospital.door = None
        assert read(client)


@pytest.mark.parametrize("door", [Response(body="{"), Response(body=[]), Response(body={}), Response(body=SESSION)])
def test_what_is_no_session_is_garbled(door: Response) -> None:
    with pytest.raises(Garbled):
        ask(Hospital(door=door), read)


def test_the_account_tells_its_privileges() -> None:
    assert ask(Hospital(), lambda client: client.account())["privileges"] == [{"name": "Get Patients"}]


def test_looking_only_reads_but_sends_no_write() -> None:
    hospital = Hospital()
    with Server(hospital) as server:
        client = client_of(server, refuse_writes=True)
        assert read(client)
        for refused in (write, lambda client: client.delete(f"/encounter/{UUID}", "voided in Avni")):
            with pytest.raises(WriteRefused):
                refused(client)
    assert [request.method for request in hospital.seen] == ["GET", "GET"]


def test_the_servers_clock_is_known_after_signing_in() -> None:
    door = Response(
        body=SESSION, headers={"Set-Cookie": "JSESSIONID=c1", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
    )  # fmt: skip
    with clock.frozen(datetime(2020, 1, 1, tzinfo=UTC)):
        assert ask(Hospital(door=door), lambda c: c.server_now()) == datetime(2026, 3, 1, 12, tzinfo=UTC)


# --- what is asked ------------------------------------------------------------------------------


def test_a_representation_arrives_as_it_is() -> None:
    hospital = Hospital()
    ask(hospital, lambda client: client.patient(UUID, "custom:(uuid,person:(uuid,names:full))"))
    assert hospital.asked[0].path == f"/openmrs/ws/rest/v1/patient/{UUID}"
    assert hospital.asked[0].query == {"v": ["custom:(uuid,person:(uuid,names:full))"]}


def test_a_write_carries_json_and_the_representation_wanted_back() -> None:
    hospital = Hospital(Response(201, {"uuid": UUID}))
    ask(hospital, lambda client: client.post("/encounter", {"note": "बुखार"}, v="custom:(uuid)"))
    request = hospital.asked[0]
    assert (request.json(), request.param("v")) == ({"note": "बुखार"}, "custom:(uuid)")
    assert request.header("content-type") == "application/json"


def test_voiding_gives_its_reason() -> None:
    hospital = Hospital(Response(204))
    ask(hospital, lambda client: client.delete(f"/encounter/{UUID}", "voided & gone"))
    assert (hospital.asked[0].method, hospital.asked[0].param("reason")) == ("DELETE", "voided & gone")


def test_nothing_there_is_none() -> None:
    assert ask(Hospital(error("not there", 404)), lambda client: client.patient(UUID, "full")) is None


def test_w54_a_search_goes_through_all_pages() -> None:
    class Paged(Hospital):
        def handle(self, request: Request) -> Response:
            answer = super().handle(request)
            if request.path.endswith("/session"):
                return answer
            start = int(request.param("startIndex") or 0)
            rows = [
                {"uuid": str(n), "identifiers": [{"identifier": f"GAN{n}"}]}
                for n in range(start, min(start + 100, 250))
            ]
            return Response(body={"results": rows} | ({"links": [{"rel": "next"}]} if start < 200 else {}))

    hospital = Paged()
    assert [row["uuid"] for row in ask(hospital, lambda c: c.patient_by_identifier("GAN249"))] == ["249"]
    assert len(hospital.asked) == 3


@pytest.mark.parametrize(
    ("patient", "found"),
    [
        ({"identifiers": [{"identifier": "GAN1", "identifierType": {"uuid": "t"}}]}, True),
        ({"identifiers": [{"identifier": "GAN10", "identifierType": {"uuid": "t"}}]}, False),
        ({"identifiers": [{"identifier": "GAN1", "voided": True, "identifierType": {"uuid": "t"}}]}, False),
        ({"identifiers": [{"identifier": "GAN1", "identifierType": {"uuid": "other"}}]}, False),
        ({"identifiers": [{"identifier": "GAN1", "identifierType": {"uuid": "t"}}], "voided": True}, False),
        ({"identifiers": None}, False),
    ],
)
def test_only_a_valid_identifier_that_is_exactly_this_one_counts(patient: dict[str, Any], found: bool) -> None:
    hospital = Hospital(Response(body={"results": [patient]}))
    rows = ask(hospital, lambda client: client.patient_by_identifier("GAN1", identifier_type="t"))
    assert bool(rows) is found
    assert hospital.asked[0].param("searchType") == "start"


def test_nobody_is_searched_without_an_identifier() -> None:
    with pytest.raises(ValueError, match="empty"):
        ask(Hospital(), lambda client: client.patient_by_identifier(" "))


# --- what an answer means -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (html(200), Unreachable),
        (html(404), Unreachable),
        (Response(404), Unreachable),
        (html(500), Unreachable),
        (html(502), Unreachable),
        (Response(503), Unreachable),
        (Response(200, "half a bo"), Garbled),
        (error("no", 400), Refused),
        (html(400), Refused),
        (error("Object with given uuid doesn't exist [null]", 404), NotFound),
        (error("lacks [Privileges required: Get Patients]", 403), Forbidden),
        (error("Administrator has set absolute limit at 100"), Refused),
        (error("Deadlock found when trying to get lock"), Refused),
    ],
)
def test_each_answer_to_a_read_has_its_meaning(answer: Response, kind: type[RemoteError]) -> None:
    with pytest.raises(kind) as raised:
        ask(Hospital(answer), read)
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (html(200), Unclear),
        (html(404), Unclear),
        (html(500), Unclear),
        (Response(500), Unclear),
        (Response(500, "Internal"), Unclear),
        (html(502), Unclear),
        (Response(503), Unclear),
        (Response(504), Unclear),
        (Response(201, "half a bo"), Unclear),
        (error(f"[could not execute statement => Duplicate entry '{SECRET}' for key 'uuid']"), Unclear),
        (error("x", detail="org.hibernate.exception.ConstraintViolationException: y"), Unclear),
        (error("Deadlock found when trying to get lock"), Unclear),
        (error("Lock wait timeout exceeded"), Unclear),
        (error("could not obtain connection"), Unclear),
        (error("[Missing required identifier]"), Refused),
        (error("no", 400), Refused),
        (html(413), Refused),
        (error("gone", 404), NotFound),
        (error("lacks [Privileges required: Edit Patients]", 403), Forbidden),
        (Response(429), Unreachable),
    ],
)
def test_each_answer_to_a_write_has_its_meaning(answer: Response, kind: type[RemoteError]) -> None:
    hospital = Hospital(answer)
    with pytest.raises(kind) as raised:
        ask(hospital, write)
    assert type(raised.value) is kind
    assert len(hospital.asked) == 1
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (invalid([{"code": f"Identifier {SECRET} already in use by another patient",
                   "message": f"Identifier {SECRET} already in use by another patient"}]), "identifier.in-use"),
        (invalid([{"code": "", "message": f"Identifier {SECRET} does not match : GAN\\d+"}]), "identifier.format"),
        (invalid(givenName=[{"code": "GivenName.invalid", "message": SECRET}]), "GivenName.invalid"),
        (error(f"[{SECRET} => FamilyName.invalid]", 400), "FamilyName.invalid"),
        (invalid(gender=[{"code": "Person.gender.required", "message": "x"}]), "Person.gender.required"),
        (error("[Some properties are not allowed to be set: uuid]", 400), "properties.not-settable"),
        (error("[Some required properties are missing: identifiers]", 400), "properties.missing"),
        (error("[visit on class org.openmrs.Encounter => boom]", 400), "conversion"),
        (error(SECRET, 400), "org.openmrs.Thing"),
        (error(SECRET, 400, code=SECRET), ""),
        (Response(400, {"error": SECRET}), ""),
        (Response(400, {"error": {"globalErrors": [SECRET], "fieldErrors": {SECRET: None}}}), ""),
    ],
)  # fmt: skip
def test_only_machine_words_are_taken_from_an_error(answer: Response, code: str) -> None:
    with pytest.raises(Refused) as raised:
        ask(Hospital(answer), write)
    assert raised.value.code == code
    assert SECRET not in f"{raised.value} {raised.value.codes} {raised.value.fields}"


def test_the_fields_complained_about_are_named() -> None:
    answer = invalid(**{"names[0].givenName": [{"code": "GivenName.invalid", "message": SECRET}], SECRET: []})
    with pytest.raises(Refused) as raised:
        ask(Hospital(answer), write)
    assert raised.value.fields == ("names[0].givenName",)


def test_the_particular_code_stands_before_the_general_one() -> None:
    answer = invalid([{"code": "a.b", "message": "x"}], gender=[{"code": "c.d", "message": "y"}])
    with pytest.raises(Refused) as raised:
        ask(Hospital(answer), write)
    assert raised.value.codes == ("a.b", "c.d", "webservices.rest.error.invalid.submission")


def test_a_missing_privilege_is_named() -> None:
    text = "User is logged in but doesn't have the relevant privilege [Privileges required: Add Patients]"
    with pytest.raises(Forbidden) as raised:
        ask(Hospital(error(text, 403)), write)
    assert raised.value.privilege == "Add Patients"


# --- feeds --------------------------------------------------------------------------------------


def page(client: OpenMRSClient) -> bytes:
    return client.feed("patient", 7)


def test_a_feed_page_comes_as_bytes_whatever_its_content_type() -> None:
    hospital = Hospital(Response(body=b"<feed>\xe9</feed>", content_type="text/html;charset=ISO-8859-1"))
    assert ask(hospital, page) == b"<feed>\xe9</feed>"
    assert hospital.asked[0].path == "/openmrs/ws/atomfeed/patient/7"
    assert hospital.asked[0].header("cookie") == "JSESSIONID=c1"


@pytest.mark.parametrize("text", ["feed does not exist", "feedId must not be null and must be greater than 0"])
def test_a_feed_page_that_does_not_exist_is_told_by_its_text(text: str) -> None:
    with pytest.raises(Refused) as raised:
        ask(Hospital(html(500, text)), page)
    assert raised.value.codes == (PAGE_MISSING,)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (html(500, "Something broke"), Refused),
        (html(200, "Log in"), Unreachable),
        (html(404), Unreachable),
        (html(503), Unreachable),
        (html(403), Forbidden),
    ],
)
def test_each_answer_to_a_feed_request_has_its_meaning(answer: Response, kind: type[RemoteError]) -> None:
    with pytest.raises(kind) as raised:
        ask(Hospital(answer), page)
    assert type(raised.value) is kind
