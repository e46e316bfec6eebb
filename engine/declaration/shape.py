"""What a declaration says of a tenant: read from a file and checked as far as that goes without a database."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import yaml
from django.core.exceptions import ValidationError
from django.db import models

from engine import starting
from engine.declaration.document import Reader, compose, is_null, line_of
from engine.declaration.problems import DeclarationRefused
from engine.registry import Connector, FlowSpec, connectors
from errors.classification import Comparison
from errors.models import ErrorType
from mappings.edits import Wanted
from mappings.ignoring import WantedIgnored
from mappings.models import Side
from syncstatus.models import Flow
from tenants.models import Connection, Tenant

Path = tuple[str, ...]

SECRET_SOURCE: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
"""The only ways a secret is given: a name in the environment, or the path of a file that holds nothing else."""


@dataclass(frozen=True)
class Declaration:
    """A tenant as a file declares it. What the file does not say is not in here either.

    `lines` tells where a statement stands, by its path of keys.
    """

    name: str
    connector: Connector
    tenant: Mapping[str, Any] = field(default_factory=dict)
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By side; `secret_source` instead of a secret."""
    constants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mappings: tuple[Wanted, ...] = ()
    ignored: tuple[WantedIgnored, ...] | None = None
    """None when the file has no word on it, as files of releases that knew no ignored concepts."""
    error_types: Mapping[str, Mapping[str, Any]] | None = None
    """Fields by name, in the order in which they are asked; None when the file says nothing of them."""
    flows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line(self, *path: str) -> int:
        """Line of the innermost statement on the path that the file makes; 1 for one it does not."""
        known = (self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines)
        return next(known, 1)


def read(text: str) -> Declaration:
    """The declaration in a YAML or JSON text. Raises DeclarationRefused with every problem, its line and a remedy."""
    return _Parser().parse(compose(text))


