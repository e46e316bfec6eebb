"""Records as JSON documents, keys in Avni's order (avni.md A20 to A23, A47 to A51)."""

from __future__ import annotations

from typing import Any

from simulators.avni.errors import null_pointer
from simulators.avni.metadata import Organisation
from simulators.avni.observations import render as render_observations
from simulators.avni.rows import (
    ApprovalRow,
    EncounterRow,
    EnrolmentRow,
    Location,
    MembershipRow,
    ProgramEncounterRow,
    Row,
    SubjectRow,
    VisitRow,
)
from simulators.avni.settings import Settings
from simulators.avni.store import AvniStore
from simulators.avni.times import iso

_NEW_KEYS = {
    "subject": "Registration Coordinates",
    "encounter": "Encounter Coordinates",
    "enrolment": "Enrolment Coordinates",
}
_OLD_KEYS = {
    "subject": "Registration location",
    "encounter": "Encounter location",
    "enrolment": "Enrolment location",
}


def coordinates_key(settings: Settings, of: str) -> str:
    """The name of the coordinates of a "subject", an "encounter" or an "enrolment" in this release."""
    return (_NEW_KEYS if settings.coordinate_keys == "new" else _OLD_KEYS)[of]


def subject(store: AvniStore, row: SubjectRow, version: int, *, fresh: bool = False) -> dict[str, Any]:
    """A subject with every key of a single read except `Groups` and `catchments`.

    Coordinates, relatives and `Location ID` are absent when there are none; External ID and dates
    are null. `fresh`, here and below, for the answer to the request that wrote the record.
    """
    organisation = store.organisation(row.organisation)
    document: dict[str, Any] = {
        "Subject type": row.kind,
        "ID": row.uuid,
        "External ID": row.external_id,
        "Voided": row.voided,
    }
    if row.point:
        document[coordinates_key(store.settings, "subject")] = dict(row.point)
    if row.subject_location:
        document["Subject location"] = row.subject_location
    document["Registration date"] = row.registration_date
    document |= _place(organisation, row.location)
    if row.relatives:
        document["relatives"] = row.relatives
    document["observations"] = _demographics(row) | render_observations(
        organisation, row.observations, version, fresh=fresh
    )
    document["encounters"] = store.encounters_of(row.uuid)
    document["enrolments"] = store.enrolments_of(row.uuid)
    document["audit"] = _audit(row)
    return document


def _place(organisation: Organisation, uuid: str | None) -> dict[str, Any]:
    lineage = organisation.lineage(uuid) if uuid else []
    location: dict[str, Any] = {}
    for place in lineage:
        location[place.kind] = place.title
        location[f"{place.kind} External ID"] = place.external_id
    if not lineage:
        return {"location": location}
    return {"location": location, "Location ID": lineage[0].uuid}


def _demographics(row: SubjectRow) -> dict[str, Any]:
    named = {
        "First name": row.first_name,
        "Middle name": row.middle_name,
        "Last name": row.last_name,
        "Profile picture": row.profile_picture,
        "Date of birth": row.date_of_birth,
        "Gender": row.gender,
    }
    return {name: value for name, value in named.items() if value is not None}


def encounter(store: AvniStore, row: EncounterRow, version: int, *, fresh: bool = False) -> dict[str, Any]:
    """A general encounter; times and External IDs are null, not absent."""
    owner = store.subjects[row.subject]
    document: dict[str, Any] = {
        "ID": row.uuid,
        "Subject ID": owner.uuid,
        "Subject external ID": owner.external_id,
        "Subject type": owner.kind,
    }
    return document | _visit(store, row, version, fresh=fresh)


def program_encounter(
    store: AvniStore, row: ProgramEncounterRow, version: int, *, fresh: bool = False
) -> dict[str, Any]:
    """A program encounter, with its enrolment and the subject of that."""
    enrolled = store.enrolments[row.enrolment]
    owner = store.subjects[enrolled.subject]
    document: dict[str, Any] = {
        "ID": row.uuid,
        "Subject ID": owner.uuid,
        "Subject type": owner.kind,
        "Enrolment ID": enrolled.uuid,
        "Subject external ID": owner.external_id,
        "Enrolment external ID": enrolled.external_id,
        "Program": enrolled.kind,
    }
    return document | _visit(store, row, version, fresh=fresh)


