"""What stood for what, and under which number, when it was first seen: read from both stores after every look."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

from simulators.comparer.findings import State
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
    return f"{enrolment} exit"


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
