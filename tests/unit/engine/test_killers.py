"""A record that ends the process which handles it costs three take-overs, and no other record its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest.mock import patch

import pytest

from common import clock
from engine import moves
from engine.commit import Ledger
from engine.killers import MOST
from engine.lease import Grant
from engine.slices import Limits
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Lease, Stream, Suspect
from tenants.audit import SYSTEM
from tests.chaos.desk import STREAM, Desk, desk, expire
from tests.chaos.paper import Hook, card
from tests.unit.engine.factories import error_of

pytestmark = pytest.mark.django_db

PARKED = "engine.worker-lost"


class Death(BaseException):
    """Ends the process at once, as far as a test in that process can."""


@pytest.fixture(name="there")
def a_desk(db: None) -> Iterator[Desk]:
    with desk() as built:
        yield built


def dies_of(*killers: str) -> Hook:
    def strike(what: str) -> None:
        if what in killers:
            raise Death

    return strike


def works_until_dead(there: Desk, limits: Limits | None = None) -> bool:
    """Whether a worker dies of it; then it gives nothing back, and its lease runs out."""
    try:
        with patch.object(Grant, "release", _nothing):
            there.work(limits)
    except Death:
        expire(there.tenant)
        return True
    Lease.objects.update(expires_at=None)
    return False


def _nothing(grant: Grant) -> None:
    """What a dead process does."""


def deaths(there: Desk) -> int:
    """Workers it takes until one gets through."""
    count = 0
    while works_until_dead(there):
        count += 1
        assert count < 20
    return count


def test_a_killer_is_parked_after_three_workers_and_the_others_are_through(there: Desk) -> None:
    there.paper.add(*(card(str(number)) for number in range(10)))
    there.paper.before_look = dies_of("4")
    assert deaths(there) == MOST == 3
    assert (there.position, there.errors(), len(there.paper.target)) == (1, {"4": PARKED}, 9)
    assert ErrorRecord.objects.get().state == ErrorState.HELD


@pytest.mark.parametrize("moment", ["before_look", "before_write"])
def test_wherever_it_kills_it_is_found(there: Desk, moment: str) -> None:
    there.paper.add(*(card(str(number)) for number in range(5)))
    setattr(there.paper, moment, dies_of("2"))
    assert (deaths(there), there.errors()) == (3, {"2": PARKED})


def test_two_killers_cost_three_workers_each_at_most(there: Desk) -> None:
    there.paper.add(*(card(str(number)) for number in range(10)))
    there.paper.before_look = dies_of("2", "7")
    assert deaths(there) <= 6
    assert (there.errors(), len(there.paper.target)) == ({"2": PARKED, "7": PARKED}, 8)


def test_after_a_death_records_are_handled_one_by_one_with_the_one_in_hand_written_down(there: Desk) -> None:
    there.paper.add(*(card(str(number)) for number in range(4)))
    there.paper.before_look = dies_of("0")
    works_until_dead(there)
    written: list[object] = []
    extend = Grant.extend

    def noted(grant: Grant, *told: object, **more: object) -> None:
        extend(grant, *told, **more)  # type: ignore[arg-type]
        written.append(Lease.objects.get().at_work.get("ids"))

    there.paper.before_look = lambda entity: None
    with patch.object(Grant, "extend", noted):
        there.work()
    assert [ids for ids in written if ids and len(ids) == 1] == [["0"], ["1"], ["2"], ["3"]]


def test_while_one_is_in_hand_the_others_of_its_batch_stay_under_suspicion(there: Desk) -> None:
    there.paper.add(*(card(str(number)) for number in range(4)))
    there.paper.before_look = dies_of("3")
    works_until_dead(there)
    works_until_dead(there)
    there.taken().release()
    assert dict(Suspect.objects.values_list("source_id", "deaths")) == {"0": 1, "1": 1, "2": 1, "3": 2}


def test_what_gets_through_counts_anew(there: Desk) -> None:
    there.paper.add(card("a"), card("b"))
    there.paper.before_look = dies_of("a")
    works_until_dead(there)
    there.paper.before_look = dies_of()
    there.work()
    assert set(Suspect.objects.values_list("deaths", flat=True)) == {0}


def test_a_worker_that_dies_of_anything_else_thrice_convicts_nobody(there: Desk) -> None:
    there.paper.add(*(card(str(number)) for number in range(6)))
    for last in range(4):  # as a machine does that runs out of memory now and then
        there.paper.before_look = dies_of(str(last))
        works_until_dead(there)
    there.paper.before_look = dies_of()
    there.work()
    assert (there.errors(), len(there.paper.target)) == ({}, 6)


def test_a_death_while_a_page_is_read_counts_against_nobody(there: Desk) -> None:
    there.paper.add(card("a"))
    there.work()
    there.paper.add(card("b"))
    there.paper.before_page = dies_of("1")
    assert [works_until_dead(there) for _ in range(5)] == [True] * 5
    assert (Suspect.objects.count(), there.errors()) == (0, {})
    there.paper.before_page = dies_of()
    there.work()
    assert there.paper.target == {"a": 1, "b": 1}


def test_a_death_while_a_batch_is_committed_counts_against_nobody_alone(there: Desk) -> None:
    there.paper.add(card("a"), card("b"))
    with patch.object(Ledger, "commit", side_effect=Death):
        assert [works_until_dead(there) for _ in range(5)] == [True] * 5
    there.work()
    assert (there.errors(), there.paper.target) == ({}, {"a": 1, "b": 1})


def test_a_parked_record_is_not_touched_again_by_itself(there: Desk) -> None:
    there.paper.add(card("a"))
    there.paper.before_look = dies_of("a")
    deaths(there)
    there.paper.add(card("a", 2), card("b"))
    assert (deaths(there), there.errors(), there.paper.target) == (0, {"a": PARKED}, {"b": 1})


def test_a_parked_record_that_a_person_ignored_is_not_touched_either(there: Desk) -> None:
    there.paper.add(card("a"))
    there.paper.before_look = dies_of("a")
    deaths(there)
    moves.ignore(ErrorRecord.objects.all(), reason="known", actor=SYSTEM)
    there.paper.add(card("a", 2))
    assert deaths(there) == 0


def test_retried_by_a_person_it_gets_through_when_it_kills_no_more(there: Desk) -> None:
    there.paper.add(card("a"))
    there.paper.before_look = dies_of("a")
    deaths(there)
    there.paper.before_look = dies_of()
    moves.retry(ErrorRecord.objects.all(), actor=SYSTEM)
    there.work()
    assert (there.errors(), there.paper.target) == ({}, {"a": 1})


def test_retried_by_a_person_it_is_alone_in_hand_and_parked_again_when_it_kills_on(there: Desk) -> None:
    there.paper.add(card("a"))
    there.paper.before_look = dies_of("a")
    deaths(there)
    error_of(Stream.objects.get(key=STREAM), entity_id="b", next_attempt_at=clock.now())
    there.paper.add(card("b"))
    moves.retry(ErrorRecord.objects.filter(entity_id="a"), actor=SYSTEM)
    assert works_until_dead(there)
    assert there.lease.at_work["ids"] == ["a"]
    assert deaths(there) <= MOST - 1
    assert (there.errors(), there.paper.target) == ({"a": PARKED}, {"b": 1})


def test_one_that_kills_only_when_it_is_tried_again_is_parked_too(there: Desk) -> None:
    there.paper.add(card("a"), card("b"))
    for entity in ("a", "b"):
        error_of(Stream.objects.get(key=STREAM), entity_id=entity, next_attempt_at=clock.now())
    there.paper.before_look = dies_of("a")
    assert (deaths(there), there.errors(), there.paper.target) == (3, {"a": PARKED}, {"b": 1})


def test_one_by_one_ends_with_the_slice_and_goes_on_in_the_next(there: Desk) -> None:
    there.paper.add(*(card(str(number)) for number in range(4)))
    there.paper.before_look = dies_of("0")
    works_until_dead(there)
    with clock.frozen(clock.now()) as time:
        there.paper.before_look = lambda entity: time.advance(40)
        look = there.work(Limits(seconds=60)).looks[-1]
        assert (look.more, there.position, len(there.paper.target)) == (True, 0, 2)
    there.paper.before_look = dies_of()
    there.work()
    assert (there.position, len(there.paper.target)) == (1, 4)


def test_a_lease_lost_between_two_of_them_ends_the_slice(there: Desk) -> None:
    there.paper.add(*(card(str(number)) for number in range(4)))
    there.paper.before_look = dies_of("0")
    works_until_dead(there)
    stolen: list[Callable[[], object]] = []
    extend = Grant.extend

    def steal(grant: Grant, *told: object, **more: object) -> None:
        if len(there.paper.target) == 2 and not stolen:
            stolen.append(lambda: None)
            Lease.objects.update(owner="another")
        extend(grant, *told, **more)  # type: ignore[arg-type]

    there.paper.before_look = dies_of()
    with patch.object(Grant, "extend", steal):
        report = there.work()
    assert (report.lease_held_by_another, there.position, len(there.paper.target)) == (True, 0, 2)
