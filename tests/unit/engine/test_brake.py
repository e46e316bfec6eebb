"""How much passes without a person's word: the decision alone, then a stream over two card boxes in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from common import clock
from common.outcome import Outcome
from engine import brake_moves, work
from engine.brake import Does, Tally, TooMany, counted_as, limit_of
from engine.brake_moves import NotWaiting
from engine.ports import Plan, Write
from engine.settling import STAYS
from engine.slices import Limits
from errors.models import Decision
from errors.specs import Move
from syncstatus.models import AtBrake, Brake, BrakedRecord, Flow, Link, Stream
from tenants.audit import COMMAND
from tenants.models import AuditEntry
from tests.chaos.desk import Desk, desk
from tests.chaos.paper import card
from tests.unit.engine.factories import error_of

TOO_MANY = "engine.too-many"


def plan(*writes: tuple[str, str], ours: tuple[str, ...] = ()) -> Plan:
    """A plan of (verb, kind)."""
    made = tuple(Write(verb, kind, f"{kind}-1", {}, "told to") for verb, kind in writes)
    return Plan(made, Outcome.UPDATED, "encounter-1", "", created_by_us=ours)


@pytest.mark.parametrize(
    ("links", "limit"), [(0, 20), (1999, 20), (2000, 20), (2099, 20), (2100, 21), (5000, 50), (5099, 50)]
)
def test_twenty_pass_or_one_in_a_hundred_known_links(links: int, limit: int) -> None:
    assert limit_of(links) == limit


@pytest.mark.parametrize(
    ("what", "does"),
    [
        (plan(), None),
        (plan(("create", "encounter")), None),
        (plan(("update", "encounter"), ours=("encounter",)), None),
        (plan(("update", "encounter")), Does.OVERWRITE),
        (plan(("unvoid", "encounter")), Does.OVERWRITE),
        (plan(("update", "patient"), ours=("encounter",)), Does.OVERWRITE),
        (plan(("create", "visit"), ("update", "visit"), ours=()), None),
        (plan(("void", "encounter"), ours=("encounter",)), Does.VOID),
        (plan(("void", "encounter")), Does.VOID),
        (plan(("create", "encounter"), ("void", "encounter"), ours=("encounter",)), Does.VOID),
    ],
)
def test_voids_count_and_changes_of_what_we_did_not_create(what: Plan, does: Does | None) -> None:
    assert counted_as(what) == does


def test_what_the_plan_makes_hides_no_overwrite_of_another_record_of_its_kind() -> None:
    writes = (Write("create", "encounter", "exit", {}, ""), Write("update", "encounter", "theirs", {}, ""))
    assert counted_as(Plan(writes, Outcome.UPDATED, "theirs", "")) == Does.OVERWRITE


def test_a_visit_that_only_gets_more_room_is_not_counted() -> None:
    stretched = Write("update", "visit", "visit-1", {}, "an encounter lies before its visit", takes_nothing=True)
    assert counted_as(Plan((stretched,), Outcome.UPDATED, "encounter-1", "", created_by_us=("encounter",))) is None


def count(tally: Tally, number: int, *writes: tuple[str, str]) -> int:
    """How many of so many records pass."""
    for record in range(number):
        try:
            tally.allow(f"{writes} {record}", plan(*writes))
        except TooMany:
            return record
    return number


def test_voids_and_overwrites_are_counted_apart() -> None:
    tally = Tally(20)
    assert count(tally, 30, ("void", "encounter")) == 20
    assert count(tally, 30, ("update", "encounter")) == 20


def test_what_was_counted_before_counts() -> None:
    assert count(Tally(20, {Does.VOID: 15}), 30, ("void", "encounter")) == 5


def test_a_record_counts_once_however_often_it_is_planned() -> None:
    tally = Tally(1)
    tally.allow("a", plan(("void", "encounter")))
    tally.allow("a", plan(("void", "encounter")))
    with pytest.raises(TooMany):
        tally.allow("b", plan(("void", "encounter")))


def test_what_a_person_let_go_on_is_not_counted() -> None:
    tally = Tally(0, let_go={("a", Does.VOID)})
    tally.allow("a", plan(("void", "encounter")))
    assert tally.settle({"a"}) == {Does.VOID: 0, Does.OVERWRITE: 0}


def test_a_word_for_an_overwrite_lets_no_void_pass() -> None:
    tally = Tally(0, let_go={("a", Does.OVERWRITE)})
    tally.allow("a", plan(("update", "encounter")))
    with pytest.raises(TooMany):
        tally.allow("a", plan(("void", "encounter")))


def test_only_what_was_written_is_counted_for_the_next_batch() -> None:
    tally = Tally(20)
    for record in ("a", "b"):
        tally.allow(record, plan(("void", "encounter")))
    assert tally.settle({"a"})[Does.VOID] == 1
    assert tally.before == {Does.VOID: 1, Does.OVERWRITE: 0}


# -- a stream ---------------------------------------------------------------------------------------------------------


@pytest.fixture(name="there")
def a_desk(db: None) -> Iterator[Desk]:
    with desk() as built:
        yield built


def names(number: int) -> list[str]:
    return [f"card-{one:04}" for one in range(number)]


def handed_over(there: Desk, number: int) -> list[str]:
    """Cards that stand in both boxes."""
    there.paper.add(*(card(one) for one in names(number)))
    there.work()
    return names(number)


def voided_at_source(there: Desk, cards: list[str], per_page: int = 1000) -> None:
    for begin in range(0, len(cards), per_page):
        there.paper.add(*(card(one, None) for one in cards[begin : begin + per_page]))


def voided(there: Desk) -> int:
    return sum(value is None for value in there.paper.target.values())


def at_brake() -> str:
    return Flow.objects.get(is_on=True).at_brake


def let_go(reason: str = "they were test entries") -> tuple[int, int]:
    return brake_moves.let_go_on(Brake.objects.get(ended_at=None), reason=reason, actor=COMMAND)


def test_twenty_voids_pass(there: Desk) -> None:
    voided_at_source(there, handed_over(there, 40)[:20])
    there.work()
    assert (voided(there), at_brake()) == (20, "")


def test_the_twenty_first_void_waits_and_so_does_the_flow(there: Desk) -> None:
    voided_at_source(there, handed_over(there, 40)[:21])
    look = there.work().looks[-1]
    assert (voided(there), at_brake(), look.stopped_by) == (20, AtBrake.MANY, TOO_MANY)


@pytest.mark.parametrize(("number", "waits"), [(50, ""), (51, AtBrake.MANY)])
def test_of_five_thousand_known_links_fifty_voids_pass(there: Desk, number: int, waits: str) -> None:
    cards = handed_over(there, 100)
    stream = Stream.objects.get(key="paper-subject")
    others = [Link(tenant=there.tenant, stream=stream, source_id=f"x{n}", target_id=f"y{n}", outcome="created")
              for n in range(4900)]  # fmt: skip
    Link.objects.bulk_create(others)
    work.forget()
    voided_at_source(there, cards[:number])
    there.work()
    assert (voided(there), at_brake()) == (50, waits)


def test_batches_and_slices_cannot_dodge_the_count(there: Desk) -> None:
    voided_at_source(there, handed_over(there, 60), per_page=5)
    for _ in range(12):
        there.work(Limits(changes=5))
    assert (voided(there), at_brake()) == (20, AtBrake.MANY)


def test_a_trickle_without_a_clean_look_between_is_one_run(there: Desk) -> None:
    for one in handed_over(there, 30):
        voided_at_source(there, [one])
        there.work()
    assert voided(there) == 20


def test_a_look_that_met_none_begins_the_count_anew(there: Desk) -> None:
    cards = handed_over(there, 45)
    for begin in (0, 15, 30):
        voided_at_source(there, cards[begin : begin + 15])
        there.work()
        there.work()
    assert (voided(there), at_brake()) == (45, "")


def test_overwrites_of_what_others_made_wait_as_well(there: Desk) -> None:
    cards = handed_over(there, 40)
    there.paper.made_by_others = set(cards)
    there.paper.add(*(card(one, 2) for one in cards[:30]))
    there.work()
    assert (sum(value == 2 for value in there.paper.target.values()), at_brake()) == (20, AtBrake.MANY)


def test_changes_of_what_we_made_are_not_counted(there: Desk) -> None:
    cards = handed_over(there, 40)
    there.paper.add(*(card(one, 2) for one in cards))
    there.work()
    assert (sum(value == 2 for value in there.paper.target.values()), at_brake()) == (40, "")


def test_retries_are_counted_too(there: Desk) -> None:
    cards = handed_over(there, 40)
    stream = Stream.objects.get(key="paper-subject")
    there.paper.pages_.append([card(one, None) for one in cards])
    for one in cards:
        error_of(stream, entity_id=one)
    there.work()
    assert (voided(there), at_brake()) == (20, AtBrake.MANY)


@pytest.mark.parametrize(("move", "passed"), [(Move.SAME, 40), (Move.SOURCE, 40), (Move.APART, 20), (Move.TARGET, 20)])
def test_only_decisions_that_write_are_a_word_for_their_records(there: Desk, move: Move, passed: int) -> None:
    cards = handed_over(there, 40)
    stream = Stream.objects.get(key="paper-subject")
    for one in cards:
        decided = {
            "record": error_of(stream, entity_id=one, touched=1),
            "tenant": there.tenant,
            "move": move.value,
            "state": "another",
        }
        Decision.objects.create(**decided, decided_at=clock.now(), used_at=clock.now() if move in STAYS else None)
    voided_at_source(there, cards)
    there.work()
    assert voided(there) == passed


def test_all_that_waits_is_listed_with_ids_and_reasons(there: Desk) -> None:
    voided_at_source(there, handed_over(there, 300), per_page=50)
    there.work()
    row = Brake.objects.get()
    listed = list(BrakedRecord.objects.filter(brake=row).values_list("does", "why"))
    assert (len(listed), set(listed), row.is_complete, row.passed) == (280, {("void", "told to")}, True, 20)


def test_nothing_else_is_written_while_the_flow_waits(there: Desk) -> None:
    voided_at_source(there, handed_over(there, 40))
    there.work()
    there.paper.add(card("new"))
    assert there.work().looks == []
    assert "new" not in there.paper.target


def test_after_the_word_the_listed_ones_pass_and_the_rest_of_the_stream_follows(there: Desk) -> None:
    voided_at_source(there, handed_over(there, 300), per_page=50)
    there.work()
    there.paper.add(card("new"))
    assert let_go() == (280, 0)
    there.work()
    assert (voided(there), there.paper.target["new"], at_brake()) == (300, 1, "")


def test_the_word_acts_once_for_the_listed_ones(there: Desk) -> None:
    cards = handed_over(there, 100)
    voided_at_source(there, cards[:50])
    there.work()
    let_go()
    there.work()
    there.paper.add(*(card(one) for one in cards[:50]))
    there.work()
    there.work()  # met none: begins anew
    voided_at_source(there, cards[:50])
    there.work()
    assert (voided(there), at_brake()) == (20, AtBrake.MANY)


def test_what_was_listed_as_an_overwrite_waits_when_it_is_voided_meanwhile(there: Desk) -> None:
    cards = handed_over(there, 50)
    there.paper.made_by_others = set(cards)
    there.paper.add(*(card(one, 2) for one in cards))
    there.work()
    let_go()
    voided_at_source(there, cards)
    there.work()
    assert (voided(there), at_brake()) == (20, AtBrake.MANY)


def test_what_was_not_listed_is_counted_after_the_word(there: Desk) -> None:
    cards = handed_over(there, 100)
    voided_at_source(there, cards[:40])
    there.work()
    let_go()
    voided_at_source(there, cards[40:])
    there.work()
    assert (voided(there), at_brake()) == (60, AtBrake.MANY)


def test_a_second_word_for_the_same_brake_is_refused(there: Desk) -> None:
    voided_at_source(there, handed_over(there, 40))
    there.work()
    row = Brake.objects.get()
    let_go()
    with pytest.raises(NotWaiting):
        brake_moves.let_go_on(row, reason="again", actor=COMMAND)


def test_a_word_needs_a_reason(there: Desk) -> None:
    voided_at_source(there, handed_over(there, 40))
    there.work()
    with pytest.raises(ValueError, match="say why"):
        let_go(" ")
    assert at_brake() == AtBrake.MANY


def test_the_word_is_on_record_with_before_and_after(there: Desk) -> None:
    voided_at_source(there, handed_over(there, 22))
    there.work()
    let_go()
    entry = AuditEntry.objects.get(action="let this run go on")
    told: dict[str, Any] = entry.after or {}
    assert (entry.reason, told["voids"], len(told["records"])) == ("they were test entries", 2, 2)
    assert entry.before == {"counted": [["paper-subject", 20, 0]]}


def test_a_worker_killed_between_its_voids_and_their_commit_lets_the_next_void_no_more_than_the_limit(
    there: Desk,
) -> None:
    voided_at_source(there, handed_over(there, 100))
    left = iter(range(10))

    def kill(entity: str) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    there.paper.after_write = kill
    with pytest.raises(KeyboardInterrupt):
        there.work()
    killed = voided(there)
    there.paper.after_write = lambda entity: None
    work.forget()
    there.work()
    assert killed <= 20
    assert (voided(there) - killed, at_brake()) == (20, AtBrake.MANY)


def test_a_worker_killed_while_it_lists_leaves_it_to_the_next_to_stop(
    there: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    voided_at_source(there, handed_over(there, 100))

    def die(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("engine.braking.stop_for_many", die)
        with pytest.raises(KeyboardInterrupt):
            there.work()
    work.forget()
    there.work()
    assert (voided(there), at_brake(), BrakedRecord.objects.count()) == (20, AtBrake.MANY, 80)
