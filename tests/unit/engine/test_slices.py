from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections

from common import clock
from common.http_errors import Garbled, RemoteError, SignInFailed, Slow, Unclear, Unreachable
from engine import work
from engine.patience import PATIENCE
from engine.slices import Limits
from engine.verdicts import Defer, Fail, Hold
from errors.models import ErrorLog, ErrorRecord, ErrorState
from syncstatus.models import Link, Run, RunKind, RunState, Stream
from tests.chaos.desk import STREAM, Desk, desk, expire
from tests.chaos.paper import Hook, card, down, notice, remote

pytestmark = pytest.mark.django_db


@pytest.fixture(name="there")
def a_desk(db: None) -> Iterator[Desk]:
    with desk() as built:
        yield built


def bad() -> None:
    raise Fail("record.field-missing", field="x")


# -- the position -----------------------------------------------------------------------------------------------------


def test_an_unfinished_change_in_the_middle_page_holds_the_position_in_front_of_it(there: Desk) -> None:
    def unreachable(entity: str) -> None:
        if entity == "2":
            raise down()

    there.paper.add(card("1"))
    there.paper.add(card("2"))
    there.paper.add(card("3"))
    there.paper.before_look = unreachable
    there.work(Limits())
    assert there.position == 1


def test_what_was_finished_behind_the_held_position_is_found_unchanged_when_read_again(there: Desk) -> None:
    seen = threading.Event()

    def unreachable(entity: str) -> None:
        if entity == "2":
            assert seen.wait(10)
            raise down()

    def note(entity: str) -> None:
        if entity == "3":
            seen.set()

    for number in ("1", "2", "3"):
        there.paper.add(card(number))
    there.paper.before_look, there.paper.after_write = unreachable, note
    there.work()
    assert there.paper.target == {"1": 1, "3": 1}
    there.paper.before_look = lambda entity: None
    there.work()
    assert (there.position, there.outcomes()) == (3, {"1": "created", "2": "created", "3": "unchanged"})
    assert there.paper.asked["write"] == 3


def test_a_record_that_fails_alone_does_not_hold_the_position(there: Desk) -> None:
    there.paper.add(card("1"), card("2", raises=bad), card("3"))
    there.work()
    assert (there.position, there.errors()) == (1, {"2": "record.field-missing"})


def test_a_retry_never_moves_the_position(there: Desk) -> None:
    there.paper.add(card("1", raises=bad))
    there.work()
    before = there.rows()["Position"]
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.work()
    assert there.rows()["Position"] == before


def test_a_source_that_needs_a_person_stops_the_look_and_says_why(there: Desk) -> None:
    def reset(page: str) -> None:
        raise Hold("bahmni.feed-reset")

    there.paper.add(card("1"))
    there.paper.before_page = reset
    look = there.work().looks[-1]
    assert (look.stopped_by, there.position) == ("bahmni.feed-reset", 0)


def test_a_slip_in_reading_a_source_ends_that_look_and_is_told_by_kind_and_place(there: Desk) -> None:
    def slip(page: str) -> None:
        raise ValueError("Asha Devi")

    there.paper.add(card("1"))
    there.paper.before_page = slip
    look = there.work().looks[-1]
    assert (look.stopped_by, look.params["kind"], there.position) == ("engine.unexpected", "ValueError", 0)
    assert "Asha" not in str(look)


def test_what_the_source_gave_before_it_failed_is_handed_over(there: Desk) -> None:
    def fail(page: str) -> None:
        if page == "2":
            raise remote(Garbled, "avni")

    for number in ("1", "2", "3"):
        there.paper.add(card(number))
    there.paper.before_page = fail
    look = there.work().looks[-1]
    assert (look.stopped_by, there.position, there.paper.target) == ("remote.garbled", 2, {"1": 1, "2": 1})


def test_a_limit_ends_the_look_after_whole_pages(there: Desk) -> None:
    for number in range(5):
        there.paper.add(card(f"{number}a"), card(f"{number}b"))
    there.work(Limits(changes=3))
    assert there.position == 2


# -- the lease --------------------------------------------------------------------------------------------------------


