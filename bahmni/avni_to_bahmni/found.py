"""What OpenMRS returned, reduced to what decisions are made of. Pure.

The representations asked for (openmrs.md O11 to O13) stand beside the code that reads them, so that neither changes
without the other. Dates may come back as times (O71), coded values as objects (O61), voided numbers not at all (O37).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bahmni.avni_to_bahmni.observations import FoundObs, found_obs

_IDENTIFIERS = "identifiers:(identifier,identifierType:(uuid),preferred,voided)"
_OBS = "obs:(uuid,voided,concept:(uuid),value:ref,groupMembers:(uuid,voided,concept:(uuid),value:ref,groupMembers))"

PATIENT = f"custom:(uuid,voided,{_IDENTIFIERS},person:(gender,birthdate,preferredName:(givenName,familyName)))"
ENCOUNTER = (
    f"custom:(uuid,voided,encounterDatetime,encounterType:(uuid),patient:(uuid,voided,{_IDENTIFIERS}),"
    f"visit:(uuid),{_OBS},auditInfo)"
)
VISIT = (
    "custom:(uuid,voided,visitType:(uuid),startDatetime,stopDatetime,attributes:(attributeType:(uuid),value,voided))"
)


@dataclass(frozen=True)
class FoundPatient:
    """A patient: numbers by type, and what a first meeting compares."""

    uuid: str
    voided: bool
    numbers: tuple[str, ...]
    name: str = ""
    gender: str = ""
    birthdate: str = ""

    def has_number(self, identifier: str) -> bool:
        """Whether the patient carries this number now."""
        return identifier in self.numbers


@dataclass(frozen=True)
class FoundVisit:
    """A visit with the values of its attributes by type."""

    uuid: str
    type: str
    start: str
    attributes: Mapping[str, str]

    @property
    def start_date(self) -> date:
        """The day it began, as the server's own zone counts days."""
        return date.fromisoformat(self.start[:10])


@dataclass(frozen=True)
class FoundEncounter:
    """An encounter with its observations; `marker` is the Avni id it carries, `changed` the time of its last change."""

    uuid: str
    voided: bool
    patient: FoundPatient
    visit_uuid: str
    obs: tuple[FoundObs, ...]
    marker: str
    changed: str


def found_patient(document: Mapping[str, Any]) -> FoundPatient:
    """Read a patient of the representation `PATIENT`, or the part of it inside `ENCOUNTER`."""
    person = document.get("person") or {}
    name = person.get("preferredName") or {}
    return FoundPatient(
        uuid=document["uuid"],
        voided=bool(document.get("voided")),
        numbers=tuple(row["identifier"] for row in document.get("identifiers") or () if not row.get("voided")),
        name=" ".join(part for part in (name.get("givenName"), name.get("familyName")) if part),
        gender=person.get("gender") or "",
        birthdate=(person.get("birthdate") or "")[:10],
    )


def found_visit(document: Mapping[str, Any]) -> FoundVisit:
    """Read a visit of the representation `VISIT`."""
    attributes = {
        row["attributeType"]["uuid"]: str(row["value"])
        for row in document.get("attributes") or ()
        if not row.get("voided")
    }
    return FoundVisit(document["uuid"], document["visitType"]["uuid"], document["startDatetime"], attributes)


def found_encounter(document: Mapping[str, Any], marker_concept: str) -> FoundEncounter:
    """Read an encounter of the representation `ENCOUNTER`.

    A voided encounter shows none of its observations; then nobody can tell whose it was, and `marker` is empty.
    """
    obs = tuple(one for row in document.get("obs") or () if (one := found_obs(row)))
    marker = next((str(leaf.value) for one in obs for leaf in one.leaves() if leaf.concept == marker_concept), "")
    audit = document.get("auditInfo") or {}
    return FoundEncounter(
        uuid=document["uuid"],
        voided=bool(document.get("voided")),
        patient=found_patient(document["patient"]),
        visit_uuid=(document.get("visit") or {}).get("uuid", ""),
        obs=obs,
        marker=marker,
        changed=str(audit.get("dateChanged") or audit.get("dateCreated") or ""),
    )
