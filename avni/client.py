"""The calls of Avni's external API that the streams make.

Always: `version=2` (dates of observations as plain dates: avni.md A26, A35), a type filter on lists (one type our
user may not see fails a whole page), the External ID and both maps of observations on writes (the server fails
without: A30), and an explicit `Voided` (a write without it brings a voided entity back: A15, A17).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from avni import bodies
from avni.answers import read_answer, ticket_refused, write_answer
from avni.refusals import TOKEN_REFUSED, UNKNOWN_USER, refused
from avni.signin import SignIn, Way
from avni.wire import spelled
from common import clock
from common.http import (
    Counts,
    Forbidden,
    Garbled,
    HttpSession,
    NotFound,
    Refused,
    Reply,
    Request,
    Timeouts,
    Unreachable,
    query_string,
)

__all__ = ["AvniClient", "AvniPage", "Me"]

TIMEOUTS = Timeouts(connect=10.0, read=120.0)
"""Seconds. Pages of a large organisation take minutes; the server's own client waits 120 s, too."""

PROMPTLY = 10.0
"""Seconds a write may wait for its ticket. Whoever writes reckons with the longest time of one request, and must not
find that it began only after two minutes of signing in."""

VERSION = "2"


@dataclass(frozen=True)
class AvniPage:
    """Rows as they came, how many pages the answer says there are, and the server's clock when it answered.

    The server's `totalElements` counts this page only and is not kept (avni.md A8).
    """

    content: list[dict[str, Any]]
    total_pages: int
    server_date: datetime


@dataclass(frozen=True)
class Me:
    """Our user as Avni knows it. `organisation`: name and number of the one it belongs to, "" for none."""

    username: str
    organisation: str


