"""The dumped states as tables that can be looked up. Nothing is judged here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulators.comparer.findings import State

__all__ = ["AvniTables", "BahmniTables", "Row"]

Row = dict[str, Any]


class AvniTables:
    """Subjects, their encounters and enrolments of one organisation."""

    def __init__(self, state: State, organisation: str) -> None:
        """Read a dumped state."""
        self.subjects = _by_uuid(_of(state["subjects"], organisation))
        self.encounters = _by_uuid(_of(state["encounters"], organisation))
        self.enrolments = _by_uuid(_of(state["enrolments"], organisation))
        self.program_encounters = _by_uuid(_of(state["program_encounters"], organisation))
        of_enrolments = {uuid: row["subject"] for uuid, row in self.enrolments.items()}
        in_programs = ({**row, "subject": of_enrolments[row["enrolment"]]} for row in self.program_encounters.values())
        self.visits = {**self.encounters, **_by_uuid(in_programs)}
        """Encounters of either kind, each with its subject."""
        self._numbered: dict[str, dict[Any, list[Row]]] = {}

    def subject_of(self, record: str) -> Row:
        """Whose a record of any kind is, by its uuid; of a subject itself. Raises KeyError."""
        if record in self.subjects:
            return self.subjects[record]
        if record in self.program_encounters:
            record = self.program_encounters[record]["enrolment"]
        row = self.enrolments.get(record) or self.encounters[record]
        return self.subjects[row["subject"]]

    def with_number(self, concept: str, number: str, kind: str) -> list[Row]:
        """Un-voided subjects of a type that carry the number."""
        if concept not in self._numbered:
            self._numbered[concept] = defaultdict(list)
            for row in live(self.subjects.values()):
                self._numbered[concept][row["observations"].get(concept)].append(row)
        return [row for row in self._numbered[concept][number] if row["kind"] == kind]


class BahmniTables:
    """The rows of a hospital."""

    def __init__(self, state: State) -> None:
        """Read a dumped state."""
        self.zone = ZoneInfo(state["settings"]["zone_name"])
        self.patients = _by_uuid(state["patients"])
        self.persons = _by_uuid(state["persons"])
        self.visits = _by_uuid(state["visits"])
        self.encounters = _by_uuid(state["encounters"])
        self.obs = _by_uuid(state["obs"])
        self._obs_of: dict[str, list[Row]] = defaultdict(list)
        for row in state["obs"]:
            self._obs_of[row["encounter"] or ""].append(row)
        self._holders: dict[tuple[str, str], list[str]] = defaultdict(list)
        for patient in live(state["patients"]):
            for identifier in live(patient["identifiers"]):
                self._holders[identifier["type"], identifier["identifier"]].append(patient["uuid"])

    def with_identifier(self, kind: str, identifier: str) -> list[str]:
        """Uuids of the un-voided patients that carry it."""
        return list(dict.fromkeys(self._holders[kind, identifier]))

    def obs_of(self, encounter: str) -> list[Row]:
        """All observations of an encounter, voided ones too."""
        return self._obs_of[encounter]

    def author(self, row: Row) -> str | None:
        """Uuid of the user who said what an observation says: moving an encounter writes all of its rows anew."""
        before = self.obs.get(row["previous_version"] or "")
        while before and (before["concept"], before["value"]) == (row["concept"], row["value"]):
            row, before = before, self.obs.get(before["previous_version"] or "")
        return creator(row)

    def leaves_of(self, encounter: str) -> list[Row]:
        """The un-voided observations of an encounter that are nobody's group."""
        rows = list(live(self.obs_of(encounter)))
        groups = {row["group"] for row in rows}
        return [row for row in rows if row["uuid"] not in groups]

    def leaves_below(self, group: Row) -> Iterator[Row]:
        """The un-voided observations below a group, at any depth, that are nobody's group; itself without members."""
        members = [row for row in live(self.obs_of(group["encounter"])) if row["group"] == group["uuid"]]
        if not members:
            yield group
        for member in members:
            yield from self.leaves_below(member)

    def value_of(self, encounter: str, concept: str) -> set[Any]:
        """Values an encounter holds, or held before it was voided, for a concept."""
        voided = self.encounters[encounter]["voided"]
        return {row["value"] for row in self.obs_of(encounter) if row["concept"] == concept and row["voided"] == voided}

    def preferred_identifier(self, patient: Row) -> str:
        """The number people see."""
        rows = list(live(patient["identifiers"]))
        chosen = [row for row in rows if row["preferred"]] or rows[:1]
        return str(chosen[0]["identifier"]) if chosen else ""

    def day(self, moment: str) -> str:
        """The calendar day of a stored moment, in the hospital's zone."""
        return datetime.fromisoformat(moment).astimezone(self.zone).date().isoformat()

    def day_of_ms(self, moment: int) -> str:
        """The calendar day of milliseconds since 1970, in the hospital's zone."""
        return datetime.fromtimestamp(moment / 1000, self.zone).date().isoformat()


def live(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows that are not voided."""
    return (row for row in rows if not row["voided"])


def creator(row: Row) -> str | None:
    """Uuid of the user who made a row of the hospital."""
    made_by: str | None = row["audit"]["creator"]
    return made_by


def _of(rows: Iterable[Row], organisation: str) -> Iterator[Row]:
    return (row for row in rows if row["organisation"] == organisation)


def _by_uuid(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["uuid"]: row for row in rows}
