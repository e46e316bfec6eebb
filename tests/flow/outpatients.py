"""Outpatients in the small world: what clinicians and the laboratory do for them, and what Avni shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mappings.models import Constant
from simulators.avni.rows import EncounterRow, EnrolmentRow, ProgramEncounterRow, VisitRow
from simulators.bahmni import catalogue, clinicians
from simulators.bahmni.clinicians import Result
from simulators.bahmni.model import Obs
from simulators.bahmni.state import TRUE_CONCEPT
from tests.flow.clinic import VITALS, Clinic, open_clinic
from tests.flow.world import MARKER, World

MOTHER, CHILD = "Mother", "Child"
ANTENATAL, WEIGHT = "Antenatal (Hospital)", "Child weight (Hospital)"
LAB, DRUGS, DRUG_TEXT = "Lab Results (Hospital)", "Drug Prescriptions (Hospital)", "Drugs prescribed"
ABNORMAL = "Abnormal"


@dataclass
class Outpatients:
    """Forms of programs, tests and drugs known to both sides, with their mappings; everything happens at a visit."""

    clinic: Clinic
    paracetamol: str = ""
    neem: str = "Neem"

    @property
    def world(self) -> World:
        """Where it all happens."""
        return self.clinic.world

    def seen(self, patient: str, *forms: str, pulse: float = 72, **more: Any) -> str:
        """A clinician sees a patient and fills in these forms; gives the encounter's uuid."""
        filled = [self.filled(form, pulse) for form in forms]
        return clinicians.save_encounter(self.world.bahmni, patient, *filled, **more).uuid

    def filled(self, form: str, pulse: float = 72) -> dict[str, Any]:
        """A form with one answer."""
        return clinicians.form(self.clinic.concepts[form], {self.clinic.concepts["Pulse"]: pulse})

    def add(self, encounter: str, form: str) -> None:
        """A clinician fills in one more form."""
        clinicians.add_form(self.world.bahmni, encounter, self.filled(form))

    def edit(self, encounter: str, pulse: float) -> None:
        """A clinician corrects the answer of the first form."""
        clinicians.edit_obs(self.world.bahmni, self._row(encounter, "Pulse").uuid, pulse)

    def take_out(self, encounter: str, form: str) -> None:
        """A clinician takes a form out."""
        clinicians.remove_obs(self.world.bahmni, self._row(encounter, form).uuid)

    def prescribe(self, encounter: str, drug: str = "", **more: Any) -> str:
        """A clinician prescribes a drug; gives the order's uuid."""
        return clinicians.prescribe(self.world.bahmni, encounter, drug or self.paracetamol, **more).uuid

    def tested(self, patient: str, pulse: float, **results: Result) -> tuple[str, str]:
        """Somebody orders a blood count and the laboratory finds something; gives encounter and order.

        No feed tells of it; here somebody does.
        """
        bahmni, concepts = self.world.bahmni, self.clinic.concepts
        order = clinicians.order_test(bahmni, self.seen(patient), concepts["Blood count"]).uuid
        found = {concepts[test]: result for test, result in {"Pulse": Result(pulse), **results}.items()}
        encounter = clinicians.receive_results(bahmni, order, found).uuid
        self.tell(encounter)
        return encounter, order

    def correct(self, encounter: str, order: str, pulse: float) -> None:
        """The laboratory corrects what it found."""
        clinicians.correct_results(self.world.bahmni, encounter, order, {self.clinic.concepts["Pulse"]: Result(pulse)})
        self.tell(encounter)

    def tell(self, encounter: str) -> None:
        """The feed names an encounter."""
        path = f"/openmrs/ws/rest/v1/bahmnicore/bahmniencounter/{encounter}?includeAll=true"
        self.world.bahmni.publish("encounter", "Encounter", path)

    def void(self, encounter: str) -> None:
        """Somebody voids an encounter, and the feed happens to name it."""
        self.clinic.void(encounter)
        self.tell(encounter)

    def unvoid(self, encounter: str) -> None:
        """Somebody brings it back."""
        self.clinic.unvoid(encounter)
        self.tell(encounter)

    def enrolments(self, subject: str) -> list[EnrolmentRow]:
        """All of a subject's, voided ones too, oldest first."""
        rows = [self.world.avni.enrolments[uuid] for uuid in self.world.avni.enrolments_of(subject)]
        return sorted(rows, key=lambda row: row.seq)

    def program_encounters(self, subject: str) -> list[ProgramEncounterRow]:
        """All of a subject's, voided ones too, oldest first."""
        avni = self.world.avni
        found = [uuid for row in self.enrolments(subject) for uuid in avni.program_encounters_of(row.uuid)]
        return sorted((avni.program_encounters[uuid] for uuid in found), key=lambda row: row.seq)

    def encounters(self, subject: str, kind: str) -> list[EncounterRow]:
        """All general encounters of that type of a subject, voided ones too, oldest first."""
        rows = [self.world.avni.encounters[uuid] for uuid in self.world.avni.encounters_of(subject)]
        return sorted((row for row in rows if row.kind == kind), key=lambda row: row.seq)

    def said(self, row: VisitRow | EnrolmentRow) -> dict[str, Any]:
        """Its observations by name, coded ones by the name of the answer."""
        names = {one.uuid: one.name for one in self.world.avni.organisation("demo").concepts.values()}

        def shown(value: Any) -> Any:
            if isinstance(value, list):
                return [shown(one) for one in value]
            if isinstance(value, dict):
                return {names[key]: shown(one) for key, one in value.items()}
            return names.get(value, value) if isinstance(value, str) else value

        return {names[key]: shown(value) for key, value in row.observations.items()}

    def live(self, subject: str, kind: str) -> list[dict[str, Any]]:
        """What the un-voided encounters of a type say, general ones and those in programs, the marker left out."""
        rows = [*self.encounters(subject, kind), *self.program_encounters(subject)]
        said = [self.said(row) for row in rows if row.kind == kind and not row.voided]
        return [{name: value for name, value in one.items() if name != MARKER} for one in said]

    def _row(self, encounter: str, name: str) -> Obs:
        rows = self.world.bahmni.obs_of(encounter)
        return next(row for row in rows if row.concept == self.clinic.concepts[name] and not row.voided)


