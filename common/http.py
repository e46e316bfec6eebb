"""The one place that opens connections to a remote server.

`HttpSession` sends one request and hands back one `Reply`, whatever its status: what a status means
differs per product and is decided by the product's client. What the wire can do is decided here,
and told apart by one question: may the server have acted? A read that gets no answer is `Slow` or
`Unreachable`; a write that may have arrived is `Unclear` and is never sent again from here.

Nothing raised or logged here holds a query string, a body or a header: they carry patients' data.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from common import clock, http_times
from common.http_errors import (
    Forbidden,
    Garbled,
    NotFound,
    Refused,
    RemoteError,
    SignInFailed,
    Slow,
    Unclear,
    Unreachable,
    WriteRefused,
)

__all__ = [
    "Counts", "Forbidden", "Garbled", "HttpSession", "NotFound", "Refused", "RemoteError", "Reply", "Request",
    "SignInFailed", "Slow", "Timeouts", "Unclear", "Unreachable", "WriteRefused", "query_string", "template_of",
]  # fmt: skip

MEBIBYTE = 1024 * 1024
LARGEST_BODY = 32 * MEBIBYTE
"""Bytes, unpacked. A page of 1,000 Avni subjects is about 5 MB, the largest encounter seen 1 MB."""
CHUNK = 64 * 1024
REDIRECTS = 3
"""How often a read follows a redirect, and only below the base URL."""

for _name in ("urllib3.connectionpool", "urllib3.util.retry"):
    # These two write whole URLs, query and all, to the log, some of them as warnings.
    logging.getLogger(_name).addFilter(lambda _: False)


E = TypeVar("E", bound=RemoteError)


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `read` bounds the wait for each piece of the answer and for the answer as a whole."""

    connect: float
    read: float

    @property
    def longest(self) -> float:
        """No request takes longer: its connection, the wait for the first byte, then the body."""
        return self.connect + 2 * self.read


@dataclass(frozen=True)
class Counts:
    """What was sent. Sign-ins are counted apart and are neither calls nor writes."""

    calls: int = 0
    writes: int = 0
    sign_ins: int = 0


