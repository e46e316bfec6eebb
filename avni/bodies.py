"""What a body needs before it is sent.

Without it the server fails, or takes the body for something else (avni.md A13 to A17, A30, A48). Each function raises
ValueError, naming the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ENCOUNTER_MAPS", "ENROLMENT_MAPS", "check_one_state", "check_replacement", "check_upsert"]

ENCOUNTER_MAPS = ("observations", "cancelObservations")
ENROLMENT_MAPS = ("observations", "exitObservations")


def check_upsert(kind: str, body: Mapping[str, Any], maps: tuple[str, str]) -> None:
    """A body that creates a record or replaces the one with its External ID; `kind`: how it is called in the error."""
    external_id = body.get("External ID")
    if not isinstance(external_id, str) or not external_id or external_id != external_id.strip():
        raise ValueError(f"{kind} needs an External ID without space around it")
    check_replacement(kind, body, maps)


def check_replacement(kind: str, body: Mapping[str, Any], maps: tuple[str, str]) -> None:
    """A body that replaces all of a record found by its identifier."""
    if not all(isinstance(body.get(key), Mapping) for key in maps):
        raise ValueError(f"{kind} needs {maps[0]} and {maps[1]}, even when empty")
    if body.get("Voided") not in (True, False):
        raise ValueError(f"{kind} needs Voided: without it the server would bring a voided one back")


def check_one_state(body: Mapping[str, Any]) -> None:
    """A program encounter cannot be both held and cancelled: the server would answer as to a race, with a 409."""
    if body.get("Encounter date time") and body.get("Cancel date time"):
        raise ValueError("a program encounter needs one of Encounter date time and Cancel date time, not both")
