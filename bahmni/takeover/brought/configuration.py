"""Constants, ignored concepts and error types, as a declaration of the tenant."""

from __future__ import annotations

from typing import Any, Final

from bahmni.connector import CONNECTOR
from bahmni.declarations import ERROR_TYPES
from bahmni.takeover.brought.importing import KEPT, Import
from engine import declaration
from engine.declaration.shape import Declaration
from errors.classification import Comparison
from errors.models import ErrorType
from mappings.ignoring import WantedIgnored
from mappings.models import Constant, IgnoredConcept, Side

_RULE: Final = ("comparison", "comparison_value", "follow_up", "is_voided")
_WHY_IGNORED: Final = "The Java service left it out."

_AT_BIRTH: Final = {
    spec.name: {
        "comparison": Comparison.NONE.value,
        "comparison_value": "",
        "follow_up": str(spec.follow_up),
        "is_voided": False,
    }
    for spec in ERROR_TYPES
}
"""Error types as every new tenant has them, which nobody has edited yet."""


def bring(under_way: Import) -> None:
    """Write them, each where nothing else stands here. Raises DeclarationRefused."""
    wanted = Declaration(
        under_way.tenant.name,
        CONNECTOR,
        constants=_constants(under_way),
        ignored=_ignored(under_way),
        error_types=_error_types(under_way),
    )
    declaration.apply(wanted, under_way.actor)


def _constants(under_way: Import) -> dict[str, tuple[str, ...]]:
    here: dict[str, list[str]] = {}
    rows = Constant.objects.filter(tenant=under_way.tenant).exclude(value="").order_by("key", "ordinal")
    for key, value in rows.values_list("key", "value"):
        here.setdefault(key, []).append(value)
    table = under_way.service.tables["constants"].name
    return {
        key: values
        for key, values in under_way.found.constants.items()
        if under_way.tell(
            under_way.decide("constant", key, list(values), here.get(key)), table, len(values), f"{key}: {KEPT}"
        )
    }


def _ignored(under_way: Import) -> tuple[WantedIgnored, ...]:
    here = set(
        IgnoredConcept.objects.filter(tenant=under_way.tenant, side=Side.INT_SYSTEM).values_list("concept", flat=True)
    )
    table = under_way.service.tables["ignored"].name
    return tuple(
        WantedIgnored(Side.INT_SYSTEM, concept, _WHY_IGNORED)
        for concept in under_way.found.ignored
        if under_way.tell(
            under_way.decide("ignored concept", concept, True, True if concept in here else None), table,  # noqa: FBT003
            kept="it travels here by now",
        )
    )  # fmt: skip


def _error_types(under_way: Import) -> dict[str, dict[str, Any]] | None:
    here = {kind.name: {name: getattr(kind, name) for name in _RULE} for kind in ErrorType.objects.all()}
    table = under_way.service.tables["error_types"].name
    wanted: dict[str, dict[str, Any]] = {}
    for name, fields in under_way.found.error_types.items():
        there = None if here.get(name) == _AT_BIRTH.get(name) != fields else here.get(name)
        decision = under_way.decide("error type", name, fields, there)
        if under_way.tell(decision, table, kept=f"{name}: {KEPT}"):
            wanted[name] = dict(fields)
    return wanted or None
