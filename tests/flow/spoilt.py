"""Records as no server should show them: what a test does to an answer on its way to us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SECRET = "Zarina Qureshi"
"""What every spoilt record says somewhere, and no log, error or page may."""

Spoil = Callable[[dict[str, Any]], Any]


def saying(**observations: Any) -> Spoil:
    """The record with these observations, names with spaces."""
    said = {name.replace("_", " "): value for name, value in observations.items()}
    return lambda row: row["observations"].update(said)


def having(**fields: Any) -> Spoil:
    """The record with these fields, names with spaces."""
    return lambda row: row.update({name.replace("_", " "): value for name, value in fields.items()})


def without(field: str) -> Spoil:
    """The record that lacks this field."""
    return lambda row: row.pop(field)
