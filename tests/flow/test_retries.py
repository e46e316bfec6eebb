"""What failed is tried again: on record before it is tried, counted, ever later, and its history stays."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from common import clock
from errors.models import ErrorLog, ErrorRecord, ErrorState
from mappings.models import Mapping
from simulators.server import Request
from syncstatus.models import Run, RunKind
from tenants.scoping import all_tenants
from tests.chaos.hooks import watch
from tests.chaos.truth import InBahmni, in_avni, in_bahmni, retry_all
from tests.flow.world import World, small_world


@pytest.mark.django_db(transaction=True)
def test_every_attempt_is_committed_before_its_first_request_arrives() -> None:
    seen: list[tuple[int, str, bool]] = []
    lock = threading.Lock()

    def look(request: Request) -> None:
        """From a thread of the server, over a connection of its own."""
        if request.path.startswith("/api/subject/"):
            with lock, all_tenants():
                log = ErrorLog.objects.get(attempt=2)
                seen.append((log.attempt, log.outcome, log.finished_at is None))
                connection.close()

    with small_world() as world:
        world.switch_on()
        mapping = Mapping.objects.get(avni_value="Widowed")
        kept = mapping.int_system_value
        mapping.delete()
        subject = world.subject("1001", observations={"Marital status": "Widowed"})
        world.sync("subject")
        world.map("Observation", "Concept", "Widowed", kept)
        world.sync("subject")  # with new mappings the servers are asked anew who they are
        retry_all()
        watch(world.avni_server, before=look)
        world.sync("subject")
        assert seen == [(2, "", True)]
        assert ErrorRecord.objects.get().state == ErrorState.RESOLVED
        assert in_bahmni(world, "1001") == InBahmni(1, 1, 1, 1, {"Marital status": ["Widowed"]}, (subject,))


def test_a_record_that_fails_again_waits_longer_and_keeps_every_attempt(world: World) -> None:
    subject = world.subject("1001", observations={"Marital status": "Widowed"})
    Mapping.objects.get(avni_value="Widowed").delete()
    waits = []
    with clock.frozen(clock.now()) as time:
        world.sync("subject")
        for _ in range(4):
            record = ErrorRecord.objects.get()
            assert record.next_attempt_at
            waits.append((record.next_attempt_at - clock.now()).total_seconds())
            time.advance(waits[-1])
            world.sync("subject")
    record = ErrorRecord.objects.get()
    assert (record.attempts, record.state) == (5, ErrorState.RETRYING)
    assert waits == sorted(waits)
    assert list(record.logs.order_by("attempt").values_list("attempt", flat=True)) == [1, 2, 3, 4, 5]
    world.map("Observation", "Concept", "Widowed", world.concepts["Widowed"])
    retry_all()
    world.sync("subject")
    record.refresh_from_db()
    assert (record.state, record.attempts, record.logs.count()) == (ErrorState.RESOLVED, 6, 6)
    assert world.link("subject", subject).outcome == "created"


def test_a_change_of_the_record_is_an_attempt_of_its_own_and_heals_it(world: World) -> None:
    subject = world.subject("1001", observations={"Height": "tall"})
    world.sync("subject")
    world.avni.edit_subject(subject, observations={"Height": 150}, at=world.moment())
    world.sync("subject")
    record = ErrorRecord.objects.get()
    assert (record.state, record.attempts) == (ErrorState.RESOLVED, 2)
    assert not Run.objects.filter(kind=RunKind.REPROCESS).exists()


def test_a_resolved_record_that_fails_anew_begins_to_count_anew(world: World) -> None:
    subject = world.subject("1001", observations={"Height": "tall"})
    world.sync("subject")
    for height in (150, "taller"):
        world.avni.edit_subject(subject, observations={"Height": height}, at=world.moment())
        world.sync("subject")
    record = ErrorRecord.objects.get()
    assert (record.state, record.attempts) == (ErrorState.RETRYING, 1)
    assert record.logs.count() == 3


def test_many_deferred_patients_are_released_by_the_subjects_they_wait_for(world: World) -> None:
    patients = [world.patient(str(1001 + number)) for number in range(30)]
    world.sync("patient")
    assert ErrorRecord.objects.filter(state=ErrorState.DEFERRED).count() == 30
    subjects = [world.subject(str(1001 + number)) for number in range(20)]
    world.sync("subject")
    assert ErrorRecord.objects.filter(state=ErrorState.DEFERRED).count() == 10
    assert [in_avni(world, subject).rows for subject in subjects] == [1] * 20
    assert world.link("patient", patients[0]).outcome == "created"


def test_a_server_that_goes_away_during_retries_leaves_them_due(world: World) -> None:
    for number in range(6):
        world.subject(str(1001 + number), observations={"Marital status": "Widowed"})
    Mapping.objects.get(avni_value="Widowed").delete()
    world.sync("subject")
    world.map("Observation", "Concept", "Widowed", world.concepts["Widowed"])
    retry_all()
    world.bahmni_server.stop()
    look = world.sync("subject").looks[-1]
    assert look.stopped_by == "remote.target-down"
    assert set(ErrorRecord.objects.values_list("state", "attempts", "message")) == {
        (ErrorState.RETRYING, 1, "bahmni.answer-unmapped")
    }
    world.bahmni_server.start()
    world.sync("subject")
    assert set(ErrorRecord.objects.values_list("state", flat=True)) == {ErrorState.RESOLVED}
