"""A door beside the product's own paths, for whoever runs a simulator in another process.

It shows the store, and carries out what a test in the same process would call on the store or the fault dial.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from simulators.faults import Faults
from simulators.server import Application, Request, Response

__all__ = ["DO", "DUMP", "Inspectable", "Move"]

DUMP = "/__simulator__/dump"
"""GET: the whole state, as the store's `dump` gives it."""

DO = "/__simulator__/do"
"""POST: one move, at once or before a later request: {"move": "poison", "arguments": {"uuid": "..."},
"before": {"method": "GET", "path_regex": "/api/subjects$", "skip": 1}}; `arguments` and `before` may be missing."""

Move = Callable[..., object]
"""Something that can be done to a simulator, taking plain JSON values by name."""


class Inspectable:
    """An application that also shows its store and lets it be stirred.

    No product has these paths; no client of the service knows them.
    """

    def __init__(
        self,
        app: Application,
        dump: Callable[[], dict[str, Any]],
        moves: Mapping[str, Move] | None = None,
        faults: Faults | None = None,
    ) -> None:
        """`dump`: gives the state as plain JSON values; `moves` by name; `faults`: the dial of the server around it."""
        self._app = app
        self._dump = dump
        self._faults = faults or Faults()
        self._moves: dict[str, Move] = {"fault": self._faults.plan, "clear_faults": self._faults.clear, **(moves or {})}

    def handle(self, request: Request) -> Response:
        """Show the state, do a move, or let the application answer."""
        if (request.method, request.path) == ("GET", DUMP):
            return Response(body=self._dump())
        if (request.method, request.path) == ("POST", DO):
            return self._do(request)
        return self._app.handle(request)

    def template(self, method: str, path: str) -> str:
        """The route a path belongs to, for counters."""
        template: Callable[[str, str], str] | None = getattr(self._app, "template", None)
        return template(method, path) if template and path not in (DUMP, DO) else path

    def _do(self, request: Request) -> Response:
        try:
            order = request.json()
            name, before = order["move"], order.get("before")
            if name not in self._moves:
                return Response(404, {"error": f"no move {name!r}", "moves": sorted(self._moves)})
            move = partial(self._moves[name], **order.get("arguments", {}))
            if before is None:
                move()
            else:
                self._faults.before(do=move, **before)
        except (AttributeError, KeyError, TypeError, ValueError, re.error) as error:
            return Response(400, {"error": f"{type(error).__name__}: {error}"})
        return Response(body={"done": name})
