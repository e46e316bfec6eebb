"""A worker dies in the middle of a backfill, again and again: it gets through, and nothing is there twice."""

from __future__ import annotations

import signal
from datetime import UTC, datetime

import pytest
from django.db import connection

from common import clock
from engine import backfill_moves
from engine.work import sync
from errors.models import OPEN_STATES, ErrorRecord
from syncstatus.backfills import Backfill, BackfillState
from syncstatus.models import Position, Stream
from tenants.audit import COMMAND
from tests.chaos.test_killed_worker import killed_at, let_the_lease_run_out
from tests.flow.world import small_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SUBJECTS = 150
"""More than are finished together."""


@pytest.mark.parametrize("answered", [False, True], ids=["request arrived", "request carried out"])
def test_a_backfill_killed_in_the_middle_goes_on_and_doubles_nothing(
    process_environment: dict[str, str], answered: bool
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process on SQLite; its restart is the same path")
    with small_world() as world:
        world.switch_on("recent")
        for number in range(SUBJECTS):
            world.subject(str(1001 + number))
        stream = Stream.objects.select_related("tenant").get(key="subject")
        before = Position.objects.get(stream=stream).value
        since = datetime(2026, 1, 1, tzinfo=UTC)
        backfill_moves.ask_for_window([stream], since, clock.now(), reason="forgotten", actor=COMMAND)
        deaths = 0
        for write in (7, 301, 20):  # in the first portion, in the second, and in what is left
            with killed_at(world, process_environment, write, answered=answered) as victim:
                pass
            deaths += victim.process.returncode == -signal.SIGKILL
            let_the_lease_run_out(world)
        assert deaths >= 2
        while Backfill.objects.get().state != BackfillState.DONE:
            sync(world.tenant.pk, "subject")
        assert Backfill.objects.get().read >= SUBJECTS
        assert len(world.bahmni.patients) == len(world.bahmni.visits) == len(world.bahmni.encounters) == SUBJECTS
        assert Position.objects.get(stream=stream).value == before
        assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()
