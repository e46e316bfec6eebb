"""The look of concepts, drugs, places, types, roles, providers and forms (openmrs.md O108)."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_OID, uuid5

from simulators.bahmni.model import Concept, Metadata
from simulators.bahmni.rendering import Node, Property, Renderer, Resource, node
from simulators.bahmni.representation import DEFAULT, REF, Rep

__all__ = [
    "CARE_SETTING",
    "CONCEPT",
    "DRUG",
    "ENCOUNTER_ROLE",
    "ENCOUNTER_TYPE",
    "FORM",
    "IDENTIFIER_TYPE",
    "LOCATION",
    "ORDER_FREQUENCY",
    "ORDER_TYPE",
    "PERSON_ATTRIBUTE_TYPE",
    "PROVIDER",
    "VISIT_ATTRIBUTE_TYPE",
    "VISIT_TYPE",
]


def named_uuid(kind: str, name: str) -> str:
    """A stable uuid for things the simulator knows by name only: datatypes, classes, tags."""
    return str(uuid5(NAMESPACE_OID, f"{kind}:{name}"))


def _name(r: Renderer, row: Metadata) -> str:
    return row.name


PLAIN = {
    "name": lambda r, n: n.row.name,
    "description": lambda r, n: n.row.description,
}


def _simple(alias: str, java: str, version: str = "1.8", **more: Any) -> Resource:
    """A resource whose properties are plain columns, all shown by default."""
    names = ["uuid", "display", "name", "description", "retired", *more]
    shown: dict[str, Rep] = dict.fromkeys(names, DEFAULT)
    return Resource(
        alias,
        f"org.openmrs.{java}",
        version,
        _name,
        {**PLAIN, **more},
        shown,
        {**shown, "auditInfo": DEFAULT},
    )


ENCOUNTER_TYPE = _simple("encountertype", "EncounterType")
ENCOUNTER_ROLE = _simple("encounterrole", "EncounterRole", "1.9")
VISIT_TYPE = _simple("visittype", "VisitType", "1.9")
VISIT_ATTRIBUTE_TYPE = _simple(
    "visitattributetype",
    "VisitAttributeType",
    "1.9",
    minOccurs=lambda r, n: n.row.min_occurs,
    maxOccurs=lambda r, n: n.row.max_occurs,
    datatypeClassname=lambda r, n: n.row.datatype,
    datatypeConfig=lambda r, n: None,
    preferredHandlerClassname=lambda r, n: None,
    handlerConfig=lambda r, n: None,
)
PERSON_ATTRIBUTE_TYPE = _simple(
    "personattributetype",
    "PersonAttributeType",
    format=lambda r, n: n.row.format,
    foreignKey=lambda r, n: None,
    sortWeight=lambda r, n: None,
    searchable=lambda r, n: n.row.searchable,
    editPrivilege=lambda r, n: None,
)
IDENTIFIER_TYPE = _simple(
    "patientidentifiertype",
    "PatientIdentifierType",
    "2.0",
    format=lambda r, n: n.row.format,
    formatDescription=lambda r, n: None,
    required=lambda r, n: n.row.required,
    validator=lambda r, n: n.row.validator,
    locationBehavior=lambda r, n: n.row.location_behavior,
    uniquenessBehavior=lambda r, n: n.row.uniqueness_behavior,
)


CARE_SETTING = _simple("caresetting", "CareSetting", "1.10")
ORDER_FREQUENCY = _simple("orderfrequency", "OrderFrequency", "1.10")


def _drug_classes(r: Renderer, n: Node) -> list[Node]:
    """The classes of concepts that orders of a type are about."""
    named = {"Drug Order": ["Drug"], "Lab Order": ["LabTest", "LabSet"]}.get(n.row.name, [])
    return [Node(CLASS, Metadata(named_uuid("conceptclass", name), name)) for name in named]


_ORDER_TYPE_SHOWN: dict[str, Rep] = {
    **dict.fromkeys(("uuid", "display", "name", "javaClassName", "retired", "description"), DEFAULT),
    "conceptClasses": REF,
    "parent": REF,
}
ORDER_TYPE = Resource(
    "ordertype",
    "org.openmrs.OrderType",
    "1.10",
    _name,
    {
        **PLAIN,
        "javaClassName": lambda r, n: n.row.java,
        "conceptClasses": _drug_classes,
        "parent": lambda r, n: None,
    },
    _ORDER_TYPE_SHOWN,
    {**_ORDER_TYPE_SHOWN, "auditInfo": DEFAULT},
)
_FORM_SHOWN: dict[str, Rep] = {
    **dict.fromkeys(("uuid", "display", "name", "description"), DEFAULT),
    "encounterType": REF,
    **dict.fromkeys(("version", "build", "published", "formFields", "retired", "resources"), DEFAULT),
}
FORM = Resource(
    "form",
    "org.openmrs.Form",
    "1.9",
    _name,
    {
        **PLAIN,
        "encounterType": lambda r, n: node(ENCOUNTER_TYPE, r.state.encounter_types.get(n.row.encounter_type or "")),
        "version": lambda r, n: n.row.version,
        "build": lambda r, n: None,
        "published": lambda r, n: n.row.published,
        "formFields": lambda r, n: [],
        "resources": lambda r, n: [],
    },
    _FORM_SHOWN,
    {**_FORM_SHOWN, "auditInfo": DEFAULT},
)


def _tag(r: Renderer, name: str) -> dict[str, Any]:
    uuid = named_uuid("locationtag", name)
    return {"uuid": uuid, "display": name, "links": _links(r, "locationtag", uuid)}


def _links(r: Renderer, alias: str, uuid: str) -> list[dict[str, Any]]:
    link: dict[str, Any] = {"rel": "self", "uri": f"{r.base}/ws/rest/v1/{alias}/{uuid}"}
    if r.state.settings.link_alias:
        link["resourceAlias"] = alias
    return [link]


def _children(r: Renderer, n: Node) -> list[Node]:
    rows = r.state.locations.values()
    return [Node(LOCATION, row) for row in rows if row.parent == n.row.uuid]


def _parent(r: Renderer, n: Node) -> Node | None:
    return node(LOCATION, r.state.locations.get(n.row.parent or ""))


PLACE_COLUMNS = (
    "address1",
    "address2",
    "cityVillage",
    "stateProvince",
    "country",
    "postalCode",
    "latitude",
    "longitude",
    "countyDistrict",
    *(f"address{number}" for number in range(3, 16)),
)
_LOCATION_SHOWN: dict[str, Rep] = {
    **dict.fromkeys(("uuid", "display", "name", "description", *PLACE_COLUMNS), DEFAULT),
    "tags": REF,
    "parentLocation": REF,
    "childLocations": REF,
    "retired": DEFAULT,
    "attributes": REF,
}
LOCATION = Resource(
    "location",
    "org.openmrs.Location",
    "2.0",
    _name,
    {
        **PLAIN,
        **{column: lambda r, n: None for column in PLACE_COLUMNS},
        "tags": lambda r, n: [_tag(r, name) for name in n.row.tags],
        "parentLocation": _parent,
        "childLocations": _children,
        "attributes": lambda r, n: [],
    },
    _LOCATION_SHOWN,
    {**_LOCATION_SHOWN, "auditInfo": DEFAULT},
)


def _provider_display(r: Renderer, row: Any) -> str:
    return f"{row.identifier} - {row.name}" if row.identifier else str(row.name)


def _provider_person(r: Renderer, n: Node) -> dict[str, Any] | None:
    if n.row.person is None:
        return None
    return {
        "uuid": n.row.person,
        "display": n.row.name,
        "links": _links(r, "person", n.row.person),
    }


_PROVIDER_SHOWN: dict[str, Rep] = {
    **dict.fromkeys(("uuid", "display", "person", "identifier", "attributes"), DEFAULT),
    "retired": DEFAULT,
}
PROVIDER = Resource(
    "provider",
    "org.openmrs.Provider",
    "1.9",
    _provider_display,
    {
        **PLAIN,
        "person": _provider_person,
        "identifier": lambda r, n: n.row.identifier,
        "attributes": lambda r, n: [],
    },
    _PROVIDER_SHOWN,
    {**_PROVIDER_SHOWN, "auditInfo": DEFAULT},
)


# concepts


class _ConceptName:
    """One of a concept's names; `kind` is what OpenMRS calls its type."""

    def __init__(self, concept: Concept, name: str, kind: str | None) -> None:
        self.uuid = concept.name_uuid if kind == SPECIFIED else named_uuid(f"{concept.uuid}:{kind}", name)
        self.name = name
        self.kind = kind
        self.preferred = name == concept.display and kind != SHORT


