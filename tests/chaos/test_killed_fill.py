"""A worker dies in the middle of the first fill, again and again: what was there arrives once."""

from __future__ import annotations

import signal

import pytest
from django.db import connection

from engine.work import sync
from errors.models import OPEN_STATES, ErrorRecord
from syncstatus.models import Round
from tests.chaos.test_killed_worker import IN_AVNI, killed_at, let_the_lease_run_out, written
from tests.flow.test_first_fill import Hospital
from tests.flow.world import small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

NEW = written("POST", f"{IN_AVNI}$")


@pytest.mark.parametrize("answered", [False, True], ids=["request arrived", "request carried out"])
def test_a_fill_killed_again_and_again_gets_through_and_doubles_nothing(
    process_environment: dict[str, str], answered: bool
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    with small_world() as world:
        hospital = Hospital(world)
        hospital.switch_on()
        deaths = 0
        for write in (3, 9, 7, 8):  # among the patients first, then among their encounters
            with killed_at(world, process_environment, write, answered=answered, of=NEW) as victim:
                pass
            deaths += victim.process.returncode == -signal.SIGKILL
            let_the_lease_run_out(world)
            Round.objects.update(next_turn_at=None)
        assert deaths >= 3
        while Round.objects.exclude(last_finished_at=None).count() < 2:  # one that was killed at once left no row
            Round.objects.update(next_turn_at=None)
            for stream in ("patient", "encounter"):
                sync(world.tenant.pk, stream)
        there = {number: hospital.in_avni(number) for number in hospital.patients}
        assert there == {number: hospital.expected(number) for number in hospital.patients}
        assert len(world.avni.encounters) == 3 * len(hospital.patients)
        assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()
