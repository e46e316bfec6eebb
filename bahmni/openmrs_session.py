"""Our session on an OpenMRS server: one cookie, shared by the threads of a client.

The cookie is read from `Set-Cookie`, never from the body, which old releases fill and new ones do not. The password
travels only with the request that opens a session: a server that no longer knows a cookie executes what came
with a password although it answers 401. Seven failed log-ins lock the account, so the first failure is the last.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from http.cookies import CookieError, SimpleCookie
from typing import Any

from common.http import Garbled, HttpSession, RemoteError, Reply, Request, SignInFailed, Unreachable

__all__ = ["OpenMRSSession"]

ROUTE = "/ws/rest/v1/session"
HEADERS = {"Accept": "application/json", "Disable-WWW-Authenticate": "true"}
COOKIE = "JSESSIONID"


class OpenMRSSession:
    """Opens the session when first needed, and again when the server has lost it; one thread does, the others wait."""

    def __init__(self, session: HttpSession, username: str, password: str) -> None:
        self._session = session
        self._username = username
        self._password = password
        self._lock = threading.Lock()
        self._cookie = ""
        self._account: dict[str, Any] = {}
        self._refusal = ""

    def cookie(self) -> str:
        """The value of our cookie. Raises SignInFailed, Unreachable, Slow, Garbled when there is none to be had."""
        with self._lock:
            if not self._cookie:
                self._open()
            return self._cookie

    def lost(self, cookie: str) -> None:
        """Forget `cookie`, unless another thread has a new one already."""
        with self._lock:
            if self._cookie == cookie:
                self._cookie = ""

    def account(self) -> dict[str, Any]:
        """Who we are to the server: uuid, privileges, roles. Signs in when needed."""
        self.cookie()
        with self._lock:
            return self._account

    def _open(self) -> None:
        """Sign in. Called by one thread at a time."""
        if ":" in self._password:
            self._refusal = "OpenMRS cannot take a password with a colon over this door"
        credentials = b64encode(f"{self._username}:{self._password}".encode()).decode()
        request = Request("GET", ROUTE, ROUTE, headers={**HEADERS, "Authorization": f"Basic {credentials}"})
        if self._refusal:
            raise self._session.error(SignInFailed, request, self._refusal)
        reply = self._session.sign_in(request)
        answer = self._answer(request, reply)
        cookie = _cookie(reply)
        if not cookie:
            raise self._session.error(Garbled, request, "the server opened no session", reply)
        user = answer.get("user")
        self._account = user if isinstance(user, dict) else {}
        self._cookie = cookie

    def _answer(self, request: Request, reply: Reply) -> dict[str, Any]:
        """What the server says to our credentials; anything but a yes is told apart here."""
        if (
            reply.status >= 500
            or 300 <= reply.status < 400
            or reply.status in (404, 429)
            or (reply.status == 200 and reply.is_html)
        ):
            raise self._session.error(Unreachable, request, "the server is not ready", reply)
        if reply.status == 200:
            try:
                answer = reply.json()
            except ValueError:
                answer = None
            if not isinstance(answer, dict) or not isinstance(answer.get("authenticated"), bool):
                raise self._session.error(Garbled, request, "the answer is not a session", reply)
            if answer["authenticated"]:
                return answer
        self._refusal = _REFUSALS.get(reply.status, "the server refuses to sign us in")
        failure: RemoteError = self._session.error(SignInFailed, request, self._refusal, reply)
        raise failure


_REFUSALS = {
    200: "user name or password is wrong, or the account is locked",
    204: "the account asks for a second factor, which a service cannot give",
    400: "the server cannot read the credentials",
    401: "the account asks for a second factor, which a service cannot give",
    403: "the server does not take requests from this address",
}


def _cookie(reply: Reply) -> str:
    """The session cookie that an answer sets, "" when it sets none."""
    jar = SimpleCookie()
    try:
        jar.load(reply.headers.get("set-cookie", ""))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""