def _visit(store: AvniStore, row: VisitRow, version: int, *, fresh: bool) -> dict[str, Any]:
    organisation = store.organisation(row.organisation)
    document: dict[str, Any] = {
        "Voided": row.voided,
        "External ID": row.external_id,
        "Encounter type": row.kind,
    }
    if row.point:
        document[coordinates_key(store.settings, "encounter")] = dict(row.point)
    document["Encounter date time"] = iso(row.encounter_ms)
    document["Earliest scheduled date"] = iso(row.earliest_ms)
    document["Max scheduled date"] = iso(row.max_ms)
    document["observations"] = render_observations(organisation, row.observations, version, fresh=fresh)
    if row.cancel_point:
        document["Cancel location"] = dict(row.cancel_point)
    document["Cancel date time"] = iso(row.cancel_ms)
    document["cancelObservations"] = render_observations(organisation, row.cancel_observations, version, fresh=fresh)
    document["audit"] = _audit(row)
    return document


def enrolment(store: AvniStore, row: EnrolmentRow, version: int, *, fresh: bool = False) -> dict[str, Any]:
    """A program enrolment; coordinates are absent when there are none, times and External IDs null."""
    organisation = store.organisation(row.organisation)
    owner = store.subjects[row.subject]
    document: dict[str, Any] = {
        "ID": row.uuid,
        "Voided": row.voided,
        "Subject type": owner.kind,
        "Subject ID": owner.uuid,
        "External ID": row.external_id,
        "Subject external ID": owner.external_id,
        "Program": row.kind,
        "Enrolment datetime": iso(row.enrolment_ms),
    }
    if row.point:
        document[coordinates_key(store.settings, "enrolment")] = dict(row.point)
    document["Exit datetime"] = iso(row.exit_ms)
    if row.exit_point:
        document["Exit location"] = dict(row.exit_point)
    document["observations"] = render_observations(organisation, row.observations, version, fresh=fresh)
    document["exitObservations"] = render_observations(organisation, row.exit_observations, version, fresh=fresh)
    document["encounters"] = store.program_encounters_of(row.uuid)
    document["audit"] = _audit(row)
    return document


def membership(store: AvniStore, row: MembershipRow, version: int) -> dict[str, Any]:
    """A membership with both subjects in full; it has no `ID` of its own."""
    return {
        "Group subject": subject(store, store.subjects[row.group], version),
        "Member subject": subject(store, store.subjects[row.member], version),
        "Voided": row.voided,
        "Membership start date": iso(row.start_ms),
        "Membership end date": iso(row.end_ms),
        "Role": row.kind,
        "audit": _audit(row),
    }


def location(store: AvniStore, row: Location, version: int) -> dict[str, Any]:
    """A place with all places around it; coordinates and `Parent` are absent when there are none."""
    organisation = store.organisation(row.organisation)
    document: dict[str, Any] = {
        "ID": row.uuid,
        "External ID": row.external_id,
        "Title": row.title,
        "Type": row.kind,
        "Level": row.level,
    }
    if row.point:
        document["GPS Coordinates"] = dict(row.point)
    document["customProperties"] = render_observations(organisation, row.observations, version)
    if row.parent:
        document["Parent"] = location(store, organisation.locations[row.parent], version)
    return document | {"Voided": row.voided, "audit": _audit(row)}


def approval(store: AvniStore, row: ApprovalRow) -> dict[str, Any]:
    """An approval status; it has neither `ID` nor `Voided`. Raises 500 when its record is gone."""
    tables: tuple[dict[str, Any], ...] = (
        store.subjects,
        store.encounters,
        store.enrolments,
        store.program_encounters,
    )
    if not any(row.entity in rows for rows in tables):
        raise null_pointer(f"no {row.kind} for an approval status")
    return {
        "Entity ID": row.entity,
        "Entity type": row.kind,
        "Entity type ID": row.entity_type,
        "Approval status": row.status,
        "Approval status comment": row.comment,
        "Status date time": iso(row.status_ms),
        "audit": _audit(row),
    }


def _audit(row: Row) -> dict[str, Any]:
    return {
        "Created at": iso(row.created_ms),
        "Last modified at": iso(row.modified_ms),
        "Created by": row.created_by,
        "Last modified by": row.modified_by,
    }
