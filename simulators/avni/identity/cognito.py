"""Amazon Cognito's InitiateAuth and RespondToAuthChallenge (avni.md A54 to A57)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Any

from simulators.avni.identity import srp, tokens
from simulators.avni.identity.people import known_to
from simulators.avni.identity.state import Challenge
from simulators.avni.metadata import User
from simulators.server import HttpError

if TYPE_CHECKING:
    from simulators.avni.store import AvniStore

Document = dict[str, Any]

WRONG = "Incorrect username or password."
JSON_TYPE = "application/x-amz-json-1.1"


class Failure(HttpError):
    """An error document of AWS: always 400, told apart by `__type`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(400, {"__type": kind, "message": message}, JSON_TYPE)
        self.response.headers["x-amzn-ErrorType"] = f"{kind}:"
        self.response.headers["x-amzn-ErrorMessage"] = message


def initiate(store: AvniStore, body: Document) -> Document:
    """InitiateAuth: with the password, the first half of its proof, or a refresh token."""
    _check_client(store, body)
    given = {str(key): str(value) for key, value in (body.get("AuthParameters") or {}).items()}
    match body.get("AuthFlow"):
        case "USER_PASSWORD_AUTH":
            if not store.settings.cognito_offers_password:
                raise Failure("InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client")
            return _by_password(store, _wanted(given, "USERNAME"), _wanted(given, "PASSWORD"))
        case "USER_SRP_AUTH":
            return _challenge(store, _wanted(given, "USERNAME"), _wanted(given, "SRP_A"))
        case "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN":
            return _refreshed(store, _wanted(given, "REFRESH_TOKEN"))
        case flow:
            raise Failure("InvalidParameterException", f"Initiate Auth method not supported: {flow}")


def respond(store: AvniStore, body: Document) -> Document:
    """RespondToAuthChallenge, for PASSWORD_VERIFIER alone: the second half of the proof."""
    _check_client(store, body)
    if body.get("ChallengeName") != "PASSWORD_VERIFIER":
        raise Failure("InvalidParameterException", "Missing or unknown ChallengeName")
    given = {str(key): str(value) for key, value in (body.get("ChallengeResponses") or {}).items()}
    username, block = _wanted(given, "USERNAME"), _wanted(given, "PASSWORD_CLAIM_SECRET_BLOCK")
    challenge = store.challenges.pop(block, None)  # one answer each
    user = known_to(store, tokens.COGNITO, username)
    if user is not None:
        _refuse_before_password(user)
    if challenge is None or user is None or challenge.username != user.username:
        raise Failure("NotAuthorizedException", WRONG)
    pool = _pool_name(store)
    verified = srp.verifier(pool, user.username, user.password, challenge.salt)
    key = srp.session_key(verified, challenge.secret, challenge.client_number, challenge.server_number)
    expected = srp.signature(key, pool, user.username, block, _wanted(given, "TIMESTAMP"))
    proved = hmac.compare_digest(expected, _wanted(given, "PASSWORD_CLAIM_SIGNATURE"))
    if not proved or not srp.is_timely(given["TIMESTAMP"], store.clock()):
        raise Failure("NotAuthorizedException", WRONG)
    return _let_in(store, user)


def _by_password(store: AvniStore, username: str, password: str) -> Document:
    user = known_to(store, tokens.COGNITO, username)
    if user is None:
        raise _unknown(store)
    _refuse_before_password(user)
    if not hmac.compare_digest(user.password.encode(), password.encode()):
        raise Failure("NotAuthorizedException", WRONG)
    return _let_in(store, user)


