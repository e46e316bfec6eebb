"""Turning rows into JSON: resources, their properties, links (openmrs.md O11 to O16, O28).

A resource says which properties it has and which of them its default and full representation
show. A property gives plain JSON, or a `Node` or list of nodes to be rendered in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.bahmni import dates
from simulators.bahmni.errors import bad_request
from simulators.bahmni.model import Audit
from simulators.bahmni.representation import DEFAULT, REF, Custom, Rep
from simulators.bahmni.state import State

__all__ = [
    "Node",
    "Property",
    "Renderer",
    "Resource",
    "column",
    "live",
    "moment",
    "node",
    "shown",
    "to_row",
]


@dataclass(frozen=True)
class Node:
    """A row to be rendered as some resource; `parent` is the row it hangs below, if any."""

    resource: Resource
    row: Any
    parent: Any = None


Property = Callable[["Renderer", Node], Any]
Shown = Mapping[str, Rep]


@dataclass(frozen=True)
class Resource:
    """How one kind of row looks from outside. `alias` is also the path segment."""

    alias: str
    java: str
    version: str
    display: Callable[[Renderer, Any], str | None]
    properties: Mapping[str, Property]
    default: Shown
    full: Shown
    below: str | None = None
    """Alias of the resource this is a sub-resource of."""
    also: Callable[[Any], Mapping[str, Rep]] = field(default=lambda row: {})
    """Properties only some rows have, such as the limits of numeric concepts."""
    kind: str | None = None
    """What a sub-class of a resource calls itself: drugorder among the orders."""


def node(resource: Resource, row: Any, parent: Any = None) -> Node | None:
    """A node, or None where there is no row."""
    return None if row is None else Node(resource, row, parent)


def column(name: str) -> Property:
    """A property that is a column as it stands."""
    return lambda r, n: getattr(n.row, name)


def moment(name: str) -> Property:
    """A property that is a date-time column."""
    return lambda r, n: r.date(getattr(n.row, name))


def to_row(resource: Resource, table: str, name: str) -> Property:
    """A property that refers to a row of another table of the state."""
    return lambda r, n: node(resource, getattr(r.state, table).get(getattr(n.row, name) or ""))


def live(rows: list[Any], resource: Resource, parent: Any) -> list[Node]:
    """The rows that are not voided."""
    return [Node(resource, row, parent) for row in rows if not row.voided]


def shown(names: str, rep: Rep = DEFAULT) -> dict[str, Rep]:
    """Properties, separated by blanks, in one representation."""
    return dict.fromkeys(names.split(), rep)


@dataclass(frozen=True)
class Renderer:
    """Renders nodes for one request. `base` is what links begin with, up to `/ws`."""

    state: State
    base: str

    def render(self, item: Node, rep: Rep) -> dict[str, Any]:
        """One object in one representation. Raises 400 for an unknown property."""
        if isinstance(rep, Custom):
            return self._chosen(item, rep.properties)
        if rep == REF:
            return self._ref(item)
        usual = item.resource.default if rep == DEFAULT else item.resource.full
        body = self._chosen(item, {**usual, **item.resource.also(item.row)})
        version = body.pop("resourceVersion")
        body["links"] = self.links(item, with_full=rep == DEFAULT)
        if item.resource.kind is not None:
            body["type"] = item.resource.kind
        body["resourceVersion"] = version
        return body

    def _ref(self, item: Node) -> dict[str, Any]:
        body: dict[str, Any] = {
            "uuid": item.row.uuid,
            "display": item.resource.display(self, item.row),
        }
        for name in ("voided", "retired"):
            if getattr(item.row, name, False):
                body[name] = True
        body["links"] = self.links(item, with_full=False)
        if item.resource.kind is not None:
            body["type"] = item.resource.kind
        return body

    def _chosen(self, item: Node, wanted: Shown) -> dict[str, Any]:
        body = {name: self._property(item, name, rep) for name, rep in wanted.items()}
        body["resourceVersion"] = item.resource.version
        return body

    def _property(self, item: Node, name: str, rep: Rep) -> Any:
        if name == "uuid":
            return item.row.uuid
        if name == "display":
            return item.resource.display(self, item.row)
        if name == "links":
            return self.links(item, with_full=False)
        if name in ("voided", "retired") and hasattr(item.row, name):
            return getattr(item.row, name)
        if name == "auditInfo" and hasattr(item.row, "audit"):
            return self.audit(item.row.audit, voided=getattr(item.row, "voided", False))
        prop = item.resource.properties.get(name)
        if prop is None:
            raise bad_request(
                f"{name} on class {item.resource.java}",
                "resource.impl.BaseDelegatingResource:673",
            )
        return self._value(prop(self, item), rep)

    def _value(self, value: Any, rep: Rep) -> Any:
        if isinstance(value, Node):
            return self.render(value, rep)
        if isinstance(value, list):
            return [self._value(each, rep) for each in value]
        return value

    def links(self, item: Node, *, with_full: bool) -> list[dict[str, Any]]:
        """The links of an object; their prefix is the server's opinion of its own address."""
        uri = f"{self.base}/ws/rest/v1{self._path(item)}"
        links: list[dict[str, Any]] = [{"rel": "self", "uri": uri}]
        if with_full:
            links.append({"rel": "full", "uri": f"{uri}?v=full"})
        if self.state.settings.link_alias:
            for link in links:
                link["resourceAlias"] = item.resource.alias
        return links

    def _path(self, item: Node) -> str:
        own = f"/{item.resource.alias}/{item.row.uuid}"
        if item.resource.below is None:
            return own
        return f"/{item.resource.below}/{item.parent.uuid}{own}"

    def audit(self, audit: Audit, *, voided: bool) -> dict[str, Any]:
        """`auditInfo`; the last three keys only when voided."""
        body = {
            "creator": self.user(audit.creator),
            "dateCreated": self.date(audit.date_created),
            "changedBy": self.user(audit.changed_by),
            "dateChanged": self.date(audit.date_changed),
        }
        if voided:
            body["voidedBy"] = self.user(audit.voided_by)
            body["dateVoided"] = self.date(audit.date_voided)
            body["voidReason"] = audit.void_reason
        return body

    def user(self, uuid: str | None) -> dict[str, Any] | None:
        """A user as reference."""
        row = self.state.users.get(uuid or "")
        if row is None:
            return None
        uri = f"{self.base}/ws/rest/v1/user/{row.uuid}"
        link: dict[str, Any] = {"rel": "self", "uri": uri}
        if self.state.settings.link_alias:
            link["resourceAlias"] = "user"
        return {"uuid": row.uuid, "display": row.username, "links": [link]}

    def date(self, moment: Any) -> str | None:
        """A date-time in the server's zone."""
        return dates.write(moment, self.state.settings.zone)

    def local(self, moment: Any, pattern: str) -> str:
        """A date-time as it stands in a `display`."""
        return str(moment.astimezone(self.state.settings.zone).strftime(pattern))