SPECIFIED, SHORT = "FULLY_SPECIFIED", "SHORT"


def _names(r: Renderer, n: Node) -> list[Node]:
    row: Concept = n.row
    named = ((row.name, SPECIFIED), (row.preferred, None), (row.short, SHORT))
    return [Node(CONCEPT_NAME, _ConceptName(row, name, kind), row) for name, kind in named if name]


def _concept_name(r: Renderer, n: Node) -> Node:
    """The one it goes by."""
    return next(each for each in _names(r, n) if each.row.preferred)


def _mappings(r: Renderer, n: Node) -> list[dict[str, Any]]:
    found = []
    for mapping in n.row.mappings:
        source, _, code = mapping.partition(":")
        uuid = named_uuid("mapping", f"{n.row.uuid}:{mapping}")
        links = _links(r, f"concept/{n.row.uuid}/mapping", uuid)
        found.append({"uuid": uuid, "display": f"{source}: {code}", "links": links})
    return found


def _by_name(resource: Resource, column: str) -> Property:
    """Datatypes and classes: the simulator knows them by name only."""

    def prop(r: Renderer, n: Node) -> Node:
        name = getattr(n.row, column)
        return Node(resource, Metadata(named_uuid(resource.alias, name), name))

    return prop


DATATYPE = _simple("conceptdatatype", "ConceptDatatype")
CLASS = _simple("conceptclass", "ConceptClass")


