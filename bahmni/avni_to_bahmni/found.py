"""What OpenMRS returned, reduced to what decisions are made of. Pure.

The representations asked for (openmrs.md O11 to O13) stand beside the code that reads them, so that neither changes
without the other. Dates may come back as times (O71), coded values as objects (O61), voided numbers not at all (O37).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bahmni.avni_to_bahmni.observations import FoundObs, by_another, found_obs

_IDENTIFIERS = "identifiers:(uuid,identifier,identifierType:(uuid),preferred,voided)"
_LEVELS = 4
"""Of groups inside groups that are spelled out, the form among them; what lies deeper comes in default (O87)."""


def _members(levels: int) -> str:
    below = f"groupMembers:{_members(levels - 1)}" if levels else "groupMembers"
    return f"(uuid,voided,concept:(uuid),value:ref,auditInfo,{below})"


_OBS = f"obs:{_members(_LEVELS)}"

_OF_PATIENT = f"patient:(uuid,voided,{_IDENTIFIERS},person:(birthdate))"
_NAME = "preferredName:(uuid,givenName,middleName,familyName)"
_ATTRIBUTES = "attributes:(uuid,attributeType:(uuid),value,voided)"
_OF_VISIT = f"visit:(uuid,voided,visitType:(uuid),startDatetime,stopDatetime,{_ATTRIBUTES})"

ENCOUNTER = f"custom:(uuid,voided,encounterDatetime,encounterType:(uuid),{_OF_PATIENT},{_OF_VISIT},{_OBS},auditInfo)"
VISIT = f"custom:(uuid,voided,visitType:(uuid),startDatetime,stopDatetime,{_ATTRIBUTES})"
VISIT_OF_PATIENT = f"custom:(uuid,voided,startDatetime,stopDatetime,{_OF_PATIENT},{_ATTRIBUTES})"

ADDRESS_FIELDS: Final = frozenset(
    {"cityVillage", "countyDistrict", "stateProvince", "country", "postalCode"}
    | {f"address{number}" for number in range(1, 16)}
)
"""Where a place can stand in an address of OpenMRS (O210). Older releases end with `address6`."""


def patient(address: Iterable[str]) -> str:
    """The representation of a patient with name, gender, birth date and these fields of the address."""
    return f"custom:(uuid,voided,{_IDENTIFIERS},{_person(address)})"


def registration(address: Iterable[str]) -> str:
    """`ENCOUNTER`, with the patient as `patient` shows it."""
    whole = f"patient:(uuid,voided,{_IDENTIFIERS},{_person(address)})"
    return ENCOUNTER.replace(_OF_PATIENT, whole)


def _person(address: Iterable[str]) -> str:
    fields = ",".join(("uuid", *address))
    preferred = f",preferredAddress:({fields})" if fields != "uuid" else ""
    return f"person:(gender,birthdate,{_NAME}{preferred})"


@dataclass(frozen=True)
class FoundPerson:
    """Who a patient is. `name_uuid` and `address_uuid` are the rows an update has to name, empty for none."""

    given_name: str = ""
    middle_name: str = ""
    family_name: str = ""
    gender: str = ""
    birthdate: str = ""
    address: Mapping[str, str] = field(default_factory=dict)
    name_uuid: str = ""
    address_uuid: str = ""

    @property
    def name(self) -> str:
        """What a first meeting compares."""
        return " ".join(part for part in (self.given_name, self.family_name) if part)


@dataclass(frozen=True)
class FoundNumber:
    """One number of a patient: the row it stands in, and its type, by uuid."""

    uuid: str
    number: str
    type: str


@dataclass(frozen=True)
class FoundPatient:
    """A patient: the un-voided numbers, and who it is."""

    uuid: str
    voided: bool
    numbers: tuple[str, ...]
    person: FoundPerson = FoundPerson()
    """As far as the representation asked for shows it."""
    rows: tuple[FoundNumber, ...] = ()
    """Where the numbers stand."""

    @property
    def birthdate(self) -> str:
        """Empty when nobody knows it."""
        return self.person.birthdate

    def has_number(self, identifier: str) -> bool:
        """Whether the patient carries this number now."""
        return identifier in self.numbers


@dataclass(frozen=True)
class FoundVisit:
    """A visit: its borders as the server spells them, and whatever else the representation asked for shows."""

    uuid: str
    start: str
    stop: str = ""
    """The empty text while it is open."""
    type: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Values by type."""
    attribute_uuids: Mapping[str, str] = field(default_factory=dict)
    """Uuids of the attributes themselves, by type."""
    patient: FoundPatient | None = None
    voided: bool = False

    @property
    def begins(self) -> datetime:
        """The first moment an encounter of this visit may have."""
        return datetime.fromisoformat(self.start)

    @property
    def ends(self) -> datetime | None:
        """The last moment an encounter of this visit may have; None while it is open."""
        return datetime.fromisoformat(self.stop) if self.stop else None


