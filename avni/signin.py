"""How our account shows itself to Avni (avni.md A38 to A41)."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64decode
from typing import Any, Protocol

from common import clock
from common.http import HttpSession, Reply, Request, SignInFailed, Unreachable

__all__ = ["GenerateToken", "NoSignIn", "SignIn"]

ROUTE = "/api/user/generateToken"
SPENT = 0.9
"""Share of a token's life after which it is renewed, so that none expires under way."""


class SignIn(Protocol):
    """A way to show who we are. Shared by the threads of one client."""

    def headers(self, session: HttpSession) -> dict[str, str]:
        """What every request carries. May sign in first. Raises SignInFailed, Unreachable, Slow."""
        ...

    def renew(self, session: HttpSession, refused: dict[str, str]) -> None:
        """Get something better than the `refused` headers; nothing to do when another thread already has.

        Raises SignInFailed when there is nothing better.
        """
        ...


class NoSignIn:
    """For servers that run without an identity provider: the user's name is all they ask."""

    def __init__(self, username: str) -> None:
        """`username`: the login name of our account."""
        self._headers = {"USER-NAME": username}

    def headers(self, session: HttpSession) -> dict[str, str]:
        """The name."""
        return self._headers

    def renew(self, session: HttpSession, refused: dict[str, str]) -> None:
        """There is no second name to try."""
        raise session.error(SignInFailed, _request(b""), "the server does not know this user")


class GenerateToken:
    """Name and password are exchanged for a token, which is kept until it is nearly spent.

    One thread fetches it while the others wait. A refusal is final: this object asks no second time.
    """

    def __init__(self, username: str, password: str) -> None:
        """`username`, `password`: of our account, whose settings must allow tokens to be generated."""
        self._credentials = json.dumps({"username": username, "password": password}).encode()
        self._lock = threading.Lock()
        self._token = ""
        self._spent_at: float | None = None
        self._refusal = ""

    def headers(self, session: HttpSession) -> dict[str, str]:
        """The token, fetched or renewed when needed."""
        with self._lock:
            if not self._token or (self._spent_at is not None and clock.monotonic() >= self._spent_at):
                self._fetch(session)
            return {"AUTH-TOKEN": self._token}

    def renew(self, session: HttpSession, refused: dict[str, str]) -> None:
        """Fetch a token unless another thread has done so since `refused` was sent."""
        with self._lock:
            if self._token == refused.get("AUTH-TOKEN"):
                self._fetch(session)

    def _fetch(self, session: HttpSession) -> None:
        """Ask for a token. Called by one thread at a time."""
        request = _request(self._credentials)
        if self._refusal:
            raise session.error(SignInFailed, request, self._refusal)
        asked_at = clock.monotonic()
        self._token = ""
        reply = session.sign_in(request)
        if reply.status >= 500 or reply.status == 429 or 300 <= reply.status < 400 or reply.is_html:
            raise session.error(Unreachable, request, "the server cannot sign us in now", reply)
        self._token = _token(reply)
        if not self._token:
            self._refusal = _REFUSALS.get(reply.status, "the server refuses to sign us in")
            raise session.error(SignInFailed, request, self._refusal, reply)
        life = _life(self._token)
        self._spent_at = None if life is None else asked_at + SPENT * life


_REFUSALS = {
    200: "the server gave no token: it runs without an identity provider",
    400: "user name or password is empty",
    401: "the password is wrong",
    403: "the user's settings do not allow tokens",
    404: "the server knows no such user, or is too old to give tokens",
}


def _request(body: bytes) -> Request:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return Request("POST", ROUTE, ROUTE, body=body, headers=headers)


def _token(reply: Reply) -> str:
    """The token in an answer, "" when there is none."""
    try:
        answer = reply.json() if reply.status == 200 else None
    except ValueError:
        return ""
    token = answer.get("authToken") if isinstance(answer, dict) else None
    return token if isinstance(token, str) else ""


def _life(token: str) -> float | None:
    """Seconds a token lives, from its own statement; None when it makes none. Its signature is the server's matter.

    Issue and expiry are both on the server's clock, so that a wrong clock here does no harm.
    """
    try:
        part = token.split(".")[1]
        claims: Any = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return max(0.0, float(claims["exp"]) - float(claims["iat"]))
    except (IndexError, KeyError, TypeError, ValueError):
        return None
