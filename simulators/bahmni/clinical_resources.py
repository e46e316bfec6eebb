"""The look of visits, encounters and observations (openmrs.md O53, O61, O66)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from simulators.bahmni import dates
from simulators.bahmni.metadata_resources import (
    CONCEPT,
    ENCOUNTER_ROLE,
    ENCOUNTER_TYPE,
    LOCATION,
    PROVIDER,
    VISIT_ATTRIBUTE_TYPE,
    VISIT_TYPE,
)
from simulators.bahmni.model import Obs, Visit
from simulators.bahmni.person_resources import PATIENT
from simulators.bahmni.rendering import (
    Node,
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

__all__ = ["ENCOUNTER", "OBS", "VISIT", "VISIT_ATTRIBUTE"]


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
        "orders": lambda r, n: [],
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


def _obs_value(r: Renderer, n: Node) -> Any:
    row: Obs = n.row
    kind = r.state.concepts[row.concept]
    if row.value is None:
        return None
    if kind.datatype in ("Coded", "Boolean"):
        return node(CONCEPT, r.state.concepts.get(str(row.value)))
    if kind.datatype == "Numeric":
        return float(row.value) if kind.allow_decimal else int(row.value)
    if kind.datatype == "Text" and row.comment == LOCATION_COMMENT:
        return node(LOCATION, r.state.locations.get(str(row.value)))
    return _date_value(r, kind.datatype, str(row.value))


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
    return [concept.name if concept else str(row.value)]


def _obs_display(r: Renderer, row: Obs) -> str:
    return f"{r.state.concepts[row.concept].name}: {', '.join(_leaves(r, row))}"


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
        "order": lambda r, n: None,
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
