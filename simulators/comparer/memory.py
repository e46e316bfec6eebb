"""What stood for what, and under which number, when it was first seen: read from both stores after every look."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

from simulators.comparer.expected import Values
from simulators.comparer.findings import State
from simulators.comparer.otherwise import EXIT, Both
from simulators.comparer.tables import AvniTables, BahmniTables, Row, creator, live
from simulators.scenario import Correspondence

__all__ = ["Filed", "Memory", "Placed", "exit_of"]


@dataclass(frozen=True)
class Filed:
    """An encounter of Bahmni that stands for a record of Avni: of whom, and the number of its subject at that time.

    `person` is the row of the patient's person then.
    """

    encounter: str
    patient: str
    number: str
    person: Row


@dataclass(frozen=True)
class Placed:
    """Where in Avni a patient of Bahmni was registered: at which subject, and the patient's number at that time."""

    subject: str
    number: str


def exit_of(enrolment: str) -> str:
    """Under what the exit of an enrolment is remembered."""
    return f"{enrolment}{EXIT}"


@dataclass
class Memory:
    """Fills as time goes by; what it once noted stays."""

    pairs: Correspondence
    filed: dict[str, Filed] = field(default_factory=dict)
    """By uuid of the record of Avni; see `exit_of` for exits."""
    placed: dict[str, Placed] = field(default_factory=dict)
    """By uuid of the patient."""
    asides: dict[str, frozenset[str]] = field(default_factory=dict)
    """Questions that people answered in an encounter of Avni, by its uuid; one that we brought among them."""
    enrolments: dict[str, frozenset[str]] = field(default_factory=dict)
    """By uuid of a program encounter that we brought: the enrolments that were nearest when it was first seen."""
    agreed: dict[str, Values] = field(default_factory=dict)
    """By uuid of an encounter of ours on either side: what it said when it last said what its source says."""

    def key(self, record: str, encounter: Row, avni: AvniTables) -> str:
        """By which an encounter of Bahmni is remembered: two of them stand for one enrolment."""
        kind = avni.enrolments[record]["kind"] if record in avni.enrolments else None
        if kind is None or encounter["type"] != self.pairs.programs[kind].exit.encounter_type:
            return record
        return exit_of(record)

    def patients(self) -> set[str]:
        """Everybody of whom something of ours stood at any time."""
        return {filed.patient for filed in self.filed.values()}

    def ask(self, avni: State) -> None:
        """Avni before a look of the service: whatever stands in an encounter then may stay there."""
        for row in AvniTables(avni, self.pairs.organisation).visits.values():
            known = self.asides.get(row["uuid"], frozenset())
            self.asides[row["uuid"]] = known | row["observations"].keys()

    def note(self, avni: State, bahmni: State) -> None:
        """Both stores as a look of the service left them."""
        there, here = BahmniTables(bahmni), AvniTables(avni, self.pairs.organisation)
        ours = self.pairs.hospital
        for row in live(there.encounters.values()):
            if creator(row) != ours.user:
                continue
            for record in there.value_of(row["uuid"], ours.marker):
                if self.key(record, row, here) not in self.filed:
                    owner = here.subject_of(record)
                    number = str(owner["observations"].get(self.pairs.number) or "")
                    person = deepcopy(there.persons[row["patient"]])
                    self.filed[self.key(record, row, here)] = Filed(
                        row["uuid"], row["patient"], number, person
                    )  # fmt: skip
        for row in live(here.encounters.values()):
            patient = row["observations"].get(self.pairs.avni_marker)
            if row["kind"] == self.pairs.hospital_registration and patient in there.patients:
                number = there.preferred_identifier(there.patients[patient]).removeprefix(self.pairs.prefix)
                self.placed.setdefault(patient, Placed(row["subject"], number))
        for row in here.program_encounters.values():
            if row["created_by"] == self.pairs.avni_user and row["uuid"] not in self.enrolments:
                self.enrolments[row["uuid"]] = nearest(row, here, there)
        self._note_what_agrees(Both(here, there, self.pairs, self.agreed))

    def _note_what_agrees(self, both: Both) -> None:
        for record, filed in self.filed.items():
            if not both.bahmni.encounters[filed.encounter]["voided"]:
                said = both.said_in_bahmni(filed.encounter)
                if said == both.wanted(record):
                    self.agreed[filed.encounter] = said
        for row in both.brought():
            if not row["voided"] and (said := both.said_in_avni(row)) == both.part(row):
                self.agreed[row["uuid"]] = said


def nearest(visit: Row, avni: AvniTables, bahmni: BahmniTables) -> frozenset[str]:
    """Where a program encounter belongs: an enrolment that was open on its day, else any; the one that began nearest.

    Of the same subject, in the same program as the one it stands in; several that began equally near.
    """
    stands, held = avni.enrolments[visit["enrolment"]], visit["encounter_ms"]
    day = bahmni.day_of_ms(held)

    def is_open(row: Row) -> bool:
        has_ended = row["exit_ms"] is not None and bahmni.day_of_ms(row["exit_ms"]) < day
        return bahmni.day_of_ms(row["enrolment_ms"]) <= day and not has_ended

    there = [
        row
        for row in live(avni.enrolments.values())
        if (row["subject"], row["kind"]) == (stands["subject"], stands["kind"])
    ]
    fitting = list(filter(is_open, there)) or there
    least = min((abs(row["enrolment_ms"] - held) for row in fitting), default=0)
    return frozenset(row["uuid"] for row in fitting if abs(row["enrolment_ms"] - held) == least)