class _Parser:
    """One reading of one file."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.lines: dict[Path, int] = {}

    def parse(self, root: yaml.Node) -> Declaration:
        take = self.reader
        parts = take.entries(root, "the declaration", (*_TENANT, *_SECTIONS))
        for key, node in parts.items():
            self.lines[(key,)] = line_of(node)
        tenant = self._fields(Tenant, {key: parts[key] for key in _TENANT if key in parts}, ())
        connector = self._connector(tenant.pop("connector", None), root)
        name = tenant.pop("name", "")
        if "name" not in parts:
            take.report(line_of(root), "the tenant has no name", "Add name: with a short name in lower case")
        declared: dict[str, Any] = {}
        if connector:
            readers = {
                "connections": self._connections,
                "constants": self._constants,
                "mappings": self._mappings,
                "ignored": self._ignored,
                "error_types": self._error_types,
                "flows": self._flows,
            }
            declared = {key: read_part(parts[key], connector) for key, read_part in readers.items() if key in parts}
        if take.problems or connector is None:
            raise DeclarationRefused(take.problems)
        return Declaration(name=name, connector=connector, tenant=tenant, lines=self.lines, **declared)

    def _connector(self, key: str | None, root: yaml.Node) -> Connector | None:
        found = connectors().get(key or "")
        if found is None:
            told = f"there is no connector {key!r}" if key else "the connector is not named"
            line = self.lines.get(("connector",), line_of(root))
            self.reader.report(line, told, f"Write connector: and one of {', '.join(connectors())}")
        return found

    def _fields(self, model: type[models.Model], nodes: Mapping[str, yaml.Node], place: Path) -> dict[str, Any]:
        """Simple statements, each checked as the model's field checks it."""
        values: dict[str, Any] = {}
        for key, node in nodes.items():
            self.lines[(*place, key)] = line_of(node)
            if key in _MAY_BE_NULL and is_null(node):
                values[key] = None
                continue
            value = _FIELDS[key](self.reader, node, key)
            if value is None:
                continue
            try:
                values[key] = _clean(model, key, value)
            except ValidationError as refusal:
                self.reader.report(line_of(node), f"{key} is not valid", " ".join(refusal.messages).rstrip("."))
        return values

    def _connections(self, node: yaml.Node, connector: Connector) -> dict[str, dict[str, Any]]:
        sides = {side.key: side for side in connector.sides}
        connections = {}
        for side, part in self.reader.entries(node, "connections", sides).items():
            place = ("connections", side)
            self.lines[place] = line_of(part)
            nodes = self.reader.entries(part, f"connection {side}", _CONNECTION)
            connections[side] = self._fields(Connection, nodes, place)
            way = connections[side].get("sign_in")
            if way is not None and way not in sides[side].sign_ins:
                ways = ", ".join(sides[side].sign_ins)
                self.reader.report(
                    self.lines[(*place, "sign_in")], f"no way to sign in: {way!r}", f"Write one of {ways}"
                )
            if "secret" in connections[side]:
                connections[side]["secret_source"] = connections[side].pop("secret")
        return connections

    def _constants(self, node: yaml.Node, connector: Connector) -> dict[str, tuple[str, ...]]:
        specs = {spec.key: spec for spec in connector.constants}
        constants = {}
        for key, part in self.reader.entries(node, "constants", specs).items():
            self.lines[("constants", key)] = line_of(part)
            parts = self.reader.items(part, f"constant {key}") if specs[key].is_list else [part]
            values = [self.reader.wire_text(each, f"constant {key}") for each in parts]
            constants[key] = tuple(value for value in values if value)
            strange = [value for value in constants[key] if specs[key].choices and value not in specs[key].choices]
            if strange:
                what = f"constant {key} cannot be {strange[0]!r}"
                self.reader.report(line_of(part), what, f"Write one of {', '.join(specs[key].choices)}")
            if any(len(value) > _LONGEST_CONSTANT for value in constants[key]):
                self.reader.report(
                    line_of(part), f"constant {key} is too long", f"At most {_LONGEST_CONSTANT} characters"
                )
        return constants

    def _mappings(self, node: yaml.Node, connector: Connector) -> tuple[Wanted, ...]:
        kinds: dict[str, list[str]] = {}
        for spec in connector.mapping_types:
            kinds.setdefault(spec.group, []).append(spec.name)
        return tuple(
            wanted
            for group, types in self.reader.entries(node, "mappings", kinds).items()
            for name, rows in self.reader.entries(types, f"mapping group {group}", kinds[group]).items()
            for row in self.reader.items(rows, f"{group} / {name}")
            if (wanted := self._mapping(group, name, row))
        )

    def _mapping(self, group: str, name: str, node: yaml.Node) -> Wanted | None:
        before = len(self.reader.problems)
        nodes = self.reader.entries(node, f"a mapping of {group} / {name}", _MAPPING)
        said = {key: self.reader.wire_text(each, key) for key, each in nodes.items()}
        if len(self.reader.problems) > before:
            return None
        return Wanted(
            group=group,
            type=name,
            avni_value=said.get("avni") or "",
            int_system_value=said.get("int") or "",
            avni_uuid=said.get("uuid"),
            data_type_hint=said.get("hint"),
            when_unmapped=said.get("unmapped"),
            about=said.get("about"),
            line=line_of(node),
        )

    def _ignored(self, node: yaml.Node, connector: Connector) -> tuple[WantedIgnored, ...]:
        return tuple(
            wanted
            for side, rows in self.reader.entries(node, "ignored", Side.values).items()
            for row in self.reader.items(rows, f"ignored {side}")
            if (wanted := self._ignored_concept(side, row))
        )

    def _ignored_concept(self, side: str, node: yaml.Node) -> WantedIgnored | None:
        before = len(self.reader.problems)
        nodes = self.reader.entries(node, f"an ignored concept of {side}", _IGNORED)
        said = {key: self.reader.wire_text(each, key) for key, each in nodes.items()}
        if len(self.reader.problems) > before:
            return None
        return WantedIgnored(side, said.get("concept") or "", said.get("about"), line_of(node))

    def _error_types(self, node: yaml.Node, connector: Connector) -> dict[str, dict[str, Any]]:
        types: dict[str, dict[str, Any]] = {}
        for part in self.reader.items(node, "error_types"):
            nodes = self.reader.entries(part, "an error type", ("name", *_ERROR_TYPE))
            if "name" not in nodes:
                self.reader.report(line_of(part), "an error type has no name", "Add name:")
                continue
            name = self._fields(ErrorType, {"name": nodes.pop("name")}, ("error_types", "")).get("name", "").strip()
            if name in types:
                first = self.lines[("error_types", name)]
                self.reader.report(line_of(part), f"{name!r} stands twice", f"Keep one (the first: line {first})")
            elif name:
                place = ("error_types", name)
                self.lines[place] = line_of(part)
                types[name] = self._fields(ErrorType, nodes, place)
        return types

    def _flows(self, node: yaml.Node, connector: Connector) -> dict[str, dict[str, Any]]:
        keys = [flow.key for flow in connector.flows]
        flows = {}
        for key, part in self.reader.entries(node, "flows", keys).items():
            place = ("flows", key)
            self.lines[place] = line_of(part)
            nodes = self.reader.entries(part, f"flow {key}", (*_FLOW, _START))
            start = nodes.pop(_START, None)
            flows[key] = self._fields(Flow, nodes, place)
            if start is not None:
                flows[key] |= self._start(start, connector.flow(key), flows[key].get("zone"), (*place, _START))
        return flows

    def _start(self, node: yaml.Node, spec: FlowSpec, zone: str | None, place: Path) -> dict[str, Any]:
        """Where the flow is to begin. A time without a zone is one of the zone that stands beside it."""
        self.lines[place] = line_of(node)
        said = node.value if isinstance(node, yaml.ScalarNode) else ""
        try:
            start = starting.read(said, zone or Flow._meta.get_field("zone").get_default(), spec)  # noqa: SLF001
        except ValueError as refusal:
            self.reader.report(line_of(node), "start is not valid", str(refusal).capitalize())
            return {}
        reasons = starting.reasons_against(start, spec)
        if reasons:
            self.reader.report(line_of(node), "start is not valid", " ".join(reasons).rstrip("."))
            return {}
        return start.fields


