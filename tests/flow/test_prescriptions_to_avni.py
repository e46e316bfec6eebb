"""Drugs prescribed to outpatients become one encounter in Avni that says what holds now."""

from __future__ import annotations

from typing import Any

import pytest

from common.outcome import Outcome
from errors.models import OPEN_STATES, ErrorRecord
from mappings.models import Constant, Mapping
from simulators.bahmni import catalogue, clinicians
from syncstatus.models import Link, Run
from tests.flow.clinic import registered
from tests.flow.outpatients import DRUG_TEXT, DRUGS, VITALS, Outpatients
from tests.flow.world import MARKER, World

GROUP = "Drug prescribed"


@pytest.fixture
def pair(world: World, outpatients: Outpatients) -> tuple[str, str]:
    """A subject and its patient, registered in Avni."""
    return registered(world)


def outcome(world: World, encounter: str) -> str:
    return world.link("encounter", encounter).outcome


def told(outpatients: Outpatients, subject: str) -> list[list[str]]:
    """The lines of each un-voided encounter, without the day they begin on."""
    texts = [said[DRUG_TEXT] for said in outpatients.live(subject, DRUGS)]
    return [[_without_day(line) for line in text.split(";   ")] for text in texts]


def _without_day(line: str) -> str:
    before, _, after = line.partition("starting ")
    return before + "starting" + after[10:]


PARACETAMOL = "Paracetamol 500 mg Tablet(s) - 1 for 5 days - starting (Twice a day, Oral, As directed)"


def test_they_stand_in_one_encounter_beside_the_forms(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient, "Vitals")
    outpatients.prescribe(encounter)
    outpatients.prescribe(encounter, dose=0.25, units="ml", frequency="Once a day", days=2, unit="Week(s)")
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.CREATED.value
    assert told(outpatients, subject) == [
        [PARACETAMOL, "Paracetamol 500 mg ml - 0.25 for 2 weeks - starting (Once a day, Oral, As directed)"]
    ]
    assert outpatients.live(subject, VITALS) == [{"Pulse": 72}]
    (row,) = outpatients.encounters(subject, DRUGS)
    assert outpatients.said(row)[MARKER] == encounter


def test_w27_a_drug_in_words_without_a_duration_is_told(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient)
    outpatients.prescribe(encounter, outpatients.neem, days=None, as_needed=True)
    world.sync("encounter")
    assert told(outpatients, subject) == [["Neem Tablet(s) - as needed - starting (1, Twice a day, Oral, As directed)"]]


def test_a_revised_prescription_is_told_once_as_it_is_now(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient)
    order = outpatients.prescribe(encounter)
    world.sync("encounter")
    clinicians.revise_drug_order(world.bahmni, order, dose=2)
    world.sync("encounter")
    assert told(outpatients, subject) == [[PARACETAMOL.replace("- 1 for", "- 2 for")]]
    assert len(outpatients.encounters(subject, DRUGS)) == 1


def test_what_is_stopped_goes_and_with_the_last_one_the_encounter(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient)
    first, second = outpatients.prescribe(encounter), outpatients.prescribe(encounter, outpatients.neem)
    world.sync("encounter")
    clinicians.stop_drug_order(world.bahmni, second)
    world.sync("encounter")
    assert told(outpatients, subject) == [[PARACETAMOL]]
    clinicians.stop_drug_order(world.bahmni, first)
    world.sync("encounter")
    assert told(outpatients, subject) == []
    assert [row.voided for row in outpatients.encounters(subject, DRUGS)] == [True]


def test_a_voided_prescription_goes_when_its_encounter_is_next_read(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient)
    outpatients.prescribe(encounter)
    other = outpatients.prescribe(encounter, outpatients.neem)
    world.sync("encounter")
    clinicians.void_order(world.bahmni, other)
    outpatients.tell(encounter)
    world.sync("encounter")
    assert told(outpatients, subject) == [[PARACETAMOL]]


def test_a_voided_encounter_takes_its_prescriptions_along_and_brings_them_back(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient, "Vitals")
    outpatients.prescribe(encounter)
    world.sync("encounter")
    outpatients.void(encounter)
    world.sync("encounter")
    assert (outcome(world, encounter), told(outpatients, subject)) == (Outcome.VOIDED.value, [])
    outpatients.unvoid(encounter)
    world.sync("encounter")
    assert told(outpatients, subject) == [[PARACETAMOL]]
    assert len(outpatients.encounters(subject, DRUGS)) == 1


def test_beside_orders_of_tests_they_are_read_all_the_same(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient)
    clinicians.order_test(world.bahmni, encounter, outpatients.clinic.concepts["Blood count"])
    outpatients.prescribe(encounter)
    world.sync("encounter")
    assert told(outpatients, subject) == [[PARACETAMOL]]
    assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()


