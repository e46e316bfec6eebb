"""Orders: written with a clinician's encounter, stopped by another, searched by patient (openmrs.md O102 to O107)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from simulators.bahmni import dates
from simulators.bahmni.bodies import Body, find, flag, given_uuid, maps, text
from simulators.bahmni.errors import ApiError, bad_request, bad_value, invalid, not_found, server_error
from simulators.bahmni.model import Encounter, Metadata
from simulators.bahmni.order_model import Dosing, Order, OrderType
from simulators.bahmni.state import State

__all__ = [
    "DRUG_ORDER",
    "LAB_ORDER",
    "SPANS",
    "OrderChanges",
    "find_orders",
    "is_active",
    "kind_of",
    "order_named",
    "void_order",
]

DRUG_ORDER = "Drug Order"
LAB_ORDER = "Lab Order"
LABORATORY = frozenset({"LabTest", "LabSet"})
"""Concept classes whose orders go to the laboratory unless another type is named."""

KINDS = {"org.openmrs.DrugOrder": "drugorder", "org.openmrs.TestOrder": "testorder"}
SPANS = {"Minute(s)": 1, "Hour(s)": 60, "Day(s)": 1440, "Week(s)": 7 * 1440, "Month(s)": 30 * 1440}
"""Minutes in the units of a duration."""

Row = TypeVar("Row", bound=Metadata)


def kind_of(state: State, row: Order) -> str:
    """What the wire calls an order: drugorder, testorder or order."""
    return KINDS.get(state.order_types[row.type].java, "order")


def is_active(row: Order, at: datetime) -> bool:
    """Whether an order is in force at a moment."""
    if row.voided or row.action == "DISCONTINUE" or row.activated is None or row.activated > at:
        return False
    return all(end is None or end > at for end in (row.stopped, row.expires))


@dataclass
class OrderChanges:
    """The orders one saved encounter brings. Nothing is written before all of it has been read."""

    state: State
    encounter: Encounter
    fresh: list[Order] = field(default_factory=list)
    voids: dict[str, str] = field(default_factory=dict)
    """Reasons by uuid."""
    stops: dict[str, datetime] = field(default_factory=dict)

    def read(self, body: Body) -> None:
        """Take in `orders` and `drugOrders`. Raises 400, and 500 for what the product did not expect."""
        for each in maps(body, "drugOrders"):
            self._read_one(each, self._new_drug_order)
        for each in maps(body, "orders"):
            self._read_one(each, self._new_order)

    def _read_one(self, body: Body, make: Callable[[Body], Order]) -> None:
        known = find(self.state.orders, body.get("uuid"))
        if known is not None:
            if flag(body.get("voided")) and not known.voided:
                self.voids[known.uuid] = text(body.get("voidReason")) or ""
            return
        previous = find(self.state.orders, body.get("previousOrderUuid"))
        if previous is None:
            self.fresh.append(make(body))
        else:
            self._follow(previous, body)

    def _follow(self, previous: Order, body: Body) -> None:
        """A revision or an end: another order, and the one before is stopped. Raises 400 when it is over already."""
        now = dates.whole_second(self.state.now())
        if not is_active(previous, now):
            raise ApiError(400, {"error": {"message": "[Order.cannot.discontinue.inactive]"}})
        ending = body.get("action") == "DISCONTINUE"
        row = replace(
            previous,
            uuid=given_uuid(body) or str(uuid4()),
            number=self._number(),
            encounter=self.encounter.uuid,
            action="DISCONTINUE" if ending else "REVISE",
            previous=previous.uuid,
            orderer=self._orderer(),
            activated=now,
            comment=text(body.get("commentToFulfiller")),
            dosing=replace(previous.dosing) if previous.dosing else None,
            audit=self.state.created(),
        )
        if row.dosing is not None and not ending:
            self._dose(row, row.dosing, body)
        self.stops[previous.uuid] = now if ending else now - timedelta(seconds=1)
        self.fresh.append(row)

    def _new_order(self, body: Body) -> Order:
        concept = find(self.state.concepts, body.get("concept"))
        if concept is None:
            raise server_error("No such Concept")
        kind = find(self.state.order_types, body.get("orderTypeUuid"))
        kind = kind or _named(self.state.order_types, body.get("orderType"))
        if kind is None and concept.concept_class in LABORATORY:
            kind = _named(self.state.order_types, LAB_ORDER)
        if kind is None:
            raise server_error("Order.type.cannot.determine")
        return self._make(body, concept.uuid, kind)

    def _new_drug_order(self, body: Body) -> Order:
        drug = find(self.state.drugs, body.get("drug"))
        if drug is None and isinstance(body.get("drug"), Mapping):
            drug = _named(self.state.drugs, body["drug"].get("name"))
        concept = find(self.state.concepts, drug.concept if drug else body.get("concept"))
        kind = _named(self.state.order_types, DRUG_ORDER)
        if concept is None or kind is None:
            raise invalid(("concept", "Concept.noConceptSelected"))
        if not body.get("careSetting"):
            raise server_error("java.lang.NullPointerException")
        row = self._make(body, concept.uuid, kind)
        row.scheduled = row.scheduled or row.activated
        row.urgency = "ON_SCHEDULED_DATE"
        row.dosing = Dosing(drug.uuid if drug else None, None if drug else text(body.get("drugNonCoded")))
        self._dose(row, row.dosing, body)
        return row

    def _make(self, body: Body, concept: str, kind: OrderType) -> Order:
        state, zone = self.state, self.state.settings.zone
        moments = {name: dates.read_either(body.get(name), zone) for name in ("scheduledDate", "autoExpireDate")}
        setting = _named(state.care_settings, body.get("careSetting")) or _named(state.care_settings, "Outpatient")
        return Order(
            given_uuid(body) or str(uuid4()),
            self._number(),
            self.encounter.patient,
            self.encounter.uuid,
            concept,
            kind.uuid,
            care_setting=setting.uuid if setting else None,
            orderer=self._orderer(),
            activated=dates.whole_second(state.now()),
            scheduled=moments["scheduledDate"],
            expires=moments["autoExpireDate"],
            urgency=text(body.get("urgency")) or "ROUTINE",
            instructions=text(body.get("instructions")),
            comment=text(body.get("commentToFulfiller")),
            accession_number=text(body.get("accessionNumber")),
            audit=state.created(),
        )

    def _dose(self, row: Order, dosing: Dosing, body: Body) -> None:
        """Take in how much of it, how often and for how long; what is not said stays."""
        state = self.state
        said = {**body, **(body.get("dosingInstructions") or {})}
        for name, column in _DOSING.items():
            if said.get(name) is not None:
                setattr(dosing, column, said[name])
        for name, column in (("doseUnits", "dose_units"), ("quantityUnits", "quantity_units"), ("route", "route")):
            if said.get(name) is not None:
                setattr(dosing, column, _uuid(_named(state.concepts, said[name])))
        if said.get("frequency") is not None:
            dosing.frequency = _uuid(_named(state.order_frequencies, said["frequency"]))
        if said.get("durationUnits") is not None:
            dosing.duration_units = _uuid(_named(state.concepts, said["durationUnits"]))
        minutes = SPANS.get(str(said.get("durationUnits")))
        if row.scheduled and dosing.duration and minutes and not body.get("autoExpireDate"):
            row.expires = row.scheduled + timedelta(minutes=minutes * dosing.duration, seconds=-1)

    def _number(self) -> str:
        return f"ORD-{len(self.state.orders) + len(self.fresh) + 1}"

    def _orderer(self) -> str:
        """The first who took part in the encounter. Raises 500 when nobody did."""
        live = [row.provider for row in self.encounter.providers if not row.voided]
        if not live:
            raise server_error("Encounter doesn't have a provider.")
        return live[0]

    def write(self) -> bool:
        """Carry it out; True when anything changed."""
        for row in self.fresh:
            self.state.insert_order(row)
        for uuid, moment in self.stops.items():
            self.state.orders[uuid].stopped = moment
        for uuid, reason in self.voids.items():
            void_order(self.state, self.state.orders[uuid], reason)
        return bool(self.fresh or self.voids)


_DOSING = {
    "dosingInstructionType": "kind",
    "dose": "dose",
    "asNeeded": "as_needed",
    "quantity": "quantity",
    "numberOfRefills": "refills",
    "administrationInstructions": "instructions",
    "duration": "duration",
}


def _named(table: Mapping[str, Row], name: Any) -> Row | None:
    """A row by name, whatever its case; units, frequencies and care settings are sent so."""
    wanted = str(name or "").lower()
    return next((row for row in table.values() if row.name.lower() == wanted), None)


def _uuid(row: Metadata | None) -> str | None:
    return row.uuid if row else None


def void_order(state: State, row: Order, reason: str) -> None:
    """DELETE. The encounter keeps showing it. No feed event."""
    if not row.voided:
        row.voided = True
        state.strike(row.audit, reason)


def find_orders(state: State, query: Mapping[str, list[str]], asked: str | None) -> list[Order]:
    """GET /order: those of a patient in force now, or by `status`; `asked`: their kind on the wire.

    Raises 400 without a patient and for an unknown kind, 404 for an unknown patient, care setting or order type.
    """
    first = {name: values[0] for name, values in query.items()}
    if "patient" not in first:
        raise bad_request("ResourceDoesNotSupportOperationException")
    tables: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("patient", state.patients),
        ("careSetting", state.care_settings),
        ("orderType", state.order_types),
    )
    for name, table in tables:
        if name in first and first[name] not in table:
            raise not_found()
    if asked not in (None, "order", *KINDS.values()):
        raise bad_value("type", "org.openmrs.Order", "there is no such type")
    at = dates.read(first["asOfDate"], state.settings.zone) if "asOfDate" in first else state.now()
    with_voided = first.get("includeAll") == "true"
    rows = (row for each in state.encounters_of(first["patient"]) for row in state.orders_of(each.uuid))
    return [
        row
        for row in rows
        if (with_voided or not row.voided)
        and _has_status(row, first.get("status", "active").lower(), at)
        and asked in (None, kind_of(state, row))
        and first.get("careSetting", row.care_setting) == row.care_setting
        and first.get("orderType", row.type) == row.type
    ]


def _has_status(row: Order, status: str, at: datetime) -> bool:
    if status == "any":
        return True
    return is_active(row, at) == (status != "inactive")


def order_named(state: State, identity: str) -> Order | None:
    """An order by its uuid or by its number."""
    row = state.orders.get(identity)
    return row or next((each for each in state.orders.values() if each.number == identity), None)
