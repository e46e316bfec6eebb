"""Subjects and encounters as JSON documents (avni.md A20 to A23)."""

from __future__ import annotations

from typing import Any

from simulators.avni.metadata import Organisation
from simulators.avni.observations import render as render_observations
from simulators.avni.rows import EncounterRow, Row, SubjectRow
from simulators.avni.settings import Settings
from simulators.avni.times import iso

_NEW_KEYS = {
    "subject": "Registration Coordinates",
    "encounter": "Encounter Coordinates",
}
_OLD_KEYS = {"subject": "Registration location", "encounter": "Encounter location"}


def coordinates_key(settings: Settings, of: str) -> str:
    """The name of the coordinates of a "subject" or an "encounter" in this release."""
    return (_NEW_KEYS if settings.coordinate_keys == "new" else _OLD_KEYS)[of]


def subject(
    organisation: Organisation,
    settings: Settings,
    row: SubjectRow,
    encounters: list[str],
    version: int,
    *,
    fresh: bool = False,
) -> dict[str, Any]:
    """A subject with every key of a single read except `Groups` and `catchments`.

    Keys stand in Avni's order. Coordinates, relatives and `Location ID` are absent when there
    are none; External ID and dates are null.
    """
    document: dict[str, Any] = {
        "Subject type": row.kind,
        "ID": row.uuid,
        "External ID": row.external_id,
        "Voided": row.voided,
    }
    if row.point:
        document[coordinates_key(settings, "subject")] = dict(row.point)
    if row.subject_location:
        document["Subject location"] = row.subject_location
    document["Registration date"] = row.registration_date
    document |= _place(organisation, row.location)
    if row.relatives:
        document["relatives"] = row.relatives
    document["observations"] = _demographics(row) | render_observations(
        organisation, row.observations, version, fresh=fresh
    )
    document["encounters"] = encounters
    document["enrolments"] = list(row.enrolments)
    document["audit"] = _audit(row)
    return document


def _place(organisation: Organisation, uuid: str | None) -> dict[str, Any]:
    lineage = organisation.lineage(uuid) if uuid else []
    location: dict[str, Any] = {}
    for place in lineage:
        location[place.type] = place.title
        location[f"{place.type} External ID"] = place.external_id
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


def encounter(
    organisation: Organisation,
    settings: Settings,
    row: EncounterRow,
    owner: SubjectRow,
    version: int,
    *,
    fresh: bool = False,
) -> dict[str, Any]:
    """A general encounter of subject `owner`; times and External IDs are null, not absent."""
    document: dict[str, Any] = {
        "ID": row.uuid,
        "Subject ID": owner.uuid,
        "Subject external ID": owner.external_id,
        "Subject type": owner.kind,
        "Voided": row.voided,
        "External ID": row.external_id,
        "Encounter type": row.kind,
    }
    if row.point:
        document[coordinates_key(settings, "encounter")] = dict(row.point)
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


def _audit(row: Row) -> dict[str, Any]:
    return {
        "Created at": iso(row.created_ms),
        "Last modified at": iso(row.modified_ms),
        "Created by": row.created_by,
        "Last modified by": row.modified_by,
    }
