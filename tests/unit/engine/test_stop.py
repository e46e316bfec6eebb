"""A person ends a run under way: the batch in hand is finished and kept, nothing more is begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User

from common import clock
from engine import moves, work
from engine.overview import overview
from engine.verdicts import Fail
from errors.models import ErrorRecord
from syncstatus.models import Flow, Run, RunState, Stream
from syncstatus.state import State
from tenants.audit import COMMAND, Actor
from tenants.models import AuditEntry
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import card

BATCH = 100
"""Changes that are handed over together."""


@pytest.fixture
def there(db: None) -> Iterator[Desk]:
    with desk() as built:
        for page in range(3):
            built.paper.add(*(card(f"{page}-{number}") for number in range(BATCH)))
        yield built


@pytest.fixture
def meera(db: None) -> Actor:
    return Actor("admin", User.objects.create_user("meera"))


def flow() -> Flow:
    return Flow.objects.get(streams__key=STREAM)


def worked_off(there: Desk, after_a_batch: Callable[[], object]) -> work.Report:
    """Work the stream off, and do something when the first batch is through."""
    acts = [after_a_batch]
    there.ring()
    return work.work_off(there.tenant.pk, watch=lambda stream, run: acts.pop()() if acts else None)


def test_the_batch_in_hand_is_kept_and_no_other_is_begun(there: Desk, meera: Actor) -> None:
    worked_off(there, lambda: moves.stop(flow(), actor=meera))
    assert (there.position, len(there.outcomes())) == (1, BATCH)


def test_the_run_says_who_stopped_it_and_adds_up(there: Desk, meera: Actor) -> None:
    worked_off(there, lambda: moves.stop(flow(), actor=meera))
    run = Run.objects.get()
    assert (run.state, run.stopped_by, run.stopped_who) == (RunState.STOPPED, "engine.stopped", "meera")
    assert run.read == run.finished_changes == BATCH


def test_resumed_it_goes_on_where_it_stands(there: Desk, meera: Actor) -> None:
    worked_off(there, lambda: moves.stop(flow(), actor=meera))
    moves.resume(flow(), actor=meera)
    work.work_off(there.tenant.pk)  # it stayed due: nobody needs to ring
    assert (there.position, len(there.outcomes())) == (3, 3 * BATCH)


def test_while_it_is_stopped_nobody_works_it_off(there: Desk, meera: Actor) -> None:
    worked_off(there, lambda: moves.stop(flow(), actor=meera))
    assert there.work().looks == []


def test_a_pause_lets_the_run_end_by_itself(there: Desk, meera: Actor) -> None:
    worked_off(there, lambda: moves.pause(flow(), actor=meera))
    assert there.position == 3


def test_a_flow_that_was_paused_is_stopped_in_its_last_run(there: Desk, meera: Actor) -> None:
    def pause_then_stop() -> None:
        moves.pause(flow(), actor=meera)
        moves.stop(flow(), actor=meera)

    worked_off(there, pause_then_stop)
    assert there.position == 1


def test_a_flow_switched_on_again_is_not_stopped_any_more(there: Desk, meera: Actor) -> None:
    moves.stop(flow(), actor=meera)
    moves.switch_off(flow(), actor=meera)
    Flow.objects.update(start_policy="beginning")
    moves.switch_on(flow(), actor=meera)
    there.work()
    assert there.position == 3


def test_retries_end_as_well(there: Desk, meera: Actor) -> None:
    there.work()
    errors = there.paper

    def bad() -> None:
        raise Fail("record.field-missing", field="x")

    errors.add(*(card(f"bad {number}", raises=bad) for number in range(BATCH + 50)))
    there.work()
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    worked_off(there, lambda: moves.stop(flow(), actor=meera))
    assert ErrorRecord.objects.filter(attempts=2).count() == BATCH


def test_a_stop_says_whether_a_run_was_under_way(there: Desk, meera: Actor) -> None:
    said: list[bool] = []
    worked_off(there, lambda: said.append(moves.stop(flow(), actor=meera)))
    assert [*said, moves.stop(flow(), actor=meera)] == [True, False]


def test_a_stop_is_on_record_with_its_reason(there: Desk, meera: Actor) -> None:
    moves.stop(flow(), actor=meera, reason="the hospital asked")
    entry = AuditEntry.objects.order_by("-pk")[0]
    assert (entry.action, entry.reason, entry.user) == ("stop", "the hospital asked", meera.user)


def test_a_stopped_flow_is_paused_and_nothing_is_wrong_with_it(there: Desk) -> None:
    worked_off(there, lambda: moves.stop(flow(), actor=COMMAND))
    (seen,) = overview(Flow.objects.filter(pk=flow().pk).select_related("tenant"))
    assert (seen.state, seen.trouble) == (State.PAUSED, "")
    assert Stream.objects.get(key=STREAM).last_look_failure == ""
