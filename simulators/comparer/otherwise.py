"""Answers of ours that people changed on the other side, and that nothing may be written over.

Worked out from both stores and from what stood in a record when it last said what its source says: what is neither
that, nor what the source says now, and was written by somebody else, is somebody's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from simulators.comparer.expected import (
    Values,
    attribute_values,
    avni_values,
    bahmni_values,
    event_values,
    form_values,
    registration_values,
    visit_values,
)
from simulators.comparer.tables import AvniTables, BahmniTables, Row, live
from simulators.scenario import Correspondence

__all__ = ["EXIT", "Both", "Otherwise"]

EXIT = " exit"
"""Behind the uuid of an enrolment: what its exit is remembered under."""


@dataclass(frozen=True)
class Otherwise:
    """What people say in one encounter of ours. `answers`: what stands there, by question.

    `is_sure`: whether it can be told from what we did ourselves; what was only taken out cannot always.
    """

    encounter: str
    answers: Mapping[str, Values]
    is_sure: bool = True


@dataclass(frozen=True)
class Both:
    """Both stores as they stand, and by uuid of an encounter what it said when it last agreed with its source."""

    avni: AvniTables
    bahmni: BahmniTables
    pairs: Correspondence
    agreed: Mapping[str, Values]

    # -- from Avni ----------------------------------------------------------------------------------------------------

    def wanted(self, record: str) -> Values:
        """What the encounter of Bahmni that stands for a record of Avni must say; nothing when there must be none."""
        here, pairs = self.avni, self.pairs
        if row := here.subjects.get(record):
            return Counter() if row["voided"] else registration_values(row, pairs)
        if row := here.encounters.get(record) or here.program_encounters.get(record):
            if row["voided"] or row["encounter_ms"] is None:
                return Counter()
            return visit_values(row, self.bahmni.day_of_ms(row["encounter_ms"]), pairs)
        row = here.enrolments[record.removesuffix(EXIT)]
        event, said = ("Exit", "exit_observations") if record.endswith(EXIT) else ("Enrolment", "observations")
        moment = row["exit_ms" if event == "Exit" else "enrolment_ms"]
        if row["voided"] or moment is None:
            return Counter()
        return event_values(row, event, row[said], self.bahmni.day_of_ms(moment), pairs)

    def said_in_bahmni(self, encounter: str) -> Values:
        """What a live encounter of ours says to the questions we speak for."""
        return bahmni_values(self._ours_in(encounter), self.pairs)

    def in_bahmni(self, record: str, encounter: str) -> Otherwise | None:
        """What people changed in the encounter that stands for a record of Avni; None for nothing."""
        row = self.bahmni.encounters[encounter]
        if row["voided"]:
            return None
        wanted, left = self.wanted(record), self.agreed.get(encounter, Counter())
        leaves = self._ours_in(encounter)
        there = bahmni_values(leaves, self.pairs)
        found: dict[str, Values] = {}
        is_sure = False
        for concept in {concept for concept, _ in (*wanted, *there, *left)} - {self.pairs.hospital.marker}:
            now, before = _of(there, concept), _of(left, concept)
            if now == _of(wanted, concept):
                continue
            added = [
                leaf
                for leaf in leaves
                if leaf["concept"] == concept and not bahmni_values([leaf], self.pairs).keys() <= before.keys()
            ]
            if added and any(self.bahmni.author(leaf) != self.pairs.hospital.user for leaf in added):
                found[concept], is_sure = now, True
            elif not added and not before.keys() <= now.keys() and wanted:
                found[concept] = now
                is_sure = is_sure or row["audit"]["changed_by"] not in (None, self.pairs.hospital.user)
        return Otherwise(encounter, found, is_sure) if found else None

    def _ours_in(self, encounter: str) -> list[Row]:
        ours, partners = self.pairs.hospital, (*self.pairs.questions.values(), *self.pairs.demographics.values())
        asked = {ours.marker, ours.event_date, ours.program_data, *(partner.uuid for partner in partners)}
        return [leaf for leaf in self.bahmni.leaves_of(encounter) if leaf["concept"] in asked]

    # -- from Bahmni --------------------------------------------------------------------------------------------------

    def parts(self, row: Row) -> list[Values]:
        """What encounters of Avni of that type that stand for the same record of Bahmni must say, one each."""
        record = row["observations"].get(self.pairs.avni_marker)
        if patient := self.bahmni.patients.get(record):
            person = self.bahmni.persons[record]
            return [] if patient["voided"] else [attribute_values(person, record, self.pairs)]
        encounter = self.bahmni.encounters.get(record)
        if encounter is None or encounter["voided"]:
            return []
        tops = (top for top in live(self.bahmni.obs_of(record)) if top["group"] is None)
        tops = (top for top in tops if self.pairs.forms.get(top["concept"]) == row["kind"])
        return [form_values(self.bahmni.leaves_below(top), record, self.pairs) for top in tops]

    def part(self, row: Row) -> Values:
        """What an encounter of Avni must say; nothing when its form is not filled in so often any more."""
        place = self._places[row["uuid"]]
        return dict(enumerate(self.parts(row))).get(place, Counter())

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """By uuid of an encounter of Avni: for which time it stands that the form was filled in, from nought.

        Those of one form stand in the order of their making for the times.
        """
        places: dict[str, int] = {}
        seen = Counter[tuple[str, str]]()
        for row in sorted(self.brought(), key=lambda row: int(row["seq"])):
            form = row["kind"], str(row["observations"][self.pairs.avni_marker])
            places[row["uuid"]] = seen[form]
            seen[form] += 1
        return places

    def said_in_avni(self, row: Row) -> Values:
        """What an encounter of Avni says to the questions that the hospital speaks for."""
        partners = (*self.pairs.attributes.values(), *self.pairs.hospital_questions.values())
        asked = {self.pairs.avni_marker, *(partner.uuid for partner in partners)}
        said = {concept: value for concept, value in row["observations"].items() if concept in asked}
        return avni_values(said, self.pairs)

    def in_avni(self, row: Row) -> Otherwise | None:
        """What people changed in an encounter of Avni that stands for something of Bahmni; None for nothing.

        Where a form was filled in twice nobody can be sure which is meant. What they only took out is nothing that a
        void could take along.
        """
        if row["voided"] or row["modified_by"] == self.pairs.avni_user:
            return None
        wanted, there, left = self.part(row), self.said_in_avni(row), self.agreed.get(row["uuid"], Counter())
        concepts = {concept for concept, _ in (*there, *wanted)} - {self.pairs.avni_marker}
        found = {
            concept: _of(there, concept)
            for concept in concepts
            if _of(there, concept) not in (_of(wanted, concept), _of(left, concept))
        }
        return Otherwise(row["uuid"], found, is_sure=len(self.parts(row)) < 2) if found else None

    # -- both ---------------------------------------------------------------------------------------------------------

    def brought(self) -> Iterator[Row]:
        """Encounters of Avni that stand for something of Bahmni."""
        rows = self.avni.visits.values()
        return (row for row in rows if row["observations"].get(self.pairs.avni_marker))


def _of(values: Values, concept: str) -> Values:
    return Counter({one: number for one, number in values.items() if one[0] == concept})
