"""Encounters of patients outside the programme: one row per patient, no error, nothing asked again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from bahmni.bahmni_to_avni.encounter_handover import EncounterHandover
from common.outcome import Outcome
from engine.ports import Change, JsonObject, Page
from engine.slices import Limits
from errors.models import ErrorRecord
from simulators.bahmni import catalogue
from syncstatus.models import Link, Run
from tests.flow.clinic import Clinic
from tests.flow.world import World

MANY, PATIENTS, PAGE = 100_000, 2_000, 100
"""Fetching and translating them takes minutes on a busy machine."""


def outsider(world: World, number: str = "GAN7") -> str:
    """A patient of the hospital whom the programme does not know; gives its uuid."""
    kind = catalogue.PATIENT_IDENTIFIER
    return world.bahmni.hospital_create_patient("Ravi", "Kumar", number, identifier_type=kind).uuid


def test_w18_their_encounters_leave_one_row_of_the_patient_and_no_error(world: World, clinic: Clinic) -> None:
    patient = outsider(world)
    for pulse in (72, 96, 104):
        clinic.fill_in(patient, clinic.form("Vitals", Pulse=pulse))
    world.sync("encounter")
    link = Link.objects.get()
    assert (link.stream.key, link.source_id, link.outcome) == ("patient", patient, Outcome.SKIPPED.value)
    assert link.reason == "bahmni.not-in-programme"
    assert not ErrorRecord.objects.exists()


def test_one_voided_after_its_patient_left_is_voided_in_avni_too(world: World, clinic: Clinic) -> None:
    world.subject("1001")
    patient = world.patient("1001")
    world.sync()
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync("encounter")
    world.bahmni.patients[patient].identifiers[0].identifier = "GAN7"
    clinic.void(encounter)
    world.rewind()
    world.sync("encounter")
    link = world.link("encounter", encounter)
    assert (link.outcome, world.avni.encounters[link.target_id].voided) == (Outcome.VOIDED.value, True)


def test_the_run_counts_them_as_not_in_the_programme(world: World, clinic: Clinic) -> None:
    clinic.fill_in(outsider(world), clinic.form("Vitals", Pulse=72))
    world.sync("encounter")
    run = Run.objects.get()
    assert run.reasons == {"skipped: bahmni.not-in-programme": 1}
    assert run.read == run.finished_changes == run.skipped == 1


def test_they_are_not_asked_for_again(world: World, clinic: Clinic) -> None:
    clinic.fill_in(outsider(world), clinic.form("Vitals", Pulse=72))
    world.sync("encounter")
    world.reset_counts()
    world.sync("encounter")
    assert sum(world.bahmni_server.counts.values()) == 1  # the feed
    assert not world.avni_server.counts


def test_what_is_known_of_a_patient_stays_when_an_encounter_finds_it_outside(world: World, clinic: Clinic) -> None:
    patient = outsider(world)
    world.sync("patient")
    before = Link.objects.values().get()
    clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync("encounter")
    assert Link.objects.values().get() == before


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_hundred_thousand_of_them_leave_a_row_per_patient_and_cost_a_share_of_their_batch(
    world: World, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crowd:
        """As many encounters as a large hospital has in months, without the time it would take to ask for them."""

        def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
            for begin in range(0, MANY, PAGE):
                changes = (Change(f"encounter-{number}", f"entry-{number}") for number in range(begin, begin + PAGE))
                yield Page(tuple(changes), position)

        def fetch(self, entity_id: str) -> JsonObject:
            number = int(entity_id.removeprefix("encounter-"))
            identifiers = [{"identifier": f"GAN{number % PATIENTS}", "preferred": True, "voided": False}]
            patient = {"uuid": f"patient-{number % PATIENTS}", "voided": False, "identifiers": identifiers}
            held = "2026-03-01T10:30:00.000+0530"
            return {"uuid": entity_id, "voided": False, "encounterDatetime": held, "patient": patient, "obs": []}

    crowd, statements = Crowd(), 0
    monkeypatch.setattr(EncounterHandover, "pages", lambda self, *where: crowd.pages(*where))
    monkeypatch.setattr(EncounterHandover, "fetch", lambda self, entity_id: crowd.fetch(entity_id))

    def note(execute: Any, *rest: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*rest)

    with connection.execute_wrapper(note):
        world.sync("encounter", limits=Limits(seconds=600))
    run = Run.objects.get()
    assert run.reasons == {"skipped: bahmni.not-in-programme": MANY}
    assert run.read == run.skipped == MANY
    assert Link.objects.count() == Link.objects.filter(stream__key="patient").count() == PATIENTS
    assert not ErrorRecord.objects.exists()
    assert statements <= MANY * 0.2
    assert run.remote_calls <= 5  # to see that the servers are who they were
