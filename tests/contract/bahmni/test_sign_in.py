"""Sessions, cookies, lock-out, privileges."""

from __future__ import annotations

import pytest

from simulators.bahmni import Store
from simulators.bahmni.model import Patient
from simulators.server import Server
from tests.contract.bahmni.support import PATIENT, USER, Clock, Http, message


@pytest.fixture
def nobody(server: Server) -> Http:
    return Http(server.base_url, user=None)


def test_session_answers_200_to_a_wrong_password(server: Server) -> None:
    answer = Http(server.base_url, password="wrong").get("/session")
    assert answer.status_code == 200
    assert answer.json() == {"authenticated": False, "locale": "en", "allowedLocales": ["en", "fr"]}


def test_session_cookie_is_for_the_context_path(server: Server) -> None:
    cookie = Http(server.base_url).get("/session").headers["Set-Cookie"]
    assert cookie.startswith("JSESSIONID=")
    assert "Path=/openmrs" in cookie


def test_session_id_is_in_the_body_of_old_releases_only(http: Http, store: Store) -> None:
    assert "sessionId" not in http.get("/session").json()
    store.settings.session_id_in_body = True
    assert http.get("/session").json()["sessionId"] == http.session.cookies["JSESSIONID"]


def test_cookie_alone_keeps_a_caller_logged_in(http: Http, patient: Patient) -> None:
    http.session.auth = None
    assert http.get(f"/patient/{PATIENT}").status_code == 200


def test_changed_password_goes_unnoticed_until_the_session_ends(http: Http) -> None:
    http.session.auth = (USER, "wrong")
    assert http.get("/session").json()["authenticated"]


def test_two_factor_account_answers_204(http: Http, store: Store) -> None:
    store.settings.two_factor = True
    assert http.get("/session").status_code == 204


@pytest.mark.parametrize("status", [401, 403])
def test_stale_cookie_is_answered_with_a_page(http: Http, store: Store, status: int) -> None:
    store.settings.stale_cookie_status = status  # type: ignore[assignment]
    store.expire_sessions()
    http.session.auth = None
    answer = http.get("/session")
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")


def test_stale_cookie_with_basic_is_refused_and_executed(http: Http, store: Store) -> None:
    store.expire_sessions()
    body = {"uuid": "person-1", "names": [{"givenName": "Asha"}], "gender": "F"}
    answer = http.post("/person", body)
    assert answer.status_code == 401
    assert "person-1" in store.persons


def test_stale_cookie_without_basic_is_refused_and_not_executed(http: Http, store: Store) -> None:
    store.expire_sessions()
    http.session.auth = None
    body = {"uuid": "person-1", "names": [{"givenName": "Asha"}], "gender": "F"}
    assert http.post("/person", body).status_code == 401
    assert store.persons == {}


def test_stale_cookie_is_followed_by_a_new_one(http: Http, store: Store) -> None:
    store.expire_sessions()
    assert http.get("/session").status_code == 401
    assert http.get("/session").json()["authenticated"]


def test_session_ends_after_so_many_requests(http: Http, store: Store) -> None:
    store.settings.session_requests = 3  # one was the sign-in
    assert [http.get("/session").status_code for _ in range(3)] == [200, 200, 401]


def test_session_ends_when_idle(http: Http, clock: Clock) -> None:
    clock.move(1801)
    assert http.get("/session").status_code == 401


def test_anonymous_caller_gets_401_json_with_a_challenge(nobody: Http) -> None:
    answer = nobody.get(f"/patient/{PATIENT}")
    assert answer.status_code == 401
    assert message(answer) == "User is not logged in [Privileges required: Get Patients]"
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="OpenMRS at ')


def test_challenge_is_left_out_on_demand(nobody: Http) -> None:
    answer = nobody("GET", "/ws/rest/v1/patient/x", headers={"Disable-WWW-Authenticate": "true"})
    assert answer.status_code == 401
    assert "WWW-Authenticate" not in answer.headers


def test_missing_privilege_is_named_in_403_json(server: Server, store: Store, patient: Patient) -> None:
    store.add_user("reader", "r", ["Get People"])
    answer = Http(server.base_url, user="reader", password="r").get(f"/patient/{PATIENT}")
    assert answer.status_code == 403
    assert message(answer).endswith("[Privileges required: Get Patients]")
    assert answer.headers["Content-Type"].startswith("application/json")


def test_session_lists_the_privileges_held(server: Server, store: Store) -> None:
    store.add_user("reader", "r", ["Get People"])
    user = Http(server.base_url, user="reader", password="r").get("/session").json()["user"]
    assert [privilege["name"] for privilege in user["privileges"]] == ["Get People"]


def test_account_is_locked_after_seven_failures(server: Server, clock: Clock) -> None:
    for _ in range(7):
        Http(server.base_url, password="wrong").get("/session")
    assert not Http(server.base_url).get("/session").json()["authenticated"]
    clock.move(301)
    assert Http(server.base_url).get("/session").json()["authenticated"]


def test_six_failures_do_not_lock(server: Server) -> None:
    for _ in range(6):
        Http(server.base_url, password="wrong").get("/session")
    assert Http(server.base_url).get("/session").json()["authenticated"]


def test_password_with_a_colon_never_logs_in(server: Server, store: Store) -> None:
    store.add_user("colon", "a:b")
    assert not Http(server.base_url, user="colon", password="a:b").get("/session").json()["authenticated"]


@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Basic bm9jb2xvbg=="])
def test_unreadable_basic_header_is_400(nobody: Http, header: str) -> None:
    answer = nobody("GET", "/ws/rest/v1/session", headers={"Authorization": header})
    assert answer.status_code == 400
    assert "Invalid credentials provided" in message(answer)


def test_log_out_drops_the_session(http: Http, store: Store) -> None:
    before = http.session.cookies["JSESSIONID"]
    assert http.delete("/session").status_code == 204
    assert before not in store.doorkeeper.sessions


def test_unknown_locale_is_500(http: Http) -> None:
    assert http.post("/session", {"locale": "xx"}).status_code == 500
