"""The calls to an OpenMRS server that the streams make: plain JSON in and out, one session, nothing sent twice.

Stands on openmrs.md O11 to O16 (representations, lists), O36 (a look decides), O48, O49 (searching by number).

Reads name their representation (`v=custom:(…)`): the defaults are large, differ between calls, and asking for the
default by name is an error. No write is repeated here: one that is cut off is Unclear, and whoever sent it looks
for the uuid it chose before sending again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bahmni.openmrs_answers import bytes_answer, read_answer, session_lost, write_answer
from bahmni.openmrs_session import HEADERS, OpenMRSSession
from common.http import (
    Counts,
    Garbled,
    HttpSession,
    NotFound,
    Reply,
    Request,
    SignInFailed,
    Timeouts,
    query_string,
    template_of,
)

__all__ = ["FEEDS", "OpenMRSClient"]

TIMEOUTS = Timeouts(connect=5.0, read=60.0)
"""Seconds. A saturated server takes 20 s for an encounter; beyond a minute nobody waits any more."""

REST = "/ws/rest/v1"
FEEDS = "/ws/atomfeed"

PATIENT_FOUND = "custom:(uuid,voided,identifiers:(uuid,identifier,voided,preferred,identifierType:(uuid)))"
"""What a search by identifier needs to tell an exact hit from a similar one."""
FOUND_AT_A_TIME = 100
"""Rows asked for at a time; the smallest absolute limit in use is 100."""


class OpenMRSClient:
    """One OpenMRS server as our account sees it. Shared by threads.

    Paths are relative to `/ws/rest/v1` unless said otherwise. Reads raise Unreachable, Slow, SignInFailed, Garbled,
    NotFound, Forbidden, Refused. Writes raise Unclear, Unreachable (not sent), SignInFailed, NotFound, Forbidden,
    Refused, WriteRefused.
    """

    def __init__(
        self, base_url: str, username: str, password: str, *, timeouts: Timeouts = TIMEOUTS, limit: int = 4,
        verify: bool | str = True, refuse_writes: bool = False, side: str = "openmrs",
    ) -> None:  # fmt: skip
        """`base_url` ends in the context, usually `/openmrs`; the rest as in `common.http.HttpSession`."""
        self.session = HttpSession(
            base_url, side=side, timeouts=timeouts, limit=limit, verify=verify, refuse_writes=refuse_writes
        )
        self._signed_in = OpenMRSSession(self.session, username, password)

    @property
    def counts(self) -> Counts:
        """Requests sent so far."""
        return self.session.counts

    def server_now(self) -> datetime:
        """The server's clock. Signs in when nothing has been asked yet. Raises Garbled when it does not tell."""
        if self.session.server_now() is None:
            self._signed_in.cookie()
        time = self.session.server_now()
        if time is None:
            raise self.session.error(Garbled, Request("GET", "/", "/"), "the answers do not say the server's time")
        return time

    def account(self) -> dict[str, Any]:
        """Our own user as the server describes it: uuid, username, privileges, roles."""
        return self._signed_in.account()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Read an object or a list."""
        request = self._request("GET", REST + path, params)
        return read_answer(self.session, request, self._read(request))

    def post(self, path: str, body: Mapping[str, Any], v: str | None = None) -> Any:
        """Create or change; answers the representation `v` (some creates answer their default whatever is asked)."""
        params = {} if v is None else {"v": v}
        content = json.dumps(dict(body), allow_nan=False).encode()
        return self._write(replace(self._request("POST", REST + path, params), body=content))

    def delete(self, path: str, reason: str) -> None:
        """Void. Repeating it does no harm: what is voided stays so."""
        self._write(self._request("DELETE", REST + path, {"reason": reason}))

    def get_bytes(self, path: str) -> bytes:
        """Read something that is not JSON; `path` is relative to the base URL."""
        request = self._request("GET", path, None)
        request = replace(request, headers={**HEADERS, "Accept": "application/atom+xml, application/xml, */*"})
        return bytes_answer(self.session, request, self._read(request))

    def feed(self, category: str, page: int | str) -> bytes:
        """A page of a feed: its number, or "recent"."""
        return self.get_bytes(f"{FEEDS}/{category}/{page}")

    def patient(self, uuid: str, v: str) -> dict[str, Any] | None:
        """A patient, also when voided; None when there is none."""
        return self.one(f"/patient/{uuid}", v)

    def one(self, path: str, v: str) -> dict[str, Any] | None:
        """An object in representation `v`; None when there is none."""
        try:
            found = self.get(path, {"v": v})
        except NotFound:
            return None
        if not isinstance(found, dict):
            raise self.session.error(Garbled, self._request("GET", REST + path, None), "the answer is not an object")
        return found

    def first(self, path: str, params: Mapping[str, str]) -> tuple[list[dict[str, Any]], bool]:
        """The rows of one page of a list, and whether it is the last one."""
        answer = self.get(path, params)
        found = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise self.session.error(Garbled, self._request("GET", REST + path, None), "the answer is not a list")
        return found, not found or not any(link.get("rel") == "next" for link in answer.get("links") or [])

    def all(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """Every row of a list, over all its pages."""
        rows: list[dict[str, Any]] = []
        while True:
            window = {"limit": str(FOUND_AT_A_TIME), "startIndex": str(len(rows))}
            found, is_last = self.first(path, {**params, **window})
            rows += found
            if is_last:
                return rows

    def patient_by_identifier(
        self, identifier: str, *, identifier_type: str | None = None, v: str = PATIENT_FOUND
    ) -> list[dict[str, Any]]:
        """The un-voided patients that carry exactly this identifier, of this type if one is named.

        The usual search is fuzzy and lags; this one asks the database for a prefix and keeps the exact ones.
        A `v` of one's own must hold `uuid,voided,identifiers:(identifier,voided,identifierType:(uuid))`.
        """
        if not identifier.strip():
            raise ValueError("an identifier is never empty")
        rows = self.all("/patient", {"identifier": identifier, "searchType": "start", "v": v})
        return [row for row in rows if not row.get("voided") and _carries(row, identifier, identifier_type)]

    def _request(self, method: str, path: str, params: Mapping[str, str] | None) -> Request:
        return Request(method, path, template_of(path), query_string(params or {}), headers=HEADERS)

    def _read(self, request: Request) -> Reply:
        """With a session; a lost one is opened again, once."""
        cookie = self._signed_in.cookie()
        reply = self.session.read(_with(request, cookie))
        if session_lost(reply):
            self._signed_in.lost(cookie)
            reply = self.session.read(_with(request, self._signed_in.cookie()))
        if reply.status == 401:
            raise self.session.error(SignInFailed, request, "a new session is refused, too", reply)
        return reply

    def _write(self, request: Request) -> Any:
        if self.session.refuse_writes:
            return self.session.write(request)
        cookie = self._signed_in.cookie()
        reply = self.session.write(_with(request, cookie))
        if session_lost(reply):
            self._signed_in.lost(cookie)
        return write_answer(self.session, request, reply)


def _with(request: Request, cookie: str) -> Request:
    """The request inside our session."""
    content = {"Content-Type": "application/json"} if request.body else {}
    return replace(request, headers={**(request.headers or {}), **content, "Cookie": f"JSESSIONID={cookie}"})


def _carries(patient: Mapping[str, Any], identifier: str, identifier_type: str | None) -> bool:
    """Whether one of the patient's valid identifiers is this one. Case counts, as it does to the hospital."""
    return any(
        one.get("identifier") == identifier
        and not one.get("voided")
        and (identifier_type is None or (one.get("identifierType") or {}).get("uuid") == identifier_type)
        for one in patient.get("identifiers") or []
    )
