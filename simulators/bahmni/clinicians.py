"""What hospital people do to encounters, one function each, with the feed events the product leaves (atomfeed.md F23).

Whatever goes through a clinician's screen is saved as a whole and leaves an event: `save_encounter`, `add_form`,
`edit_obs`, `remove_obs`, `prescribe`, `revise_drug_order`, `stop_drug_order`, `order_test`. What administrators void
and what the laboratory stores leaves none: `void_obs`, `void_encounter`, `void_order`, `receive_results`,
`correct_results`. A change over plain REST leaves none either: `encounters.update_encounter`, or the same over HTTP.

    saved = save_encounter(store, patient, form(VITALS, {WEIGHT: 51.5, COMPLAINTS: [FEVER, COUGH]}))
    weight = next(row for row in store.obs_of(saved.uuid) if row.concept == WEIGHT)
    edit_obs(store, weight.uuid, 52)

Everything is named by uuid, and an `ApiError` tells what the product would have refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from simulators.bahmni import catalogue, dates, encounters, lab, orders
from simulators.bahmni.model import Encounter, Obs
from simulators.bahmni.observations import ObsChanges
from simulators.bahmni.order_model import Order
from simulators.bahmni.store import Store
from simulators.bahmni.transaction_saving import save_transaction

__all__ = [
    "Result",
    "add_form",
    "correct_results",
    "edit_obs",
    "form",
    "order_test",
    "prescribe",
    "receive_results",
    "remove_obs",
    "revise_drug_order",
    "save_encounter",
    "stop_drug_order",
    "void_encounter",
    "void_obs",
    "void_order",
]

Answers = Mapping[str, Any]
"""By the concept asked: a value, a list of values, or for a group the answers inside it (a list: several groups).

