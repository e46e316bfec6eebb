"""One call of a REST resource: its body, its representation, its page of results."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from simulators.bahmni.errors import ApiError, bad_request, server_error
from simulators.bahmni.rendering import Node, Renderer, Resource
from simulators.bahmni.representation import DEFAULT, REF, Rep, parse
from simulators.bahmni.security import Caller
from simulators.bahmni.store import Store
from simulators.server import Request, Response

__all__ = ["Call", "Handler", "Route"]


@dataclass(frozen=True)
class Call:
    """A request that has passed the door. `uuid` and `sub` come from the path."""

    state: Store
    request: Request
    renderer: Renderer
    caller: Caller
    uuid: str = ""
    sub: str = ""

    def body(self) -> dict[str, Any]:
        """The posted JSON object. Raises 415 for XML and 400 for anything not an object."""
        if "xml" in self.request.headers.get("content-type", ""):
            raise ApiError(415, {"error": {"message": "XML is not supported", "code": "415"}})
        try:
            value = json.loads(self.request.body or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise bad_request("Could not read JSON", "BaseRestController:99")
        return value

    def first(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return self.request.param(name)

    @property
    def reason(self) -> str:
        """Why something is voided."""
        return self.first("reason") or "web service call"

    @property
    def purging(self) -> bool:
        """Whether a DELETE is to remove the row. Raises 400 for anything but `true`."""
        value = self.first("purge")
        if value not in (None, "true"):
            raise bad_request("no handler for this value of purge")
        return value == "true"

    def one(self, resource: Resource, row: Any, parent: Any = None, status: int = 200) -> Response:
        """A single object, `default` unless another representation was asked for."""
        rep = parse(self.first("v"), DEFAULT)
        return Response(status, self.renderer.render(Node(resource, row, parent), rep))

    def all(self, items: Sequence[Node]) -> Response:
        """A sub-resource list: default representation, not paged."""
        rep = self._list_rep(DEFAULT)
        return Response(200, {"results": [self.renderer.render(item, rep) for item in items]})

    def page(self, items: Sequence[Node]) -> Response:
        """A list cut by limit and startIndex; `ref` unless asked otherwise."""
        rep = self._list_rep(REF)
        limit = self._number("limit", self.state.settings.page_size)
        start = self._number("startIndex", 0)
        if limit <= 0 or limit > self.state.settings.page_limit:
            most = self.state.settings.page_limit
            raise server_error(f"Administrator has set absolute limit at {most}")
        if start > len(items):
            raise server_error(f"fromIndex({start}) > toIndex({len(items)})")
        shown = items[start : start + limit]
        body: dict[str, Any] = {"results": [self.renderer.render(item, rep) for item in shown]}
        links = []
        if start + limit < len(items):
            links.append(self._page_link("next", limit, start + limit))
        if start > 0:
            links.append(self._page_link("prev", limit, max(0, start - limit)))
        if links:
            body["links"] = links
        if self.first("totalCount") == "true":
            body["totalCount"] = len(items)
        return Response(200, body)

    def _list_rep(self, usual: Rep) -> Rep:
        """On lists only `v=ref` is the forbidden one."""
        value = self.first("v")
        return DEFAULT if value == "default" else parse(value, usual)

    def _number(self, name: str, usual: int) -> int:
        value = self.first(name)
        if value is None:
            return usual
        try:
            return int(value)
        except ValueError:
            raise server_error(f'For input string: "{value}"') from None

    def _page_link(self, rel: str, limit: int, start: int) -> dict[str, Any]:
        query = {name: values for name, values in self.request.query.items() if name not in ("limit", "startIndex")}
        text = urlencode({**query, "limit": limit, "startIndex": start}, doseq=True)
        path = self.request.path.removeprefix("/openmrs")
        link: dict[str, Any] = {"rel": rel, "uri": f"{self.renderer.base}{path}?{text}"}
        if self.state.settings.link_alias:
            link["resourceAlias"] = None
        return link


Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class Route:
    """What answers a method on a path, and the privileges it takes."""

    handler: Handler
    privileges: tuple[str, ...] = ()
