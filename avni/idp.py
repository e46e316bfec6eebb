"""Where an Avni server signs its users in, as it says itself (avni.md A42, A52)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avni.provider import answered
from avni.refusals import NO_DETAILS, PROVIDER_SETTINGS, refused
from common.http import HttpSession, Request

__all__ = ["COGNITO_ENDPOINT", "DETAILS", "Nobody", "Pool", "Provider", "Realm", "identity_providers"]

DETAILS = Request("GET", "/idp-details", "/idp-details", headers={"Accept": "application/json"})
OLDER_DETAILS = Request("GET", "/cognito-details", "/cognito-details", headers={"Accept": "application/json"})
COGNITO_ENDPOINT = "https://cognito-idp.{region}.amazonaws.com"
"""Where the pools of Cognito answer; `{region}` is taken from a pool's id."""
POOL_ID = re.compile(r"(?P<region>[a-z]+(?:-[a-z]+)+-\d+)_(?P<name>[A-Za-z0-9]+)")


@dataclass(frozen=True)
class Pool:
    """A pool of users at Amazon Cognito; `name` is its id behind the region, `client_id` Avni's place in it."""

    address: str
    name: str
    client_id: str

    def __str__(self) -> str:
        return f"Amazon Cognito (pool {self.name} at {self.address})"


@dataclass(frozen=True)
class Realm:
    """A realm of users at Keycloak; `client_id` is Avni's place in it."""

    address: str
    name: str
    client_id: str
    scope: str

    def __str__(self) -> str:
        return f"Keycloak (realm {self.name} at {self.address})"


@dataclass(frozen=True)
class Nobody:
    """A server on site that takes people's word for who they are."""

    def __str__(self) -> str:
        return "no identity provider: it takes the user name as it is"


Provider = Pool | Realm | Nobody


def identity_providers(avni: HttpSession, cognito_endpoint: str = COGNITO_ENDPOINT) -> tuple[Provider, ...]:
    """Ask the server, which needs no sign-in: one provider, or two in the order in which they are to be tried.

    Raises SignInFailed when it names none that could be, Unreachable.
    """
    request = DETAILS
    reply, told = answered(avni, request)
    if reply.status == 404:
        request = OLDER_DETAILS
        reply, pool = answered(avni, request)
        told = {"idpType": "cognito", "cognito": pool}
    if reply.status != 200:
        raise refused(avni, request, NO_DETAILS, reply)
    found: tuple[Provider | None, ...]
    match told.get("idpType"):
        case "cognito":
            found = (_pool(told.get("cognito"), cognito_endpoint),)
        case "keycloak":
            found = (_realm(told.get("keycloak")),)
        case "both":
            found = (_pool(told.get("cognito"), cognito_endpoint), _realm(told.get("keycloak")))
        case "none":
            found = (Nobody(),)
        case _:
            raise refused(avni, request, NO_DETAILS, reply)
    providers = tuple(provider for provider in found if provider)
    if len(providers) < len(found):
        raise refused(avni, request, PROVIDER_SETTINGS, reply)
    return providers


def _pool(told: Any, endpoint: str) -> Pool | None:
    pool_id, client_id = _texts(told, "poolId", "clientId")
    parts = POOL_ID.fullmatch(pool_id)
    if not parts or not client_id:
        return None
    return Pool(endpoint.replace("{region}", parts["region"]), parts["name"], client_id)


def _realm(told: Any) -> Realm | None:
    address, name, client_id, scope = _texts(told, "authServerUrl", "realm", "clientId", "scope")
    good = address and name.strip(".") and client_id
    return Realm(address, name, client_id, scope or "openid") if good else None


def _texts(told: Any, *keys: str) -> list[str]:
    given: Mapping[str, Any] = told if isinstance(told, dict) else {}
    return [value if isinstance(value := given.get(key), str) else "" for key in keys]
