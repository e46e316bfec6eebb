"""A part of an encounter of the hospital: what becomes one record in Avni, and the key it is known by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Part:
    """One form filled in: what its encounter in Avni should hold, the marker among it.

    `key` is the form's uuid; a form filled in again is `<uuid>#2` and so on, in the order OpenMRS shows them (that of
    their creation). An edit inside a form leaves the keys alone; taking one of several away moves those behind it up.
    """

    key: str
    encounter_type: str
    observations: Mapping[str, Any]


def place(key: str) -> tuple[str, int]:
    """Sorts part keys: by form, then by how often it was filled in."""
    form, _, again = key.partition("#")
    return form, int(again or 1)