def test_w33_of_inpatients_they_stay_until_their_type_of_visit_is_named(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient, visit_type=catalogue.IPD)
    outpatients.prescribe(encounter)
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.SKIPPED.value
    assert Run.objects.get(stream__key="encounter").reasons["skipped: bahmni.not-outpatient"] >= 1
    Constant.objects.create(tenant=world.tenant, key="OutpatientVisitTypes", ordinal=1, value=catalogue.IPD)
    outpatients.tell(encounter)
    world.sync("encounter")
    assert told(outpatients, subject) == [[PARACETAMOL]]


def test_w33_without_their_mapping_they_stay_and_the_forms_travel(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    for mapping in Mapping.objects.filter(type__name__startswith="DrugOrder"):
        mapping.is_voided = True
        mapping.save()
    encounter = outpatients.seen(patient, "Vitals")
    outpatients.prescribe(encounter)
    world.sync("encounter")
    assert outpatients.live(subject, VITALS) == [{"Pulse": 72}]
    assert outpatients.encounters(subject, DRUGS) == []


def test_of_a_patient_outside_the_programme_no_details_are_asked_for(world: World, outpatients: Outpatients) -> None:
    row = world.bahmni.hospital_create_patient("Ravi", "Kumar", "GAN7", identifier_type=catalogue.PATIENT_IDENTIFIER)
    encounter = outpatients.seen(row.uuid)
    outpatients.prescribe(encounter)
    world.reset_counts()
    world.sync("encounter")
    assert world.bahmni_server.counts[("GET", "/openmrs/ws/rest/v1/encounter/{uuid}")] <= 1


class TestSingleConcepts:
    @pytest.fixture
    def group(self, world: World, outpatients: Outpatients) -> str:
        """The group and what stands in it, mapped."""
        world.avni.add_concept(GROUP, "QuestionGroup")
        world.map("DrugOrder", "DrugOrder_Group", GROUP, "")
        kinds = {"Name": "Text", "Dose": "Numeric", "Duration": "Numeric", "DurationUnits": "Text", "Start": "Date"}
        for name, kind in kinds.items():
            world.avni.add_concept(f"Drug {name}", kind)
            world.map("DrugOrder", f"DrugOrder_{name}", f"Drug {name}", "", kind)
        return GROUP

    def rows(self, outpatients: Outpatients, subject: str) -> list[dict[str, Any]]:
        (said,) = outpatients.live(subject, DRUGS)
        found: list[dict[str, Any]] = said[GROUP]
        return [{name.removeprefix("Drug "): value for name, value in row.items()} for row in found]

    def test_the_group_is_filled_in_once_for_each_and_follows_a_revision(
        self, world: World, outpatients: Outpatients, pair: tuple[str, str], group: str
    ) -> None:
        subject, patient = pair
        encounter = outpatients.seen(patient)
        first = outpatients.prescribe(encounter, dose=0.25)
        outpatients.prescribe(encounter, outpatients.neem, days=None)
        world.sync("encounter")
        rows = self.rows(outpatients, subject)
        starts = {row.pop("Start")[11:] for row in rows}
        assert (rows, starts) == (
            [
                {"Name": "Paracetamol 500 mg", "Dose": 0.25, "Duration": 5, "DurationUnits": "Day(s)"},
                {"Name": "Neem", "Dose": 1},
            ],
            {"18:30:00.000Z"},
        )
        clinicians.revise_drug_order(world.bahmni, first, dose=0.5)
        world.sync("encounter")
        assert sorted((row["Name"], row["Dose"]) for row in self.rows(outpatients, subject)) == [
            ("Neem", 1),
            ("Paracetamol 500 mg", 0.5),
        ]

    def test_read_again_without_a_link_nothing_is_written(
        self, world: World, outpatients: Outpatients, pair: tuple[str, str], group: str
    ) -> None:
        encounter = outpatients.seen(pair[1])
        outpatients.prescribe(encounter)
        world.sync("encounter")
        Link.objects.filter(stream__key="encounter").delete()
        world.rewind()
        world.reset_counts()
        world.sync("encounter")
        assert (outcome(world, encounter), world.writes) == (Outcome.UNCHANGED.value, 0)


def test_what_the_java_service_wrote_goes_on_in_place_with_what_it_left_out(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient)
    outpatients.prescribe(encounter)
    theirs = {MARKER: encounter, DRUG_TEXT: "Paracetamol 500 mg Tablet(s) - 1 for 5 days - starting 21-11-2026"}
    world.avni.put_encounter(encounter_type=DRUGS, subject=subject, observations=theirs, at=world.moment())
    world.sync("encounter")
    assert told(outpatients, subject) == [[PARACETAMOL]]
    assert len(outpatients.encounters(subject, DRUGS)) == 1