def _challenge(store: AvniStore, username: str, srp_a: str) -> Document:
    """Salt and B, which give away nothing: of a user nobody knows they are as good as any."""
    is_number = re.fullmatch("[0-9a-fA-F]{1,768}", srp_a)  # as many digits as the group has
    client_number = int(srp_a, 16) if is_number else 0
    if client_number % srp.N == 0:
        raise Failure("InvalidParameterException", "SRP_A is not a number of the group")
    user = known_to(store, tokens.COGNITO, username)
    if user is None and store.settings.cognito_tells_unknown_users:
        raise _unknown(store)
    if user is not None:
        _refuse_before_password(user)
    name, password = (user.username, user.password) if user else (username, secrets.token_hex())
    salt = int.from_bytes(hashlib.sha256(f"salt of {name}".encode()).digest()[:16], "big")
    secret = 1 + secrets.randbits(1024)
    server_number = srp.public_number(srp.verifier(_pool_name(store), name, password, salt), secret)
    block = base64.b64encode(secrets.token_bytes(160)).decode()
    store.challenges[block] = Challenge(name, salt, client_number, secret, server_number)
    return {
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {
            "SALT": f"{salt:x}",
            "SECRET_BLOCK": block,
            "SRP_B": f"{server_number:x}",
            "USERNAME": name,
            "USER_ID_FOR_SRP": name,
        },
    }


def _refreshed(store: AvniStore, key: str) -> Document:
    session = tokens.session_of(store, key, tokens.COGNITO)
    if session is None:
        over = "expired" if key in store.sessions else "been revoked"
        raise Failure("NotAuthorizedException", f"Refresh Token has {over}")
    user = known_to(store, tokens.COGNITO, session.username)
    if user is None or user.account == "disabled":
        raise Failure("NotAuthorizedException", "User is disabled." if user else "Invalid Refresh Token")
    return _result(store, user)


def _let_in(store: AvniStore, user: User) -> Document:
    """What comes after a right password: tokens, or what is still asked of the user."""
    if user.account == "reset":
        raise Failure("PasswordResetRequiredException", "Password reset required for the user")
    if user.account == "expired":
        message = "Temporary password has expired and must be reset by an administrator."
        raise Failure("NotAuthorizedException", message)
    challenges = {"new-password": "NEW_PASSWORD_REQUIRED", "second-factor": "SMS_MFA"}
    if user.account in challenges:
        parameters = {"USER_ID_FOR_SRP": user.username, "requiredAttributes": "[]", "userAttributes": "{}"}
        return {
            "ChallengeName": challenges[user.account],
            "ChallengeParameters": parameters,
            "Session": secrets.token_hex(40),
        }
    result = _result(store, user)
    result["AuthenticationResult"]["RefreshToken"] = tokens.refresh_token(store, user, tokens.COGNITO)
    return result


def _result(store: AvniStore, user: User) -> Document:
    return {
        "AuthenticationResult": {
            "AccessToken": tokens.access_token(store, user),
            "ExpiresIn": int(store.settings.token_ttl),
            "IdToken": tokens.id_token(store, user),
            "TokenType": "Bearer",
        },
        "ChallengeParameters": {},
    }


def _refuse_before_password(user: User) -> None:
    """Some accounts are told so whatever the password."""
    if user.account == "unconfirmed":
        raise Failure("UserNotConfirmedException", "User is not confirmed.")
    if user.account == "disabled":
        raise Failure("NotAuthorizedException", "User is disabled.")
    if user.account == "locked":
        raise Failure("NotAuthorizedException", "Password attempts exceeded")


def _unknown(store: AvniStore) -> Failure:
    if store.settings.cognito_tells_unknown_users:
        return Failure("UserNotFoundException", "User does not exist.")
    return Failure("NotAuthorizedException", WRONG)


def _check_client(store: AvniStore, body: Document) -> None:
    client = body.get("ClientId")
    if client != store.settings.cognito_client:
        raise Failure("ResourceNotFoundException", f"User pool client {client} does not exist.")


def _pool_name(store: AvniStore) -> str:
    return store.settings.cognito_pool.partition("_")[2]


def _wanted(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise Failure("InvalidParameterException", f"Missing required parameter {name}")
    return given[name]
