from __future__ import annotations

import gzip
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from common import clock
from common.http import (
    Counts,
    Garbled,
    HttpSession,
    Refused,
    RemoteError,
    Request,
    Slow,
    Timeouts,
    Unclear,
    Unreachable,
    WriteRefused,
    query_string,
    template_of,
)
from simulators.server import Response, Server
from tests.unit.common.scripted import Scripted

READ = Request("GET", "/things/7", "/things/{id}", "name=Asha%20Devi")
WRITE = Request("POST", "/things", "/things", "name=Asha%20Devi", b'{"name": "Asha Devi"}')
QUICK = Timeouts(connect=2.0, read=0.3)


def session_to(server: Server, **options: object) -> HttpSession:
    return HttpSession(server.base_url, side="hospital", timeouts=QUICK, **options)  # type: ignore[arg-type]


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server below HTTP: `answer` gets the connection once the request has been read."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


# --- what is sent -------------------------------------------------------------------------------


def test_an_answer_comes_back_whole_and_unjudged() -> None:
    with Server(Scripted(Response(418, {"tea": True}))) as server:
        reply = session_to(server).read(READ)
    assert (reply.status, reply.json()) == (418, {"tea": True})


def test_special_characters_in_a_query_arrive_as_themselves() -> None:
    app = Scripted()
    value = 'Tea & "milk" + सूगर = 100% ?#/\\'
    with Server(app) as server:
        session_to(server).read(Request("GET", "/x", "/x", query_string({"q": value})))
    assert app.requests[0].param("q") == value


def test_w51_connections_are_reused() -> None:
    with Server(Scripted()) as server:
        session = session_to(server)
        for _ in range(5):
            session.read(READ)
        pools = session._session.get_adapter(server.base_url).poolmanager.pools  # type: ignore[attr-defined]
        [pool] = pools._container.values()
        assert pool.num_connections == 1