def _concepts(column: str) -> Property:
    def prop(r: Renderer, n: Node) -> list[Node]:
        rows = (r.state.concepts.get(uuid) for uuid in getattr(n.row, column))
        return [Node(CONCEPT, row) for row in rows if row is not None]

    return prop


NUMERIC = {
    "hiNormal": lambda r, n: n.row.hi_normal,
    "hiAbsolute": lambda r, n: n.row.hi_absolute,
    "hiCritical": lambda r, n: None,
    "lowNormal": lambda r, n: n.row.low_normal,
    "lowAbsolute": lambda r, n: n.row.low_absolute,
    "lowCritical": lambda r, n: None,
    "units": lambda r, n: n.row.units,
    "allowDecimal": lambda r, n: n.row.allow_decimal,
    "displayPrecision": lambda r, n: None,
}


def _numeric(row: Concept) -> dict[str, Rep]:
    return dict.fromkeys(NUMERIC, DEFAULT) if row.datatype == "Numeric" else {}


_CONCEPT_SHOWN: dict[str, Rep] = {
    **dict.fromkeys(("uuid", "display", "name"), DEFAULT),
    "datatype": REF,
    "conceptClass": REF,
    **dict.fromkeys(("set", "version", "retired"), DEFAULT),
    **dict.fromkeys(("names", "descriptions", "mappings", "answers", "setMembers"), REF),
    "attributes": REF,
}
_NAME_SHOWN: dict[str, Rep] = dict.fromkeys(
    ("display", "uuid", "name", "locale", "localePreferred", "conceptNameType"), DEFAULT
)
CONCEPT = Resource(
    "concept",
    "org.openmrs.Concept",
    "2.0",
    lambda r, row: str(row.display),
    {
        "name": _concept_name,
        "datatype": _by_name(DATATYPE, "datatype"),
        "conceptClass": _by_name(CLASS, "concept_class"),
        "set": lambda r, n: bool(n.row.set_members),
        "version": lambda r, n: n.row.version,
        "names": _names,
        "descriptions": lambda r, n: [],
        "mappings": _mappings,
        "answers": _concepts("answers"),
        "setMembers": _concepts("set_members"),
        "attributes": lambda r, n: [],
        **NUMERIC,
    },
    _CONCEPT_SHOWN,
    {**_CONCEPT_SHOWN, "auditInfo": DEFAULT},
    also=_numeric,
)
CONCEPT_NAME = Resource(
    "name",
    "org.openmrs.ConceptName",
    "1.9",
    _name,
    {
        "name": lambda r, n: n.row.name,
        "locale": lambda r, n: "en",
        "localePreferred": lambda r, n: n.row.preferred,
        "conceptNameType": lambda r, n: n.row.kind,
    },
    _NAME_SHOWN,
    _NAME_SHOWN,
    below="concept",
)

_DRUG_SHOWN: dict[str, Rep] = {
    **dict.fromkeys(("uuid", "display", "name", "strength"), DEFAULT),
    "dosageForm": REF,
    **dict.fromkeys(("maximumDailyDose", "minimumDailyDose"), DEFAULT),
    "concept": REF,
    **dict.fromkeys(("combination", "retired"), DEFAULT),
}
DRUG = Resource(
    "drug",
    "org.openmrs.Drug",
    "1.8",
    _name,
    {
        **PLAIN,
        "strength": lambda r, n: n.row.strength,
        "dosageForm": lambda r, n: _form_of(r, n.row.form),
        "maximumDailyDose": lambda r, n: None,
        "minimumDailyDose": lambda r, n: None,
        "concept": lambda r, n: node(CONCEPT, r.state.concepts.get(n.row.concept)),
        "combination": lambda r, n: False,
    },
    _DRUG_SHOWN,
    {**_DRUG_SHOWN, "auditInfo": DEFAULT},
)


def _form_of(r: Renderer, name: str | None) -> Node | None:
    """Tablets and syrups are concepts as well."""
    row = next((each for each in r.state.concepts.values() if name and each.name == name), None)
    return node(CONCEPT, row)
