"""Laboratory results as Bahmni gathers them from orders and observations (openmrs.md O123, O124)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from simulators.bahmni import dates
from simulators.bahmni.model import Encounter, Obs
from simulators.bahmni.order_model import Order
from simulators.bahmni.orders import LAB_ORDER
from simulators.bahmni.state import TRUE_CONCEPT, State

__all__ = ["ABNORMAL", "HIGHEST_NORMAL", "LOWEST_NORMAL", "NOTES", "REFERRED_OUT", "REPORT", "results"]

ABNORMAL, NOTES, REPORT, REFERRED_OUT = "LAB_ABNORMAL", "LAB_NOTES", "LAB_REPORT", "REFERRED_OUT"
LOWEST_NORMAL, HIGHEST_NORMAL = "LAB_MINNORMAL", "LAB_MAXNORMAL"
"""Names of the concepts that stand beside a result."""


def results(state: State, patient: str, visits: Collection[str] | None, accessions: int | None) -> dict[str, Any]:
    """Every laboratory order of a patient with its results, newest first, and the same as a table.

    `visits`: only in these; `accessions`: only of so many encounters with orders. What still waits is listed too.
    """
    encounters = [
        row for row in state.encounters_of(patient) if not row.voided and (visits is None or row.visit in visits)
    ]
    observed = [row for each in encounters for row in state.obs_of(each.uuid) if row.group is None and not row.voided]
    found: list[dict[str, Any]] = []
    for encounter in reversed(encounters):
        orders = [row for row in state.orders_of(encounter.uuid) if _is_lab_order(state, row)]
        if orders and accessions is not None:
            if accessions == 0:
                break
            accessions -= 1
        for order in orders:
            groups = [row for row in observed if row.order == order.uuid]
            found.extend(_of_order(state, order, encounter, groups))
    found = [row for row in found if row["result"] is not None or row["action"] == "NEW"]
    return {"results": found, "tabularResult": _table(state, found)}


def _is_lab_order(state: State, row: Order) -> bool:
    return state.order_types[row.type].name == LAB_ORDER and not row.voided


def _of_order(state: State, order: Order, encounter: Encounter, groups: list[Obs]) -> Iterator[dict[str, Any]]:
    for group in groups:
        concept = state.concepts[group.concept]
        if not concept.set_members:
            yield _result(state, order, encounter, group)
            continue
        for member in (row for row in state.members(group) if not row.voided):
            panel = {"panelUuid": concept.uuid, "panelName": concept.short or concept.display}
            yield {**_result(state, order, encounter, member), **panel}
    if not groups and order.stopped is None:
        yield _pending(state, order, encounter)


def _pending(state: State, order: Order, encounter: Encounter) -> dict[str, Any]:
    concept = state.concepts[order.concept]
    visit = state.visits.get(encounter.visit or "")
    return {
        "orderUuid": order.uuid,
        "action": order.action,
        "accessionUuid": encounter.uuid,
        "accessionDateTime": dates.milliseconds(encounter.moment),
        "visitStartTime": dates.milliseconds(visit.start) if visit else None,
        "accessionNotes": None,
        "testName": concept.display,
        "testUnitOfMeasurement": concept.units,
        "testUuid": None,
        "panelUuid": None,
        "panelName": None,
        "minNormal": None,
        "maxNormal": None,
        "resultUuid": None,
        "result": None,
        "notes": None,
        "abnormal": None,
        "provider": None,
        "referredOut": False,
        "resultDateTime": None,
        "uploadedFileName": None,
    }


def _result(state: State, order: Order, encounter: Encounter, row: Obs) -> dict[str, Any]:
    concept = state.concepts[row.concept]
    value = _value(state, row, concept.name)
    by = next((each.provider for each in state.encounters[row.encounter or ""].providers), "")
    return {
        **_pending(state, order, encounter),
        "testName": concept.display,
        "testUnitOfMeasurement": concept.units,
        "testUuid": concept.uuid,
        "minNormal": _value(state, row, LOWEST_NORMAL),
        "maxNormal": _value(state, row, HIGHEST_NORMAL),
        "result": None if value is None else str(value),
        "notes": _value(state, row, NOTES),
        "abnormal": _value(state, row, ABNORMAL),
        "provider": state.providers[by].name if by else None,
        "referredOut": _leaf(state, row, REFERRED_OUT) is not None,
        "resultDateTime": dates.milliseconds(row.moment),
        "uploadedFileName": _value(state, row, REPORT),
    }


def _leaf(state: State, row: Obs, name: str) -> Obs | None:
    """The member that answers to a name. A group among the members ends the search: what is inside it counts."""
    for member in state.members(row):
        if member.voided:
            continue
        if any(not each.voided for each in state.members(member)):
            return _leaf(state, member, name)
        if state.concepts[member.concept].name.lower() == name.lower():
            return member
    return None


def _value(state: State, row: Obs, name: str) -> Any:
    leaf = _leaf(state, row, name)
    if leaf is None or leaf.value is None:
        return None
    kind = state.concepts[leaf.concept].datatype
    if kind == "Boolean":
        return leaf.value == TRUE_CONCEPT
    return state.concepts[str(leaf.value)].display if kind == "Coded" else leaf.value


def _table(state: State, found: list[dict[str, Any]]) -> dict[str, Any]:
    """The same by day and test. Indexes follow the results, the lists the calendar and the alphabet."""
    days: dict[Any, dict[str, Any]] = {}
    tests: dict[str, dict[str, Any]] = {}
    values: list[dict[str, Any]] = []
    for row in found:
        day = datetime.fromtimestamp(row["accessionDateTime"] / 1000, state.settings.zone).date()
        date = days.setdefault(day, {"index": len(days), "date": day.strftime("%d-%b-%Y")})
        limits = {name: row[name] for name in ("testName", "minNormal", "maxNormal", "testUnitOfMeasurement")}
        test = tests.setdefault(row["testName"], {"index": len(tests), **limits})
        if row["result"] is not None or row["referredOut"] or row["uploadedFileName"] is not None:
            shown = ("accessionDateTime", "result", "abnormal", "referredOut", "uploadedFileName")
            values.append(
                {"dateIndex": date["index"], "testOrderIndex": test["index"], **{name: row[name] for name in shown}}
            )
    return {
        "dates": [days[day] for day in sorted(days)],
        "orders": [tests[name] for name in sorted(tests)],
        "values": values,
    }
