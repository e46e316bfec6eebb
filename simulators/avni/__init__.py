"""A simulated Avni server (external API), after docs/protocols/avni.md.

`AvniStore` is the state and may be filled and read directly; `AvniApp` puts HTTP around it:

    store = AvniStore()
    with Server(AvniApp(store)) as server: ...
"""

from __future__ import annotations

from simulators.avni.app import AvniApp
from simulators.avni.metadata import (
    Concept,
    EncounterType,
    Location,
    Organisation,
    SubjectType,
    User,
)
from simulators.avni.rows import EncounterRow, SubjectRow
from simulators.avni.settings import Settings
from simulators.avni.store import AvniStore

__all__ = [
    "AvniApp",
    "AvniStore",
    "Concept",
    "EncounterRow",
    "EncounterType",
    "Location",
    "Organisation",
    "Settings",
    "SubjectRow",
    "SubjectType",
    "User",
]
