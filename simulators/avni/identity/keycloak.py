"""Keycloak's token route: password grant and refresh grant (avni.md A58, A59)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from simulators.avni.identity import tokens
from simulators.avni.identity.people import known_to
from simulators.avni.metadata import User
from simulators.server import HttpError, Request

if TYPE_CHECKING:
    from simulators.avni.store import AvniStore


def failure(status: int, error: str, description: str = "") -> HttpError:
    """An error document of OAuth."""
    return HttpError(status, {"error": error} | ({"error_description": description} if description else {}))


def token(store: AvniStore, realm: str, request: Request) -> dict[str, Any]:
    """POST /realms/{realm}/protocol/openid-connect/token."""
    settings = store.settings
    if realm != settings.keycloak_realm:
        raise failure(404, "Realm does not exist")
    form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    if form.get("client_id") != settings.keycloak_client:
        raise failure(401, "invalid_client", "Invalid client or Invalid client credentials")
    match form.get("grant_type"):
        case "password":
            if not settings.keycloak_offers_password:
                raise failure(400, "unauthorized_client", "Client not allowed for direct access grants")
            user = _by_password(store, form.get("username", ""), form.get("password", ""))
            return _granted(store, user, form.get("scope", ""))
        case "refresh_token":
            return _granted(store, _by_session(store, form.get("refresh_token", "")), form.get("scope", ""))
        case None:
            raise failure(400, "invalid_request", "Missing form parameter: grant_type")
        case _:
            raise failure(400, "unsupported_grant_type", "Unsupported grant_type")


def _by_password(store: AvniStore, username: str, password: str) -> User:
    user = known_to(store, tokens.KEYCLOAK, username)
    if user is None or user.account == "locked":  # brute force detection does not give itself away
        raise failure(400, "invalid_grant", "Invalid user credentials")
    if user.account == "disabled":
        raise failure(400, "invalid_grant", "Account disabled")
    if not hmac.compare_digest(user.password.encode(), password.encode()):
        raise failure(401, "invalid_grant", "Invalid user credentials")
    if user.account != "ready":
        raise failure(400, "invalid_grant", "Account is not fully set up")
    return user


def _by_session(store: AvniStore, key: str) -> User:
    session = tokens.session_of(store, key, tokens.KEYCLOAK)
    if session is None:
        raise failure(400, "invalid_grant", "Token is not active" if key in store.sessions else "Session not active")
    user = known_to(store, tokens.KEYCLOAK, session.username)
    if user is None or user.account == "disabled":
        raise failure(400, "invalid_grant", "User disabled" if user else "Unknown user")
    return user


def _granted(store: AvniStore, user: User, scope: str) -> dict[str, Any]:
    return {
        "access_token": tokens.bearer_token(store, user),
        "expires_in": int(store.settings.token_ttl),
        "refresh_expires_in": int(store.settings.refresh_ttl),
        "refresh_token": tokens.refresh_token(store, user, tokens.KEYCLOAK),
        "token_type": "Bearer",
        "not-before-policy": 0,
        "scope": scope or "openid",
    }
