"""Both stores as the oracle looks things up in them, with what was seen on the way. Nothing is decided here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher

from simulators.comparer import Memory
from simulators.comparer.findings import State
from simulators.comparer.otherwise import Both, Otherwise
from simulators.comparer.tables import AvniTables, BahmniTables, Row, live
from simulators.scenario import Scenario, design, forms
from simulators.scenario.correspondence import hospital_concept

__all__ = ["Facts", "Stuck"]

LIKENESS, YEARS = 0.7, 2
"""What a tenant is given at first: how alike names must be, and by how many years births may differ."""

_GENDERS = {"Female": "F", "Male": "M", "Other": "U"}


@dataclass(frozen=True)
class Stuck:
    """A record that does not get through. `is_told`: the service must have an open error for it, else it may have one.

    `holds_others`: what hangs on it waits, too, although it once got through itself.
    """

    stream: str
    uuid: str
    why: str
    is_told: bool = True
    holds_others: bool = False


class Facts:
    """What two stores tell of each other."""

    def __init__(self, avni: State, bahmni: State, memory: Memory, made: Scenario) -> None:
        """`avni`, `bahmni`: what both stores dumped now; `memory`: see there."""
        self.pairs = made.pairs
        self.ours = made.pairs.hospital
        self.avni = AvniTables(avni, self.pairs.organisation)
        self.bahmni = BahmniTables(bahmni)
        self.memory = memory
        self._unmapped = {
            *(made.ids("avni", "concept", name) for name in (*design.UNMAPPED_ANSWERS, *forms.UNMAPPED_VISIT_ANSWERS)),
            *(made.ids("bahmni", "concept", name) for name in design.UNMAPPED_ATTRIBUTE_ANSWERS),
            *(hospital_concept(made.ids, name) for name in forms.UNMAPPED_HOSPITAL_ANSWERS),
        }
        self.both = Both(self.avni, self.bahmni, self.pairs, memory.agreed)
        self.marks: dict[str, list[Row]] = defaultdict(list)
        """Encounters of Avni by the marker they carry, those of a type in the order of their making."""
        for row in sorted(self.avni.visits.values(), key=lambda row: int(row["seq"])):
            self.marks[str(row["observations"].get(self.pairs.avni_marker))].append(row)

    # -- Avni ---------------------------------------------------------------------------------------------------------

    def number(self, subject: Row) -> str:
        """A subject's number as it stands in Avni; the empty text for none."""
        return str(subject["observations"].get(self.pairs.number) or "")

    def comes_later(self, subject: Row) -> bool:
        """Whether somebody else who is not voided was registered earlier with a subject's number."""
        rivals = self.avni.with_number(self.pairs.number, self.number(subject), self.pairs.subject_type)
        place = (subject["created_ms"], subject["uuid"])
        return any((rival["created_ms"], rival["uuid"]) < place for rival in rivals)

    def is_program(self, program: str) -> bool:
        """Whether the enrolments of a program travel."""
        return program in self.pairs.programs

    def says_the_unmapped(self, row: Row) -> bool:
        """Whether a record of Avni gives an answer without a partner. What stands in groups is not mapped at all."""
        lists = [given if isinstance(given, list) else [given] for given in row["observations"].values()]
        return any(one in self._unmapped for given in lists for one in given if isinstance(one, str))

    def is_voided_by_people(self, row: Row) -> bool:
        """Whether a person voided an encounter of ours in Avni."""
        return bool(row["voided"] and row["modified_by"] != self.pairs.avni_user)

    # -- Bahmni -------------------------------------------------------------------------------------------------------

    def holders(self, number: str) -> list[str]:
        """Patients who carry a number."""
        return self.bahmni.with_identifier(self.ours.identifier_type, self.pairs.prefix + number)

    def registrations(self, patient: str) -> list[Row]:
        """Their registrations that are not voided, whosoever they are."""
        rows = live(self.bahmni.encounters.values())
        return [row for row in rows if row["patient"] == patient and row["type"] == self.ours.encounter_type]

    def is_standing(self, record: str) -> bool:
        """Whether an encounter of Bahmni that is not voided stands for a record of Avni."""
        filed = self.memory.filed.get(record)
        return filed is not None and not self.bahmni.encounters[filed.encounter]["voided"]

    def is_voided_by_us(self, encounter: str) -> bool:
        """Whether it is, and it was the service who did it."""
        row = self.bahmni.encounters[encounter]
        return bool(row["voided"] and row["audit"]["voided_by"] == self.ours.user)

    def is_shared(self, encounter: str) -> bool:
        """Whether people wrote beside our form in an encounter."""
        rows = live(self.bahmni.obs_of(encounter))
        return any(row["group"] is None and self.bahmni.author(row) != self.ours.user for row in rows)

    def what_became_of(self, patient: str, number: str) -> str:
        """Why nothing of a patient who had this number may be written; empty when it may."""
        row = self.bahmni.patients[patient]
        if row["voided"]:
            return "is of a patient who is voided"
        numbers = {one["identifier"] for one in live(row["identifiers"])}
        return "" if self.pairs.prefix + number in numbers else "is of a patient who has another number now"

    def who_took_it(self, encounter: str, patient: str, number: str) -> str:
        """Why an encounter of ours may not be written to; empty when it may."""
        if self.bahmni.encounters[encounter]["voided"] and not self.is_voided_by_us(encounter):
            return "was voided in Bahmni by a person"
        return self.what_became_of(patient, number)

    def has_the_unmapped(self, patient: str) -> bool:
        """Whether an attribute of a patient has a value without a partner."""
        attributes = live(self.bahmni.persons[patient]["attributes"])
        return any(row["value"] in self._unmapped for row in attributes)

    def forms_in(self, encounter: str) -> list[Row]:
        """The mapped forms filled in in an encounter."""
        rows = live(self.bahmni.obs_of(encounter))
        return [row for row in rows if row["group"] is None and row["concept"] in self.pairs.forms]

    def holds_the_unmapped(self, encounter: str) -> bool:
        """Whether a mapped form gives an answer without a partner."""
        leaves = (leaf for top in self.forms_in(encounter) for leaf in self.bahmni.leaves_below(top))
        return any(leaf["value"] in self._unmapped for leaf in leaves)

    def answered_otherwise(self, record: str) -> Otherwise | None:
        """What people changed in the encounter of Bahmni that stands for a record of Avni; None for nothing."""
        filed = self.memory.filed.get(record)
        return self.both.in_bahmni(record, filed.encounter) if filed else None

    # -- both ---------------------------------------------------------------------------------------------------------

    def are_alike(self, subject: Row, patient: str) -> bool:
        """Whether both may be one person: name, birth year and gender."""
        person = self.bahmni.persons[patient]
        name = next(live(person["names"]), None)
        if name is None:
            return False
        names = (f"{subject['first_name']} {subject['last_name']}", f"{name['given_name']} {name['family_name']}")
        one, other = (" ".join(sorted(text.casefold().split())) for text in names)
        years = [int(text[:4]) for text in (subject["date_of_birth"], person["birthdate"]) if text]
        letters = {_GENDERS.get(subject["gender"], ""), person["gender"]}
        return (
            SequenceMatcher(None, one, other).ratio() >= LIKENESS
            and max(years) - min(years) <= YEARS
            and (len(letters) == 1 or letters == {"U", "O"})
        )
