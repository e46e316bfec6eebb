"""A door beside the product's own paths, for whoever runs a simulator in another process and wants to see its store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.server import Application, Request, Response

__all__ = ["DUMP", "Inspectable"]

DUMP = "/__simulator__/dump"
"""GET: the whole state, as the store's `dump` gives it."""


class Inspectable:
    """An application that also shows its store. No product has this path; no client of the service knows it."""

    def __init__(self, app: Application, dump: Callable[[], dict[str, Any]]) -> None:
        """`dump`: gives the state as plain JSON values."""
        self._app = app
        self._dump = dump

    def handle(self, request: Request) -> Response:
        """Show the state, or let the application answer."""
        if (request.method, request.path) == ("GET", DUMP):
            return Response(body=self._dump())
        return self._app.handle(request)

    def template(self, method: str, path: str) -> str:
        """The route a path belongs to, for counters."""
        template: Callable[[str, str], str] | None = getattr(self._app, "template", None)
        return template(method, path) if template and path != DUMP else path
