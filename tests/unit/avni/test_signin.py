from __future__ import annotations

import threading
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from avni import AvniClient, GenerateToken, NoSignIn
from avni.client import PROMPTLY, TIMEOUTS
from common import clock
from common.http import SignInFailed, Timeouts, Unreachable
from engine.lease import LONGEST_WRITE
from simulators.server import Request, Response, Server
from tests.chaos.hooks import watch
from tests.unit.common.scripted import Scripted, html

PAGE = {"content": [], "totalPages": 0}
BODY = {"External ID": "b-1", "Voided": False, "observations": {}, "cancelObservations": {}}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Door:
    """Gives out tokens t1, t2, …; accepts only those in `valid`; answers `refusal` to a sign-in if there is one."""

    def __init__(self, life: int | None = None, refusal: Response | None = None) -> None:
        self.given = 0
        self.valid: set[str] = set()
        self.life = life
        self.refusal = refusal
        self.expired: Response = Response(401)
        self.seen: list[Request] = []
        self.lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        with self.lock:
            self.seen.append(request)
            if request.path == "/api/user/generateToken":
                return self.refusal or self._give()
        if request.header("auth-token") not in self.valid:
            return self.expired
        return Response(body=PAGE if request.method == "GET" else {"ID": "1"})

    def _give(self) -> Response:
        self.given += 1
        token = f"t{self.given}"
        if self.life is not None:
            claims = f'{{"iat": 5, "exp": {5 + self.life}, "n": {self.given}}}'.encode()
            token = f"x.{urlsafe_b64encode(claims).decode().rstrip('=')}.y"
        self.valid.add(token)
        return Response(body={"authToken": token})

    def revoke(self) -> None:
        self.valid.clear()


def client_of(server: Server, **options: Any) -> AvniClient:
    return AvniClient(server.base_url, GenerateToken("bot", "secret"), timeouts=Timeouts(2, 2), **options)


def look(client: AvniClient) -> Any:
    return client.subjects(NOW, "Individual")


def test_the_name_is_all_that_is_shown_without_sign_in() -> None:
    app = Scripted(Response(body=PAGE))
    with Server(app) as server:
        look(AvniClient(server.base_url, NoSignIn("bot")))
    assert app.requests[0].header("user-name") == "bot"
    assert app.requests[0].header("auth-token") is None


def test_one_token_serves_many_requests() -> None:
    door = Door()
    with Server(door) as server:
        client = client_of(server)
        for _ in range(5):
            look(client)
    assert door.given == 1
    assert door.seen[0].json() == {"username": "bot", "password": "secret"}
    assert (client.counts.calls, client.counts.sign_ins) == (5, 1)