def test_without_time_for_a_whole_write_the_batch_is_left_and_the_next_slice_finishes_it(there: Desk) -> None:
    with clock.frozen(clock.now()) as time:
        there.paper.add(*(card(str(number)) for number in range(20)))
        there.paper.after_write = lambda entity: time.advance(30)
        look = there.work(Limits(seconds=10_000)).looks[-1]
        assert (look.more, there.position) == (True, 0)
        done = there.paper.asked["write"]
        assert 0 < done < 20
        there.paper.after_write = lambda entity: None
        there.work()
    assert (there.position, there.paper.asked["write"], len(there.paper.target)) == (1, 20, 20)
    assert not there.errors()


def test_a_fetch_is_not_begun_either_when_the_lease_is_too_short(there: Desk) -> None:
    with clock.frozen(clock.now()) as time:
        there.paper.add(*(notice(str(number)) for number in range(20)))
        there.paper.before_fetch = lambda entity: time.advance(60)
        look = there.work(Limits(seconds=10_000)).looks[-1]
    assert look.more
    assert there.position == 0


def test_records_whose_writes_were_cut_off_are_compared_with_the_target_again(there: Desk) -> None:
    """Else one that goes back to what it was would count as handed over while the target holds its other state."""
    there.paper.add(card("a", 1))
    there.work()
    there.paper.add(card("a", 2))
    there.paper.after_write = kill
    with pytest.raises(KeyboardInterrupt):
        there.work()
    assert there.paper.target == {"a": 2}
    there.paper.pages_[1] = [card("a", 1)]
    there.paper.after_write = lambda entity: None
    there.work()
    assert there.paper.target == {"a": 1}


def kill(entity: str) -> None:
    """Ends the whole slice, like a signal."""
    raise KeyboardInterrupt


def test_a_record_left_in_the_middle_of_its_writes_is_compared_with_the_target_again(there: Desk) -> None:
    there.paper.add(card("a", 1))
    there.work()

    def break_off(entity: str) -> None:
        raise down()

    there.paper.add(card("a", 2))
    there.paper.after_write = break_off
    there.work()
    there.paper.pages_[1] = [card("a", 1)]
    there.paper.after_write = lambda entity: None
    there.work()
    assert there.paper.target == {"a": 1}


def test_a_finished_batch_leaves_nothing_in_flight(there: Desk) -> None:
    there.paper.add(card("a"), card("b", raises=bad))
    there.work()
    assert there.lease.in_flight == []


# -- servers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "message"), [("avni", "remote.source-down"), ("paper", "remote.target-down")])
def test_a_server_that_is_down_is_named_and_no_record_is_blamed(there: Desk, side: str, message: str) -> None:
    def unreachable(entity: str) -> None:
        raise down(side)

    there.paper.add(*(card(str(number)) for number in range(10)))
    there.paper.before_look = unreachable
    look = there.work().looks[-1]
    assert (look.stopped_by, there.errors(), there.position) == (message, {}, 0)
    assert there.paper.asked["look"] <= 4


def test_refused_credentials_end_the_look_and_no_record_is_blamed(there: Desk) -> None:
    def refuse(entity: str) -> None:
        raise remote(SignInFailed)

    there.paper.add(card("1"), card("2"))
    there.paper.before_look = refuse
    assert (there.work().looks[-1].stopped_by, there.errors()) == ("remote.sign-in", {})


@pytest.mark.parametrize(
    ("kind", "side", "detail", "message"),
    [
        (SignInFailed, "avni", "new-password", "remote.sign-in.new-password"),
        (Unreachable, "avni", "provider", "remote.source-down.provider"),
        (Unreachable, "paper", "provider", "remote.target-down.provider"),
    ],
)
def test_what_the_failure_says_more_closely_is_kept(
    there: Desk, kind: type[RemoteError], side: str, detail: str, message: str
) -> None:
    def fail(entity: str) -> None:
        raise kind("for a reason", side=side, method="GET", path_template="/", detail=detail)

    there.paper.add(card("1"))
    there.paper.before_look = fail
    assert there.work().looks[-1].stopped_by == message


@pytest.mark.parametrize(("detail", "stays_due"), [("provider", True), ("new-password", False)])
def test_a_look_goes_on_by_itself_when_a_provider_is_down_and_not_when_it_refuses_us(
    there: Desk, detail: str, stays_due: bool
) -> None:
    kind = Unreachable if stays_due else SignInFailed

    def fail(entity: str) -> None:
        raise kind("for a reason", side="avni", method="GET", path_template="/", detail=detail)

    there.paper.add(card("1"))
    there.paper.before_look = fail
    look = there.work().looks[-1]
    look.stream.refresh_from_db()
    assert (look.stream.due_since is not None) is stays_due


