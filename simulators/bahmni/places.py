"""Which place a visit belongs to: the nearest around a location that is tagged for it (openmrs.md O100)."""

from __future__ import annotations

from simulators.bahmni.errors import server_error
from simulators.bahmni.model import Location, Visit
from simulators.bahmni.state import State

__all__ = ["VISIT_LOCATION", "open_visit", "surrounding_visit_location", "visit_location"]

VISIT_LOCATION = "Visit Location"
"""The tag."""


def surrounding_visit_location(state: State, uuid: str | None) -> Location | None:
    """The location itself or the nearest around it that carries the tag; None where there is none."""
    row = state.locations.get(uuid or "")
    while row is not None and VISIT_LOCATION not in row.tags:
        row = state.locations.get(row.parent or "")
    return row


def visit_location(state: State, uuid: str | None) -> Location:
    """The same. Raises 500 where there is none."""
    row = surrounding_visit_location(state, uuid)
    if row is None:
        raise server_error("No visit location found for the location")
    return row


def open_visit(state: State, patient: str, place: str | None) -> Visit | None:
    """The patient's visit that is open now, the newest first; at one place if one is named."""
    now = state.now()
    for row in sorted(state.visits_of(patient), key=lambda each: each.start, reverse=True):
        running = row.start <= now and (row.stop is None or row.stop > now)
        if running and not row.voided and place in (None, row.location):
            return row
    return None