def test_threads_wait_for_one_token() -> None:
    door = Door()
    with Server(door) as server:
        client = client_of(server)
        threads = [threading.Thread(target=look, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert door.given == 1


def test_threads_whose_token_was_refused_fetch_one_new_one() -> None:
    door = Door()
    with Server(door) as server:
        client = client_of(server)
        look(client)
        door.revoke()
        threads = [threading.Thread(target=look, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert door.given == 2


@pytest.mark.parametrize(
    "expired", [Response(401), Response(500, "com.auth0.jwt.exceptions.TokenExpiredException: The Token has expired")]
)
@pytest.mark.parametrize("write", [False, True])
def test_a_request_whose_token_was_refused_is_sent_once_more(expired: Response, write: bool) -> None:
    door = Door()
    door.expired = expired
    with Server(door) as server:
        client = client_of(server)
        look(client)
        door.revoke()
        found = client.upsert_encounter(BODY) if write else look(client)
    assert found
    assert door.given == 2


def test_a_new_token_that_is_refused_too_is_a_failed_sign_in() -> None:
    door = Door()
    with Server(door) as server:
        client = client_of(server)
        tokens = iter(("never good", "no better"))
        door._give = lambda: Response(body={"authToken": next(tokens)})  # type: ignore[method-assign]
        with pytest.raises(SignInFailed) as raised:
            look(client)
    assert (len(door.seen), raised.value.detail) == (4, "token-refused")


def test_a_token_that_was_refused_is_not_shown_again() -> None:
    door = Door()
    with Server(door) as server:
        client = client_of(server)
        door._give = lambda: Response(body={"authToken": "never good"})  # type: ignore[method-assign]
        with pytest.raises(SignInFailed):
            look(client)
    assert [request.method for request in door.seen] == ["POST", "GET", "POST"]


def test_a_token_is_renewed_before_its_end() -> None:
    door = Door(life=1000)
    with Server(door) as server, clock.frozen(NOW) as frozen:
        client = client_of(server)
        look(client)
        frozen.advance(899)
        look(client)
        assert door.given == 1
        frozen.advance(2)
        look(client)
        assert door.given == 2


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (Response(401, "x"), "password"),
        (Response(403, "x"), "settings"),
        (Response(404), "no such user"),
        (Response(400, "x"), "empty"),
        (Response(200, {"authToken": None}), "no token"),
        (Response(200, "[]"), "no token"),
        (Response(418), "refuses"),
    ],
)
def test_a_refusal_tells_why_and_is_final(refusal: Response, reason: str) -> None:
    door = Door(refusal=refusal)
    with Server(door) as server:
        client = client_of(server)
        for _ in range(3):
            with pytest.raises(SignInFailed, match=reason):
                look(client)
    assert len(door.seen) == 1


@pytest.mark.parametrize("refusal", [Response(503), Response(500), html(200), Response(429)])
def test_a_server_that_cannot_sign_in_anybody_may_be_asked_again(refusal: Response) -> None:
    door = Door(refusal=refusal)
    with Server(door) as server:
        client = client_of(server)
        with pytest.raises(Unreachable):
            look(client)
        door.refusal = None
        assert look(client).content == []


def test_a_password_that_was_right_before_was_changed() -> None:
    door = Door()
    with Server(door) as server:
        client = client_of(server)
        look(client)
        door.revoke()
        door.refusal = Response(401)
        for _ in range(2):
            with pytest.raises(SignInFailed, match="not accepted any more") as raised:
                look(client)
    assert raised.value.detail == "password-changed"
    assert sum(request.method == "POST" for request in door.seen) == 2


def test_a_server_that_does_not_answer_a_sign_in_blames_no_record() -> None:
    door = Door()
    with Server(door) as server:
        server.faults.plan("POST", "generateToken", "hang:0.4")
        client = AvniClient(server.base_url, GenerateToken("bot", "secret"), timeouts=Timeouts(2, 0.2))
        with pytest.raises(Unreachable):
            look(client)


def test_a_write_that_would_begin_late_because_signing_in_took_long_is_not_sent() -> None:
    door = Door()
    with Server(door) as server, clock.frozen(NOW) as time:
        client = client_of(server)
        watch(server, before=lambda request: time.advance(PROMPTLY + 1) if "generateToken" in request.path else None)
        with pytest.raises(Unreachable, match="nothing was sent"):
            client.upsert_encounter(BODY)
        assert [request.path for request in door.seen] == ["/api/user/generateToken"]
        assert client.upsert_encounter(BODY)


def test_a_write_whose_ticket_was_refused_late_is_not_repeated() -> None:
    door = Door()
    with Server(door) as server, clock.frozen(NOW) as time:
        client = client_of(server)
        look(client)
        door.revoke()
        watch(server, after=lambda request: time.advance(PROMPTLY + 1) if request.path == "/api/encounter" else None)
        with pytest.raises(Unreachable, match="nothing was sent"):
            client.upsert_encounter(BODY)
    assert [request.path for request in door.seen].count("/api/encounter") == 1


def test_a_write_ends_within_the_time_that_whoever_writes_reckons_with() -> None:
    assert PROMPTLY + TIMEOUTS.longest <= LONGEST_WRITE.total_seconds()


def test_neither_name_nor_password_is_shown_in_a_failure() -> None:
    door = Door(refusal=Response(401, "bot secret"))
    with Server(door) as server, pytest.raises(SignInFailed) as raised:
        look(client_of(server))
    assert "secret" not in str(raised.value)


def test_looking_only_may_sign_in() -> None:
    with Server(Door()) as server:
        assert look(client_of(server, refuse_writes=True)).content == []
