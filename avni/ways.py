"""The ways our account can get a ticket; each is told apart by the key that stands in the connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from avni import cognito, keycloak, refusals
from avni.idp import COGNITO_ENDPOINT, DETAILS, Nobody, Pool, Provider, Realm, identity_providers
from avni.provider import answered
from avni.refusals import refused
from avni.signin import Ticket, Way, life_of
from common.http import HttpSession, Request, SignInFailed

__all__ = ["AtProvider", "GenerateToken", "NoSignIn", "way"]

TOKEN_ROUTE = "/api/user/generateToken"  # noqa: S105  # an address


@dataclass(frozen=True)
class NoSignIn:
    """For servers that run without an identity provider: the user's name is all they ask (avni.md A41)."""

    username: str

    def __call__(self, avni: HttpSession) -> Ticket:
        """The name. There is no second one to try."""
        return Ticket({"USER-NAME": self.username})


@dataclass(frozen=True)
class GenerateToken:
    """Name and password are exchanged for a token by Avni itself (avni.md A38)."""

    username: str
    password: str = field(repr=False)

    def __call__(self, avni: HttpSession) -> Ticket:
        """Ask for a token. Raises SignInFailed, Unreachable."""
        credentials = {"username": self.username, "password": self.password}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = Request("POST", TOKEN_ROUTE, TOKEN_ROUTE, body=json.dumps(credentials).encode(), headers=headers)
        reply, content = answered(avni, request)
        token = content.get("authToken") if reply.status == 200 else None
        if not isinstance(token, str) or not token:
            raise refused(avni, request, _TOKEN_REFUSALS.get(reply.status, refusals.UNSAID), reply)
        return Ticket({"AUTH-TOKEN": token}, life_of(token))


_TOKEN_REFUSALS = {
    200: refusals.NO_PROVIDER,
    400: refusals.EMPTY,
    401: refusals.WRONG_PASSWORD,
    403: refusals.TOKENS_NOT_ALLOWED,
    404: refusals.UNKNOWN_USER_OR_OLD,
}


Door = Callable[[HttpSession, Any, str, str], Ticket]
"""How a provider of one kind is shown user name and password."""


class AtProvider:
    """The password is shown to the identity provider that the Avni server names.

    Where it names two, an account is known to one of them only: the second is asked when the first does not know us.
    The first is then not asked again, so that it does not count wrong passwords.
    """

    def __init__(
        self, username: str, password: str, doors: Mapping[type[Provider], Door], cognito_endpoint: str
    ) -> None:
        """`doors`: by kind of provider; one without a door is not asked."""
        self._username = username
        self._password = password
        self._doors = doors
        self._cognito_endpoint = cognito_endpoint
        self._strange: set[Provider] = set()

    def __call__(self, avni: HttpSession) -> Ticket:
        """Ask where to, then sign in there. Raises SignInFailed, Unreachable."""
        named = identity_providers(avni, self._cognito_endpoint)
        providers = [provider for provider in named if type(provider) in self._doors]
        if not providers:
            raise refused(avni, DETAILS, refusals.OTHER_PROVIDER)
        for provider in providers[:-1]:
            if provider not in self._strange:
                try:
                    return self._shown(avni, provider)
                except SignInFailed as no:
                    if no.detail not in _STRANGERS:
                        raise
                    self._strange.add(provider)
        return self._shown(avni, providers[-1])

    def _shown(self, avni: HttpSession, provider: Provider) -> Ticket:
        if not self._username or not (self._password or isinstance(provider, Nobody)):
            raise refused(avni, DETAILS, refusals.EMPTY)
        return self._doors[type(provider)](avni, provider, self._username, self._password)


_STRANGERS = (refusals.WRONG_PASSWORD.word, refusals.UNKNOWN_USER.word)


def _by_name(avni: HttpSession, nobody: Nobody, username: str, password: str) -> Ticket:
    return NoSignIn(username)(avni)


_DOORS: Mapping[str, Mapping[type[Provider], Door]] = {
    "idp-details": {Pool: cognito.by_srp, Realm: keycloak.by_grant, Nobody: _by_name},
    "cognito-srp": {Pool: cognito.by_srp},
    "cognito-password": {Pool: cognito.by_password},
    "keycloak": {Realm: keycloak.by_grant},
}


def way(key: str, username: str, password: str, *, cognito_endpoint: str = COGNITO_ENDPOINT) -> Way:
    """The way of a key: generate-token, idp-details, cognito-srp, cognito-password, keycloak, none. Raises KeyError."""
    if key == "none":
        return NoSignIn(username)
    if key == "generate-token":
        return GenerateToken(username, password)
    return AtProvider(username, password, _DOORS[key], cognito_endpoint)
