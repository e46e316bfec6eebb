"""A simulated Avni server (external API), after docs/protocols/avni.md.

`AvniStore` is the state and may be filled and read directly; `AvniApp` puts HTTP around it:

    store = AvniStore()
    with Server(AvniApp(store)) as server: ...

`IdentityApp` is Amazon Cognito and Keycloak beside it, at an address of its own.
"""

from __future__ import annotations

from simulators.avni.app import AvniApp
from simulators.avni.identity.app import IdentityApp
from simulators.avni.metadata import (
    Concept,
    EncounterType,
    Organisation,
    Program,
    SubjectType,
    User,
)
from simulators.avni.rows import (
    ApprovalRow,
    EncounterRow,
    EnrolmentRow,
    Location,
    MembershipRow,
    ProgramEncounterRow,
    SubjectRow,
)
from simulators.avni.settings import Settings
from simulators.avni.store import AvniStore

__all__ = [
    "ApprovalRow",
    "AvniApp",
    "AvniStore",
    "Concept",
    "EncounterRow",
    "EncounterType",
    "EnrolmentRow",
    "IdentityApp",
    "Location",
    "MembershipRow",
    "Organisation",
    "Program",
    "ProgramEncounterRow",
    "Settings",
    "SubjectRow",
    "SubjectType",
    "User",
]
