"""Tokens of the identity providers: what they say, and whether an Avni takes them (avni.md A39, A40, A53, A56).

They look like the real ones but are signed with a secret of the simulator, one per provider.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from typing import TYPE_CHECKING, Any

from simulators.avni.identity.state import Session
from simulators.avni.metadata import User

if TYPE_CHECKING:
    from simulators.avni.store import AvniStore

COGNITO = "cognito"
KEYCLOAK = "keycloak"
_SECRETS = {COGNITO: b"the simulator's signature", KEYCLOAK: b"protects nothing"}


def id_token(store: AvniStore, user: User) -> str:
    """Cognito's token about the user, which is the one Avni takes."""
    told = {"aud": store.settings.cognito_client, "cognito:username": user.username, "token_use": "id"}
    return _token(store, COGNITO, told)


def access_token(store: AvniStore, user: User) -> str:
    """Cognito's token for its own interface; Avni does not take it."""
    told = {"client_id": store.settings.cognito_client, "username": user.username, "token_use": "access"}
    return _token(store, COGNITO, told)


def bearer_token(store: AvniStore, user: User) -> str:
    """Keycloak's access token, which is the one Avni takes."""
    told = {
        "typ": "Bearer",
        "azp": store.settings.keycloak_client,
        "aud": ["avni-server", "account"],
        "preferred_username": user.username,
        "email_verified": user.email_verified,
    }
    return _token(store, KEYCLOAK, told)


def refresh_token(store: AvniStore, user: User, issuer: str) -> str:
    """The key of a new session."""
    key = _base64(uuid.uuid4().bytes)
    store.sessions[key] = Session(user.username, issuer, store.now_ms())
    return key


def session_of(store: AvniStore, key: str, issuer: str) -> Session | None:
    """The session behind a refresh token; None for one that is over or was never there."""
    session = store.sessions.get(key)
    if session is None or session.issuer != issuer:
        return None
    is_over = store.now_ms() >= session.begun_ms + store.settings.refresh_ttl * 1000
    return None if is_over else session


def issuer_of(store: AvniStore, name: str) -> str:
    """The address a provider signs with."""
    settings = store.settings
    if name == COGNITO:
        region = settings.cognito_pool.partition("_")[0]
        return f"https://cognito-idp.{region}.amazonaws.com/{settings.cognito_pool}"
    return f"{settings.keycloak_url}/realms/{settings.keycloak_realm}"


def read(token: str) -> dict[str, Any]:
    """What a token says of itself and who signed it, unverified. Raises ValueError for what is none."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not three parts")
    head, claims = (_decoded(part) for part in parts[:2])
    if "exp" not in claims or "kid" not in head:
        raise ValueError("not our claims")
    return claims | {"kid": head["kid"]}


def is_genuine(token: str) -> bool:
    """Whether the provider named in the token signed it."""
    signed, _, given = token.rpartition(".")
    return hmac.compare_digest(given, _signature(str(read(token)["kid"]), signed))


def _token(store: AvniStore, signer: str, told: dict[str, Any]) -> str:
    now = store.now_ms() // 1000
    claims = told | {
        "iss": issuer_of(store, signer),
        "iat": now,
        "exp": now + int(store.settings.token_ttl),
        "jti": str(uuid.uuid4()),
        "generation": store.token_generation,
    }
    signed = f"{_encoded({'alg': 'RS256', 'kid': signer, 'typ': 'JWT'})}.{_encoded(claims)}"
    return f"{signed}.{_signature(signer, signed)}"


def _signature(signer: str, signed: str) -> str:
    return _base64(hmac.new(_SECRETS.get(signer, b"nobody"), signed.encode(), hashlib.sha256).digest())


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> dict[str, Any]:
    value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - for the reader it is a token or none
    return value
