"""Constants, ignored concepts, error types and the system's keys, as they stood there.

Stands on java-service.md J6, J11, J12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bahmni.declarations import CONSTANTS, ERROR_TYPES
from bahmni.takeover.database import JavaService, Row
from bahmni.takeover.tally import NOT_USED, Tally
from bahmni.takeover.understood.terms import type_name
from errors.classification import Comparison, problem_with
from errors.models import FollowUp

_COMPARISONS: Final[Mapping[str, Comparison]] = {
    "0": Comparison.EQUALS, "1": Comparison.CONTAINS, "2": Comparison.MATCHES,
    "equals": Comparison.EQUALS, "contains": Comparison.CONTAINS, "matches": Comparison.MATCHES,
}  # fmt: skip
_FOLLOW_UPS: Final[Mapping[str, FollowUp]] = {
    "0": FollowUp.PROCESS, "1": FollowUp.TERMINAL, "2": FollowUp.INTERNAL, "3": FollowUp.EXTERNAL,
    **{follow_up.value: follow_up for follow_up in FollowUp},
}  # fmt: skip
LONGEST: Final = 255
"""Characters of a value, as our columns hold it."""


def constants(service: JavaService, tally: Tally) -> dict[str, tuple[str, ...]]:
    """Values by key, those of the lowest id first; each stands for one row."""
    table, specs = service.tables["constants"].name, {spec.key: spec for spec in CONSTANTS}
    values: dict[str, list[str]] = {}
    for row in service.rows("constants"):
        key, value = row["key"], (row["value"] or "").strip()
        there = values.get(key, [])
        if key not in specs:
            tally.leave(table, f"{key}: {NOT_USED}")
        elif not value or len(value) > LONGEST:
            tally.leave(table, f"{key}: it has no value" if not value else f"{key}: longer than {LONGEST} characters")
        elif value in there:
            tally.leave(table, f"{key}: the same value once more")
        elif there and not specs[key].is_list:
            tally.leave(table, f"{key}: a second value; that of the lowest id counts")
        else:
            values.setdefault(key, []).append(value)
            if row.get("voided"):
                tally.note(table, f"{key}: marked as voided, which the Java service does not look at")
    return {key: tuple(found) for key, found in values.items()}


def ignored(service: JavaService, tally: Tally) -> tuple[str, ...]:
    """Uuids of concepts in OpenMRS, each once."""
    table, concepts = service.tables["ignored"].name, []
    for row in service.rows("ignored"):
        concept = (row["concept"] or "").strip()
        if not concept or len(concept) > LONGEST:
            tally.leave(table, "it names no concept")
        elif concept in concepts:
            tally.leave(table, "the same concept once more")
        else:
            concepts.append(concept)
    return tuple(concepts)


def error_types(service: JavaService, tally: Tally) -> dict[str, dict[str, Any]]:
    """Types by name with the fields of ours that differ from what a new tenant begins with."""
    table, declared = service.tables["error_types"].name, {spec.name: spec for spec in ERROR_TYPES}
    types: dict[str, dict[str, Any]] = {}
    for row in service.rows("error_types"):
        name = type_name(row["name"])
        if not name or len(name) > LONGEST:
            tally.leave(table, "it has no name")
            continue
        if name in types:
            tally.leave(table, f"{name}: a second type of this name; that of the lowest id counts")
            continue
        types[name] = fields = _rule(row, name, table, tally)
        follow_up = str(row.get("follow_up") or "0").strip()
        chosen = _FOLLOW_UPS.get(follow_up.lower())
        if chosen is None:
            tally.note(table, f"{name}: its follow-up is none we know; its errors are tried again")
        if name in declared and chosen in (None, FollowUp.PROCESS):
            # For two of them the service has it in its program text (J12).
            chosen = FollowUp(declared[name].follow_up)
        fields["follow_up"] = (chosen or FollowUp.PROCESS).value
        fields["is_voided"] = bool(row.get("voided"))
    return types


def _rule(row: Row, name: str, table: str, tally: Tally) -> dict[str, Any]:
    comparison = _COMPARISONS.get(str(row.get("comparison") if row.get("comparison") is not None else "").lower())
    value = (row.get("comparison_value") or "").strip()
    if comparison is None or not value:
        return {"comparison": Comparison.NONE.value, "comparison_value": ""}
    if problem := problem_with(comparison, value):
        tally.note(table, f"{name}: comes without its pattern. {problem}")
        return {"comparison": Comparison.NONE.value, "comparison_value": ""}
    return {"comparison": comparison.value, "comparison_value": value}


def config(service: JavaService) -> dict[str, str]:
    """Keys of the system with their values. Where connections are written it is told what becomes of their rows."""
    return {row["key"]: row["value"] for row in service.rows("config") if row["key"] and row["value"]}
