"""Who is asking: the token Avni itself gives, whose tokens it takes, and sites without (avni.md A38 to A42, A53)."""

from __future__ import annotations

import hmac
from http.cookies import SimpleCookie
from typing import Any, NoReturn

from simulators.avni import fields
from simulators.avni.errors import Thrown, bad_request, framework_error
from simulators.avni.identity import tokens
from simulators.avni.metadata import User
from simulators.avni.store import AvniStore
from simulators.server import HttpError, Request

PROVIDERS = {"cognito": (tokens.COGNITO,), "keycloak": (tokens.KEYCLOAK,), "both": (tokens.COGNITO, tokens.KEYCLOAK)}


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
    issue = tokens.bearer_token if store.settings.idp_type == "keycloak" else tokens.id_token
    return {"authToken": issue(store, user)}


def user_of(store: AvniStore, request: Request) -> User:
    """The user behind a request. Raises 401 without a good token, 500 for a forged one and one of the wrong kind."""
    if store.settings.idp_type == "none":
        name = request.header("user-name") or store.settings.default_user or ""
        return _named(store, name) or _unauthorized(store, request)
    token = token_of(request)
    if not token:
        _unauthorized(store, request)
    try:
        claims = tokens.read(token)
    except ValueError:
        _unauthorized(store, request)
    if claims["kid"] not in PROVIDERS[store.settings.idp_type]:
        raise Thrown(500, "java.lang.RuntimeException", "com.auth0.jwk.SigningKeyNotFoundException: No key found")
    if not tokens.is_genuine(token):
        raise _not_verified("SignatureVerificationException")
    if _expired(store, claims):
        if store.settings.expired_status == 500:
            raise Thrown(500, "com.auth0.jwt.exceptions.TokenExpiredException", "expired")
        _unauthorized(store, request)
    _check_kind(store, claims)
    name = claims.get("cognito:username") or claims.get("preferred_username") or ""
    return _named(store, name) or _unauthorized(store, request)


def token_of(request: Request) -> str | None:
    """The token from the header, else the query, else the cookie."""
    cookie = SimpleCookie(request.header("cookie") or "").get("auth-token")
    return request.header("auth-token") or request.param("AUTH-TOKEN") or (cookie.value if cookie else None)


def _check_kind(store: AvniStore, claims: dict[str, Any]) -> None:
    """Cognito's token about the user, not the one for its own interface; Keycloak's for us, of a verified e-mail."""
    if claims["kid"] == tokens.COGNITO:
        fits = claims.get("token_use") == "id" and claims.get("aud") == store.settings.cognito_client
    else:
        fits = "avni-server" in claims.get("aud", ()) and claims.get("email_verified") is True
    if not fits:
        raise _not_verified("InvalidClaimException")


def _not_verified(exception: str) -> Thrown:
    return Thrown(500, "java.lang.RuntimeException", f"com.auth0.jwt.exceptions.{exception}: not verified")


def _expired(store: AvniStore, claims: dict[str, Any]) -> bool:
    given_up = claims.get("generation") != store.token_generation
    return given_up or store.now_ms() > (float(claims["exp"]) + store.settings.token_leeway) * 1000


def _named(store: AvniStore, username: str) -> User | None:
    wanted = username.casefold()
    return next(
        (user for user in store.users.values() if user.username.casefold() == wanted and not user.voided),
        None,
    )


def _unauthorized(store: AvniStore, request: Request) -> NoReturn:
    raise framework_error(401, "Unauthorized", request.path, store.now_ms())


def idp_details(store: AvniStore) -> dict[str, Any]:
    """GET /idp-details: both blocks are always there; only `idpType` tells which counts."""
    settings = store.settings
    return {
        "genericConfig": {
            "webAppTimeoutInMinutes": 21600,
            "avniEnvironment": "development",
            "avniAi": {},
        },
        "idpType": settings.idp_type,
        "keycloak": {
            "authServerUrl": settings.keycloak_url,
            "clientId": settings.keycloak_client,
            "grantType": "password",
            "scope": "openid",
            "realm": settings.keycloak_realm,
        },
        "cognito": cognito_details(store),
    }


def cognito_details(store: AvniStore) -> dict[str, Any]:
    """GET /cognito-details, all that older releases tell."""
    return {"poolId": store.settings.cognito_pool, "clientId": store.settings.cognito_client}