def test_one_slow_answer_is_that_records_error(there: Desk) -> None:
    there.paper.add(*(card(str(number)) for number in range(30)))
    there.paper.before_look = only("7", Slow)
    look = there.work().looks[-1]
    assert (look.stopped_by, there.errors(), there.position) == ("", {"7": "remote.slow"}, 1)


@pytest.mark.parametrize("kind", [Slow, Unclear])
def test_a_target_that_answers_nobody_any_more_stops_the_flow_and_blames_no_record(
    there: Desk, kind: type[Slow | Unclear]
) -> None:
    there.paper.add(*(card(str(number)) for number in range(30)))
    if kind is Slow:
        there.paper.before_look = only("", kind)
    else:
        there.paper.before_write = only("", kind)
    look = there.work().looks[-1]
    assert (look.stopped_by, there.errors(), there.position) == ("remote.slow", {}, 0)
    assert there.paper.asked["look"] <= 3 * (PATIENCE + 4)
    there.paper.before_look = there.paper.before_write = lambda entity: None
    there.work()
    assert (there.position, len(there.paper.target)) == (1, 30)


def test_a_source_that_answers_no_fetch_any_more_stops_the_flow_and_blames_no_record(there: Desk) -> None:
    there.paper.add(*(notice(str(number)) for number in range(30)))
    there.paper.before_fetch = only("", Slow)
    look = there.work().looks[-1]
    assert (look.stopped_by, there.errors(), there.position) == ("remote.slow", {}, 0)


def only(entity: str, kind: type[Slow | Unclear]) -> Hook:
    def fail(about: str) -> None:
        if entity in ("", about):
            raise remote(kind)

    return fail


def test_slow_error_records_do_not_keep_the_stream_from_reading(there: Desk) -> None:
    there.paper.add(*(card(str(number), raises=bad) for number in range(PATIENCE + 2)))
    there.work()
    for change in there.paper.pages_[0]:
        change.record.pop("raises")  # type: ignore[union-attr]
    there.paper.add(card("new"))
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.paper.before_look = all_but_new
    there.work()
    assert there.paper.target == {"new": 1}


def all_but_new(entity: str) -> None:
    if entity != "new":
        raise remote(Slow)


# -- lanes and the database -------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_w53_no_connection_to_the_database_is_open_while_servers_are_asked() -> None:
    states: set[tuple[bool, bool]] = set()
    main = connections["default"]

    def look_around(entity: str) -> None:
        states.add((main.connection is None, connections["default"].connection is None))

    with desk() as there:
        paper = there.paper
        paper.before_page = paper.before_fetch = paper.before_look = paper.before_write = look_around
        paper.add(notice("a"), notice("b"))
        paper.add(card("c", raises=bad))
        paper.before_page = lambda page: states.add((True, connections["default"].connection is None))
        there.work()
        ErrorRecord.objects.update(next_attempt_at=clock.now())
        there.work()
    assert states == {(True, True)}


def test_records_of_one_patient_are_handed_over_in_order_and_others_side_by_side(there: Desk) -> None:
    together = threading.Barrier(2, timeout=10)

    def meet(entity: str) -> None:
        if entity in ("a1", "b1"):
            together.wait()

    there.paper.add(card("a1", key="A"), card("b1", key="B"), card("a2", key="A"), card("a3", key="A"))
    there.paper.before_look = meet
    there.work()
    mine = [entity for what, entity in there.paper.order if entity.startswith("a") and what == "write"]
    assert mine == ["a1", "a2", "a3"]


# -- one record -------------------------------------------------------------------------------------------------------


def test_a_record_without_a_lane_gets_one_of_its_own_and_its_own_error(there: Desk) -> None:
    broken = card("a")
    broken.record.pop("key")  # type: ignore[union-attr]
    there.paper.add(broken, card("b"))
    there.work()
    assert (there.errors(), there.paper.target) == ({"a": "engine.unexpected"}, {"b": 1})


