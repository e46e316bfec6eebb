"""Our client gets in by every way there is, and says in one sentence why when it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from avni import AvniClient, AvniPage, keycloak, read_window, way, window_start
from avni.idp import Realm
from common import clock
from common.http import HttpSession, SignInFailed, Timeouts, Unreachable
from simulators.avni import AvniStore, IdentityApp
from simulators.server import Request, Response, Server
from tests.chaos.hooks import twist, watch
from tests.contract.clients.conftest import Clock

QUICK = Timeouts(connect=2.0, read=5.0)

SRP = ["InitiateAuth USER_SRP_AUTH", "RespondToAuthChallenge PASSWORD_VERIFIER"]
PASSWORD = ["InitiateAuth USER_PASSWORD_AUTH"]
GRANT = ["token password"]
COGNITO_AGAIN = ["InitiateAuth REFRESH_TOKEN_AUTH"]
KEYCLOAK_AGAIN = ["token refresh_token"]

WAYS = {
    ("cognito", "idp-details"): (SRP, COGNITO_AGAIN),
    ("cognito", "cognito-srp"): (SRP, COGNITO_AGAIN),
    ("cognito", "cognito-password"): (PASSWORD, COGNITO_AGAIN),
    ("keycloak", "idp-details"): (GRANT, KEYCLOAK_AGAIN),
    ("keycloak", "keycloak"): (GRANT, KEYCLOAK_AGAIN),
    ("both", "idp-details"): (SRP, COGNITO_AGAIN),
    ("both", "cognito-srp"): (SRP, COGNITO_AGAIN),
    ("both", "cognito-password"): (PASSWORD, COGNITO_AGAIN),
}
"""By kind of site and way: what is asked of the provider with the password, and what to renew the ticket."""


@dataclass
class Site:
    """An Avni with its identity providers, and what was asked of them."""

    store: AvniStore
    avni: Server
    provider: Server
    app: IdentityApp

    def client(self, key: str, password: str = "secret", username: str = "bot", **options: Any) -> AvniClient:
        ours = way(key, username, password, cognito_endpoint=self.provider.base_url)
        return AvniClient(self.avni.base_url, ours, timeouts=options.pop("timeouts", QUICK), **options)

    @property
    def asked(self) -> list[str]:
        return self.app.asked


@pytest.fixture
def site(field: AvniStore, field_server: Server) -> Iterator[Site]:
    app = IdentityApp(field)
    with Server(app) as provider:
        field.settings.keycloak_url = provider.base_url
        yield Site(field, field_server, provider, app)
        assert provider.failures == []


def look(client: AvniClient) -> Any:
    return client.subjects(None, "Individual").content


def refusal(client: AvniClient) -> SignInFailed:
    with pytest.raises(SignInFailed) as raised:
        look(client)
    return raised.value


@pytest.fixture(params=WAYS, ids=" ".join)
def chosen(request: pytest.FixtureRequest, site: Site) -> str:
    """Each way on each kind of site that has it."""
    site.store.settings.idp_type, key = request.param
    return str(key)


@pytest.fixture(params=["cognito-srp", "cognito-password", "keycloak"])
def plain(request: pytest.FixtureRequest, site: Site) -> str:
    """The ways that are none but themselves."""
    site.store.settings.idp_type = "keycloak" if request.param == "keycloak" else "cognito"
    return str(request.param)


def expected(site: Site, key: str) -> tuple[list[str], list[str]]:
    return WAYS[site.store.settings.idp_type, key]


# --- getting in -----------------------------------------------------------------------------------


def test_every_way_signs_in_once_and_reads(site: Site, chosen: str) -> None:
    site.store.put_subject(subject_type="Individual", first_name="Asha", registration_date="2026-02-03", at=0)
    client = site.client(chosen)
    assert [len(look(client)) for _ in range(3)] == [1, 1, 1]
    assert site.asked == expected(site, chosen)[0]


def test_a_site_without_provider_takes_the_name_when_it_says_so(site: Site) -> None:
    site.store.settings.idp_type = "none"
    assert look(site.client("idp-details", password="")) == []
    assert site.asked == []
    assert refusal(site.client("idp-details", username="nobody")).detail == "unknown-user"


def test_an_older_server_that_tells_only_its_pool_is_understood(site: Site) -> None:
    site.store.settings.offers_idp_details = False
    assert look(site.client("idp-details")) == []
    assert site.asked == SRP


def test_a_user_the_first_provider_does_not_know_is_shown_to_the_second(site: Site) -> None:
    site.store.settings.idp_type = "both"
    site.store.add_user("keys", "secret", provider="keycloak")
    client = site.client("idp-details", username="keys")
    assert look(client) == []
    assert site.asked == SRP + GRANT
    site.store.revoke_sessions()
    site.store.expire_tokens()
    look(client)
    assert site.asked == SRP + GRANT + KEYCLOAK_AGAIN + GRANT


def test_the_time_of_the_provider_counts_and_not_our_own(site: Site, moving: Clock) -> None:
    moving.move(-86_400 * 365)
    with clock.frozen(datetime(2026, 11, 21, 6, tzinfo=moving.time.tzinfo)):
        assert look(site.client("cognito-srp")) == []


def test_looking_only_may_sign_in(site: Site, plain: str) -> None:
    assert look(site.client(plain, refuse_writes=True)) == []


def test_passwords_may_hold_anything(site: Site, plain: str) -> None:
    site.store.users["bot"].password = odd = 'pä ss+&=%"\\:;पासवर्ड'
    assert look(site.client(plain, password=odd)) == []


# --- staying in -----------------------------------------------------------------------------------


def test_a_ticket_that_is_refused_is_renewed_without_the_password(site: Site, chosen: str) -> None:
    client = site.client(chosen)
    look(client)
    site.store.expire_tokens()
    look(client)
    first, again = expected(site, chosen)
    assert site.asked == first + again


def test_a_ticket_is_renewed_before_its_end(site: Site, plain: str) -> None:
    first, again = expected(site, plain)
    with clock.frozen(datetime(2026, 11, 21, 6, tzinfo=site.store.clock().tzinfo)) as time:
        client = site.client(plain)
        look(client)
        time.advance(3600 * 0.89)
        look(client)
        assert site.asked == first
        time.advance(3600 * 0.02)
        look(client)
        assert site.asked == first + again


def test_threads_whose_ticket_is_nearly_spent_renew_it_once(site: Site, plain: str) -> None:
    first, again = expected(site, plain)
    with clock.frozen(datetime(2026, 11, 21, 6, tzinfo=site.store.clock().tzinfo)) as time:
        client = site.client(plain)
        look(client)
        time.advance(3600 * 0.95)
        threads = [threading.Thread(target=look, args=(client,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert site.asked == first + again


def test_a_ticket_that_ends_between_two_pages_loses_no_row(site: Site, chosen: str, moving: Clock) -> None:
    start = window_start(moving.time)
    rows = [
        site.store.put_subject(
            subject_type="Individual", first_name="Asha", registration_date="2026-02-03",
            at=moving.time + timedelta(seconds=number),
        )
        for number in range(35)
    ]  # fmt: skip
    moving.move(60)
    pages: list[str] = []

    def end_it_before_the_third_page(request: Request) -> None:
        pages.extend([request.path] if request.path == "/api/subjects" else [])
        if len(pages) == 3:
            moving.move(site.store.settings.token_ttl + site.store.settings.token_leeway + 1)

    watch(site.avni, before=end_it_before_the_third_page)
    client = site.client(chosen)

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        return client.subjects(since, "Individual", page=page, size=size)

    found = [row["ID"] for reading in read_window(start, fetch, size=10) for row in reading.rows]
    assert found == [row.uuid for row in rows]
    first, again = expected(site, chosen)
    assert site.asked == first + again


def test_a_session_that_is_over_is_begun_anew_with_the_password_once(site: Site, chosen: str) -> None:
    first, again = expected(site, chosen)
    client = site.client(chosen)
    look(client)
    for _ in range(2):
        site.store.expire_tokens()
        site.store.revoke_sessions()
        look(client)
    assert site.asked == first + 2 * (again + first)


def test_a_session_that_is_over_and_a_password_that_was_changed_are_told_together(site: Site, chosen: str) -> None:
    first, again = expected(site, chosen)
    client = site.client(chosen)
    look(client)
    site.store.expire_tokens()
    site.store.revoke_sessions()
    site.store.users["bot"].password = "changed"
    for _ in range(3):
        assert refusal(client).detail == "password-changed"
    tried = site.asked[len(first) :]
    assert tried[: len(again + first)] == again + first
    assert len([asked for asked in tried if asked in PASSWORD + GRANT + SRP[1:]]) <= 2  # one at each provider


def test_a_provider_that_is_away_when_the_ticket_is_renewed_is_asked_again_without_the_password(
    site: Site, plain: str
) -> None:
    first, again = expected(site, plain)
    client = site.client(plain)
    look(client)
    site.store.expire_tokens()
    site.provider.faults.plan("POST", "", "status:503")
    with pytest.raises(Unreachable):
        look(client)
    look(client)
    assert site.asked == first + again


# --- not getting in -------------------------------------------------------------------------------


def test_a_wrong_password_is_tried_once(site: Site, chosen: str) -> None:
    client = site.client(chosen, password="wrong")
    details = {refusal(client).detail for _ in range(3)}
    assert details == {"wrong-password"}
    once = expected(site, chosen)[0]
    other = GRANT if (site.store.settings.idp_type, chosen) == ("both", "idp-details") else []
    assert site.asked == once + other


COGNITO_SAYS = {
    "new-password": "new-password", "second-factor": "further-proof", "unconfirmed": "not-confirmed",
    "disabled": "disabled", "reset": "password-reset", "expired": "password-expired", "locked": "locked",
}  # fmt: skip
KEYCLOAK_SAYS = {"not-set-up": "not-set-up", "new-password": "not-set-up", "disabled": "disabled"}


@pytest.mark.parametrize("account", COGNITO_SAYS)
@pytest.mark.parametrize("key", ["cognito-srp", "cognito-password", "idp-details"])
@pytest.mark.parametrize("idp_type", ["cognito", "both"])
def test_cognito_tells_what_is_wrong_with_the_account(site: Site, account: str, key: str, idp_type: Any) -> None:
    site.store.settings.idp_type = idp_type
    site.store.users["bot"].account = account
    client = site.client(key)
    assert {refusal(client).detail for _ in range(2)} == {COGNITO_SAYS[account]}
    assert site.asked in (SRP, SRP[:1], PASSWORD)


@pytest.mark.parametrize("account", KEYCLOAK_SAYS)
def test_keycloak_tells_what_is_wrong_with_the_account(site: Site, account: str) -> None:
    site.store.settings.idp_type = "keycloak"
    site.store.users["bot"].account = account
    client = site.client("idp-details")
    assert {refusal(client).detail for _ in range(2)} == {KEYCLOAK_SAYS[account]}
    assert site.asked == GRANT


@pytest.mark.parametrize(
    ("setting", "value", "idp_type", "key", "detail"),
    [
        ("cognito_tells_unknown_users", True, "cognito", "cognito-srp", "unknown-user"),
        ("cognito_tells_unknown_users", True, "cognito", "cognito-password", "unknown-user"),
        ("cognito_offers_password", False, "cognito", "cognito-password", "way-closed"),
        ("keycloak_offers_password", False, "keycloak", "keycloak", "way-closed"),
        ("cognito_pool", "no pool", "cognito", "idp-details", "provider-settings"),
        ("cognito_pool", "evil.example/_x", "cognito", "idp-details", "provider-settings"),
        ("cognito_client", "", "cognito", "idp-details", "provider-settings"),
        ("keycloak_realm", "..", "keycloak", "idp-details", "provider-settings"),
        ("keycloak_url", "no address", "keycloak", "idp-details", "unsafe-provider"),
        ("keycloak_url", "http://name:secret@localhost", "keycloak", "idp-details", "unsafe-provider"),
        ("idp_type", "keycloak", "", "cognito-srp", "other-provider"),
        ("idp_type", "cognito", "", "keycloak", "other-provider"),
        ("idp_type", "none", "", "keycloak", "other-provider"),
        ("idp_type", "something new", "", "idp-details", "no-details"),
    ],
)
def test_what_the_site_has_set_up_otherwise_is_told_apart(
    site: Site, setting: str, value: Any, idp_type: Any, key: str, detail: str
) -> None:
    site.store.settings.idp_type = idp_type or "cognito"
    setattr(site.store.settings, setting, value)
    username = "nobody" if detail == "unknown-user" else "bot"
    assert refusal(site.client(key, username=username)).detail == detail


@pytest.mark.parametrize(("key", "idp_type"), [("keycloak", "keycloak"), ("idp-details", "cognito")])
def test_an_application_the_provider_does_not_know_is_a_matter_of_settings(site: Site, key: str, idp_type: Any) -> None:
    site.store.settings.idp_type = idp_type

    def name_another(request: Request, response: Response) -> None:
        if request.path == "/idp-details":
            response.body["keycloak"]["realm"] = "another"
            response.body["cognito"]["clientId"] = "another"

    twist(site.avni, name_another)
    assert refusal(site.client(key)).detail == "provider-settings"


def test_an_address_that_is_no_avni_says_so(site: Site) -> None:
    client = AvniClient(f"{site.avni.base_url}/elsewhere", way("idp-details", "bot", "secret"), timeouts=QUICK)
    assert refusal(client).detail == "no-details"


@pytest.mark.parametrize(("username", "password"), [("", "secret"), ("bot", "")])
def test_an_empty_name_or_password_is_sent_to_nobody(site: Site, plain: str, username: str, password: str) -> None:
    assert refusal(site.client(plain, username=username, password=password)).detail == "empty"
    assert site.asked == []


def test_a_user_avni_does_not_know_is_not_let_in_by_its_provider(site: Site, plain: str) -> None:
    client = site.client(plain)
    look(client)

    def know_nobody(request: Request, response: Response) -> None:
        if request.path.startswith("/api/"):
            response.status, response.body = 401, b""

    twist(site.avni, know_nobody)
    assert refusal(client).detail == "token-refused"


def test_a_token_of_a_user_whose_mail_address_is_not_verified_is_a_refused_sign_in(site: Site) -> None:
    site.store.settings.idp_type = "keycloak"
    site.store.users["bot"].email_verified = False
    assert refusal(site.client("keycloak")).detail == "token-refused"


# --- a provider that does not answer --------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", ["reset_before", "status:500", "status:429", "status:302", "garbage", "truncated", "hang:0.6"]
)
def test_a_provider_that_does_not_answer_is_no_refusal(site: Site, plain: str, fault: str) -> None:
    client = site.client(plain, timeouts=Timeouts(connect=2.0, read=0.5))
    site.provider.faults.plan("POST", "", fault)
    with pytest.raises(Unreachable) as raised:
        look(client)
    assert (raised.value.side, raised.value.detail) == ("avni", "provider")
    assert look(client) == []


def test_a_provider_that_asks_us_to_wait_is_no_refusal(site: Site, plain: str) -> None:
    busy = {"__type": "TooManyRequestsException", "message": "Too many requests"}

    def be_busy(request: Request, response: Response) -> None:
        response.status, response.body = (429, b"") if "/realms/" in request.path else (400, busy)

    app = site.provider.app
    twist(site.provider, be_busy)
    client = site.client(plain)
    with pytest.raises(Unreachable):
        look(client)
    site.provider.app = app
    assert look(client) == []


def test_a_provider_that_is_down_is_told_apart_from_avni_that_is_down(site: Site, chosen: str) -> None:
    site.provider.stop()
    with pytest.raises(Unreachable) as provider_down:
        look(site.client(chosen))
    site.avni.stop()
    with pytest.raises(Unreachable) as avni_down:
        look(site.client(chosen))
    assert (provider_down.value.detail, avni_down.value.detail) == ("provider", "")


@pytest.mark.parametrize(
    ("spoilt", "value"),
    [
        *((name, value) for name in ("SALT", "SRP_B", "SECRET_BLOCK", "USER_ID_FOR_SRP") for value in (None, "")),
        *((name, value) for name in ("SALT", "SRP_B", "SECRET_BLOCK") for value in ("-5", "no number")),
        ("SRP_B", "0"),
    ],
)
def test_a_challenge_that_is_none_is_no_refusal(site: Site, spoilt: str, value: Any) -> None:
    def spoil(request: Request, response: Response) -> None:
        if "ChallengeName" in response.body:
            response.body["ChallengeParameters"][spoilt] = value

    twist(site.provider, spoil)
    client = site.client("cognito-srp")
    with pytest.raises(Unreachable):
        look(client)
    assert site.asked == SRP[:1]


def test_nothing_of_the_account_is_in_an_error_or_in_the_log(
    site: Site, plain: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    told = [str(refusal(site.client(plain, password="tell-nobody", username="our-user")))]
    client = site.client(plain)
    look(client)
    site.store.expire_tokens()
    site.provider.stop()
    with pytest.raises(Unreachable) as raised:
        look(client)
    told += [str(raised.value), caplog.text, repr(client.__dict__)]
    assert not [text for text in told if "tell-nobody" in text or "our-user" in text or "eyJ" in text]


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
@pytest.mark.parametrize("address", ["http://localhost:8080", "HTTP://localhost:8080"])
def test_an_encrypted_avni_sends_no_password_to_a_provider_that_is_not(scheme: str, address: str) -> None:
    avni = HttpSession(f"{scheme}://avni.example.org", side="avni", timeouts=QUICK)
    with pytest.raises(SignInFailed) as raised:
        keycloak.by_grant(avni, Realm(address, "realm", "client", "openid"), "bot", "secret")
    assert raised.value.detail == "unsafe-provider"