def open_outpatients(world: World) -> Outpatients:
    """Set up programs with their forms, the laboratory and the pharmacy on both sides."""
    clinic = open_clinic(world)
    there = Outpatients(clinic)
    bahmni, avni = world.bahmni, world.avni
    for form, kind, program in (("Antenatal", ANTENATAL, MOTHER), ("Child weight", WEIGHT, CHILD)):
        clinic.concepts[form] = bahmni.add_concept(form).uuid
        avni.add_encounter_type(kind)
        avni.add_program(program)
        world.map("ProgramEncounter", "EncounterType", kind, clinic.concepts[form])
        world.map("ProgramEnrolment", "BahmniForm_CommunityProgram", program, clinic.concepts[form])
    for kind in (LAB, DRUGS):
        avni.add_encounter_type(kind)
    world.map("GeneralEncounter", "LabEncounterType", LAB, catalogue.LAB_RESULT)
    world.map("GeneralEncounter", "DrugOrderEncounterType", DRUGS, "")
    avni.add_concept(DRUG_TEXT, "Text")
    world.map("GeneralEncounter", "DrugOrderConcept", DRUG_TEXT, "", "Text")
    Constant.objects.update_or_create(
        tenant=world.tenant, key="OutpatientVisitTypes", ordinal=0, defaults={"value": catalogue.OPD}
    )
    world.concept("Temperature", "Numeric", "Numeric")
    clinic.concepts |= world.concepts
    tests = [clinic.concepts["Pulse"], clinic.concepts["Temperature"]]
    clinic.concepts["Blood count"] = bahmni.add_concept(
        "Blood count", concept_class="LabSet", set_members=tests
    ).uuid  # fmt: skip
    _beside_results(world)
    substance = bahmni.add_concept("Paracetamol", concept_class="Drug").uuid
    there.paracetamol = bahmni.add_drug("Paracetamol 500 mg", substance, form="Tablet(s)").uuid
    bahmni.add_concept(there.neem, concept_class="Drug")
    return there


def _beside_results(world: World) -> None:
    """Of what stands beside every result, only whether it is abnormal is known to Avni."""
    abnormal = next(row.uuid for row in world.bahmni.concepts.values() if row.name == "LAB_ABNORMAL")
    world.avni.add_concept("Yes", "NA")
    world.avni.add_concept(ABNORMAL, "Coded", answers=["Yes"])
    world.map("Observation", "Concept", ABNORMAL, abnormal, "Coded")
    world.map("Observation", "Concept", "Yes", TRUE_CONCEPT)


__all__ = [
    "ABNORMAL", "ANTENATAL", "CHILD", "DRUGS", "DRUG_TEXT", "LAB", "MOTHER", "VITALS", "WEIGHT", "Outpatients",
    "open_outpatients",
]  # fmt: skip
