"""A worker dies between a write and its commit, and the edit is taken back before the next one comes.

By the ledger nothing ever changed; only the target knows better.
"""

from __future__ import annotations

import signal

import pytest
from django.db import connection

from engine.work import sync
from tests.chaos.test_killed_worker import killed_at, let_the_lease_run_out
from tests.chaos.truth import InAvni, InBahmni, in_avni, in_bahmni
from tests.flow.world import MARKER, World, small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def die_after_the_next_write(world: World, environment: dict[str, str]) -> None:
    with killed_at(world, environment, 1, answered=True) as victim:
        pass
    assert victim.process.returncode == -signal.SIGKILL
    let_the_lease_run_out(world)


def test_a_subject_taken_back_is_taken_back_in_the_hospital(process_environment: dict[str, str]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    with small_world() as world:
        world.switch_on()
        subject = world.subject("1001", observations={"Height": 150})
        sync(world.tenant.pk, "subject")
        world.avni.edit_subject(subject, observations={"Height": 151}, at=world.moment())
        die_after_the_next_write(world, process_environment)
        assert in_bahmni(world, "1001").answers == {"Height": [151.0]}
        world.avni.edit_subject(subject, observations={"Height": 150}, at=world.moment())
        sync(world.tenant.pk, "subject")
        assert in_bahmni(world, "1001") == InBahmni(1, 1, 1, 1, {"Height": [150.0]}, (subject,))


def test_a_patient_taken_back_is_taken_back_in_the_community(process_environment: dict[str, str]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    with small_world() as world:
        world.switch_on()
        subject, patient = world.subject("1001"), world.patient("1001", attributes={"Caste": "Toda"})
        for stream in ("subject", "patient"):
            sync(world.tenant.pk, stream)
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
        die_after_the_next_write(world, process_environment)
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Toda")
        sync(world.tenant.pk, "patient")
        assert in_avni(world, subject) == InAvni(1, ({MARKER: patient, "Caste [HP]": "Toda"},))
