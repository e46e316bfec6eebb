"""What the type of an error makes of a record that fails: when it is tried again, how often, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from common import clock
from common.clock import FrozenClock
from engine import error_types, moves, overview
from engine.ports import Gap
from engine.verdicts import Defer, Fail, Hold
from errors import recording
from errors.models import ErrorLog, ErrorRecord, ErrorState, ErrorType
from syncstatus.models import Flow
from syncstatus.state import State
from tenants.audit import COMMAND
from tests.chaos.desk import Desk, desk
from tests.chaos.paper import card
from tests.unit.engine.factories import NOON

pytestmark = pytest.mark.django_db

RETRYING, DEFERRED, HELD, CLOSED = ErrorState.RETRYING, ErrorState.DEFERRED, ErrorState.HELD, ErrorState.CLOSED


def stain() -> None:
    raise Fail("remote.refused", side="paper", fields="colour")


def tear() -> None:
    raise Fail("remote.refused", side="paper", fields="edge")


def wait() -> None:
    raise Defer("remote.refused", side="paper", fields="colour", waits_for="identifier:b")


def doubt() -> None:
    raise Hold("remote.refused", side="paper", fields="colour")


@pytest.fixture(name="time")
def a_still_clock() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as still:
        yield still


@pytest.fixture(name="there")
def a_desk(db: None, time: FrozenClock) -> Iterator[Desk]:
    with desk() as built:
        yield built


def rule(there: Desk, **fields: Any) -> ErrorType:
    """A type for what is stained, and only that."""
    kind = ErrorType(tenant=there.tenant, name="Stained", comparison="contains", comparison_value="Fields: COLOUR")
    for name, value in fields.items():
        setattr(kind, name, value)
    error_types.add(kind, actor=COMMAND)
    return kind


def fail(there: Desk, entity: str = "a", how: Callable[[], None] = stain) -> ErrorRecord:
    there.paper.add(card(entity, len(there.paper.pages_), raises=how))
    there.work()
    return ErrorRecord.objects.get(entity_id=entity)


def tried_again(there: Desk, time: FrozenClock, record: ErrorRecord) -> ErrorRecord:
    """The record after its next attempt, made when that is due."""
    assert record.next_attempt_at
    time.advance((record.next_attempt_at - clock.now()).total_seconds())
    there.work()
    record.refresh_from_db()
    return record


def wait_of(record: ErrorRecord) -> timedelta:
    assert record.next_attempt_at
    return record.next_attempt_at - clock.now()


def test_a_failure_that_a_rule_fits_has_its_type_and_waits_by_its_policy(there: Desk) -> None:
    kind = rule(there, first_wait_minutes=60, longest_wait_minutes=60)
    record, other = fail(there), fail(there, "b", tear)
    assert (record.type, other.type) == (kind, None)
    assert timedelta(minutes=48) <= wait_of(record) <= timedelta(minutes=72)
    assert timedelta(seconds=48) <= wait_of(other) <= timedelta(seconds=72)


def test_a_type_that_is_switched_off_tells_nothing(there: Desk) -> None:
    rule(there, is_voided=True)
    assert fail(there).type is None


def test_a_rule_that_cannot_be_used_stops_no_commit(there: Desk) -> None:
    kind = rule(there)
    ErrorType.objects.filter(pk=kind.pk).update(comparison="matches", comparison_value="(")
    assert (fail(there).type, there.position) == (None, 1)


def test_waits_of_a_policy_double_from_failure_to_failure(there: Desk, time: FrozenClock) -> None:
    rule(there, first_wait_minutes=10, longest_wait_minutes=25)
    record = fail(there)
    waits = [wait_of(record), *(wait_of(tried_again(there, time, record)) for _ in range(3))]
    plain = [timedelta(minutes=minutes) for minutes in (10, 20, 25, 25)]
    assert all(0.8 * about <= wait <= 1.2 * about for about, wait in zip(plain, waits, strict=True))


def test_a_terminal_type_closes_the_record_and_lets_the_position_go_on(there: Desk) -> None:
    rule(there, follow_up="terminal")
    record = fail(there)
    assert (record.state, record.next_attempt_at, there.position) == (CLOSED, None, 1)
    assert list(record.logs.values_list("outcome", flat=True)) == ["closed"]


def test_a_closed_record_is_not_tried_again_by_itself(there: Desk, time: FrozenClock) -> None:
    rule(there, follow_up="terminal")
    record = fail(there)
    time.advance(timedelta(days=100).total_seconds())
    there.work()
    assert ErrorLog.objects.filter(record=record).count() == 1


def test_a_closed_record_does_not_trouble_its_flow(there: Desk) -> None:
    rule(there, follow_up="terminal")
    fail(there)
    flow = Flow.objects.select_related("tenant").filter(is_on=True)
    [seen] = overview.overview(flow)
    assert (seen.state, seen.errors, seen.held, seen.waiting) == (State.OK, 0, 0, 0)


def test_a_change_at_the_source_brings_a_closed_record_back(there: Desk) -> None:
    rule(there, follow_up="terminal")
    record = fail(there)
    there.paper.add(card("a", "mended"))
    there.work()
    record.refresh_from_db()
    assert (record.state, there.paper.target["a"]) == (ErrorState.RESOLVED, "mended")


def test_a_person_brings_a_closed_record_back(there: Desk) -> None:
    rule(there, follow_up="terminal")
    record = fail(there)
    moves.retry(ErrorRecord.objects.all(), actor=COMMAND)
    record.refresh_from_db()
    assert (record.state, record.next_attempt_at) == (RETRYING, NOON)
    there.work()
    record.refresh_from_db()
    assert (record.state, record.attempts) == (CLOSED, 2)


def test_a_terminal_type_closes_no_part_of_the_source(there: Desk, time: FrozenClock) -> None:
    rule(there, follow_up="terminal")
    unread = Gap("17", Fail("remote.refused", side="paper", fields="colour"))
    there.paper.gaps_["17"] = lambda: ([], unread)
    there.paper.add()
    there.paper.unread[0] = (unread,)
    there.work()
    record = ErrorRecord.objects.get()
    assert (record.type is None, record.state) == (False, RETRYING)
    assert tried_again(there, time, record).state == RETRYING


@pytest.mark.parametrize(("how", "state"), [(wait, DEFERRED), (doubt, HELD)])
def test_a_terminal_type_closes_nothing_that_waits_for_an_arrival_or_a_person(
    there: Desk, how: Callable[[], None], state: ErrorState
) -> None:
    kind = rule(there, follow_up="terminal")
    record = fail(there, how=how)
    assert (record.type, record.state) == (kind, state)


def test_a_deferred_record_of_a_terminal_type_is_released_by_its_arrival(there: Desk) -> None:
    rule(there, follow_up="terminal")
    record = fail(there, how=wait)
    ErrorRecord.objects.update(waits_for="b")
    recording.release(there.tenant.pk, ["b"], clock.now())
    record.refresh_from_db()
    assert record.next_attempt_at == NOON


def test_a_deferred_record_keeps_its_own_times(there: Desk) -> None:
    rule(there, first_wait_minutes=600, longest_wait_minutes=600, most_attempts=1)
    record = fail(there, how=wait)
    assert record.state == DEFERRED
    assert timedelta(hours=1) <= wait_of(record) <= timedelta(hours=1.2)


def test_after_its_most_attempts_a_record_waits_for_a_person(there: Desk, time: FrozenClock) -> None:
    rule(there, most_attempts=3)
    record = fail(there)
    states = [(record.state, record.is_used_up)]
    for _ in range(2):
        tried_again(there, time, record)
        states.append((record.state, record.is_used_up))
    assert states == [(RETRYING, False), (RETRYING, False), (HELD, True)]
    assert (record.attempts, record.next_attempt_at) == (3, None)
    assert list(record.logs.values_list("outcome", flat=True)) == ["held", "retrying", "retrying"]


def test_a_limit_of_one_holds_at_the_first_failure(there: Desk) -> None:
    rule(there, most_attempts=1)
    assert fail(there).state == HELD


def test_a_record_that_a_person_retries_has_all_its_attempts_again(there: Desk, time: FrozenClock) -> None:
    rule(there, most_attempts=2)
    record = tried_again(there, time, fail(there))
    assert record.is_used_up
    moves.retry(ErrorRecord.objects.all(), actor=COMMAND)
    there.work()
    record.refresh_from_db()
    assert (record.state, record.attempts, record.failed_in_a_row) == (RETRYING, 3, 1)


def test_a_record_that_changed_at_its_source_has_all_its_attempts_again(there: Desk, time: FrozenClock) -> None:
    rule(there, most_attempts=2)
    assert tried_again(there, time, fail(there)).is_used_up
    assert fail(there).state == RETRYING


def test_attempts_in_which_it_waited_for_an_arrival_do_not_count(there: Desk, time: FrozenClock) -> None:
    rule(there, most_attempts=2)
    record = fail(there, how=wait)
    for _ in range(3):
        tried_again(there, time, record)
    there.paper.add(card("a", "x", raises=stain))
    there.work()
    record.refresh_from_db()
    assert (record.state, record.attempts, record.failed_in_a_row) == (RETRYING, 5, 1)


def test_failures_of_other_types_count_as_well(there: Desk, time: FrozenClock) -> None:
    record = fail(there, how=tear)
    tried_again(there, time, record)
    rule(there, most_attempts=3)
    there.paper.pages_[0][0].record["raises"] = stain  # type: ignore[index]
    assert tried_again(there, time, record).is_used_up


def test_without_a_limit_a_record_is_tried_for_ever(there: Desk, time: FrozenClock) -> None:
    rule(there)
    record = fail(there)
    for _ in range(30):
        tried_again(there, time, record)
    assert (record.state, record.attempts) == (RETRYING, 31)


def test_what_is_used_up_holds_the_flow(there: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    rule(there, most_attempts=1)
    fail(there)
    with pytest.raises(SystemExit) as end:
        call_command("status", there.tenant.name)
    assert end.value.code
    assert "held" in capsys.readouterr().out
