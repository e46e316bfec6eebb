"""The service failing at one record after another pauses the flow instead of filling the list of errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from common import clock
from engine import moves
from engine.faults import MOST
from engine.overview import overview
from engine.verdicts import Fail
from errors.models import ErrorRecord
from syncstatus.models import Flow, Incident, Stream
from tenants.audit import COMMAND
from tenants.models import AuditEntry
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import card, notice


@pytest.fixture
def there(db: None) -> Iterator[Desk]:
    with desk() as built:
        yield built


def slip() -> None:
    raise ZeroDivisionError


def cards(number: int, begin: int = 0, **more: Any) -> list[Any]:
    return [card(f"{begin + each}", **more) for each in range(number)]


def flow() -> Flow:
    return Flow.objects.select_related("tenant").get(streams__key=STREAM)


def test_so_many_error_records_are_made_and_no_more(there: Desk) -> None:
    there.paper.add(*cards(90, raises=slip))
    look = there.work().looks[-1]
    assert (look.stopped_by, ErrorRecord.objects.count()) == ("engine.too-many-faults", MOST)
    assert (flow().is_paused, there.position) == (True, 0)


def test_they_are_counted_across_batches_and_looks(there: Desk) -> None:
    for number in range(5):
        there.paper.add(*cards(10, begin=10 * number, raises=slip))
        there.work()
    assert (ErrorRecord.objects.count(), flow().is_paused) == (MOST, True)


def test_a_good_record_between_begins_the_count_anew(there: Desk) -> None:
    for number in range(5):
        there.paper.add(*cards(MOST - 1, begin=100 * number, raises=slip))
        there.work()
        there.paper.add(card(f"good {number}"))
        there.work()
    assert not flow().is_paused
    assert Stream.objects.get(key=STREAM).faults_in_a_row == 0


def test_records_that_are_wrong_themselves_pause_nothing(there: Desk) -> None:
    def bad() -> None:
        raise Fail("record.field-missing", field="x")

    there.paper.add(*cards(90, raises=bad))
    there.work()
    assert (ErrorRecord.objects.count(), flow().is_paused) == (90, False)


def test_the_pause_is_on_record_as_the_services_own_with_kind_and_place(there: Desk) -> None:
    there.paper.add(*cards(30, raises=slip))
    there.work()
    entry = AuditEntry.objects.get(action="pause")
    assert (entry.door, entry.user, entry.object_id) == ("system", None, str(flow().pk))
    assert "ZeroDivisionError at test_faults.py:" in entry.reason
    row = Incident.objects.get()
    assert (row.kind, row.about, row.recovered_at) == ("faults", flow().key, None)
    assert "ZeroDivisionError" in overview([flow()])[0].trouble


def test_a_paused_flow_is_left_alone_until_a_person_resumes_it(there: Desk) -> None:
    there.paper.add(*cards(30, raises=slip))
    there.work()
    assert there.work().looks == []
    assert moves.resume(flow(), actor=COMMAND)
    assert Incident.objects.get().recovered_at is not None


def test_once_mended_and_resumed_everything_gets_through(there: Desk) -> None:
    there.paper.add(*cards(90, raises=slip))
    there.work()
    there.paper.pages_[0] = cards(90)
    moves.resume(flow(), actor=COMMAND)
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.work()
    assert (there.errors(), len(there.paper.target), there.position) == ({}, 90, 1)


def test_resumed_without_being_mended_it_gets_past_those_that_have_their_error(there: Desk) -> None:
    there.paper.add(*cards(MOST, raises=slip), *cards(50, begin=500))
    there.work()
    moves.resume(flow(), actor=COMMAND)
    there.work()
    assert (flow().is_paused, there.position, len(there.paper.target)) == (False, 1, 50)


def test_records_that_are_tried_again_pause_nothing(there: Desk) -> None:
    for number in range(2):
        there.paper.add(*cards(MOST - 1, begin=100 * number, raises=slip))
        there.work()
        there.paper.add(card(f"good {number}"))
        there.work()
    for _ in range(3):
        ErrorRecord.objects.update(next_attempt_at=clock.now())
        there.work()
    assert (ErrorRecord.objects.count(), flow().is_paused) == (2 * (MOST - 1), False)


def test_a_fault_while_fetching_counts_as_well(there: Desk) -> None:
    def fail(entity: str) -> None:
        raise ZeroDivisionError

    there.paper.add(*(notice(str(each)) for each in range(90)))
    there.paper.before_fetch = fail
    there.work()
    assert (ErrorRecord.objects.count(), flow().is_paused) == (MOST, True)


def test_the_other_streams_of_the_flow_rest_as_well(there: Desk) -> None:
    other = Stream.objects.get(key="paper-card")
    Stream.objects.filter(pk=other.pk).update(flow=flow(), sequence=99, due_since=clock.now())
    there.paper.add(*cards(30, raises=slip))
    assert [look.stream.key for look in there.work().looks] == [STREAM]
