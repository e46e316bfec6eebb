"""Cognito and Keycloak beside a simulated Avni, asked as anybody asks them (avni.md A52 to A59)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests

from avni.cognito_proof import PasswordProof
from avni.signin import life_of
from simulators.avni import AvniStore, IdentityApp
from simulators.server import Server
from tests.contract.avni.support import Caller, Clock

USER = "integration@demo"


@dataclass
class Identity:
    """The providers' address, and how to ask them."""

    base_url: str
    clock: Clock

    def cognito(self, action: str, **body: Any) -> requests.Response:
        headers = {
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{action}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        return requests.post(self.base_url, json={"ClientId": "simulated", **body}, headers=headers, timeout=10)

    def password(self, password: str = "secret", username: str = USER) -> requests.Response:
        given = {"USERNAME": username, "PASSWORD": password}
        return self.cognito("InitiateAuth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)

    def srp(self, password: str = "secret", username: str = USER, **spoilt: str) -> requests.Response:
        proof = PasswordProof("SIMULATED", password)
        given = {"USERNAME": username, "SRP_A": proof.public}
        asked = self.cognito("InitiateAuth", AuthFlow="USER_SRP_AUTH", AuthParameters=given)
        if asked.status_code != 200:
            return asked
        answer = proof.answer(asked.json()["ChallengeParameters"], self.clock.now) | spoilt
        return self.cognito("RespondToAuthChallenge", ChallengeName="PASSWORD_VERIFIER", ChallengeResponses=answer)

    def refresh(self, token: str) -> requests.Response:
        return self.cognito("InitiateAuth", AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": token})

    def keycloak(self, realm: str = "On-premise", **form: str) -> requests.Response:
        url = f"{self.base_url}/realms/{realm}/protocol/openid-connect/token"
        return requests.post(url, data={"client_id": "avni-client", **form}, timeout=10)

    def grant(self, password: str = "secret", username: str = USER) -> requests.Response:
        return self.keycloak(grant_type="password", scope="openid", username=username, password=password)


@pytest.fixture
def identity(store: AvniStore, clock: Clock) -> Iterator[Identity]:
    with Server(IdentityApp(store)) as running:
        store.settings.keycloak_url = running.base_url
        yield Identity(running.base_url, clock)
        assert running.failures == []


def tokens_of(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["AuthenticationResult"])


def status_with(server: Server, token: str) -> int:
    return Caller(server.base_url, {"AUTH-TOKEN": token}).call("GET", "/api/subjects").status_code


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    told = answer.json()
    return answer.status_code, told["__type"], told["message"]


def no(answer: requests.Response) -> tuple[int, str, str]:
    told = answer.json()
    return answer.status_code, told["error"], told.get("error_description", "")


WRONG = (400, "NotAuthorizedException", "Incorrect username or password.")


class TestCognito:
    @pytest.mark.parametrize("way", ["password", "srp"])
    def test_a_right_password_gives_the_token_that_avni_takes(
        self, identity: Identity, server: Server, way: str
    ) -> None:
        tokens = tokens_of(getattr(identity, way)())
        assert status_with(server, tokens["IdToken"]) == 200
        assert (life_of(tokens["IdToken"]), tokens["TokenType"]) == (3600, "Bearer")

    def test_avni_does_not_take_the_access_token(self, identity: Identity, server: Server) -> None:
        assert status_with(server, tokens_of(identity.password())["AccessToken"]) == 500

    @pytest.mark.parametrize("way", ["password", "srp"])
    def test_a_wrong_password_and_an_unknown_user_look_alike(self, identity: Identity, way: str) -> None:
        ask = getattr(identity, way)
        assert refusal(ask("wrong")) == refusal(ask(username="nobody")) == WRONG

    @pytest.mark.parametrize("way", ["password", "srp"])
    def test_a_pool_may_tell_that_it_does_not_know_a_user(self, store: AvniStore, identity: Identity, way: str) -> None:
        store.settings.cognito_tells_unknown_users = True
        assert refusal(getattr(identity, way)(username="nobody"))[1] == "UserNotFoundException"

    @pytest.mark.parametrize("way", ["password", "srp"])
    @pytest.mark.parametrize(
        ("account", "kind", "message"),
        [
            ("unconfirmed", "UserNotConfirmedException", "not confirmed"),
            ("disabled", "NotAuthorizedException", "disabled"),
            ("reset", "PasswordResetRequiredException", "reset required"),
            ("expired", "NotAuthorizedException", "Temporary password has expired"),
            ("locked", "NotAuthorizedException", "attempts exceeded"),
        ],
    )
    def test_an_account_that_is_not_ready_is_refused_by_its_name(
        self, store: AvniStore, identity: Identity, way: str, account: str, kind: str, message: str
    ) -> None:
        store.users[USER].account = account
        status, told, said = refusal(getattr(identity, way)())
        assert (status, told) == (400, kind)
        assert message in said

    @pytest.mark.parametrize("way", ["password", "srp"])
    @pytest.mark.parametrize(
        ("account", "name"), [("new-password", "NEW_PASSWORD_REQUIRED"), ("second-factor", "SMS_MFA")]
    )
    def test_more_may_be_asked_of_a_user_who_gave_the_right_password(
        self, store: AvniStore, identity: Identity, way: str, account: str, name: str
    ) -> None:
        store.users[USER].account = account
        ask = getattr(identity, way)
        assert (ask().json()["ChallengeName"], refusal(ask("wrong"))) == (name, WRONG)

    def test_a_challenge_gives_nothing_away_and_is_answered_once(self, store: AvniStore, identity: Identity) -> None:
        proof = PasswordProof("SIMULATED", "secret")
        given = {"USERNAME": USER, "SRP_A": proof.public}
        asked = identity.cognito("InitiateAuth", AuthFlow="USER_SRP_AUTH", AuthParameters=given).json()
        assert set(asked["ChallengeParameters"]) == {"SALT", "SECRET_BLOCK", "SRP_B", "USERNAME", "USER_ID_FOR_SRP"}
        answer = proof.answer(asked["ChallengeParameters"], identity.clock.now)
        said = {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": answer}
        assert identity.cognito("RespondToAuthChallenge", **said).status_code == 200
        assert refusal(identity.cognito("RespondToAuthChallenge", **said)) == WRONG

    def test_the_user_is_named_as_the_pool_knows_it(self, identity: Identity, server: Server) -> None:
        assert status_with(server, tokens_of(identity.srp(username=USER.upper()))["IdToken"]) == 200

    @pytest.mark.parametrize(
        "stamp", ["Tue Jun 18 12:00:01 UTC 2024", "2024-06-18T12:00:00Z", "Mon Jun 18 12:00:00 UTC 2024", "soon"]
    )
    def test_a_time_that_was_not_signed_or_is_none_is_refused(self, identity: Identity, stamp: str) -> None:
        assert refusal(identity.srp(TIMESTAMP=stamp)) == WRONG

    @pytest.mark.parametrize(("seconds", "status"), [(-301, 400), (-299, 200), (299, 200), (301, 400)])
    def test_a_clock_that_is_off_is_refused(
        self, store: AvniStore, identity: Identity, clock: Clock, seconds: float, status: int
    ) -> None:
        theirs = clock.now + timedelta(seconds=seconds)
        store.clock = lambda: theirs
        assert identity.srp().status_code == status

    @pytest.mark.parametrize("number", ["0", "", "no number", "-1", "f" * 800])
    def test_a_number_outside_the_group_is_refused(self, identity: Identity, number: str) -> None:
        given = {"USERNAME": USER, "SRP_A": number}
        asked = identity.cognito("InitiateAuth", AuthFlow="USER_SRP_AUTH", AuthParameters=given)
        assert refusal(asked)[1] == "InvalidParameterException"

    def test_a_refresh_token_gives_new_tokens_and_no_other_refresh_token(
        self, identity: Identity, server: Server
    ) -> None:
        first = tokens_of(identity.password())
        second = tokens_of(identity.refresh(first["RefreshToken"]))
        assert "RefreshToken" not in second
        assert second["IdToken"] != first["IdToken"]
        assert status_with(server, second["IdToken"]) == 200

    def test_a_refresh_token_ends_after_its_time(self, store: AvniStore, identity: Identity, clock: Clock) -> None:
        token = tokens_of(identity.password())["RefreshToken"]
        clock.advance(store.settings.refresh_ttl)
        assert refusal(identity.refresh(token)) == (400, "NotAuthorizedException", "Refresh Token has expired")

    def test_a_refresh_token_may_be_revoked(self, store: AvniStore, identity: Identity) -> None:
        token = tokens_of(identity.password())["RefreshToken"]
        store.revoke_sessions()
        assert refusal(identity.refresh(token))[2] == "Refresh Token has been revoked"

    def test_the_password_flow_may_be_switched_off(self, store: AvniStore, identity: Identity) -> None:
        store.settings.cognito_offers_password = False
        assert refusal(identity.password())[1] == "InvalidParameterException"
        assert identity.srp().status_code == 200

    def test_a_client_that_is_not_avnis_is_not_known(self, identity: Identity) -> None:
        asked = identity.cognito("InitiateAuth", ClientId="other", AuthFlow="USER_PASSWORD_AUTH")
        assert refusal(asked)[1] == "ResourceNotFoundException"


class TestKeycloak:
    @pytest.fixture(autouse=True)
    def on_keycloak(self, store: AvniStore) -> None:
        store.settings.idp_type = "keycloak"

    def test_a_right_password_gives_the_token_that_avni_takes(self, identity: Identity, server: Server) -> None:
        granted = identity.grant().json()
        assert status_with(server, granted["access_token"]) == 200
        assert (life_of(granted["access_token"]), granted["expires_in"]) == (3600, 3600)

    def test_avni_takes_no_user_whose_mail_address_is_not_verified(
        self, store: AvniStore, identity: Identity, server: Server
    ) -> None:
        store.users[USER].email_verified = False
        assert status_with(server, identity.grant().json()["access_token"]) == 500

    def test_a_refresh_token_gives_a_new_token(self, identity: Identity, server: Server) -> None:
        first = identity.grant().json()
        second = identity.keycloak(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
        assert second["access_token"] != first["access_token"]
        assert status_with(server, second["access_token"]) == 200

    def test_a_session_ends_after_its_time(self, store: AvniStore, identity: Identity, clock: Clock) -> None:
        token = identity.grant().json()["refresh_token"]
        clock.advance(store.settings.refresh_ttl)
        asked = identity.keycloak(grant_type="refresh_token", refresh_token=token)
        assert no(asked) == (400, "invalid_grant", "Token is not active")

    @pytest.mark.parametrize(
        ("account", "password", "expected"),
        [
            ("ready", "wrong", (401, "invalid_grant", "Invalid user credentials")),
            ("disabled", "secret", (400, "invalid_grant", "Account disabled")),
            ("new-password", "secret", (400, "invalid_grant", "Account is not fully set up")),
            ("new-password", "wrong", (401, "invalid_grant", "Invalid user credentials")),
            ("locked", "secret", (400, "invalid_grant", "Invalid user credentials")),
        ],
    )
    def test_a_refusal_has_its_own_words(
        self, store: AvniStore, identity: Identity, account: str, password: str, expected: tuple[int, str, str]
    ) -> None:
        store.users[USER].account = account
        assert no(identity.grant(password)) == expected

    def test_a_user_nobody_knows_is_a_400(self, identity: Identity) -> None:
        assert no(identity.grant(username="nobody")) == (400, "invalid_grant", "Invalid user credentials")

    def test_direct_access_grants_may_be_switched_off(self, store: AvniStore, identity: Identity) -> None:
        store.settings.keycloak_offers_password = False
        assert no(identity.grant())[:2] == (400, "unauthorized_client")

    def test_other_realms_and_clients_are_not_known(self, identity: Identity) -> None:
        assert no(identity.keycloak(realm="master", grant_type="password"))[:2] == (404, "Realm does not exist")
        assert no(identity.keycloak(client_id="other", grant_type="password"))[:2] == (401, "invalid_client")


class TestWhichAvniTakes:
    @pytest.mark.parametrize(
        ("idp_type", "cognito", "keycloak"), [("cognito", 200, 500), ("keycloak", 500, 200), ("both", 200, 200)]
    )
    def test_a_site_takes_the_tokens_of_its_providers(
        self, store: AvniStore, identity: Identity, server: Server, idp_type: Any, cognito: int, keycloak: int
    ) -> None:
        store.add_user("one", "secret", provider="cognito")
        store.add_user("two", "secret", provider="keycloak")
        store.settings.idp_type = idp_type
        assert status_with(server, tokens_of(identity.password(username="one"))["IdToken"]) == cognito
        assert status_with(server, identity.grant(username="two").json()["access_token"]) == keycloak

    def test_a_user_is_known_to_one_provider(self, store: AvniStore, identity: Identity) -> None:
        store.settings.idp_type = "both"
        store.add_user("two", "secret", provider="keycloak")
        assert refusal(identity.password(username="two")) == WRONG
        assert no(identity.grant())[1] == "invalid_grant"

    def test_where_users_sign_in_is_told_to_everybody(
        self, store: AvniStore, identity: Identity, server: Server
    ) -> None:
        caller = Caller(server.base_url, {})
        told = caller.get("/idp-details")
        assert (told["keycloak"]["authServerUrl"], told["keycloak"]["realm"]) == (identity.base_url, "On-premise")
        assert told["cognito"] == caller.get("/cognito-details")
        assert told["cognito"] == {"poolId": "ap-south-1_SIMULATED", "clientId": "simulated"}

    def test_an_older_server_tells_only_its_pool(self, store: AvniStore, server: Server) -> None:
        store.settings.offers_idp_details = False
        caller = Caller(server.base_url, {})
        assert caller.call("GET", "/idp-details").status_code == 404
        assert caller.get("/cognito-details")["clientId"] == "simulated"


# -- which organisation, and a backup put back -------------------------------------------------------------------------


def test_the_user_is_told_with_its_organisation_by_name_and_number(avni: Caller, store: AvniStore) -> None:
    store.add_user("integration@elsewhere", "secret", organisation="elsewhere")
    told = avni.get("/userInfo")
    assert (told["username"], told["organisationName"], told["organisationId"]) == ("integration@demo", "demo", 1)


def test_an_installation_may_have_no_such_page(avni: Caller, store: AvniStore) -> None:
    store.adjust(offers_user_info=False)
    assert avni.call("GET", "/userInfo").status_code == 404


def test_a_backup_put_back_lacks_what_came_later_and_undoes_what_was_edited(avni: Caller, store: AvniStore) -> None:
    edited = store.put_subject(subject_type="Individual", first_name="Asha", last_name="Devi", at=0)
    backup = store.dump()
    store.edit_subject(edited.uuid, first_name="Usha")
    later = store.put_subject(subject_type="Individual", first_name="Meena", last_name="Devi")
    store.restore(backup)
    assert avni.get(f"/api/subject/{edited.uuid}")["observations"]["First name"] == "Asha"
    assert avni.call("GET", f"/api/subject/{later.uuid}").status_code == 404