The value of a coded question is the uuid of a concept or a drug, of a yes-no question a bool, of a date "yyyy-MM-dd",
of a date with time "yyyy-MM-dd HH:mm" in the hospital's zone.
"""


def form(concept: str, answers: Answers, *, uuid: str | None = None) -> dict[str, Any]:
    """A filled-in form, or a group in one, as the screen sends it; groups nest to any depth."""
    members = [
        form(question, value) if isinstance(value, Mapping) else _answer(question, value)
        for question, given in answers.items()
        for value in (given if isinstance(given, list) else [given])
    ]
    return {"uuid": uuid or str(uuid4()), "concept": {"uuid": concept}, "groupMembers": members}


def _answer(concept: str, value: Any) -> dict[str, Any]:
    return {"uuid": str(uuid4()), "concept": {"uuid": concept}, "value": value, "groupMembers": []}


# on the clinician's screen: an event each


def save_encounter(  # noqa: PLR0913 - what a screen knows
    store: Store,
    patient: str,
    *forms: Mapping[str, Any],
    kind: str = catalogue.CONSULTATION,
    location: str = catalogue.OPD_1,
    visit: str | None = None,
    visit_type: str = catalogue.OPD,
    providers: Sequence[str] = (catalogue.SUPERMAN,),
    at: datetime | None = None,
    uuid: str | None = None,
) -> Encounter:
    """Save forms in a new encounter. `at` is now unless given.

    Of today: in `visit`, else in the patient's open visit there, else in a new one. Before today `visit` does not
    count: the one of that day at that place does, or a new one is made of `visit_type`.
    """
    body = {
        "patientUuid": patient,
        "encounterUuid": uuid or str(uuid4()),
        "encounterTypeUuid": kind,
        "locationUuid": location,
        "visitUuid": visit,
        "visitTypeUuid": visit_type,
        "encounterDateTime": dates.milliseconds(at or store.now()),
        "providers": [{"uuid": each, "encounterRoleUuid": catalogue.UNKNOWN_ROLE} for each in providers],
    }
    return _save(store, {**body, "observations": [_timed(each, body["encounterDateTime"]) for each in forms]})


def add_form(store: Store, encounter: str, filled: Mapping[str, Any]) -> Obs:
    """Fill in one more form in an encounter there is; the row of the form."""
    row = store.encounters[encounter]
    _save_again(store, row, observations=[_timed(filled, dates.milliseconds(row.moment))])
    return store.obs[filled["uuid"]]


def edit_obs(store: Store, obs: str, value: Any) -> Obs:
    """Answer a question anew; the row that stands there now, with a uuid of its own if the answer is another."""
    row = store.obs[obs]
    _save_obs(store, row, {"value": value})
    return next((each for each in store.obs.values() if each.previous_version == obs and not each.voided), row)


def remove_obs(store: Store, obs: str) -> None:
    """Take an answer, or a whole form with all in it, out of an encounter on the screen."""
    _save_obs(store, store.obs[obs], {"voided": True, "voidReason": "removed"})


def prescribe(  # noqa: PLR0913 - what a screen knows
    store: Store,
    encounter: str,
    drug: str,
    *,
    dose: float = 1,
    units: str = "Tablet(s)",
    frequency: str = "Twice a day",
    days: int | None = 5,
    unit: str = "Day(s)",
    as_needed: bool = False,
    instructions: str = '{"instructions":"As directed"}',
) -> Order:
    """Order a drug to be taken: one the hospital stocks, by uuid, or another in words that are a concept's name.

    `days` is a number of `unit`; None: nobody said for how long.
    """
    known = store.drugs.get(drug)
    named = next((row.uuid for row in store.concepts.values() if row.name == drug), None)
    what = {"drug": {"uuid": drug}} if known else {"drugNonCoded": drug, "concept": {"uuid": named}}
    body = {
        **what,
        "careSetting": "OUTPATIENT",
        "dosingInstructionType": DOSING,
        "dosingInstructions": {
            "dose": dose,
            "doseUnits": units,
            "frequency": frequency,
            "route": "Oral",
            "asNeeded": as_needed,
            "administrationInstructions": instructions,
            "quantity": dose * (days or 1),
            "quantityUnits": units,
        },
        "duration": days,
        "durationUnits": unit if days else None,
    }
    return _order(store, store.encounters[encounter], "drugOrders", body)


DOSING = "org.openmrs.module.bahmniemrapi.drugorder.dosinginstructions.FlexibleDosingInstructions"


def revise_drug_order(store: Store, order: str, *, dose: float) -> Order:
    """Another dose: another order, and the one before is stopped."""
    row = store.orders[order]
    body = {"previousOrderUuid": order, "action": "REVISE", "dosingInstructions": {"dose": dose}}
    return _order(store, store.encounters[row.encounter], "drugOrders", body)


def stop_drug_order(store: Store, order: str) -> Order:
    """No more of it: an order that says so."""
    row = store.orders[order]
    body = {"previousOrderUuid": order, "action": "DISCONTINUE"}
    return _order(store, store.encounters[row.encounter], "drugOrders", body)


def order_test(store: Store, encounter: str, test: str) -> Order:
    """Ask the laboratory for a test or a panel."""
    body = {"concept": {"uuid": test}, "orderTypeUuid": catalogue.LAB_ORDER_TYPE}
    return _order(store, store.encounters[encounter], "orders", body)


# administrators: no event


def void_obs(store: Store, obs: str, reason: str = "entered twice") -> None:
    """Void an answer, or a form with all in it, outside the clinician's screen."""
    row = store.obs[obs]
    with store.lock:
        changes = ObsChanges(store, store.encounters[row.encounter or ""])
        changes.voids[obs] = reason
        changes.write()


def void_encounter(store: Store, encounter: str, reason: str = "entered twice") -> None:
    """Void an encounter with its observations and orders."""
    store.void_encounter(encounter, reason)


def void_order(store: Store, order: str, reason: str = "entered twice") -> None:
    """Void an order; its encounter keeps showing it."""
    with store.lock:
        orders.void_order(store, store.orders[order], reason)


# the laboratory: no event


@dataclass(frozen=True)
class Result:
    """What the laboratory found for one test, with the range of what is normal."""

    value: Any = None
    abnormal: bool = False
    lowest: float | None = None
    highest: float | None = None
    notes: str | None = None
    referred_out: bool = False


