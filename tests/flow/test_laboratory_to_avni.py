"""Results of the laboratory become one encounter in Avni."""

from __future__ import annotations

import pytest

from common.outcome import Outcome
from mappings.models import Constant
from simulators.bahmni import catalogue
from simulators.bahmni.clinicians import Result
from syncstatus.models import Link, Run
from tests.flow.clinic import registered
from tests.flow.outpatients import ABNORMAL, LAB, Outpatients
from tests.flow.world import MARKER, World

TEXT = "Results as text"


@pytest.fixture
def pair(world: World, outpatients: Outpatients) -> tuple[str, str]:
    """A subject and its patient, registered in Avni."""
    return registered(world)


def outcome(world: World, encounter: str) -> str:
    return world.link("encounter", encounter).outcome


def test_all_results_of_an_encounter_travel_with_their_marker(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter, _ = outpatients.tested(patient, 72, Temperature=Result(37.5, abnormal=True, lowest=36.0))
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.CREATED.value
    assert outpatients.live(subject, LAB) == [{"Pulse": 72, "Temperature": 37.5, ABNORMAL: "Yes"}]
    (row,) = outpatients.encounters(subject, LAB)
    assert outpatients.said(row)[MARKER] == encounter
    run = Run.objects.filter(stream__key="encounter").latest("pk")
    assert run.unmapped == {"LAB_MINNORMAL": 1}


def test_a_corrected_result_is_an_update(world: World, outpatients: Outpatients, pair: tuple[str, str]) -> None:
    subject, patient = pair
    encounter, order = outpatients.tested(patient, 72)
    world.sync("encounter")
    outpatients.correct(encounter, order, 96)
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.UPDATED.value
    assert outpatients.live(subject, LAB) == [{"Pulse": 96}]
    assert len(outpatients.encounters(subject, LAB)) == 1


def test_w26_what_differs_from_test_to_test_is_told_test_by_test(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    world.avni.add_concept(TEXT, "Text")
    world.map("LabResult", "LabResult_Text", TEXT, "", "Text")
    lowest = next(row.uuid for row in world.bahmni.concepts.values() if row.name == "LAB_MINNORMAL")
    world.avni.add_concept("Lowest", "Numeric")
    world.map("Observation", "Concept", "Lowest", lowest, "Numeric")
    outpatients.tested(patient, 72, Temperature=Result(37.5, abnormal=True, lowest=36.0), Pulse=Result(72, lowest=60.0))
    world.sync("encounter")
    assert outpatients.live(subject, LAB) == [
        {
            "Pulse": 72,
            "Temperature": 37.5,
            ABNORMAL: "Yes",
            TEXT: "Pulse [Avni]: 72 (Lowest: 60);   Temperature [Avni]: 37.5 (Abnormal: Yes, Lowest: 36)",
        }
    ]


def test_voided_results_are_voided_and_come_back(world: World, outpatients: Outpatients, pair: tuple[str, str]) -> None:
    subject, patient = pair
    encounter, _ = outpatients.tested(patient, 72)
    world.sync("encounter")
    outpatients.void(encounter)
    world.sync("encounter")
    assert (outcome(world, encounter), outpatients.live(subject, LAB)) == (Outcome.VOIDED.value, [])
    outpatients.unvoid(encounter)
    world.sync("encounter")
    assert outpatients.live(subject, LAB) == [{"Pulse": 72}]


def test_w33_of_inpatients_they_stay_until_their_type_of_visit_is_named(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    outpatients.seen(patient, visit_type=catalogue.IPD)
    encounter, _ = outpatients.tested(patient, 72)
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.SKIPPED.value
    assert Run.objects.filter(stream__key="encounter").latest("pk").reasons["skipped: bahmni.not-outpatient"] == 1
    Constant.objects.create(tenant=world.tenant, key="OutpatientVisitTypes", ordinal=1, value=catalogue.IPD)
    outpatients.tell(encounter)
    world.sync("encounter")
    assert outpatients.live(subject, LAB) == [{"Pulse": 72}]


def test_without_links_everything_is_found_and_nothing_is_written(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    encounter, _ = outpatients.tested(pair[1], 72)
    world.sync("encounter")
    Link.objects.filter(stream__key="encounter").delete()
    world.rewind()
    world.reset_counts()
    world.sync("encounter")
    assert (outcome(world, encounter), world.writes) == (Outcome.UNCHANGED.value, 0)


def test_what_the_java_service_wrote_is_found_by_its_marker_and_goes_on_in_place(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter, _ = outpatients.tested(patient, 72)
    theirs = {MARKER: encounter, "Pulse": 60}
    world.avni.put_encounter(encounter_type=LAB, subject=subject, observations=theirs, at=world.moment())
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.UPDATED.value
    assert outpatients.live(subject, LAB) == [{"Pulse": 72}]