class AvniClient:
    """One Avni organisation as our user sees it. Shared by threads; keeps no cookies.

    Reads raise Unreachable, Slow, SignInFailed, Garbled, Forbidden, Refused. Writes raise Unclear (look by
    External ID before sending again), Unreachable (not sent), SignInFailed, Forbidden, Refused, WriteRefused.
    """

    def __init__(
        self, base_url: str, way: Way, *, timeouts: Timeouts = TIMEOUTS, limit: int = 8,
        verify: bool | str = True, refuse_writes: bool = False,
    ) -> None:  # fmt: skip
        """`way`: how our account gets in; `limit`: requests at a time; `verify`: True or a file of certificates.

        `refuse_writes`: for dry runs.
        """
        self.session = HttpSession(
            base_url, side="avni", timeouts=timeouts, limit=limit, verify=verify, refuse_writes=refuse_writes
        )
        self._sign_in = SignIn(way)

    @property
    def counts(self) -> Counts:
        """Requests sent so far."""
        return self.session.counts

    def server_now(self) -> datetime | None:
        """The server's clock, carried on from its last answer; None before the first one."""
        return self.session.server_now()

    def me(self) -> Me:
        """Who we are to the server (avni.md A105). Releases may lack the page: then NotFound, Forbidden or Garbled."""
        request = Request("GET", "/userInfo", "/userInfo")
        answer = read_answer(self.session, request, self._read(request))
        if not isinstance(answer, dict) or not isinstance(answer.get("username"), str):
            raise self.session.error(Garbled, request, "the answer is not a user")
        name, number = answer.get("organisationName"), answer.get("organisationId")
        return Me(answer["username"], f"{name} (number {number})" if name and number is not None else "")

    def subjects(
        self, since: datetime | None, subject_type: str, *, concepts: Mapping[str, str] | None = None,
        page: int = 0, size: int = 100,
    ) -> AvniPage:  # fmt: skip
        """Subjects of a type last modified after `since`, voided ones too, oldest first (unordered without `since`).

        `concepts`: concept name -> stored value, for coded answers the answer's uuid. `size`: up to 1,000.
        """
        return self._page("/api/subjects", {"subjectType": subject_type}, since, concepts, page, size)

    def encounters(
        self, since: datetime | None, encounter_type: str, *, concepts: Mapping[str, str] | None = None,
        page: int = 0, size: int = 100,
    ) -> AvniPage:  # fmt: skip
        """General encounters of a type last modified after `since`, voided, scheduled and cancelled ones too.

        With `concepts` the server's window includes `since` itself.
        """
        return self._page("/api/encounters", {"encounterType": encounter_type}, since, concepts, page, size)

    def enrolments(self, since: datetime, program: str, *, page: int = 0, size: int = 100) -> AvniPage:
        """Enrolments in a program last modified after `since`, voided and exited ones too, oldest first."""
        return self._page("/api/programEnrolments", {"program": program}, since, None, page, size)

    def enrolments_of(self, subject: str, program: str, *, page: int = 0, size: int = 100) -> AvniPage:
        """All enrolments in a program of the subject with that uuid, whenever they were modified (avni.md A47)."""
        return self._page("/api/programEnrolments", {"program": program, "subject": subject}, None, None, page, size)

    def program_encounters(
        self, since: datetime | None, encounter_type: str, *, concepts: Mapping[str, str] | None = None,
        page: int = 0, size: int = 100,
    ) -> AvniPage:  # fmt: skip
        """Program encounters of a type last modified after `since`, voided, scheduled and cancelled ones too.

        Raises NotFound when rows of other types come: a type it does not know the server leaves out of the question,
        and lists the whole organisation (avni.md A48).
        """
        path = "/api/programEncounters"
        found = self._page(path, {"encounterType": encounter_type}, since, concepts, page, size)
        if any(row.get("Encounter type") != encounter_type for row in found.content):
            reason = "the server knows no encounter type of the name asked for"
            unknown = NotFound(reason, side="avni", method="GET", path_template=path)
            unknown.codes = ("no such encounter type",)
            raise unknown
        return found

    def knows_concept(self, name: str, subject_type: str) -> bool:
        """Whether the organisation has a question or an answer of this name: a search by any other is refused (A10).

        False, too, where the server refuses to say. `subject_type`: one our user may see.
        """
        try:
            self.subjects(self.server_now(), subject_type, concepts={name: "-"}, size=1)
        except (Forbidden, Refused):
            return False
        return True

    def subject(self, identity: str) -> dict[str, Any] | None:
        """A subject by uuid or External ID, also when voided; None when there is none."""
        return self._one("/api/subject/{id}", identity)

    def encounter(self, identity: str) -> dict[str, Any] | None:
        """A general encounter by uuid or External ID, also when voided; None when there is none."""
        return self._one("/api/encounter/{id}", identity)

    def program_enrolment(self, identity: str) -> dict[str, Any] | None:
        """A program enrolment by uuid or External ID, also when voided; None when there is none."""
        return self._one("/api/programEnrolment/{id}", identity)

    def program_encounter(self, identity: str) -> dict[str, Any] | None:
        """A program encounter by uuid or External ID, also when voided; None when there is none."""
        return self._one("/api/programEncounter/{id}", identity)

    def upsert_encounter(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create or wholly replace the general encounter with this External ID; returns what stands there now.

        Raises ValueError for a body that the server would fail on or understand otherwise.
        """
        bodies.check_upsert("an encounter", body, bodies.ENCOUNTER_MAPS)
        return self._store("POST", "/api/encounter", "/api/encounter", body)

    def patch_encounter(self, identity: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change only what `body` carries: observations are merged by concept, null removes one. Since Avni 4."""
        return self._store("PATCH", f"/api/encounter/{_step(identity)}", "/api/encounter/{id}", body)

    def void_encounter(self, identity: str) -> None:
        """Void a general encounter; doing it again does no harm."""
        self._void("/api/encounter/{id}", identity)

    def upsert_program_enrolment(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create or wholly replace the enrolment with this External ID; returns what stands there now.

        It is an exit when `body` has an `Exit datetime`. Raises ValueError for a body that the server would fail on
        or understand otherwise.
        """
        bodies.check_upsert("an enrolment", body, bodies.ENROLMENT_MAPS)
        return self._store("POST", "/api/programEnrolment", "/api/programEnrolment", body)

    def replace_program_enrolment(self, identity: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Replace all of an enrolment that is there: what `body` does not carry is gone. There is no partial change."""
        bodies.check_replacement("an enrolment", body, bodies.ENROLMENT_MAPS)
        return self._store("PUT", f"/api/programEnrolment/{_step(identity)}", "/api/programEnrolment/{id}", body)

    def void_program_enrolment(self, identity: str) -> None:
        """Void an enrolment, not its encounters; doing it again does no harm."""
        self._void("/api/programEnrolment/{id}", identity)

    def upsert_program_encounter(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create or wholly replace the program encounter with this External ID; returns what stands there now.

        Raises ValueError for a body that the server would fail on or understand otherwise.
        """
        bodies.check_upsert("a program encounter", body, bodies.ENCOUNTER_MAPS)
        bodies.check_one_state(body)
        return self._store("POST", "/api/programEncounter", "/api/programEncounter", body)

    def replace_program_encounter(self, identity: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Replace all of a program encounter that is there: what `body` does not carry is gone."""
        bodies.check_replacement("a program encounter", body, bodies.ENCOUNTER_MAPS)
        bodies.check_one_state(body)
        return self._store("PUT", f"/api/programEncounter/{_step(identity)}", "/api/programEncounter/{id}", body)

    def void_program_encounter(self, identity: str) -> None:
        """Void a program encounter; doing it again does no harm."""
        self._void("/api/programEncounter/{id}", identity)

    def sign_in(self) -> None:
        """Show who we are, as every request does. Raises SignInFailed, Unreachable."""
        self._headers()

    def _page(
        self, path: str, filters: dict[str, str], since: datetime | None, concepts: Mapping[str, str] | None,
        page: int, size: int,
    ) -> AvniPage:  # fmt: skip
        if not all(filters.values()):
            raise ValueError("a list is always asked for one type")
        parameters = filters | {"page": str(page), "size": str(size), "version": VERSION}
        if since is not None:
            parameters["lastModifiedDateTime"] = spelled(since)
        if concepts:
            parameters["concepts"] = json.dumps(dict(concepts))
        request = Request("GET", path, path, query_string(parameters))
        reply = self._read(request)
        answer = read_answer(self.session, request, reply)
        rows, pages = (answer.get("content"), answer.get("totalPages")) if isinstance(answer, dict) else (None, None)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not isinstance(pages, int):
            raise self.session.error(Garbled, request, "the answer is not a page", reply)
        if reply.server_time is None:
            raise self.session.error(Garbled, request, "the answer does not say the server's time", reply)
        return AvniPage(rows, pages, reply.server_time)

    def _one(self, template: str, identity: str) -> dict[str, Any] | None:
        path = template.replace("{id}", _step(identity))
        request = Request("GET", path, template, query_string({"version": VERSION}))
        reply = self._read(request)
        try:
            entity = read_answer(self.session, request, reply)
        except NotFound:
            return None
        if not isinstance(entity, dict) or not isinstance(entity.get("ID"), str):
            raise self.session.error(Garbled, request, "the answer is not the entity", reply)
        return entity

    def _store(self, method: str, path: str, template: str, body: Mapping[str, Any]) -> dict[str, Any]:
        content = json.dumps(dict(body), allow_nan=False).encode()
        request = Request(method, path, template, query_string({"version": VERSION}), content)
        return write_answer(self.session, request, self._write(request))

    def _void(self, template: str, identity: str) -> None:
        request = Request("DELETE", template.replace("{id}", _step(identity)), template)
        write_answer(self.session, request, self._write(request))

    def _read(self, request: Request) -> Reply:
        return self._as_us(request, self.session.read)

    def _write(self, request: Request) -> Reply:
        """Send a write, or not at all (Unreachable) when it would begin late: the next one finds the ticket there."""
        begun = clock.monotonic()

        def promptly(signed: Request) -> Reply:
            if clock.monotonic() - begun > PROMPTLY:
                raise self.session.error(Unreachable, request, "signing in took so long that nothing was sent")
            return self.session.write(signed)

        return self.session.write(request) if self.session.refuse_writes else self._as_us(request, promptly)

    def _as_us(self, request: Request, send: Callable[[Request], Reply]) -> Reply:
        """Send with our ticket. One that is refused is answered before anything is done: then even a write is repeated.

        Raises SignInFailed when the server takes no better ticket either, or there is none.
        """
        shown = self._headers()
        reply = send(_with(request, shown))
        if ticket_refused(reply):
            self._sign_in.renew(self.session, shown)
            better = self._headers()
            reply = send(_with(request, better)) if better != shown else reply
            if ticket_refused(reply):
                raise refused(self.session, request, UNKNOWN_USER if "USER-NAME" in better else TOKEN_REFUSED, reply)
        return reply

    def _headers(self) -> dict[str, str]:
        return self._sign_in.headers(self.session)


def _with(request: Request, headers: Mapping[str, str]) -> Request:
    """The request with our identity and the kind of content we speak."""
    content = {"Content-Type": "application/json"} if request.body else {}
    return replace(request, headers={"Accept": "application/json", **content, **headers})


def _step(identity: str) -> str:
    """An identifier as one step of a path."""
    if not identity:
        raise ValueError("an identifier is never empty")
    return quote(identity, safe="")