@dataclass(frozen=True)
class FoundEncounter:
    """An encounter with its observations.

    `at` is its time as the server spells it, `marker` the Avni id it carries, `changed` the time of its last change.
    """

    uuid: str
    voided: bool
    at: str
    patient: FoundPatient
    visit: FoundVisit | None
    obs: tuple[FoundObs, ...]
    marker: str
    changed: str
    type: str = ""
    """Uuid of its encounter type."""
    by_another: bool = False
    """Whether the server says that somebody else than our account changed it last."""

    @property
    def visit_uuid(self) -> str:
        """The visit it lies in, the empty text for none."""
        return self.visit.uuid if self.visit else ""


def found_patient(document: Mapping[str, Any]) -> FoundPatient:
    """Read a patient of the representation `patient`, or the part of it inside another one."""
    return FoundPatient(
        uuid=document["uuid"],
        voided=bool(document.get("voided")),
        numbers=tuple(row["identifier"] for row in document.get("identifiers") or () if not row.get("voided")),
        person=_found_person(document.get("person") or {}),
        rows=tuple(
            FoundNumber(row["uuid"], row["identifier"], (row.get("identifierType") or {}).get("uuid", ""))
            for row in document.get("identifiers") or ()
            if row.get("uuid") and not row.get("voided")
        ),
    )


def _found_person(document: Mapping[str, Any]) -> FoundPerson:
    name, address = document.get("preferredName") or {}, document.get("preferredAddress") or {}
    return FoundPerson(
        given_name=name.get("givenName") or "",
        middle_name=name.get("middleName") or "",
        family_name=name.get("familyName") or "",
        gender=document.get("gender") or "",
        birthdate=(document.get("birthdate") or "")[:10],
        address={name: str(address[name]) for name in ADDRESS_FIELDS if address.get(name)},
        name_uuid=name.get("uuid") or "",
        address_uuid=address.get("uuid") or "",
    )


def found_visit(document: Mapping[str, Any]) -> FoundVisit:
    """Read a visit of the representations `VISIT` and `VISIT_OF_PATIENT`, or the part of it inside `ENCOUNTER`."""
    attributes = {
        row["attributeType"]["uuid"]: row for row in document.get("attributes") or () if not row.get("voided")
    }
    patient = document.get("patient")
    return FoundVisit(
        uuid=document["uuid"],
        start=document["startDatetime"],
        stop=document.get("stopDatetime") or "",
        type=(document.get("visitType") or {}).get("uuid", ""),
        attributes={kind: str(row["value"]) for kind, row in attributes.items()},
        attribute_uuids={kind: row["uuid"] for kind, row in attributes.items()},
        patient=found_patient(patient) if patient else None,
        voided=bool(document.get("voided")),
    )


def found_encounter(document: Mapping[str, Any], marker_concept: str, us: str = "") -> FoundEncounter:
    """Read an encounter of the representation `ENCOUNTER`. `us` is the uuid of our account.

    A voided encounter shows none of its observations; then nobody can tell whose it was, and `marker` is empty.
    """
    obs = tuple(one for row in document.get("obs") or () if (one := found_obs(row, us)))
    marker = next((str(leaf.value) for one in obs for leaf in one.leaves() if leaf.concept == marker_concept), "")
    audit, visit = document.get("auditInfo") or {}, document.get("visit")
    return FoundEncounter(
        uuid=document["uuid"],
        voided=bool(document.get("voided")),
        at=document["encounterDatetime"],
        patient=found_patient(document["patient"]),
        visit=found_visit(visit) if visit else None,
        obs=obs,
        marker=marker,
        changed=str(audit.get("dateChanged") or audit.get("dateCreated") or ""),
        type=(document.get("encounterType") or {}).get("uuid", ""),
        by_another=by_another(document, us),
    )
