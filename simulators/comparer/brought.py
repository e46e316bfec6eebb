"""One of our encounters in Avni: whose it is, when it took place, with which answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from simulators.comparer.expected import Values, avni_values, differences
from simulators.comparer.findings import Finding
from simulators.comparer.memory import Memory
from simulators.comparer.tables import AvniTables, BahmniTables, Row
from simulators.scenario import Correspondence

__all__ = ["Field"]


class Field:
    """Avni before and after, and the hospital it is compared with."""

    def __init__(
        self, before: AvniTables, after: AvniTables, bahmni: BahmniTables, pairs: Correspondence, memory: Memory
    ) -> None:
        """`pairs`: of the scenario; `memory`: what was seen on the way."""
        self.memory = memory
        self.before = before
        self.after = after
        self.bahmni = bahmni
        self.pairs = pairs
        self._marked: dict[str, list[Row]] = {}
        for row in after.visits.values():
            if isinstance(value := row["observations"].get(pairs.avni_marker), str):
                self._marked.setdefault(value, []).append(row)

    def marked(self, record: str) -> list[Row]:
        """Encounters that stand for a record of Bahmni, voided ones too."""
        return self._marked.get(record, [])

    def subject_of(self, patient: Row, in_error: Collection[str]) -> Row | None:
        """The one subject the patient belongs to; None when there must be nothing of the patient in Avni."""
        identifier, prefix = self.bahmni.preferred_identifier(patient), self.pairs.prefix
        if patient["voided"] or patient["uuid"] in in_error or not identifier.startswith(prefix):
            return None
        number = identifier.removeprefix(prefix)
        subjects = self.after.with_number(self.pairs.number, number, self.pairs.subject_type)
        placed = self.memory.placed.get(patient["uuid"])
        if placed:  # somebody else who is given the number later takes nothing away
            return next((row for row in subjects if row["uuid"] == placed.subject), None)
        return subjects[0] if len(subjects) == 1 else None

    def judge(
        self, who: str, encounter: Row, subject: Row, held_ms: int, wanted: Values, managed: Collection[str]
    ) -> Iterator[Finding]:
        """Everything about an un-voided encounter but its type. `managed`: concepts of Avni the hospital speaks for."""
        if encounter["subject"] != subject["uuid"]:
            yield Finding("wrong-subject", who, "its encounter hangs on another subject")
        known = self.before.visits.get(encounter["uuid"], {"observations": {}})["observations"]
        known = known.keys() | self.memory.asides.get(encounter["uuid"], frozenset())
        # Another concept belongs to the field team, unless it came with us.
        there = {
            concept: value
            for concept, value in encounter["observations"].items()
            if concept in managed or concept == self.pairs.avni_marker or concept not in known
        }
        for kind, concept in differences(wanted, avni_values(there, self.pairs)):
            yield Finding(kind, who, f"concept {concept}")
        program = self.pairs.in_programs.get(encounter["kind"])
        if program and self.after.enrolments[encounter["enrolment"]]["kind"] != program:
            yield Finding("wrong-program", who, "its encounter stands in an enrolment of another program")
        elif program and encounter["enrolment"] not in self._enrolments(encounter):
            yield Finding("wrong-enrolment", who, "its encounter stands in an enrolment that was not the nearest")
        if encounter["encounter_ms"] != held_ms:
            yield Finding("date-wrong", who, "the time of its encounter")
        if encounter["cancel_ms"] is not None or encounter["cancel_observations"]:
            yield Finding("cancelled", who, "its encounter is cancelled")

    def _enrolments(self, encounter: Row) -> Collection[str]:
        """Those it may stand in: what was nearest when it was first seen; any when nobody looked then."""
        return self.memory.enrolments.get(encounter["uuid"], {encounter["enrolment"]})
