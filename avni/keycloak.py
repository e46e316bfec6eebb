"""Signing in at Keycloak by direct access grant (avni.md A58, A59)."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from avni import refusals
from avni.idp import Realm
from avni.provider import answered, provider, unready
from avni.refusals import Refusal, refused
from avni.signin import Ticket, life_of
from common.http import HttpSession, Request, SignInFailed, query_string

__all__ = ["by_grant"]

TEMPLATE = "/realms/{realm}/protocol/openid-connect/token"

MEANINGS = (
    ("not fully set up", refusals.NOT_SET_UP),
    ("temporarily disabled", refusals.LOCKED),
    ("disabled", refusals.DISABLED),
    ("direct access grants", refusals.WAY_CLOSED),
    ("https required", refusals.UNSAFE_PROVIDER),
)
"""By words of `error_description`, which is compared and never repeated."""
ERRORS = {
    "invalid_grant": refusals.WRONG_PASSWORD,
    "invalid_client": refusals.PROVIDER_SETTINGS,
    "unauthorized_client": refusals.PROVIDER_SETTINGS,
}


def by_grant(avni: HttpSession, realm: Realm, username: str, password: str) -> Ticket:
    """The password grant. Raises SignInFailed, Unreachable."""
    return _granted(avni, realm, grant_type="password", scope=realm.scope, username=username, password=password)


def _renewed(avni: HttpSession, realm: Realm, refresh: str) -> Ticket | None:
    """The refresh grant; None when Keycloak does not take the refresh token any more."""
    try:
        return _granted(avni, realm, grant_type="refresh_token", refresh_token=refresh)
    except SignInFailed:
        return None


def _granted(avni: HttpSession, realm: Realm, **form: str) -> Ticket:
    """The access token that Keycloak grants, which is what Avni takes."""
    request = _request(realm, {"client_id": realm.client_id, **form})
    with provider(avni, realm.address, request) as keycloak:
        reply, content = answered(keycloak, request)
        if reply.status != 200:
            raise refused(keycloak, request, _refusal(reply.status, content), reply)
        token, refresh = content.get("access_token"), content.get("refresh_token")
        if not isinstance(token, str) or not token:
            raise unready(keycloak, request, reply)
    renewed = partial(_renewed, realm=realm, refresh=refresh) if isinstance(refresh, str) and refresh else None
    return Ticket({"AUTH-TOKEN": token}, life_of(token), renewed)


def _refusal(status: int, content: dict[str, Any]) -> Refusal:
    said = str(content.get("error_description") or "").lower()
    by_error = refusals.PROVIDER_SETTINGS if status == 404 else ERRORS.get(str(content.get("error")), refusals.UNSAID)
    return next((refusal for words, refusal in MEANINGS if words in said), by_error)


def _request(realm: Realm, form: dict[str, str]) -> Request:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    path = TEMPLATE.replace("{realm}", quote(realm.name, safe=""))
    return Request("POST", path, TEMPLATE, body=query_string(form).encode(), headers=headers)
