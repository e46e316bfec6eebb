"""How our account shows itself to Avni: a ticket is fetched, shown with every request, and renewed before it is spent.

What a ticket is and where it comes from is the business of a `Way`; the ways are in `avni.ways`.
"""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from avni import refusals
from common import clock
from common.http import HttpSession, SignInFailed

__all__ = ["SignIn", "Ticket", "Way", "life_of"]

SPENT = 0.9
"""Share of a ticket's life after which it is renewed, so that none ends under way."""


@dataclass(frozen=True)
class Ticket:
    """What shows who we are: headers for every request, and how many seconds they are good for (None: nobody knows).

    `renewed` gets the next one without the password: None when the server wants the password again. Raises Unreachable.
    """

    headers: Mapping[str, str] = field(repr=False)
    life: float | None = None
    renewed: Callable[[HttpSession], Ticket | None] | None = field(default=None, repr=False)


Way = Callable[[HttpSession], Ticket]
"""Gets a ticket with our user name and password, given the way to Avni. Raises SignInFailed, Unreachable."""


class SignIn:
    """The ticket of one client, shared by its threads: one fetches it while the others wait.

    A refusal is final: this object asks no second time, so that an account is never locked by us. A ticket that can no
    longer be renewed is none; then the password is shown once.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._lock = threading.Lock()
        self._ticket: Ticket | None = None
        self._spent_at: float | None = None
        self._refused: SignInFailed | None = None

    def headers(self, session: HttpSession) -> dict[str, str]:
        """What every request carries. May sign in first. Raises SignInFailed, Unreachable."""
        with self._lock:
            spent = self._spent_at is not None and clock.monotonic() >= self._spent_at
            ticket = self._fetch(session) if self._ticket is None or spent else self._ticket
            return dict(ticket.headers)

    def renew(self, session: HttpSession, shown: Mapping[str, str]) -> None:
        """Get a better ticket than the one `shown`, which was refused; nothing to do when another thread already has.

        Raises SignInFailed, Unreachable.
        """
        with self._lock:
            if self._ticket is not None and self._ticket.headers == shown:
                self._fetch(session)

    def _fetch(self, session: HttpSession) -> Ticket:
        """Called by one thread at a time. What cannot be renewed now is kept, to be renewed later."""
        if self._refused:
            raise _once_more(self._refused)
        before = self._ticket
        self._spent_at = asked_at = clock.monotonic()
        try:
            self._ticket = self._renewed(session) or self._way(session)
        except SignInFailed as no:
            self._refused = _changed(no) if before and no.detail == refusals.WRONG_PASSWORD.word else no
            raise _once_more(self._refused) from None
        self._spent_at = None if self._ticket.life is None else asked_at + SPENT * self._ticket.life
        return self._ticket

    def _renewed(self, session: HttpSession) -> Ticket | None:
        return self._ticket.renewed(session) if self._ticket and self._ticket.renewed else None


def life_of(token: str) -> float | None:
    """Seconds a token lives, from its own statement; None when it makes none. Its signature is the server's matter.

    Issue and expiry are both on the server's clock, so that a wrong clock here does no harm.
    """
    try:
        part = token.split(".")[1]
        claims: Any = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return max(0.0, float(claims["exp"]) - float(claims["iat"]))
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _changed(no: SignInFailed) -> SignInFailed:
    """A wrong password that was right before."""
    changed = refusals.PASSWORD_CHANGED
    return _like(no, changed.cause.removesuffix("."), changed.word)


def _once_more(no: SignInFailed) -> SignInFailed:
    """The same refusal as an error of its own: threads must not share one with its traceback."""
    return _like(no, no.reason, no.detail)


def _like(no: SignInFailed, reason: str, detail: str) -> SignInFailed:
    return SignInFailed(
        reason, side=no.side, method=no.method, path_template=no.path_template, status=no.status, detail=detail
    )