@dataclass(frozen=True)
class Request:
    """What is asked. `path` starts with "/", is percent-encoded and has no query."""

    method: str
    path: str
    template: str
    query: str = ""
    body: bytes | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Reply:
    """One answer, whole and unjudged. `server_time` is the server's clock, to the second."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    server_time: datetime | None

    @property
    def is_html(self) -> bool:
        """A page for people: a proxy's error, a log-in form, a server that is still starting.

        Judged by the first bytes: content types are wrong too often (feeds come as text/html).
        """
        start = self.body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return start.startswith(b"<") and (b"<!doctype html" in start or b"<html" in start)

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError, whose text must not be shown, when it is not."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deep") from None


class HttpSession:
    """A pooled way to one server, shared by threads; its pool also bounds how many ask at a time.

    `side` names the server in errors; `limit` is the number of requests at a time; `verify` is
    True or the path of a file with certificates to trust; `refuse_writes` is for dry runs.
    Proxies and `.netrc` of the environment are not used: what a tenant connects to is its own rows' say.
    """

    def __init__(
        self, base_url: str, *, side: str, timeouts: Timeouts, limit: int = 4, verify: bool | str = True,
        refuse_writes: bool = False, largest_body: int = LARGEST_BODY,
    ) -> None:  # fmt: skip
        """Raises ValueError when `base_url` is not an http(s) address without query."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("a base URL looks like https://host/path")
        if parts.username or parts.password:
            raise ValueError("a base URL carries no user and no password")
        self.base_url = base_url.rstrip("/")
        self.side = side
        self.timeouts = timeouts
        self.refuse_writes = refuse_writes
        self._largest_body = largest_body
        self._verify = verify
        self._session = _new_session(limit)
        self._lock = threading.Lock()
        self._counts = Counts()
        self._trusted: int | None = None
        self._seen: tuple[datetime, float] | None = None

    @property
    def counts(self) -> Counts:
        """What this session has sent so far."""
        with self._lock:
            return self._counts

    def trust(self, sign_ins: int) -> None:
        """From now on send a write only while nobody signed in beyond this number: the server was looked at then.

        One that took another one's place does not know the older sessions, so nothing is written to it unseen.
        """
        with self._lock:
            self._trusted = sign_ins

    def server_now(self) -> datetime | None:
        """The server's clock, carried on from its last answer; None before the first one."""
        with self._lock:
            seen = self._seen
        return None if seen is None else seen[0] + timedelta(seconds=clock.monotonic() - seen[1])

    def close(self) -> None:
        """Give the sockets back."""
        self._session.close()

    def read(self, request: Request) -> Reply:
        """Send a GET. Raises Unreachable, Slow, Garbled.

        A connection that turns out to have been closed is replaced once: the server may close an
        idle one at any moment, and a read does no harm twice.
        """
        try:
            return self._followed(request)
        except _Broken:
            pass
        try:
            return self._followed(request)
        except _Broken:
            raise self.error(Unreachable, request, "the connection broke") from None

    def write(self, request: Request) -> Reply:
        """Send anything else, once. Raises Unreachable (it certainly did not arrive), Unclear, WriteRefused."""
        if self.refuse_writes:
            raise WriteRefused(f"{self.side}: {request.method} {request.template} was not sent: looking only")
        with self._lock:
            is_trusted = self._trusted in (None, self._counts.sign_ins)
        if not is_trusted:
            raise self.error(Unclear, request, "not sent: signed in anew, and the server was not looked at since")
        self._count(calls=1, writes=1)
        try:
            reply = self._send(request)
        except (_Broken, Slow, Garbled) as cut:
            reason = "the connection broke" if isinstance(cut, _Broken) else cut.reason
            failure = self.error(Unclear, request, reason)
        else:
            if not 300 <= reply.status < 400:
                return reply
            failure = self.error(Unclear, request, "redirected", reply)
        raise failure

    def sign_in(self, request: Request) -> Reply:
        """Send a request that only opens a session: repeatable, allowed in a dry run, counted apart."""
        self._count(sign_ins=1)
        try:
            return self._send(request)
        except _Broken:
            raise self.error(Unreachable, request, "the connection broke") from None

    def beside(self, base_url: str) -> HttpSession:
        """A way to another server that belongs to this one, such as its identity provider: same name, time-outs, trust.

        To be closed by the caller. Raises ValueError when `base_url` is not an http(s) address without query.
        """
        return HttpSession(
            base_url, side=self.side, timeouts=self.timeouts, limit=1, verify=self._verify,
            refuse_writes=self.refuse_writes, largest_body=self._largest_body,
        )  # fmt: skip

    def error(self, kind: type[E], request: Request, reason: str, reply: Reply | None = None, detail: str = "") -> E:
        """An error of `kind` about this request."""
        failure = kind(
            reason, side=self.side, method=request.method, path_template=request.template,
            status=None if reply is None else reply.status, detail=detail,
        )  # fmt: skip
        if reply is not None:
            told, now = reply.headers.get("retry-after", ""), reply.server_time or clock.now()
            failure.retry_after = http_times.retry_after(told, now)
        return failure

    def refused(self, request: Request, reply: Reply, codes: Iterable[str] = (), fields: Iterable[str] = ()) -> Refused:
        """The server's definite no, with the machine words it gave for it."""
        refusal = self.error(Refused, request, ", ".join(["refused", *codes]), reply)
        refusal.codes, refusal.fields = tuple(codes), tuple(fields)
        return refusal

    def forbidden(self, request: Request, reply: Reply, privilege: str) -> Forbidden:
        """Our account may not; `privilege` is "" where the server does not say which right it lacks."""
        refusal = self.error(Forbidden, request, f"our account lacks a privilege: {privilege or 'not named'}", reply)
        refusal.privilege = privilege
        return refusal

    def _followed(self, request: Request) -> Reply:
        for _ in range(1 + REDIRECTS):
            self._count(calls=1)
            reply = self._send(request)
            if reply.status not in (301, 302, 303, 307, 308):
                return reply
            request = self._redirected(request, reply)
        raise self.error(Unreachable, request, "redirected in a circle")

    def _redirected(self, request: Request, reply: Reply) -> Request:
        """The same question at the place the server names, if that lies below the base URL."""
        target = urlsplit(urljoin(self.base_url + request.path, reply.headers.get("location", "")))
        address = f"{target.scheme}://{target.netloc}{target.path}"
        if not address.startswith(self.base_url + "/") or not _stays_below(address.removeprefix(self.base_url)):
            raise self.error(Unreachable, request, "redirected away from the base URL", reply)
        return replace(request, path=address.removeprefix(self.base_url), query=target.query)

    def _send(self, request: Request) -> Reply:
        """One exchange on the wire. Raises _Broken beside the errors of `read`."""
        prepared = self._session.prepare_request(
            requests.Request(request.method, self._url(request), data=request.body, headers=dict(request.headers or {}))
        )
        failure: Exception
        try:
            # Straight to the adapter: the session's own `send` would swallow the whole body of a redirect.
            answer = self._session.get_adapter(self.base_url).send(
                prepared,
                stream=True,
                timeout=(self.timeouts.connect, self.timeouts.read),
                verify=self._verify,
            )
        except requests.exceptions.RequestException as cut:
            # Leaving the block before raising drops the cause, whose text holds the whole URL.
            failure = self._failure(request, cut)
        else:
            return self._whole(request, answer)
        raise failure

    def _url(self, request: Request) -> str:
        """Where to send it. Raises ValueError for a path that could leave the base URL."""
        if not _stays_below(request.path):
            raise ValueError(f"not a path below the base URL: {request.template}")
        return self.base_url + request.path + (f"?{request.query}" if request.query else "")

    def _failure(self, request: Request, cut: requests.exceptions.RequestException) -> Exception:
        """What the missing answer means; what was never sent is Unreachable even for a write."""
        if isinstance(cut, requests.exceptions.ConnectTimeout):
            return self.error(Unreachable, request, "no connection in time")
        if isinstance(cut, requests.exceptions.ReadTimeout):
            return self.error(Slow, request, "no answer in time")
        if _mentions(cut, urllib3.exceptions.NameResolutionError):
            return self.error(Unreachable, request, "its name does not resolve")
        if _mentions(cut, urllib3.exceptions.NewConnectionError):
            return self.error(Unreachable, request, "no connection")
        if _mentions(cut, ssl.SSLCertVerificationError):
            return self.error(Unreachable, request, "its certificate is not trusted")
        return _Broken()

    def _whole(self, request: Request, answer: requests.Response) -> Reply:
        """The answer with its body, within the limits of size and time."""
        received = clock.monotonic()
        failure: Exception
        try:
            body = self._body(request, answer, received + self.timeouts.read)
        except urllib3.exceptions.ReadTimeoutError:
            failure = self.error(Slow, request, "the answer stopped half-way")
        except (urllib3.exceptions.HTTPError, OSError):
            failure = _Broken()
        else:
            server_time = http_times.server_time(answer.headers.get("date"))
            if server_time is not None:
                with self._lock:
                    self._seen = (server_time, received)
            return Reply(answer.status_code, answer.headers, body, server_time)
        finally:
            answer.close()
        raise failure

    def _body(self, request: Request, answer: requests.Response, deadline: float) -> bytes:
        """Read piece by piece, as each piece comes: a server that drips is noticed by the deadline."""
        pieces = bytearray()
        while piece := answer.raw.read1(CHUNK, decode_content=True):
            pieces += piece
            if len(pieces) > self._largest_body:
                raise self.error(Garbled, request, "the answer is larger than allowed")
            if clock.monotonic() > deadline:
                raise self.error(Slow, request, "the answer came too slowly")
        return bytes(pieces)

    def _count(self, calls: int = 0, writes: int = 0, sign_ins: int = 0) -> None:
        with self._lock:
            was = self._counts
            self._counts = Counts(was.calls + calls, was.writes + writes, was.sign_ins + sign_ins)


