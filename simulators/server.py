"""A small HTTP/1.1 server for the simulators: counting, a dial for faults, nothing product specific.

An application answers one `Request` with one `Response`. Around it this module does what a
network does: it delays, drops, cuts and repeats nothing. Every request is counted when it
arrives, whatever happens to it afterwards, so that tests assert on counters instead of time.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit

from simulators.faults import Faults

__all__ = ["Application", "Faults", "HttpError", "Request", "Response", "Server"]

WRITE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})

DROPS = 20
"""Pieces a slow body comes in."""

GARBAGE = "<!DOCTYPE html><html><head><title>Please wait</title></head><body>Starting up"


@dataclass(frozen=True)
class Request:
    """One request as the application sees it. Header names are lower case."""

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw_path: str = ""
    """The path as it stood on the wire, still percent-encoded, without the query."""

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError when it is not."""
        return json.loads(self.body)

    def param(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def header(self, name: str, default: str | None = None) -> str | None:
        """A header, whatever the case of its name."""
        return self.headers.get(name.lower(), default)


@dataclass
class Response:
    """An answer. `body`: bytes go out as they are, str as UTF-8, dict and list as JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None

    def payload(self) -> tuple[bytes, str]:
        """The bytes of the body and their content type."""
        if isinstance(self.body, bytes):
            return self.body, self.content_type or "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), self.content_type or "text/plain;charset=UTF-8"
        text = json.dumps(self.body, ensure_ascii=False)
        return text.encode(), self.content_type or "application/json"


class HttpError(Exception):
    """Raised by an application instead of returning a `Response`."""

    def __init__(self, status: int, body: Any = b"", content_type: str | None = None) -> None:
        super().__init__(f"HTTP {status}")
        self.response = Response(status, body, content_type=content_type)


class Application(Protocol):
    """What a simulator has to offer.

    It may also have `template(method, path) -> str`, naming the route a path belongs to
    ("/api/subject/{id}"); counters then use that name instead of the path.
    """

    def handle(self, request: Request) -> Response:
        """Answer one request; may raise `HttpError`. Called from several threads."""
        ...


class Server:
    """Serves one application on a thread of its own; a context manager.

    `stop()` also cuts connections kept alive, and `start()` afterwards takes the same port
    again, so that a test can switch a product off and on.
    """

    def __init__(
        self,
        app: Application,
        *,
        port: int = 0,
        faults: Faults | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.app = app
        self.faults = faults or Faults()
        self.host = host
        self.port = port
        self.failures: list[str] = []
        """Tracebacks of exceptions the application did not mean: mistakes of the simulator."""
        self.counts: Counter[tuple[str, str]] = Counter()
        self.log: list[tuple[str, str]] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._http: _Http | None = None
        self._late: dict[threading.Timer, Callable[[], None]] = {}

    @property
    def base_url(self) -> str:
        """Scheme, host and port, without a slash at the end. Known once started."""
        if not self.port:
            raise RuntimeError("the server has no port before its first start")
        return f"http://{self.host}:{self.port}"

    @property
    def requests(self) -> int:
        """How many requests arrived since the last reset."""
        with self._lock:
            return len(self.log)

    @property
    def writes(self) -> int:
        """How many of them were POST, PUT, PATCH or DELETE."""
        with self._lock:
            return sum(1 for method, _ in self.log if method in WRITE_METHODS)

    def reset_counts(self) -> None:
        """Forget the requests counted so far."""
        with self._lock:
            self.counts.clear()
            self.log.clear()

    def start(self) -> Server:
        """Listen. Raises OSError when the port is taken."""
        self.stopping.clear()
        self._http = _Http((self.host, self.port), self)
        self.port = self._http.server_address[1]
        threading.Thread(
            target=self._http.serve_forever,
            args=(0.05,),
            name=f"simulator:{self.port}",
            daemon=True,
        ).start()
        return self

    def stop(self) -> None:
        """Stop listening, cut open connections, drop commits not yet late enough."""
        if self._http is None:
            return
        self.stopping.set()
        for timer in self._take_late():
            timer.cancel()
        self._http.shutdown()
        self._http.server_close()
        self._http.cut_connections()
        self._http = None

    def settle(self) -> None:
        """Carry out every late commit now instead of when its time has come."""
        for timer, commit in self._take_late().items():
            timer.cancel()
            commit()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def count(self, request: Request) -> None:
        """Note that a request arrived."""
        template = getattr(self.app, "template", None)
        route = template(request.method, request.path) if template else request.path
        with self._lock:
            self.counts[request.method, route] += 1
            self.log.append((request.method, request.path))

    def stir(self, request: Request, target: str) -> None:
        """Do what is planned to happen before this request; its mistakes are kept in `failures`."""
        for do in self.faults.due(request.method, request.path, target):
            try:
                do()
            except Exception:  # noqa: BLE001 - whatever it is, the client must get an answer
                self.failures.append(traceback.format_exc())

    def answer(self, request: Request) -> Response:
        """What the application says; its own mistakes are kept in `failures`."""
        try:
            return self.app.handle(request)
        except HttpError as error:
            return error.response
        except Exception:  # noqa: BLE001 - whatever it is, the client must get an answer
            self.failures.append(traceback.format_exc())
            return Response(500, "simulator failure", {"x-simulator-failure": "1"})

    def commit_later(self, request: Request, seconds: float) -> None:
        """Handle a request whose client has long been sent away."""

        def commit() -> None:
            self.answer(request)

        def fire() -> None:
            with self._lock:
                due = self._late.pop(timer, None)
            if due:
                due()

        timer = threading.Timer(seconds, fire)
        timer.daemon = True
        with self._lock:
            self._late[timer] = commit
        timer.start()

    def _take_late(self) -> dict[threading.Timer, Callable[[], None]]:
        with self._lock:
            late, self._late = self._late, {}
        return late


class _Http(ThreadingHTTPServer):
    """The standard library's server, remembering its connections so that they can be cut."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: Server) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):  # the other side was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is the point of many tests, not worth a trace on stderr."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet; no waiting for delayed acknowledgements
    disable_nagle_algorithm = True
    server: _Http

    def log_message(self, *args: Any) -> None:
        """Silent: request lines may carry personal data."""

    def _serve(self) -> None:
        owner = self.server.owner
        request = self._request()
        owner.count(request)
        if owner.faults.latency:
            owner.stopping.wait(owner.faults.latency)
        owner.stir(request, unquote(self.path))
        fault = owner.faults.next_action(request.method, request.path, unquote(self.path))
        if owner.stopping.is_set():
            self._reset()
        elif fault is None:
            self._send(owner.answer(request))
        else:
            self._fail(request, *fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - the names http.server looks for

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        return Request(
            method=self.command,
            path=unquote(parts.path),
            query=parse_qs(parts.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
            raw_path=parts.path,
        )

    def _fail(self, request: Request, action: str, seconds: float) -> None:
        owner = self.server.owner
        name, _, argument = action.partition(":")
        if name == "late_commit":
            owner.commit_later(request, seconds)
        if name == "hang":
            owner.stopping.wait(float(argument))
        handled = owner.answer(request) if name in _HANDLED else Response()
        if name in ("reset_before", "reset_after", "late_commit"):
            self._reset()
        elif name == "garbage":
            self._send(Response(200, GARBAGE, content_type="text/html"))
        elif name in ("status", "status_after"):
            self._send(_proxy_page(int(argument)))
        elif name == "slow_body":
            self._send(handled, over=float(argument))
        else:
            self._send(_halved(handled) if name == "truncated" else handled)

    def _send(self, response: Response, over: float = 0.0) -> None:
        """Answer; the body in one piece, or drop by drop `over` so many seconds."""
        payload, content_type = response.payload()
        self.send_response_only(response.status)
        if not any(name.lower() == "date" for name in response.headers):
            self.send_header("Date", self.date_time_string())
        for name, value in response.headers.items():
            self.send_header(name, value)
        if payload:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self._write(payload, over)
        self.wfile.flush()

    def _write(self, payload: bytes, over: float) -> None:
        size = max(1, len(payload) // DROPS if over else len(payload))
        for begin in range(0, len(payload), size):
            self.wfile.write(payload[begin : begin + size])
            if over:
                self.wfile.flush()
                self.server.owner.stopping.wait(over / DROPS)

    def _reset(self) -> None:
        """Close so that the client sees a broken connection rather than a polite end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


_HANDLED = frozenset({"reset_after", "truncated", "status_after", "hang", "slow_body"})
"""Faults before which the application does its work; a late commit does it on its own."""


def _halved(response: Response) -> Response:
    payload, content_type = response.payload()
    return Response(response.status, payload[: len(payload) // 2], response.headers, content_type)


def _proxy_page(status: int) -> Response:
    title = HTTPStatus(status).phrase
    page = f"<html><head><title>{status} {title}</title></head><body>{title}</body></html>"
    return Response(status, page, content_type="text/html")
