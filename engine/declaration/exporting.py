"""A tenant written down as its own declaration. What comes out goes in again and changes nothing."""

from __future__ import annotations

from typing import Any

import yaml

from engine import starting
from engine.registry import Connector, connector_of
from errors.classification import Comparison
from errors.models import ErrorType
from mappings.models import Constant, IgnoredConcept, Mapping, Side
from syncstatus.models import Flow
from tenants.models import Connection, Tenant
from tenants.scoping import tenant_scope

_HEAD = "# Declaration of the tenant {name}. Secrets are not in here, only where they are to be found.\n"
_LACKING = (
    "# No place is known for the secret of {sides}: add secret: env:NAME or file:PATH before taking it elsewhere.\n"
)


class _OneLine(dict[str, Any]):
    """Entries written on one line."""


class _Dumper(yaml.SafeDumper):
    """YAML as people would write it: lists indented, mappings on one line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002  # PyYAML's signature
        super().increase_indent(flow, False)  # noqa: FBT003


def _on_one_line(dumper: yaml.SafeDumper, entries: _OneLine) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", entries.items(), flow_style=True)


_Dumper.add_representer(_OneLine, _on_one_line)


def export(tenant: Tenant) -> str:
    """The tenant as YAML: settings, connections without secrets, constants, mappings and so on to the schedules.

    Never whether a flow is on. Raises KeyError when its connector is not installed.
    """
    connector = connector_of(tenant)
    with tenant_scope(tenant):
        connections = list(Connection.objects.filter(tenant=tenant, side__in=[side.key for side in connector.sides]))
        declared = {
            "name": tenant.name,
            "title": tenant.title,
            "connector": tenant.connector,
            "namespace": str(tenant.namespace),
            "zone": tenant.zone,
            "born_here": tenant.born_here,
            "match_name_likeness": tenant.match_name_likeness,
            "match_birth_years": tenant.match_birth_years,
            "follows_demographics": tenant.follows_demographics,
            "connections": {connection.side: _connection(connection) for connection in connections},
            "constants": _constants(tenant, connector),
            "mappings": _mappings(tenant),
            "ignored": _ignored(tenant),
            "error_types": [_error_type(kind) for kind in ErrorType.objects.filter(tenant=tenant)],
            "flows": {flow.key: _flow(flow) for flow in Flow.objects.filter(tenant=tenant)},
        }
    said = {key: value for key, value in declared.items() if value not in ("", {}, [])}
    text = yaml.dump(said, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    lacking = [connection.side for connection in connections if connection.secret and not connection.secret_source]
    return _HEAD.format(name=tenant.name) + (_LACKING.format(sides=" and ".join(lacking)) if lacking else "") + text


def _flow(flow: Flow) -> _OneLine:
    said = {"cron": flow.cron, "zone": flow.zone, "retry_cron": flow.retry_cron}
    start = starting.spelled(flow)
    return _OneLine(said | ({"start": start} if start else {}))


def _connection(connection: Connection) -> dict[str, Any]:
    said = {
        "base_url": connection.base_url,
        "sign_in": connection.sign_in,
        "username": connection.username,
        "secret": connection.secret_source,
        "zone": connection.zone,
        "max_parallel": connection.max_parallel,
    }
    return {key: value for key, value in said.items() if value != ""}


def _constants(tenant: Tenant, connector: Connector) -> dict[str, Any]:
    values: dict[str, list[str]] = {}
    for row in Constant.objects.filter(tenant=tenant).exclude(value="").order_by("ordinal"):
        values.setdefault(row.key, []).append(row.value)
    specs = {spec.key: spec for spec in connector.constants if spec.key in values}
    return {key: values[key] if spec.is_list else values[key][0] for key, spec in specs.items()}


def _mappings(tenant: Tenant) -> dict[str, dict[str, list[_OneLine]]]:
    groups: dict[str, dict[str, list[_OneLine]]] = {}
    rows = Mapping.objects.filter(tenant=tenant, is_voided=False).select_related("type__group")
    for row in rows.order_by("type__group__name", "type__name", "avni_value", "int_system_value"):
        said = {
            "avni": row.avni_value,
            "int": row.int_system_value,
            "uuid": str(row.avni_uuid or ""),
            "hint": row.data_type_hint,
            "unmapped": row.when_unmapped,
            "about": row.about,
        }
        entry = _OneLine({key: value for key, value in said.items() if value})
        groups.setdefault(row.type.group.name, {}).setdefault(row.type.name, []).append(entry)
    return groups


def _ignored(tenant: Tenant) -> dict[str, list[_OneLine]]:
    """Both sides, even if nothing is ignored: a new tenant made from the file then gets nothing besides."""
    sides: dict[str, list[_OneLine]] = {side: [] for side in Side.values}
    for side, concept, about in IgnoredConcept.objects.filter(tenant=tenant).values_list("side", "concept", "about"):
        sides[side].append(_OneLine({"concept": concept, **({"about": about} if about else {})}))
    return sides


def _error_type(kind: ErrorType) -> _OneLine:
    """All of a type, also what is as it would be anyway: elsewhere it may be otherwise. The list's order is theirs."""
    return _OneLine(
        name=kind.name,
        follow_up=kind.follow_up,
        comparison=kind.comparison or Comparison.NONE.name.lower(),
        comparison_value=kind.comparison_value,
        first_wait_minutes=kind.first_wait_minutes,
        longest_wait_minutes=kind.longest_wait_minutes,
        most_attempts=kind.most_attempts,
        is_voided=kind.is_voided,
    )