def test_a_record_that_is_gone_at_its_source_is_a_counted_skip(there: Desk) -> None:
    there.paper.add(notice("a"))
    there.paper.fetch = lambda entity_id: None  # type: ignore[method-assign]
    there.work()
    assert (there.outcomes(), Run.objects.get().reasons) == ({"a": "skipped"}, {"skipped: remote.gone": 1})


# -- error records ----------------------------------------------------------------------------------------------------


def test_the_attempt_is_on_record_before_the_call_is_made(there: Desk) -> None:
    there.paper.add(card("a", raises=bad))
    there.work()
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.paper.before_fetch = kill
    with pytest.raises(KeyboardInterrupt):
        there.work()
    assert list(ErrorLog.objects.values_list("attempt", "outcome", "finished_at").order_by("attempt"))[1] == (
        2,
        "",
        None,
    )


def test_attempts_are_counted_and_the_next_one_comes_later_each_time(there: Desk) -> None:
    there.paper.add(card("a", raises=bad))
    waits = []
    with clock.frozen(clock.now()) as time:
        there.work()
        for _ in range(5):
            record = ErrorRecord.objects.get()
            assert record.next_attempt_at
            waits.append(record.next_attempt_at - clock.now())
            time.advance(waits[-1].total_seconds())
            there.work()
    assert ErrorRecord.objects.get().attempts == 6
    assert waits == sorted(waits)
    assert waits[0] < timedelta(minutes=2)
    assert Run.objects.filter(kind=RunKind.REPROCESS).count() == 5


def test_a_record_is_not_tried_before_its_time(there: Desk) -> None:
    there.paper.add(card("a", raises=bad))
    there.work()
    there.work()
    assert ErrorRecord.objects.get().attempts == 1


def test_a_deferred_record_whose_time_has_passed_is_not_tried_over_and_over(there: Desk) -> None:
    def yesterday() -> None:
        raise Defer("bahmni.future", due=clock.now() - timedelta(hours=5))

    there.paper.add(card("a", raises=yesterday))
    there.work()
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.work()
    record = ErrorRecord.objects.get()
    assert (record.state, record.attempts) == (ErrorState.DEFERRED, 2)


def test_w14_many_error_records_are_worked_off_in_bounded_portions(there: Desk) -> None:
    there.paper.add(*(card(str(number), raises=bad) for number in range(150)))
    there.work()
    for change in there.paper.pages_[0]:
        change.record.pop("raises")  # type: ignore[union-attr]
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.work()
    assert (len(there.paper.target), there.errors()) == (150, {})


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_look_that_finds_nothing_leaves_no_run(there: Desk) -> None:
    there.work()
    assert not Run.objects.exists()
    assert Stream.objects.get(key="paper-subject").due_since is None


def test_a_server_that_stays_down_is_told_by_one_run_not_by_one_for_every_look(there: Desk) -> None:
    def unreachable(entity: str) -> None:
        raise down()

    there.paper.add(card("a"))
    there.paper.before_look = unreachable
    for _ in range(3):
        there.work()
    assert list(Run.objects.values_list("read", "stopped_by")) == [(0, "remote.target-down")]


def test_a_run_that_was_cut_off_does_not_run_for_ever(there: Desk) -> None:
    there.paper.add(card("a"))
    there.paper.after_write = kill
    with pytest.raises(KeyboardInterrupt):
        there.work()
    expire(there.tenant)
    there.paper.after_write = lambda entity: None
    there.work()
    runs = Run.objects.order_by("pk").values_list("state", "stopped_by")
    assert list(runs) == [(RunState.STOPPED, "engine.cut-off"), (RunState.DONE, "")]


def test_nor_does_one_that_was_cut_off_at_its_end_so_that_nothing_is_left_to_read(there: Desk) -> None:
    there.work()
    stream = Stream.objects.get(key=STREAM)
    Run.objects.create(tenant=there.tenant, stream=stream, started_at=clock.now(), token=there.lease.token)
    there.work()
    assert list(Run.objects.values_list("state", "stopped_by")) == [(RunState.STOPPED, "engine.cut-off")]


def test_a_ring_during_the_look_keeps_the_stream_due(there: Desk) -> None:
    there.paper.add(card("a"))

    def ring(stream: Stream, run: Run) -> None:
        there.ring()

    there.ring()
    work.work_off(there.tenant.pk, watch=ring)
    assert Link.objects.get().outcome == "created"
