"""Both servers as the people of a history find them: whom they can choose among, and what each number should be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from simulators.avni.rows import EnrolmentRow, SubjectRow, VisitRow
from simulators.bahmni import catalogue
from simulators.bahmni.model import Encounter, Identifier, Obs, Patient
from simulators.history.steps import Step
from simulators.scenario import Scenario, design
from simulators.scenario.clinic import Clinic
from simulators.scenario.correspondence import hospital_concept
from simulators.scenario.fieldwork import Fieldwork

__all__ = ["NotNow", "Place"]

Chosen = TypeVar("Chosen")


class NotNow(Exception):
    """Nothing is there with which this could be done just now."""


@dataclass
class Place:
    """The scenario, and what its people remember beside what stands in the stores."""

    made: Scenario
    numbers: dict[str, str] = field(default_factory=dict)
    """The number a subject or patient has when nobody mistyped it, by uuid; a patient's without the prefix."""

    def __post_init__(self) -> None:
        self.town = self.made.town
        self.avni = self.made.avni
        self.bahmni = self.made.bahmni
        self.pairs = self.made.pairs
        self.fieldwork = Fieldwork(self.town)
        self.clinic = Clinic(self.town)
        for subject in self.subjects():
            self.numbers[subject.uuid] = subject.observations.get(self.pairs.number, "")
        for patient in self.patients():
            self.numbers[patient.uuid] = self.number_of(patient)

    @property
    def random(self) -> Random:
        """What the step in hand draws with."""
        return self.town.random

    def begin(self, step: Step) -> None:
        """Let time pass and draw as this step does."""
        self.town.random = Random(step.number)
        self.town.clock.advance(seconds=61 + self.random.randrange(7200))
        self.bahmni.as_user(catalogue.SUPERMAN_USER)  # who changed what must be told (O85)

    def choose(self, among: Iterable[Chosen]) -> Chosen:
        """One of them. Raises NotNow when there is none."""
        rows = list(among)
        if not rows:
            raise NotNow
        return self.random.choice(rows)

    # -- in Avni: all by uuids that the seed decides ------------------------------------------------------------------

    def subjects(self) -> list[SubjectRow]:
        """Everybody of the type whose subjects are patients, voided ones too."""
        rows = (row for row in self.avni.subjects.values() if row.kind == self.pairs.subject_type)
        return sorted(rows, key=lambda row: row.uuid)

    def live_subjects(self) -> list[SubjectRow]:
        """Those not voided."""
        return [row for row in self.subjects() if not row.voided]

    def visits(self) -> list[VisitRow]:
        """What the field team entered as general or program encounters of the types that travel."""
        general = [row for row in self.avni.encounters.values() if row.kind in self.pairs.visits]
        programs = [row for row in self.avni.program_encounters.values() if row.kind in self.pairs.program_visits]
        return sorted([*general, *programs], key=lambda row: row.uuid)

    def enrolments(self) -> list[EnrolmentRow]:
        """Those the field team entered, voided ones too."""
        rows = (row for row in self.avni.enrolments.values() if row.created_by != self.pairs.avni_user)
        return sorted(rows, key=lambda row: row.uuid)

    def recently(self) -> datetime:
        """A moment of the last two days."""
        return self.town.clock() - timedelta(minutes=self.random.randrange(1, 3000))

    def brought(self) -> list[VisitRow]:
        """What the service wrote into Avni. Its uuids are the server's, so the order is that of what is said in it."""
        both = (*self.avni.encounters.values(), *self.avni.program_encounters.values())
        rows = (row for row in both if row.created_by == self.pairs.avni_user)
        marker = self.pairs.avni_marker
        return sorted(rows, key=lambda row: (str(row.observations.get(marker)), row.kind, str(row.observations)))

    # -- in Bahmni ----------------------------------------------------------------------------------------------------

    def patients(self) -> list[Patient]:
        """Whom the hospital registered, voided ones too."""
        rows = (row for row in self.bahmni.patients.values() if row.audit.creator != self.pairs.hospital.user)
        return sorted(rows, key=lambda row: row.uuid)

    def live_patients(self) -> list[Patient]:
        """Those not voided."""
        return [row for row in self.patients() if not row.voided]

    def community_patients(self) -> list[Patient]:
        """Those not voided with a number of the programme, created by the service or not."""
        rows = (row for row in self.bahmni.patients.values() if not row.voided and self.number_of(row))
        return sorted(rows, key=self.number_of)

    def identifier(self, patient: Patient) -> Identifier:
        """The number that people see. Raises NotNow."""
        rows = [row for row in patient.identifiers if not row.voided]
        return next((row for row in rows if row.preferred), None) or self.choose(rows[:1])

    def number_of(self, patient: Patient) -> str:
        """The number of the programme, without its prefix; the empty text when the patient has none."""
        shown = [row for row in patient.identifiers if row.preferred] or patient.identifiers[:1]
        text = shown[0].identifier if shown else ""
        return text.removeprefix(design.PREFIX) if text.startswith(design.PREFIX) else ""

    def consultations(self) -> list[Encounter]:
        """What clinicians entered, voided ones too."""
        rows = (row for row in self.bahmni.encounters.values() if row.audit.creator != self.pairs.hospital.user)
        return sorted(rows, key=lambda row: row.uuid)

    def live_consultations(self) -> list[Encounter]:
        """Those not voided, of patients that are not voided either."""
        rows = self.consultations()
        return [row for row in rows if not row.voided and not self.bahmni.patients[row.patient].voided]

    def ours(self) -> list[Encounter]:
        """What the service wrote into Bahmni, voided ones too, in the order of the records it stands for."""
        marker, user = self.pairs.hospital.marker, self.pairs.hospital.user
        marked = {row.encounter: str(row.value) for row in self.bahmni.obs.values() if row.concept == marker}
        rows = (row for row in self.bahmni.encounters.values() if row.audit.creator == user and row.uuid in marked)
        return sorted(rows, key=lambda row: marked[row.uuid])

    def live_ours(self) -> list[Encounter]:
        """Those not voided."""
        return [row for row in self.ours() if not row.voided]

    def answers(self, encounter: Encounter) -> list[Obs]:
        """The un-voided answers of an encounter, none of them a group."""
        rows = [row for row in self.bahmni.obs_of(encounter.uuid) if not row.voided and row.value is not None]
        return sorted(rows, key=lambda row: (row.concept, str(row.value), row.moment))

    def tops(self, encounter: Encounter) -> list[Obs]:
        """The forms filled in in an encounter."""
        rows = [row for row in self.bahmni.obs_of(encounter.uuid) if not row.voided and row.group is None]
        return sorted(rows, key=lambda row: (row.concept, row.moment))

    def concept(self, name: str) -> str:
        """The OpenMRS concept of something of the hospital's own."""
        return hospital_concept(self.made.ids, name)
