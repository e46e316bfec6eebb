"""Who is calling: Basic, session cookies, lock-out, privileges (openmrs.md O1 to O10)."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulators.bahmni.errors import bad_request, forbidden, unauthorised
from simulators.bahmni.model import User
from simulators.bahmni.state import State

__all__ = ["Caller", "Doorkeeper", "require"]


@dataclass
class Session:
    """A server-side session; `user` is None as long as nobody is logged in."""

    id: str
    seen: datetime
    user: str | None = None
    requests: int = 0


@dataclass(frozen=True)
class Caller:
    """The outcome of the request filter. `stale`: an unknown cookie was sent."""

    session: Session
    fresh: bool
    stale: bool
    user: User | None


class Doorkeeper:
    """The request filter in front of /ws/rest, with the table of sessions."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.sessions: dict[str, Session] = {}

    def enter(self, headers: Mapping[str, str]) -> Caller:
        """Find or make the session and log in with Basic where nobody is yet.

        Raises `ApiError` 400 for a Basic header that cannot be read.
        """
        cookie = _cookie(headers.get("cookie", ""))
        session = self._alive(cookie)
        stale = cookie is not None and session is None
        fresh = session is None
        if session is None:
            session = self._open()
        header = headers.get("authorization", "")
        if session.user is None and header.startswith("Basic"):
            session.user = self._log_in(header.removeprefix("Basic").strip())
        session.requests += 1
        user = self._state.users.get(session.user or "")
        return Caller(session, fresh, stale, user)

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether the cookie belongs to somebody logged in; Basic is not looked at."""
        session = self._alive(_cookie(headers.get("cookie", "")))
        return session is not None and session.user is not None

    def leave(self, session: Session) -> None:
        """Log out."""
        self.sessions.pop(session.id, None)

    def forget_all(self) -> None:
        """A restart of the server: every cookie out there is stale."""
        self.sessions.clear()

    def _open(self) -> Session:
        session = Session(secrets.token_hex(16).upper(), self._state.now())
        self.sessions[session.id] = session
        return session

    def _alive(self, cookie: str | None) -> Session | None:
        session = self.sessions.get(cookie or "")
        if session is None:
            return None
        settings = self._state.settings
        now = self._state.now()
        idle = now - session.seen > timedelta(seconds=settings.session_idle)
        limit = settings.session_requests
        if idle or (limit is not None and session.requests >= limit):
            del self.sessions[session.id]
            return None
        session.seen = now
        return session

    def _log_in(self, encoded: str) -> str | None:
        try:
            parts = base64.b64decode(encoded, validate=True).decode().split(":")
        except (binascii.Error, UnicodeDecodeError):
            raise bad_request("Invalid credentials provided") from None
        if len(parts) < 2:
            raise bad_request("Invalid credentials provided")
        name, password = parts[0], parts[1]  # a password ends at its first colon
        users = self._state.users.values()
        user = next((row for row in users if row.username.lower() == name.lower()), None)
        if user is None or not password:
            return None
        return user.uuid if self._admits(user, password) else None

    def _admits(self, user: User, password: str) -> bool:
        settings = self._state.settings
        now = self._state.now()
        if user.locked_at is not None:
            if now - user.locked_at < timedelta(seconds=settings.lockout_time):
                user.locked_at = now  # each try starts the wait anew
                return False
            user.locked_at, user.failures = None, 0
        if user.password == password:
            user.failures = 0
            return True
        user.failures += 1
        if user.failures >= settings.lockout_after:
            user.locked_at = now
        return False


def require(caller: Caller, privileges: tuple[str, ...], realm: str | None) -> None:
    """Raise 401 when nobody is logged in, 403 for the first privilege missing."""
    if not privileges:
        return
    user = caller.user
    if user is None:
        raise unauthorised(privileges[0], realm)
    if user.privileges is None:
        return
    held = set(user.privileges)
    for privilege in privileges:
        if privilege not in held:
            raise forbidden(privilege)


def _cookie(header: str) -> str | None:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == "JSESSIONID" and value:
            return value
    return None