def _stays_below(path: str) -> bool:
    """Whether a path cannot lead out of the place it is appended to."""
    steps = unquote(path).split("/")
    return path.startswith("/") and not re.search(r"[?#\\\s]", path) and "." not in steps and ".." not in steps


class _Broken(Exception):
    """The connection ended before the answer did; whether the request arrived is unknown."""


def query_string(parameters: Mapping[str, str]) -> str:
    """Percent-encoded throughout: a plus sign, an ampersand or a quote in a value arrives as itself."""
    return urlencode(parameters, quote_via=quote, safe="")


def template_of(path: str) -> str:
    """The path with everything that may identify somebody replaced: only plain words stay."""
    return "/".join(step if re.fullmatch(r"([a-z][A-Za-z]*|v[0-9])?", step) else "{id}" for step in path.split("/"))


def _new_session(limit: int) -> requests.Session:
    """No cookie jar (a stale cookie would hide a missing header), no environment, a bounded pool."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "avni-integration"
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=limit, pool_block=True, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _mentions(cut: BaseException, kind: type[BaseException]) -> bool:
    """Whether `kind` is somewhere below an exception of requests, which wraps in several layers."""
    found: list[object] = [cut]
    for _ in range(6):
        found = [inner for one in found for inner in _inside(one)]
        if any(isinstance(one, kind) for one in found):
            return True
    return False


def _inside(one: object) -> list[object]:
    if not isinstance(one, BaseException):
        return []
    return [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