def receive_results(
    store: Store, order: str, results: Mapping[str, Result], *, at: datetime | None = None, uuid: str | None = None
) -> Encounter:
    """The laboratory stores results of an order, by test, in an encounter of its own."""
    row = store.orders[order]
    body = {
        "uuid": uuid or str(uuid4()),
        "patient": row.patient,
        "encounterType": catalogue.LAB_RESULT,
        "visit": store.encounters[row.encounter].visit,
        "location": store.encounters[row.encounter].location,
        "encounterDatetime": dates.write(at or store.now(), store.settings.zone),
        "encounterProviders": [{"provider": row.orderer, "encounterRole": catalogue.UNKNOWN_ROLE}],
        "obs": _lab_tree(store, row, results),
    }
    with store.lock:
        return encounters.create_encounter(store, body)


def correct_results(store: Store, encounter: str, order: str, results: Mapping[str, Result]) -> None:
    """The laboratory corrects what it stored: the old rows are voided and others take their place."""
    before = [row for row in store.obs_of(encounter) if row.order == order and row.group is None and not row.voided]
    with store.lock:
        changes = ObsChanges(store, store.encounters[encounter])
        changes.read({"obs": _lab_tree(store, store.orders[order], results)})
        changes.voids.update({row.uuid: "updated since by lab technician" for row in before})
        changes.write()


def _lab_tree(store: Store, order: Order, results: Mapping[str, Result]) -> list[dict[str, Any]]:
    """Test, inside it the test again, inside that the result and what stands beside it; in a panel one level deeper."""
    tests = []
    for test, result in results.items():
        beside = {
            test: result.value,
            _concept(store, lab.ABNORMAL): True if result.abnormal else None,
            _concept(store, lab.LOWEST_NORMAL): result.lowest,
            _concept(store, lab.HIGHEST_NORMAL): result.highest,
            _concept(store, lab.NOTES): result.notes,
            _concept(store, lab.REFERRED_OUT): True if result.referred_out else None,
        }
        leaves = [
            {"concept": concept, "value": value, "order": order.uuid}
            for concept, value in beside.items()
            if value is not None
        ]
        inner = {"concept": test, "order": order.uuid, "groupMembers": leaves}
        tests.append({"concept": test, "order": order.uuid, "groupMembers": [inner]})
    if store.concepts[order.concept].set_members:
        return [{"concept": order.concept, "order": order.uuid, "groupMembers": tests}]
    return tests


def _concept(store: Store, name: str) -> str:
    return next(row.uuid for row in store.concepts.values() if row.name == name)


# saving


def _timed(observation: Mapping[str, Any], moment: Any) -> dict[str, Any]:
    members = [_timed(each, moment) for each in observation["groupMembers"]]
    return {**observation, "observationDateTime": moment, "groupMembers": members}


def _save(store: Store, body: Mapping[str, Any]) -> Encounter:
    with store.lock:
        return save_transaction(store, body)


def _save_again(store: Store, row: Encounter, **more: Any) -> Encounter:
    """The screen sends an encounter there is with what changed in it."""
    visit = store.visits[row.visit or ""]
    body = {
        "patientUuid": row.patient,
        "encounterUuid": row.uuid,
        "locationUuid": row.location or visit.location,
        "visitUuid": visit.uuid,
        "visitTypeUuid": visit.type,
        "encounterDateTime": dates.milliseconds(row.moment),
    }
    return _save(store, {**body, **more})


def _save_obs(store: Store, row: Obs, change: Mapping[str, Any]) -> None:
    """The screen sends a row inside the groups it stands in, each with its uuid and its time."""
    sent = {**_same(row), **change}
    inner = row
    while inner.group is not None:
        inner = store.obs[inner.group]
        sent = {**_same(inner), "groupMembers": [sent]}
    _save_again(store, store.encounters[row.encounter or ""], observations=[sent])


def _same(row: Obs) -> dict[str, Any]:
    return {"uuid": row.uuid, "comment": row.comment, "observationDateTime": dates.milliseconds(row.moment)}


def _order(store: Store, encounter: Encounter, kind: str, body: Mapping[str, Any]) -> Order:
    uuid = str(uuid4())
    _save_again(store, encounter, **{kind: [{**body, "uuid": uuid}]})
    return store.orders[uuid]
