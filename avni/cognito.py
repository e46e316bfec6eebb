"""Signing in at Amazon Cognito, over its plain JSON interface (avni.md A54 to A57)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from avni import refusals
from avni.cognito_proof import PasswordProof
from avni.idp import Pool
from avni.provider import answered, provider, unready
from avni.refusals import Refusal, refused
from avni.signin import Ticket, life_of
from common import clock
from common.http import HttpSession, Reply, Request, SignInFailed

__all__ = ["by_password", "by_srp"]

VERIFY = "PASSWORD_VERIFIER"
WAIT = frozenset({"TooManyRequestsException", "LimitExceededException", "InternalErrorException"})
"""Not about us: asked again later, it may well say yes."""

REFUSALS = {
    "UserNotFoundException": refusals.UNKNOWN_USER,
    "UserNotConfirmedException": refusals.NOT_CONFIRMED,
    "PasswordResetRequiredException": refusals.PASSWORD_RESET,
    "ResourceNotFoundException": refusals.PROVIDER_SETTINGS,
    "InvalidParameterException": refusals.WAY_CLOSED,
    "TooManyFailedAttemptsException": refusals.LOCKED,
}
MEANINGS = (
    ("attempts exceeded", refusals.LOCKED),
    ("temporary password has expired", refusals.PASSWORD_EXPIRED),
    ("disabled", refusals.DISABLED),
    ("secret", refusals.PROVIDER_SETTINGS),
    ("username or password", refusals.WRONG_PASSWORD),
)
"""What a NotAuthorizedException means, by words of its message, which is compared and never repeated."""


def by_password(avni: HttpSession, pool: Pool, username: str, password: str) -> Ticket:
    """USER_PASSWORD_AUTH: the password is sent. Raises SignInFailed, Unreachable."""
    request = _initiate("USER_PASSWORD_AUTH", pool, USERNAME=username, PASSWORD=password)
    with provider(avni, pool.address, request) as cognito:
        reply, content = _asked(cognito, request)
        return _ticket(cognito, request, reply, content, pool)


def by_srp(avni: HttpSession, pool: Pool, username: str, password: str) -> Ticket:
    """USER_SRP_AUTH: the password is proved and stays here. Raises SignInFailed, Unreachable."""
    proof = PasswordProof(pool.name, password)
    request = _initiate("USER_SRP_AUTH", pool, USERNAME=username, SRP_A=proof.public)
    with provider(avni, pool.address, request) as cognito:
        reply, content = _asked(cognito, request)
        if content.get("ChallengeName") == VERIFY:
            try:
                responses = proof.answer(_texts(content), cognito.server_now() or clock.now())
            except (ArithmeticError, LookupError, ValueError):
                raise unready(cognito, request, reply) from None
            request = _respond(VERIFY, pool, content.get("Session"), responses)
            reply, content = _asked(cognito, request)
        return _ticket(cognito, request, reply, content, pool)


def _renewed(avni: HttpSession, pool: Pool, refresh: str) -> Ticket | None:
    """REFRESH_TOKEN_AUTH; None when Cognito does not take the refresh token any more."""
    request = _initiate("REFRESH_TOKEN_AUTH", pool, REFRESH_TOKEN=refresh)
    with provider(avni, pool.address, request) as cognito:
        try:
            reply, content = _asked(cognito, request)
            return _ticket(cognito, request, reply, content, pool, refresh)
        except SignInFailed:
            return None


def _ticket(
    cognito: HttpSession, request: Request, reply: Reply, content: Mapping[str, Any], pool: Pool, refresh: str = ""
) -> Ticket:
    """The id token of an answer. `refresh`: the refresh token used, which Cognito does not give again."""
    challenge = content.get("ChallengeName")
    if challenge == "NEW_PASSWORD_REQUIRED":
        raise refused(cognito, request, refusals.NEW_PASSWORD, reply)
    if challenge:
        raise refused(cognito, request, refusals.FURTHER_PROOF, reply)
    result = content.get("AuthenticationResult")
    result = result if isinstance(result, dict) else {}
    token, refresh = result.get("IdToken"), result.get("RefreshToken") or refresh
    if not isinstance(token, str) or not token:
        raise unready(cognito, request, reply)
    renewed = partial(_renewed, pool=pool, refresh=refresh) if refresh else None
    return Ticket({"AUTH-TOKEN": token}, life_of(token), renewed)


def _asked(cognito: HttpSession, request: Request) -> tuple[Reply, dict[str, Any]]:
    """Cognito's yes, or its next question."""
    reply, content = answered(cognito, request)
    if reply.status == 200:
        return reply, content
    kind = str(content.get("__type", "")).rpartition("#")[2]
    if kind in WAIT:
        raise unready(cognito, request, reply)
    raise refused(cognito, request, _refusal(kind, str(content.get("message") or content.get("Message") or "")), reply)


def _refusal(kind: str, message: str) -> Refusal:
    if kind != "NotAuthorizedException":
        return REFUSALS.get(kind, refusals.UNSAID)
    said = message.lower()
    return next((refusal for words, refusal in MEANINGS if words in said), refusals.UNSAID)


def _texts(content: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a challenge that say something."""
    given = content.get("ChallengeParameters")
    pairs = given.items() if isinstance(given, dict) else ()
    return {key: value for key, value in pairs if isinstance(value, str) and value}


def _initiate(flow: str, pool: Pool, **parameters: str) -> Request:
    return _request("InitiateAuth", {"AuthFlow": flow, "ClientId": pool.client_id, "AuthParameters": parameters})


def _respond(challenge: str, pool: Pool, session: Any, responses: Mapping[str, str]) -> Request:
    said = {"ChallengeName": challenge, "ClientId": pool.client_id, "ChallengeResponses": responses}
    return _request("RespondToAuthChallenge", {**said, "Session": session} if session else said)


def _request(action: str, body: Mapping[str, Any]) -> Request:
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{action}",
    }
    return Request("POST", "/", f"/ {action}", body=json.dumps(body).encode(), headers=headers)