_LONGEST_CONSTANT: Final = 255
_START: Final = "start"
_TENANT: Final = (
    "name", "title", "connector", "namespace", "zone", "born_here", "match_name_likeness", "match_birth_years",
    "follows_demographics",
)  # fmt: skip
_SECTIONS: Final = ("connections", "constants", "mappings", "ignored", "error_types", "flows")
_CONNECTION: Final = ("base_url", "sign_in", "username", "secret", "zone", "max_parallel")
_FLOW: Final = ("cron", "zone", "retry_cron")
_ERROR_TYPE: Final = (
    "follow_up", "comparison", "comparison_value", "first_wait_minutes", "longest_wait_minutes", "most_attempts",
    "is_voided",
)  # fmt: skip
_MAPPING: Final = ("avni", "int", "uuid", "hint", "unmapped", "about")
_IGNORED: Final = ("concept", "about")
_MAY_BE_NULL: Final = ("most_attempts",)
_FIELDS: Final[Mapping[str, Callable[[Reader, yaml.Node, str], Any]]] = {
    **dict.fromkeys(("name", "title", "connector", "namespace", "zone", "cron", "retry_cron"), Reader.text),
    **dict.fromkeys(("base_url", "sign_in", "secret"), Reader.text),
    "username": Reader.wire_text,
    "born_here": Reader.boolean,
    "follows_demographics": Reader.boolean,
    "match_name_likeness": Reader.number,
    "match_birth_years": Reader.integer,
    "max_parallel": Reader.integer,
    **dict.fromkeys(("follow_up", "comparison", "comparison_value"), Reader.text),
    **dict.fromkeys(("first_wait_minutes", "longest_wait_minutes", "most_attempts"), Reader.integer),
    "is_voided": Reader.boolean,
}


def _clean(model: type[models.Model], key: str, value: Any) -> Any:
    """The value as the model's field takes it. Raises ValidationError."""
    if key == "secret":
        if not SECRET_SOURCE.fullmatch(value):
            raise ValidationError("a secret never stands in the file; write env:NAME or file:PATH")
        return value
    if key == "namespace":
        try:
            return UUID(value)
        except ValueError as failure:
            raise ValidationError("write a uuid, e.g. that of an export, or leave the line out") from failure
    if key == "comparison" and value == Comparison.NONE.name.lower():
        return Comparison.NONE.value
    column = model._meta.get_field(key)  # noqa: SLF001  # Django's own name
    if not isinstance(column, models.Field):
        raise TypeError(f"{key} is no column of {model.__name__}")
    return column.clean(value, None)