def test_no_more_requests_at_a_time_than_the_limit() -> None:
    running, most = 0, 0
    lock = threading.Lock()
    gate = threading.Barrier(2, timeout=5)

    def busy(_: object) -> Response:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait()
        with lock:
            running -= 1
        return Response(body={})

    with Server(Scripted(busy)) as server:
        session = session_to(server, limit=2)
        threads = [threading.Thread(target=session.read, args=(READ,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 2


def test_cookies_are_not_kept() -> None:
    app = Scripted(Response(body={}, headers={"Set-Cookie": "auth-token=stale; Path=/"}))
    with Server(app) as server:
        session = session_to(server)
        session.read(READ)
        session.read(READ)
    assert "cookie" not in app.requests[1].headers


def test_counts_tell_calls_writes_and_sign_ins_apart() -> None:
    with Server(Scripted()) as server:
        session = session_to(server)
        session.read(READ)
        session.write(WRITE)
        session.sign_in(WRITE)
    assert session.counts == Counts(calls=2, writes=1, sign_ins=1)


def test_counts_add_up_over_threads() -> None:
    with Server(Scripted()) as server:
        session = session_to(server, limit=4)
        threads = [threading.Thread(target=lambda: [session.write(WRITE) for _ in range(10)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert session.counts.writes == server.writes == 40


# --- looking only -------------------------------------------------------------------------------


def test_looking_only_sends_no_write() -> None:
    with Server(Scripted()) as server:
        session = session_to(server, refuse_writes=True)
        with pytest.raises(WriteRefused):
            session.write(WRITE)
        assert server.requests == 0


def test_looking_only_may_sign_in() -> None:
    with Server(Scripted()) as server:
        assert session_to(server, refuse_writes=True).sign_in(WRITE).status == 200


# --- a server that may have been exchanged ------------------------------------------------------


def test_after_signing_in_anew_no_write_is_sent_until_the_server_was_looked_at() -> None:
    with Server(Scripted()) as server:
        session = session_to(server)
        session.trust(session.counts.sign_ins)
        session.write(WRITE)
        session.sign_in(WRITE)
        with pytest.raises(Unclear, match="not sent"):
            session.write(WRITE)
        assert (session.counts.writes, server.requests) == (1, 2)
        session.trust(session.counts.sign_ins)
        assert session.write(WRITE).status == 200


# --- where it may go ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/../admin", "/a/%2e%2e/b", "/a/%2E%2E%2Fb", "x", "//evil.example/x/..", "/a?b", "/a#b", "/a\\b", "/a b"]
)
def test_a_path_that_could_leave_the_base_is_refused(path: str) -> None:
    with Server(Scripted()) as server:
        session = HttpSession(f"{server.base_url}/openmrs", side="hospital", timeouts=QUICK)
        with pytest.raises(ValueError, match="below the base URL"):
            session.read(Request("GET", path, "/x"))
        assert server.requests == 0


@pytest.mark.parametrize("url", ["ftp://x", "https://", "x.example/openmrs", "https://u:p@x", "https://x/?q=1"])
def test_what_is_no_address_is_no_base(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        HttpSession(url, side="hospital", timeouts=QUICK)


def test_a_read_follows_a_redirect_below_the_base() -> None:
    moved = Response(301, headers={"Location": "/openmrs/new?v=1"})
    app = Scripted(moved, Response(body={"here": True}))
    with Server(app) as server:
        session = HttpSession(f"{server.base_url}/openmrs", side="hospital", timeouts=QUICK)
        assert session.read(READ).json() == {"here": True}
    assert (app.requests[1].path, app.requests[1].param("v")) == ("/openmrs/new", "1")


@pytest.mark.parametrize(
    "location", ["http://evil.example/openmrs/x", "/other/x", "/openmrs/../admin", "//evil.example/", ""]
)
def test_a_redirect_off_the_base_is_not_followed(location: str) -> None:
    app = Scripted(Response(302, headers={"Location": location}))
    with Server(app) as server:
        session = HttpSession(f"{server.base_url}/openmrs", side="hospital", timeouts=QUICK)
        with pytest.raises(Unreachable):
            session.read(READ)
    assert {request.path for request in app.requests} == {"/openmrs/things/7"}


def test_a_redirect_with_a_body_beyond_the_size_limit_is_refused() -> None:
    moved = Response(302, b"x" * 5000, {"Location": "/x"})
    with Server(Scripted(moved)) as server, pytest.raises(Garbled):
        session_to(server, largest_body=4999).read(READ)


def test_a_circle_of_redirects_ends() -> None:
    with Server(Scripted(Response(302, headers={"Location": "/x"}))) as server:
        with pytest.raises(Unreachable, match="circle"):
            session_to(server).read(READ)
        assert server.requests == 4


def test_a_redirected_write_is_unclear_and_not_followed() -> None:
    with Server(Scripted(Response(307, headers={"Location": "/x"}))) as server:
        with pytest.raises(Unclear):
            session_to(server).write(WRITE)
        assert server.requests == 1


# --- what goes wrong on the wire ----------------------------------------------------------------


def nobody_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("base", [nobody_listens(), "http://no-such-host.invalid"])
def test_what_was_never_sent_is_unreachable_even_for_a_write(base: str) -> None:
    session = HttpSession(base, side="hospital", timeouts=QUICK)
    with pytest.raises(Unreachable):
        session.write(WRITE)
    with pytest.raises(Unreachable):
        session.read(READ)


def test_a_read_without_an_answer_is_slow() -> None:
    with Server(Scripted()) as server:
        server.faults.plan("GET", ".*", "hang:3")
        with pytest.raises(Slow):
            session_to(server).read(READ)


def test_a_write_without_an_answer_is_unclear() -> None:
    with Server(Scripted()) as server:
        server.faults.plan("POST", ".*", "hang:3")
        with pytest.raises(Unclear):
            session_to(server).write(WRITE)


def test_a_read_is_asked_again_once_over_a_broken_connection() -> None:
    with Server(Scripted()) as server:
        server.faults.plan("GET", ".*", "reset_before")
        session = session_to(server)
        assert session.read(READ).status == 200
        assert server.requests == session.counts.calls == 2


def test_a_read_over_two_broken_connections_is_unreachable() -> None:
    with Server(Scripted()) as server:
        server.faults.plan("GET", ".*", "reset_before", times=5)
        with pytest.raises(Unreachable):
            session_to(server).read(READ)
        assert server.requests == 2


@pytest.mark.parametrize("fault", ["reset_before", "reset_after"])
def test_a_write_over_a_broken_connection_is_unclear_and_sent_once(fault: str) -> None:
    with Server(Scripted()) as server:
        server.faults.plan("POST", ".*", fault)
        with pytest.raises(Unclear):
            session_to(server).write(WRITE)
        assert server.requests == 1


def test_a_connection_closed_while_idle_is_replaced_before_a_write_is_sent() -> None:
    app = Scripted()
    server = Server(app).start()
    session = session_to(server)
    session.read(READ)
    server.stop()
    with Server(app, port=server.port) as again:
        assert session.write(WRITE).status == 200
        assert again.writes == 1


@pytest.mark.parametrize(("ask", "error"), [("read", Unreachable), ("write", Unclear)])
def test_an_answer_that_breaks_off_is_no_answer(ask: str, error: type[RemoteError]) -> None:
    def broken(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with raw_server(broken) as base:
        session = HttpSession(base, side="hospital", timeouts=QUICK)
        with pytest.raises(error):
            session.read(READ) if ask == "read" else session.write(WRITE)


@pytest.mark.parametrize(("ask", "error"), [("read", Slow), ("write", Unclear)])
def test_w52_a_server_that_drips_is_cut_off_at_the_time_limit(ask: str, error: type[RemoteError]) -> None:
    with clock.frozen(datetime(2026, 1, 1, tzinfo=UTC)) as frozen:

        def dripping(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(3):
                frozen.advance(0.2)
                connection.sendall(b"x")
                threading.Event().wait(0.05)

        with raw_server(dripping) as base:
            session = HttpSession(base, side="hospital", timeouts=QUICK)
            with pytest.raises(error):
                session.read(READ) if ask == "read" else session.write(WRITE)


@pytest.mark.parametrize(("ask", "error"), [("read", Garbled), ("write", Unclear)])
def test_an_answer_beyond_the_size_limit_is_refused(ask: str, error: type[RemoteError]) -> None:
    with Server(Scripted(Response(body=b"x" * 5000))) as server:
        session = session_to(server, largest_body=4999)
        with pytest.raises(error):
            session.read(READ) if ask == "read" else session.write(WRITE)


def test_a_small_answer_that_unpacks_beyond_the_size_limit_is_refused() -> None:
    bomb = Response(body=gzip.compress(b"\0" * 5_000_000), headers={"Content-Encoding": "gzip"})
    with Server(Scripted(bomb)) as server, pytest.raises(Garbled):
        session_to(server, largest_body=1_000_000).read(READ)


def test_packed_answers_are_unpacked() -> None:
    packed = Response(body=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})
    with Server(Scripted(packed)) as server:
        assert session_to(server).read(READ).json() == {"a": 1}


def test_the_longest_request_is_known_beforehand() -> None:
    assert Timeouts(connect=5, read=60).longest == 125


# --- the server's clock -------------------------------------------------------------------------


def test_the_servers_time_is_read_from_its_answer() -> None:
    dated = Response(body={}, headers={"Date": "Sun, 01 Mar 2026 12:00:00 GMT"})
    with Server(Scripted(dated)) as server:
        assert session_to(server).read(READ).server_time == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_servers_clock_is_carried_on_between_answers() -> None:
    dated = Response(body={}, headers={"Date": "Sun, 01 Mar 2026 12:00:00 GMT"})
    with Server(Scripted(dated)) as server, clock.frozen(datetime(2020, 1, 1, tzinfo=UTC)) as frozen:
        session = session_to(server)
        assert session.server_now() is None
        session.read(READ)
        frozen.advance(30)
        assert session.server_now() == datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def test_an_unreadable_date_is_no_time() -> None:
    with Server(Scripted(Response(body={}, headers={"Date": "soon"}))) as server:
        assert session_to(server).read(READ).server_time is None


# --- what is said about it ----------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["reset_before", "hang:3"])
def test_neither_error_nor_log_holds_the_query_or_the_body(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Server(Scripted()) as server:
        session = session_to(server)
        session.read(READ)
        server.faults.plan("*", ".*", fault, times=9)
        for ask in (session.read, session.write):
            with pytest.raises(RemoteError) as raised:
                ask(READ if ask == session.read else WRITE)
            assert raised.value.__cause__ is None
            assert raised.value.__context__ is None or "Asha" not in repr(raised.value.__context__)
            assert "Asha" not in str(raised.value)
    assert "Asha" not in caplog.text


def test_an_error_tells_server_method_path_and_status() -> None:
    refusal = Refused("refused", side="avni", method="POST", path_template="/api/encounter", status=400)
    assert str(refusal) == "avni: POST /api/encounter [400]: refused"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/ws/rest/v1/patient/0f54fe40-89af-4412-8dd4-5eaebe8684dc", "/ws/rest/v1/patient/{id}"),
        ("/ws/atomfeed/encounter/12", "/ws/atomfeed/encounter/{id}"),
        ("/patient/GAN200001", "/patient/{id}"),
    ],
)
def test_a_template_keeps_plain_words_only(path: str, template: str) -> None:
    assert template_of(path) == template


@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html><p>", "\ufeff\n <HTML lang='en'>", '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">']
)
def test_a_page_for_people_is_recognised_by_its_first_bytes(page: str) -> None:
    with Server(Scripted(Response(body=page, content_type="application/json"))) as server:
        assert session_to(server).read(READ).is_html


def test_a_way_to_a_server_beside_ours_is_told_as_ours_and_waits_as_long() -> None:
    app = Scripted(Response(status=500))
    with Server(app) as server:
        ours = HttpSession("http://127.0.0.1:9", side="avni", timeouts=Timeouts(1, 2), refuse_writes=True)
        beside = ours.beside(server.base_url)
        reply = beside.sign_in(READ)
    failure = beside.error(Unreachable, READ, "for a reason", reply, detail="provider")
    assert (failure.side, failure.detail, failure.status) == ("avni", "provider", 500)
    assert (beside.timeouts, beside.refuse_writes) == (ours.timeouts, True)


DATE = "Sat, 21 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Sat, 21 Nov 2026 10:05:00 GMT", 300),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("9" * 40, None),
        ("", None),
    ],
)
def test_an_error_says_for_how_long_the_server_asks_us_to_wait_by_its_own_clock(told: str, seconds: int | None) -> None:
    with Server(Scripted(Response(503, headers={"Retry-After": told, "Date": DATE}))) as server:
        session = session_to(server)
        asked = session.error(Unreachable, READ, "not ready", session.read(READ)).retry_after
    assert asked == (None if seconds is None else timedelta(seconds=seconds))
