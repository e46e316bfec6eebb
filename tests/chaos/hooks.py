"""A simulator with somebody watching it: a test's own code runs when a request has arrived, or when it was handled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.server import Application, Request, Response, Server

Hook = Callable[[Request], None]


def nothing(request: Request) -> None:
    """Lets everything pass."""


class Watched:
    """An application behind two hooks, called in the server's own threads."""

    def __init__(self, app: Application, before: Hook, after: Hook) -> None:
        self._app = app
        self._before = before
        self._after = after

    def handle(self, request: Request) -> Response:
        """The application's answer, with a hook on either side of it."""
        self._before(request)
        response = self._app.handle(request)
        self._after(request)
        return response

    def __getattr__(self, name: str) -> Any:
        """Whatever else the server asks the application."""
        return getattr(self._app, name)


def twist(server: Server, change: Callable[[Request, Response], None]) -> None:
    """From now on let `change` spoil what this server answers."""

    class Twisted(Watched):
        def handle(self, request: Request) -> Response:
            response = super().handle(request)
            change(request, response)
            return response

    server.app = Twisted(server.app, nothing, nothing)


def watch(server: Server, *, before: Hook = nothing, after: Hook = nothing) -> None:
    """From now on call the hooks around every request of this server."""
    server.app = Watched(server.app, before, after)
