"""A clinic in the small world: forms both systems know, and clinicians who fill them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulators.bahmni import catalogue, encounters
from simulators.bahmni.model import Obs
from tests.flow.world import World

VITALS, HISTORY = "Vitals (Hospital)", "History (Hospital)"


@dataclass
class Clinic:
    """Two mapped forms, one that nobody mapped, and their questions. Concepts have the names Avni knows, if it does."""

    world: World
    concepts: dict[str, str] = field(default_factory=dict)

    def fill_in(self, patient: str, *forms: dict[str, Any], **more: Any) -> str:
        """A clinician saves an encounter with these forms; gives its uuid."""
        body = {"patient": patient, "encounterType": catalogue.CONSULTATION, "obs": list(forms), **more}
        return self.world.bahmni.hospital_save_encounter(**body).uuid

    def change(self, encounter: str, *obs: dict[str, Any]) -> None:
        """A clinician saves an encounter again: observations without uuid are new ones."""
        self.world.bahmni.hospital_save_encounter(uuid=encounter, obs=list(obs))

    def form(self, name: str, **answers: Any) -> dict[str, Any]:
        """A form filled in; several answers to one question as a list. Blanks in names are written as underscores."""
        leaves = [
            {"concept": self.concepts[question.replace("_", " ")], "value": self.concepts.get(value, value)}
            for question, given in answers.items()
            for value in (given if isinstance(given, list) else [given])
        ]
        return {"concept": self.concepts[name], "groupMembers": leaves}

    def answer(self, encounter: str, question: str, value: Any) -> dict[str, Any]:
        """The change of one answer."""
        row = self._row(encounter, question)
        return {"uuid": row.uuid, "concept": row.concept, "value": self.concepts.get(value, value)}

    def taken_out(self, encounter: str, name: str) -> dict[str, Any]:
        """The change that takes a form or an answer out."""
        row = self._row(encounter, name)
        return {"uuid": row.uuid, "concept": row.concept, "voided": True}

    def void(self, encounter: str) -> None:
        """Somebody voids an encounter: no feed event."""
        self.world.bahmni.void_encounter(encounter)

    def unvoid(self, encounter: str) -> None:
        """Somebody brings a voided encounter back: no feed event either."""
        encounters.unvoid_encounter(self.world.bahmni, self.world.bahmni.encounters[encounter])

    def _row(self, encounter: str, name: str) -> Obs:
        rows = self.world.bahmni.obs_of(encounter)
        return next(row for row in rows if row.concept == self.concepts[name] and not row.voided)

    def in_avni(self, subject: str) -> dict[str, list[dict[str, Any]]]:
        """The un-voided encounters of a subject by type, the registration left out: their observations by name."""
        names = {row.uuid: row.name for row in self.world.avni.organisation("demo").concepts.values()}
        rows = [self.world.avni.encounters[uuid] for uuid in self.world.avni.encounters_of(subject)]
        found: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            if row.kind in (VITALS, HISTORY) and not row.voided:
                shown = {names[key]: _named(value, names) for key, value in row.observations.items()}
                found.setdefault(row.kind, []).append(shown)
        return found


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return sorted(_named(one, names) for one in value)
    return names.get(value, value) if isinstance(value, str) else value


def open_clinic(world: World) -> Clinic:
    """Set up forms, questions, answers and mappings in both systems."""
    clinic = Clinic(world)
    for kind, hint, answers in (("Pulse", "Numeric", ()), ("Advice", "Text", ()), ("Complaint", "Coded", COMPLAINTS)):
        world.concept(kind, hint, hint, answers)
    clinic.concepts |= world.concepts
    for name, encounter_type in (("Vitals", VITALS), ("History", HISTORY)):
        clinic.concepts[name] = world.bahmni.add_concept(name).uuid
        world.avni.add_encounter_type(encounter_type)
        world.map("GeneralEncounter", "EncounterType", encounter_type, clinic.concepts[name])
    clinic.concepts["Diet"] = world.bahmni.add_concept("Diet").uuid
    clinic.concepts["Mood"] = world.bahmni.add_concept("Mood", "Text").uuid
    return clinic


def registered(world: World) -> tuple[str, str]:
    """A subject and its patient, whose registration Avni shows; gives their uuids."""
    subject, patient = world.subject("1001"), world.patient("1001")
    world.sync("patient")
    world.reset_counts()
    return subject, patient


COMPLAINTS = ("Fever", "Cough", "Fits")
