"""Who is asking: tokens, their expiry, and sites without any (avni.md A38 to A42)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from http.cookies import SimpleCookie
from typing import Any, NoReturn

from simulators.avni import fields
from simulators.avni.errors import Thrown, bad_request, framework_error
from simulators.avni.metadata import User
from simulators.avni.store import AvniStore
from simulators.server import HttpError, Request

_SECRET = b"the simulator's signature protects nothing"


def generate_token(store: AvniStore, request: Request) -> dict[str, Any]:
    """POST /api/user/generateToken. On a site without sign-in the token is null."""
    given = fields.document(request)
    username, password = fields.text(given, "username"), fields.text(given, "password")
    if not (username or "").strip() or not (password or "").strip():
        raise bad_request("User has invalid/empty username or password")
    user = _named(store, username or "")
    if user is None:
        raise Thrown(404, "jakarta.persistence.EntityNotFoundException", "User not found")
    if not user.may_generate_token:
        raise HttpError(403, "User is not allowed to generate tokens")
    if store.settings.idp_type == "none":
        return {"authToken": None}
    if not hmac.compare_digest(user.password, password or ""):
        raise Thrown(401, "com.amazonaws.services.cognitoidp.NotAuthorizedException", "")
    return {"authToken": issue(store, user)}


def issue(store: AvniStore, user: User) -> str:
    """A token of the usual three parts."""
    now = store.now_ms() // 1000
    claims = {
        "username": user.username,
        "token_use": "id",
        "iat": now,
        "exp": now + int(store.settings.token_ttl),
        "generation": store.token_generation,
    }
    signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
    return f"{signed}.{_signature(signed)}"


def user_of(store: AvniStore, request: Request) -> User:
    """The user behind a request. Raises 401 without a good token, 500 for a forged one."""
    if store.settings.idp_type == "none":
        name = request.header("user-name") or store.settings.default_user or ""
        return _named(store, name) or _unauthorized(store, request)
    token = token_of(request)
    if not token:
        _unauthorized(store, request)
    signed, _, signature = token.rpartition(".")
    try:
        claims = _decode(signed.partition(".")[2])
    except ValueError:
        _unauthorized(store, request)
    if not hmac.compare_digest(signature, _signature(signed)):
        raise Thrown(500, "com.auth0.jwt.exceptions.SignatureVerificationException", "invalid")
    if _expired(store, claims):
        if store.settings.expired_status == 500:
            raise Thrown(500, "com.auth0.jwt.exceptions.TokenExpiredException", "expired")
        _unauthorized(store, request)
    return _named(store, str(claims["username"])) or _unauthorized(store, request)


def token_of(request: Request) -> str | None:
    """The token from the header, else the query, else the cookie."""
    cookie = SimpleCookie(request.header("cookie") or "").get("auth-token")
    return request.header("auth-token") or request.param("AUTH-TOKEN") or (cookie.value if cookie else None)


def _expired(store: AvniStore, claims: dict[str, Any]) -> bool:
    given_up = claims["generation"] != store.token_generation
    return given_up or store.now_ms() > (float(claims["exp"]) + store.settings.token_leeway) * 1000


def _named(store: AvniStore, username: str) -> User | None:
    wanted = username.casefold()
    return next(
        (user for user in store.users.values() if user.username.casefold() == wanted and not user.voided),
        None,
    )


def _unauthorized(store: AvniStore, request: Request) -> NoReturn:
    raise framework_error(401, "Unauthorized", request.path, store.now_ms())


def _encode(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> dict[str, Any]:
    claims = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    if not isinstance(claims, dict) or not {"username", "exp", "generation"} <= claims.keys():
        raise ValueError("not our claims")
    return claims


def _signature(signed: str) -> str:
    return _base64(hmac.new(_SECRET, signed.encode(), hashlib.sha256).digest())


def idp_details(store: AvniStore) -> dict[str, Any]:
    """GET /idp-details: both blocks are always there; only `idpType` tells which counts."""
    return {
        "genericConfig": {
            "webAppTimeoutInMinutes": 21600,
            "avniEnvironment": "development",
            "avniAi": {},
        },
        "idpType": store.settings.idp_type,
        "keycloak": {
            "authServerUrl": "http://localhost:8080",
            "clientId": "avni-client",
            "grantType": "password",
            "scope": "openid",
            "realm": "On-premise",
        },
        "cognito": {"poolId": "ap-south-1_SIMULATED", "clientId": "simulated"},
    }
