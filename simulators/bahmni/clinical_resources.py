"""The look of visits, encounters, observations and orders (openmrs.md O53, O61, O66, O102, O103)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from simulators.bahmni import dates
from simulators.bahmni.metadata_resources import (
    CARE_SETTING,
    CONCEPT,
    DRUG,
    ENCOUNTER_ROLE,
    ENCOUNTER_TYPE,
    LOCATION,
    ORDER_FREQUENCY,
    ORDER_TYPE,
    PROVIDER,
    VISIT_ATTRIBUTE_TYPE,
    VISIT_TYPE,
)
from simulators.bahmni.model import Obs, Visit
from simulators.bahmni.order_model import Order
from simulators.bahmni.orders import kind_of
from simulators.bahmni.person_resources import PATIENT
from simulators.bahmni.rendering import (
    Node,
    Property,
    Renderer,
    Resource,
    column,
    live,
    moment,
    node,
    shown,
    to_row,
)
from simulators.bahmni.representation import DEFAULT, REF, Rep
from simulators.bahmni.values import LOCATION_COMMENT

__all__ = ["ENCOUNTER", "ENCOUNTER_PROVIDER", "OBS", "VISIT", "VISIT_ATTRIBUTE", "order_node"]


# visit


def _visit_display(r: Renderer, row: Visit) -> str:
    place = r.state.locations.get(row.location or "")
    where = f"@ {place.name}" if place else "?"
    kind = r.state.visit_types[row.type].name
    return f"{kind} {where} - {r.local(row.start, '%m/%d/%Y %I:%M %p')}"


def _visit_encounters(r: Renderer, n: Node) -> list[Node]:
    return live(r.state.encounters_in(n.row), ENCOUNTER, None)


def _visit_attribute_display(r: Renderer, row: Any) -> str:
    return f"{r.state.visit_attribute_types[row.type].name}: {row.value}"


_VISIT_ATTRIBUTE_SHOWN: dict[str, Rep] = {
    **shown("display uuid"),
    "attributeType": REF,
    **shown("value voided"),
}
VISIT_ATTRIBUTE = Resource(
    "attribute",
    "org.openmrs.VisitAttribute",
    "1.9",
    _visit_attribute_display,
    {
        "attributeType": to_row(VISIT_ATTRIBUTE_TYPE, "visit_attribute_types", "type"),
        "value": column("value"),
    },
    _VISIT_ATTRIBUTE_SHOWN,
    _VISIT_ATTRIBUTE_SHOWN,
    below="visit",
)
VISIT = Resource(
    "visit",
    "org.openmrs.Visit",
    "1.9",
    _visit_display,
    {
        "patient": to_row(PATIENT, "patients", "patient"),
        "visitType": to_row(VISIT_TYPE, "visit_types", "type"),
        "indication": to_row(CONCEPT, "concepts", "indication"),
        "location": to_row(LOCATION, "locations", "location"),
        "startDatetime": moment("start"),
        "stopDatetime": moment("stop"),
        "encounters": _visit_encounters,
        "attributes": lambda r, n: live(n.row.attributes, VISIT_ATTRIBUTE, n.row),
    },
    {
        **shown("uuid display"),
        **shown("patient visitType indication location", REF),
        **shown("startDatetime stopDatetime"),
        **shown("encounters attributes", REF),
        "voided": DEFAULT,
    },
    {
        **shown("uuid display"),
        "patient": REF,
        "visitType": DEFAULT,
        **shown("indication location", REF),
        **shown("startDatetime stopDatetime encounters attributes voided auditInfo"),
    },
)


# encounter and observations


def _encounter_display(r: Renderer, row: Any) -> str:
    return f"{r.state.encounter_types[row.type].name} {r.local(row.moment, '%m/%d/%Y')}"


def _top_obs(r: Renderer, n: Node) -> list[Node]:
    rows = r.state.obs_of(n.row.uuid)
    return [Node(OBS, row) for row in rows if row.group is None and not row.voided]


def _encounter_provider_display(r: Renderer, row: Any) -> str:
    role = r.state.encounter_roles.get(row.role or "")
    return f"{r.state.providers[row.provider].name}: {role.name if role else 'null'}"


_ENCOUNTER_PROVIDER_SHOWN: dict[str, Rep] = {
    "uuid": DEFAULT,
    **shown("provider encounterRole", REF),
    "voided": DEFAULT,
}
ENCOUNTER_PROVIDER = Resource(
    "encounterprovider",
    "org.openmrs.EncounterProvider",
    "1.9",
    _encounter_provider_display,
    {
        "provider": to_row(PROVIDER, "providers", "provider"),
        "encounterRole": to_row(ENCOUNTER_ROLE, "encounter_roles", "role"),
    },
    _ENCOUNTER_PROVIDER_SHOWN,
    _ENCOUNTER_PROVIDER_SHOWN,
    below="encounter",
)
ENCOUNTER = Resource(
    "encounter",
    "org.openmrs.Encounter",
    "1.9",
    _encounter_display,
    {
        "encounterDatetime": moment("moment"),
        "patient": to_row(PATIENT, "patients", "patient"),
        "location": to_row(LOCATION, "locations", "location"),
        "form": lambda r, n: None,
        "encounterType": to_row(ENCOUNTER_TYPE, "encounter_types", "type"),
        "obs": _top_obs,
        "orders": lambda r, n: [order_node(r, row) for row in r.state.orders_of(n.row.uuid)],
        "visit": to_row(VISIT, "visits", "visit"),
        "encounterProviders": lambda r, n: live(n.row.providers, ENCOUNTER_PROVIDER, n.row),
    },
    {
        **shown("uuid display encounterDatetime"),
        **shown("patient location form encounterType obs orders", REF),
        "voided": DEFAULT,
        **shown("visit encounterProviders", REF),
    },
    {
        **shown("uuid display encounterDatetime"),
        "patient": REF,
        **shown("location form encounterType obs orders voided auditInfo visit"),
        "encounterProviders": DEFAULT,
    },
)


def _members(r: Renderer, n: Node) -> list[Node] | None:
    with_voided = r.state.settings.voided_group_members
    rows = [row for row in r.state.members(n.row) if with_voided or not row.voided]
    return [Node(OBS, row) for row in rows] or None


def _obs_value(r: Renderer, n: Node) -> Any:  # noqa: PLR0911  # one line a datatype
    row: Obs = n.row
    kind = r.state.concepts[row.concept]
    if row.value is None:
        return None
    if row.drug is not None:
        return node(DRUG, r.state.drugs.get(row.drug))
    if kind.datatype in ("Coded", "Boolean"):
        return node(CONCEPT, r.state.concepts.get(str(row.value)))
    if kind.datatype == "Numeric":
        return float(row.value) if kind.allow_decimal else int(row.value)
    if kind.datatype == "Text" and row.comment == LOCATION_COMMENT:
        return node(LOCATION, r.state.locations.get(str(row.value)))
    if kind.datatype == "Complex":
        return _file(r, row)
    return _date_value(r, kind.datatype, str(row.value))


def _file(r: Renderer, row: Obs) -> dict[str, Any]:
    """Where the bytes are; no uuid, and one link without a list (openmrs.md O161)."""
    return {"display": "raw file", "links": {"rel": "value", "uri": f"{r.base}/ws/rest/v1/obs/{row.uuid}/value"}}


def _date_value(r: Renderer, datatype: str, value: str) -> str | None:
    zone = r.state.settings.zone
    if datatype == "Date" and r.state.settings.date_obs_as_timestamp:
        return r.date(dates.midnight(date.fromisoformat(value), zone))
    if datatype == "Datetime":
        return r.date(datetime.fromisoformat(value))
    if datatype == "Time":
        return r.date(datetime.fromisoformat(f"1970-01-01T{value}").replace(tzinfo=zone))
    return value


def _leaves(r: Renderer, row: Obs) -> list[str]:
    members = [member for member in r.state.members(row) if not member.voided]
    if members:
        return [leaf for member in members for leaf in _leaves(r, member)]
    if row.value is None:
        return []
    concept = r.state.concepts.get(str(row.value))
    return [concept.display if concept else str(row.value)]


def _obs_display(r: Renderer, row: Obs) -> str:
    return f"{r.state.concepts[row.concept].display}: {', '.join(_leaves(r, row))}"


def _obs_group(r: Renderer, n: Node) -> Node | None:
    return node(OBS, r.state.obs.get(n.row.group or ""))


OBS = Resource(
    "obs",
    "org.openmrs.Obs",
    "1.11",
    _obs_display,
    {
        "concept": to_row(CONCEPT, "concepts", "concept"),
        "person": to_row(PATIENT, "patients", "person"),
        "obsDatetime": moment("moment"),
        "accessionNumber": column("accession_number"),
        "obsGroup": _obs_group,
        "valueCodedName": lambda r, n: None,
        "groupMembers": _members,
        "comment": column("comment"),
        "location": to_row(LOCATION, "locations", "location"),
        "order": lambda r, n: _order(r, n.row.order),
        "encounter": lambda r, n: node(ENCOUNTER, r.state.encounters.get(n.row.encounter or "")),
        "value": _obs_value,
        "valueModifier": lambda r, n: None,
        "formFieldPath": column("form_field_path"),
        "formFieldNamespace": column("form_field_namespace"),
        "status": column("status"),
        "interpretation": column("interpretation"),
    },
    {
        **shown("uuid display"),
        **shown("concept person", REF),
        **shown("obsDatetime accessionNumber"),
        "obsGroup": REF,
        **shown("valueCodedName groupMembers comment"),
        **shown("location order encounter", REF),
        **shown("voided value valueModifier formFieldPath formFieldNamespace"),
    },
    {
        **shown("uuid display"),
        **shown("concept person", REF),
        **shown("obsDatetime accessionNumber"),
        "obsGroup": REF,
        **shown("valueCodedName groupMembers comment"),
        **shown("location order encounter", REF),
        **shown("voided auditInfo value valueModifier formFieldPath formFieldNamespace"),
    },
)


# orders: neither default nor full says whether one is voided


def order_node(r: Renderer, row: Order) -> Node:
    """An order as what its type makes of it."""
    return Node(_ORDERS[kind_of(r.state, row)], row)


def _order(r: Renderer, uuid: str | None) -> Node | None:
    row = r.state.orders.get(uuid or "")
    return order_node(r, row) if row else None


def _order_display(r: Renderer, row: Order) -> str:
    name = r.state.concepts[row.concept].display
    if row.dosing is None:
        return name
    drug = r.state.drugs.get(row.dosing.drug or "")
    what = f"({row.action}) {drug.name if drug else name}"
    return what if row.action == "DISCONTINUE" else f"{what}: null"  # Bahmni's way of dosing has no words for itself


def _dosing(name: str) -> Property:
    return lambda r, n: getattr(n.row.dosing, name)


def _dosing_row(resource: Resource, table: str, name: str) -> Property:
    return lambda r, n: node(resource, getattr(r.state, table).get(getattr(n.row.dosing, name) or ""))


_ANY_ORDER: dict[str, Property] = {
    "orderNumber": column("number"),
    "accessionNumber": column("accession_number"),
    "patient": to_row(PATIENT, "patients", "patient"),
    "concept": to_row(CONCEPT, "concepts", "concept"),
    "action": column("action"),
    "careSetting": to_row(CARE_SETTING, "care_settings", "care_setting"),
    "previousOrder": lambda r, n: _order(r, n.row.previous),
    "dateActivated": moment("activated"),
    "scheduledDate": moment("scheduled"),
    "dateStopped": moment("stopped"),
    "autoExpireDate": moment("expires"),
    "encounter": to_row(ENCOUNTER, "encounters", "encounter"),
    "orderer": to_row(PROVIDER, "providers", "orderer"),
    "orderReason": lambda r, n: None,
    "orderReasonNonCoded": lambda r, n: None,
    "orderType": to_row(ORDER_TYPE, "order_types", "type"),
    "urgency": column("urgency"),
    "instructions": column("instructions"),
    "commentToFulfiller": column("comment"),
}
_ANY_ORDER_SHOWN: dict[str, Rep] = {
    **shown("uuid orderNumber accessionNumber"),
    **shown("patient concept", REF),
    "action": DEFAULT,
    **shown("careSetting previousOrder", REF),
    **shown("dateActivated scheduledDate dateStopped autoExpireDate"),
    **shown("encounter orderer orderReason", REF),
    **shown("orderReasonNonCoded orderType urgency instructions commentToFulfiller display"),
}
_DRUG_ORDER: dict[str, Property] = {
    "drug": _dosing_row(DRUG, "drugs", "drug"),
    "dosingType": _dosing("kind"),
    "dose": _dosing("dose"),
    "doseUnits": _dosing_row(CONCEPT, "concepts", "dose_units"),
    "frequency": _dosing_row(ORDER_FREQUENCY, "order_frequencies", "frequency"),
    "asNeeded": _dosing("as_needed"),
    "asNeededCondition": lambda r, n: None,
    "quantity": _dosing("quantity"),
    "quantityUnits": _dosing_row(CONCEPT, "concepts", "quantity_units"),
    "numRefills": _dosing("refills"),
    "dosingInstructions": _dosing("instructions"),
    "duration": _dosing("duration"),
    "durationUnits": _dosing_row(CONCEPT, "concepts", "duration_units"),
    "route": _dosing_row(CONCEPT, "concepts", "route"),
    "brandName": lambda r, n: None,
    "dispenseAsWritten": lambda r, n: False,
    "drugNonCoded": _dosing("drug_non_coded"),
}
_REFERENCES = frozenset({"drug", "doseUnits", "frequency", "quantityUnits", "durationUnits", "route"})
_DRUG_ORDER_SHOWN: dict[str, Rep] = {
    **_ANY_ORDER_SHOWN,
    **{name: REF if name in _REFERENCES else DEFAULT for name in _DRUG_ORDER},
}
_TEST_ORDER: dict[str, Property] = dict.fromkeys(
    ("specimenSource", "laterality", "clinicalHistory", "frequency", "numberOfRepeats"), lambda r, n: None
)


def _order_resource(kind: str, java: str, own: dict[str, Property], usual: dict[str, Rep]) -> Resource:
    return Resource(
        "order",
        f"org.openmrs.{java}",
        "1.10",
        _order_display,
        {**_ANY_ORDER, **own, "type": lambda r, n: kind},
        usual,
        {**usual, "auditInfo": DEFAULT},
        kind=kind,
    )


_ORDERS = {
    "order": _order_resource("order", "Order", {}, _ANY_ORDER_SHOWN),
    "testorder": _order_resource(
        "testorder", "TestOrder", _TEST_ORDER, {**_ANY_ORDER_SHOWN, **shown(" ".join(_TEST_ORDER))}
    ),
    "drugorder": _order_resource("drugorder", "DrugOrder", _DRUG_ORDER, _DRUG_ORDER_SHOWN),
}
