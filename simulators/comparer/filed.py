"""One of our encounters in the hospital: by whom, where and when it stands, under which form, with which answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from simulators.comparer.expected import Values, bahmni_values, differences
from simulators.comparer.findings import Finding
from simulators.comparer.memory import Memory
from simulators.comparer.tables import BahmniTables, Row, live
from simulators.scenario import Correspondence

__all__ = ["Hospital", "Wanted"]


@dataclass(frozen=True)
class Wanted:
    """What an encounter must be: uuids of its type and form, its record's day in the hospital's zone, its values."""

    encounter_type: str
    form: str
    day: str
    values: Values


class Hospital:
    """The hospital before and after, and which of its questions we answer for."""

    def __init__(self, before: BahmniTables, after: BahmniTables, pairs: Correspondence, memory: Memory) -> None:
        """`pairs`: of the scenario; `memory`: what was seen on the way."""
        self.memory = memory
        self.before = before
        self.after = after
        self.ours = pairs.hospital
        self.pairs = pairs
        partners = (*pairs.questions.values(), *pairs.demographics.values())
        self.answered_for = {partner.uuid for partner in partners} | {
            self.ours.marker, self.ours.event_date, self.ours.program_data,
        }  # fmt: skip
        self._marked: dict[str, list[Row]] = {}
        for row in after.encounters.values():
            for value in after.value_of(row["uuid"], self.ours.marker):
                self._marked.setdefault(value, []).append(row)

        self._visits: dict[str, list[Row]] = {}
        for visit in live(after.visits.values()):
            for attribute in live(visit["attributes"]):
                if attribute["type"] == self.ours.visit_marker:
                    self._visits.setdefault(attribute["value"], []).append(visit)

    def visits_for(self, record: str) -> list[Row]:
        """The visits that were opened for a record of Avni, voided ones left out."""
        return self._visits.get(record, [])

    def marked(self, record: str) -> list[Row]:
        """Encounters that speak for a record of Avni, voided ones too."""
        return self._marked.get(record, [])

    def judge(self, who: str, encounter: Row, wanted: Wanted) -> Iterator[Finding]:
        """Everything about an un-voided encounter but whose it is and which visit it stands in."""
        if encounter["type"] != wanted.encounter_type:
            yield Finding("type-wrong", who, "the type of its encounter")
        roles = [(row["provider"], row["role"]) for row in live(encounter["providers"])]
        if roles != [(self.ours.provider, self.ours.role)]:
            yield Finding("provider-wrong", who, "provider or role of its encounter")
        if encounter["location"] != self.ours.location:
            yield Finding("location-wrong", who, "place of its encounter")
        yield from self._grouping(who, encounter, wanted.form)
        yield from self._values(who, encounter, wanted.values)

    def place_in_time(self, who: str, encounter: Row, visit: Row, wanted: Wanted) -> Iterator[Finding]:
        """It stands inside its visit, on the record's day or, if the visit began later, on the first of the visit."""
        moment, start = (datetime.fromisoformat(text) for text in (encounter["moment"], visit["start"]))
        stop = datetime.fromisoformat(visit["stop"]) if visit["stop"] else None
        if moment < start or (stop and moment > stop):
            yield Finding("outside-visit", who, "its encounter lies outside its visit")
        if encounter == self.before.encounters.get(encounter["uuid"]):
            return  # the date was judged when it was written
        if self.after.day(encounter["moment"]) != max(wanted.day, self.after.day(visit["start"])):
            yield Finding("date-wrong", who, "the day of its encounter")

    def _grouping(self, who: str, encounter: Row, form: str) -> Iterator[Finding]:
        """Every answer stands in the one form group."""
        rows = list(live(self.after.obs_of(encounter["uuid"])))
        tops = [row for row in rows if row["group"] is None and self.after.author(row) == self.ours.user]
        forms = [row for row in rows if row["group"] is None and row["concept"] == form]
        if len(forms) != 1 or any(row["concept"] != form for row in tops):
            yield Finding("form-wrong", who, f"{len(forms)} form groups, {len(tops)} of our observations at the top")
        if any(row["person"] != encounter["patient"] for row in rows):
            yield Finding("wrong-patient", who, "an observation of its encounter belongs to another person")

    def _values(self, who: str, encounter: Row, wanted: Values) -> Iterator[Finding]:
        # Another concept belongs to the hospital, unless it was us who wrote it.
        leaves = [
            row
            for row in self.after.leaves_of(encounter["uuid"])
            if row["concept"] in self.answered_for or self.after.author(row) == self.ours.user
        ]
        for kind, concept in differences(wanted, bahmni_values(leaves, self.pairs)):
            yield Finding(kind, who, f"concept {concept}")
