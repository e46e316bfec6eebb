"""The whole state of a store as one JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

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
    Row,
    SubjectRow,
)
from simulators.avni.settings import Settings
from simulators.avni.table import Table

if TYPE_CHECKING:
    from simulators.avni.store import AvniStore

_ROWS: dict[str, type[Row]] = {
    "subjects": SubjectRow,
    "encounters": EncounterRow,
    "enrolments": EnrolmentRow,
    "program_encounters": ProgramEncounterRow,
    "memberships": MembershipRow,
    "approvals": ApprovalRow,
}


def dump(store: AvniStore) -> dict[str, Any]:
    """Settings, organisations, users and committed rows."""
    tables: dict[str, Table[Any]] = {
        "subjects": store.subject_table,
        "encounters": store.encounter_table,
        "enrolments": store.enrolment_table,
        "program_encounters": store.program_encounter_table,
        "memberships": store.membership_table,
        "approvals": store.approval_table,
    }
    return {
        "settings": asdict(store.settings),
        "organisations": [_dumped(store.organisation(name)) for name in store.organisations],
        "users": [asdict(user) for user in store.users.values()],
    } | {name: [asdict(row) for row in table.rows.values()] for name, table in tables.items()}


def load(store: AvniStore, state: dict[str, Any]) -> None:
    """Add a dumped state. Every part may be missing; unknown fields raise TypeError."""
    if "settings" in state:
        store.settings = Settings(**state["settings"])
    for found in state.get("organisations", []):
        store.organisations[found["name"]] = _organisation(found)
    for user in state.get("users", []):
        store.users[user["username"]] = User(**user)
    for name, kind in _ROWS.items():
        for row in state.get(name, []):
            store.save(kind(**row))


def _dumped(organisation: Organisation) -> dict[str, Any]:
    designed = {
        name: {key: asdict(found) for key, found in getattr(organisation, name).items()}
        for name in (*_DESIGNED, "locations")
    }
    return {"name": organisation.name, "genders": list(organisation.genders)} | designed


_DESIGNED: dict[str, Any] = {
    "concepts": Concept,
    "subject_types": SubjectType,
    "encounter_types": EncounterType,
    "programs": Program,
}


def _organisation(state: dict[str, Any]) -> Organisation:
    designed: dict[str, Any] = {
        name: {key: kind(**found) for key, found in state.get(name, {}).items()} for name, kind in _DESIGNED.items()
    }
    organisation = Organisation(name=state["name"], genders=list(state["genders"]), **designed)
    for place in state.get("locations", {}).values():
        organisation.location_table.install(Location(**place))
    return organisation
