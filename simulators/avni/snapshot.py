"""The whole state of a store as one JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from simulators.avni.store import AvniStore


def dump(store: AvniStore) -> dict[str, Any]:
    """Settings, organisations, users and committed rows."""
    return {
        "settings": asdict(store.settings),
        "organisations": [asdict(found) for found in store.organisations.values()],
        "users": [asdict(user) for user in store.users.values()],
        "subjects": [asdict(row) for row in store.subjects.values()],
        "encounters": [asdict(row) for row in store.encounters.values()],
    }


def load(store: AvniStore, state: dict[str, Any]) -> None:
    """Add a dumped state. Every part may be missing; unknown fields raise TypeError."""
    if "settings" in state:
        store.settings = Settings(**state["settings"])
    for found in state.get("organisations", []):
        store.organisations[found["name"]] = _organisation(found)
    for user in state.get("users", []):
        store.users[user["username"]] = User(**user)
    for row in state.get("subjects", []):
        store.save_subject(SubjectRow(**row))
    for row in state.get("encounters", []):
        store.save_encounter(EncounterRow(**row))


def _organisation(state: dict[str, Any]) -> Organisation:
    designed: dict[str, Any] = {
        name: {key: kind(**found) for key, found in state[name].items()}
        for name, kind in (
            ("concepts", Concept),
            ("subject_types", SubjectType),
            ("encounter_types", EncounterType),
            ("locations", Location),
        )
    }
    return Organisation(name=state["name"], genders=list(state["genders"]), **designed)
