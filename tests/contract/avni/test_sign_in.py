"""Tokens, their end, and sites without sign-in (avni.md A38 to A42)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from simulators.avni import AvniStore
from simulators.server import Server
from tests.contract.avni.support import Caller, Clock, fixture, sign_in


def ask_token(server: Server, **given: Any) -> requests.Response:
    return requests.post(server.base_url + "/api/user/generateToken", json=given, timeout=10)


def test_a_token_opens_the_api(avni: Caller) -> None:
    assert avni.get("/api/subjects")["content"] == []


def test_the_answer_is_shaped_like_the_request_for_a_token_promises(server: Server) -> None:
    given = fixture("generateToken-request")
    answer = ask_token(server, **given)
    assert answer.json().keys() == fixture("generateToken-response").keys()


def test_user_names_are_known_in_any_case(server: Server) -> None:
    assert ask_token(server, username="INTEGRATION@demo", password="secret").status_code == 200


@pytest.mark.parametrize(
    ("username", "password", "status"),
    [
        ("", "secret", 400),
        ("integration@demo", " ", 400),
        ("nobody", "secret", 404),
        ("voided", "secret", 404),
        ("field", "secret", 403),
        ("integration@demo", "wrong", 401),
    ],
)
def test_a_token_refused(store: AvniStore, server: Server, username: str, password: str, status: int) -> None:
    store.add_user("field", "secret", may_generate_token=False)
    store.add_user("voided", "secret", voided=True)
    assert ask_token(server, username=username, password=password).status_code == status


@pytest.mark.parametrize("headers", [{}, {"AUTH-TOKEN": "junk"}, {"AUTH-TOKEN": "a.b.c"}, {"USER-NAME": "field"}])
def test_without_a_token_that_can_be_read_the_answer_is_401(server: Server, headers: dict[str, str]) -> None:
    answer = Caller(server.base_url, headers).call("GET", "/api/subjects")
    assert answer.status_code == 401
    assert answer.json().keys() == fixture("error-401-body").keys()


def test_a_forged_token_is_a_500(avni: Caller) -> None:
    avni.headers["AUTH-TOKEN"] += "x"
    assert avni.call("GET", "/api/subjects").status_code == 500


def test_the_token_is_also_taken_from_the_query_and_the_cookie(server: Server, avni: Caller) -> None:
    token = avni.headers["AUTH-TOKEN"]
    assert Caller(server.base_url, {}).ids("/api/subjects", **{"AUTH-TOKEN": token}) == []
    assert Caller(server.base_url, {"Cookie": f"auth-token={token}"}).ids("/api/subjects") == []


def test_every_answer_sets_the_token_as_a_cookie(avni: Caller) -> None:
    cookie = avni.call("GET", "/api/subjects").headers["Set-Cookie"]
    assert cookie == f"auth-token={avni.headers['AUTH-TOKEN']}; Path=/; Secure; HttpOnly"


def test_a_token_ends_after_its_time_and_a_little_leeway(store: AvniStore, avni: Caller, clock: Clock) -> None:
    clock.advance(store.settings.token_ttl + store.settings.token_leeway)
    assert avni.call("GET", "/api/subjects").status_code == 200
    clock.advance(2)
    assert avni.call("GET", "/api/subjects").status_code == 401


def test_a_token_may_end_between_two_pages(store: AvniStore, server: Server, avni: Caller) -> None:
    avni.get("/api/subjects", page=0)
    store.expire_tokens()
    assert avni.call("GET", "/api/subjects", page=1).status_code == 401
    again = sign_in(server.base_url, "integration@demo", "secret")
    assert again.call("GET", "/api/subjects", page=1).status_code == 200


def test_an_older_server_answers_500_to_an_expired_token(store: AvniStore, avni: Caller) -> None:
    store.settings.expired_status = 500
    store.expire_tokens()
    answer = avni.call("GET", "/api/subjects")
    assert (answer.status_code, "TokenExpiredException" in answer.text) == (500, True)


class TestWithoutSignIn:
    @pytest.fixture(autouse=True)
    def on_site(self, store: AvniStore) -> None:
        store.settings.idp_type = "none"

    def test_the_user_is_who_the_header_says(self, server: Server) -> None:
        assert Caller(server.base_url, {"user-name": "integration@demo"}).ids("/api/subjects") == []
        assert Caller(server.base_url, {"USER-NAME": "nobody"}).call("GET", "/api/subjects").status_code == 401

    def test_without_header_a_default_user_may_stand_in(self, store: AvniStore, server: Server) -> None:
        caller = Caller(server.base_url, {})
        assert caller.call("GET", "/api/subjects").status_code == 401
        store.settings.default_user = "integration@demo"
        assert caller.ids("/api/subjects") == []

    def test_the_token_is_null(self, server: Server) -> None:
        answer = ask_token(server, username="integration@demo", password="secret")
        assert (answer.status_code, answer.json()) == (200, {"authToken": None})

    def test_the_site_says_so(self, server: Server) -> None:
        assert Caller(server.base_url, {}).get("/idp-details")["idpType"] == "none"


def test_the_sign_in_kinds_are_told_without_sign_in(server: Server) -> None:
    caller = Caller(server.base_url, {})
    assert caller.call("GET", "/ping").text == "pong"
    told, expected = caller.get("/idp-details"), fixture("idp-details-cognito")
    assert {key: told[key].keys() for key in ("genericConfig", "keycloak", "cognito")} == {
        key: expected[key].keys() for key in ("genericConfig", "keycloak", "cognito")
    }
    assert told["idpType"] == "cognito"
