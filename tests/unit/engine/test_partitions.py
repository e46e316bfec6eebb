"""A stream read in several partitions: each has a position, and what ails one does not hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest

from common import clock
from common.http_errors import Forbidden, Garbled, Refused, RemoteError, Slow
from engine import gaps, registry
from engine.ports import Change, Gap
from engine.registry import FlowSpec
from engine.slices import Limits
from engine.verdicts import Defer, Fail
from errors import recording
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Flow, Link, Position, Run, Stream
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import Paper, card, down, remote
from tests.unit.engine.fake_connector import KEY, OUT

pytestmark = pytest.mark.django_db

Partitions = Callable[..., None]


@pytest.fixture(name="there")
def a_desk(db: None) -> Iterator[Desk]:
    with desk() as built:
        yield built


@pytest.fixture
def partitions(there: Desk) -> Iterator[Partitions]:
    """Name the partitions the stream is read in."""
    paper = there.paper
    whole = paper.pages

    def pages(partition: str, position: Any) -> Iterator[Any]:
        paper.before_page(partition)
        for page in whole(partition, position):
            mine = tuple(change for change in page.changes if change.record and change.record.get("in") == partition)
            yield replace(page, changes=mine)

    paper.pages = pages  # type: ignore[method-assign]

    def name(*names: str) -> None:
        connector = registry.connectors()[KEY]
        out = connector.flow(OUT)
        spec = replace(out.streams[0], partitions=lambda snapshot: names)
        flows = (FlowSpec(out.key, out.label, (spec,)), connector.flows[1])
        patch.dict(registry._connectors, {KEY: replace(connector, flows=flows)}).start()

    yield name
    patch.stopall()


def placed(entity: str, partition: str, **more: Any) -> Change:
    return card(entity, **{"in": partition}, **more)


def forbidding(partition: str) -> Callable[[str], None]:
    return stumbling(remote(Forbidden, "avni"), partition)


def stumbling(failure: Exception, partition: str) -> Callable[[str], None]:
    def fail(page: str) -> None:
        if page == partition:
            raise failure

    return fail


def test_each_partition_is_read_from_a_position_of_its_own(there: Desk, partitions: Partitions) -> None:
    partitions("A", "B")
    there.paper.add(placed("a1", "A"), placed("b1", "B"))
    there.work()
    assert there.paper.target == {"a1": 1, "b1": 1}
    assert set(Position.objects.filter(partition__in="AB").values_list("partition", "value__page")) == {
        ("A", 1),
        ("B", 1),
    }


def test_a_partition_named_later_begins_where_the_flow_began(there: Desk, partitions: Partitions) -> None:
    began = clock.now()
    Flow.objects.update(start_policy="recent", began_at=began)
    partitions("A")
    there.work()
    assert Position.objects.get(partition="A").value == {"begins": began.isoformat()}


def test_a_stream_without_any_position_is_opened_when_somebody_rings(there: Desk) -> None:
    Position.objects.all().delete()
    Flow.objects.update(start_policy="beginning")
    there.paper.add(card("a"))
    there.work()
    assert there.paper.target == {"a": 1}


def test_a_partition_no_longer_named_is_not_read_and_keeps_its_position(there: Desk, partitions: Partitions) -> None:
    partitions("A", "B")
    there.work()
    partitions("A")
    there.paper.add(placed("b1", "B"))
    there.work()
    assert there.paper.target == {}
    assert Position.objects.filter(partition="B").exists()


def test_a_partition_that_is_forbidden_is_one_explained_error_and_the_others_go_on(
    there: Desk, partitions: Partitions
) -> None:
    partitions("A", "B")
    there.paper.before_page = forbidding("A")
    there.paper.add(placed("a1", "A"), placed("b1", "B"))
    there.work()
    there.work()
    record = ErrorRecord.objects.get()
    assert there.paper.target == {"b1": 1}
    assert (record.message, record.params["part"], record.attempts) == ("engine.part-unreadable", "A", 1)


def test_a_forbidden_partition_is_asked_again_only_when_its_error_is_due(there: Desk, partitions: Partitions) -> None:
    asked: list[str] = []

    def note(page: str) -> None:
        asked.append(page)
        raise remote(Forbidden, "avni")

    partitions("A")
    there.paper.before_page = note
    for _ in range(3):
        there.work()
    assert asked == ["A"]


def test_a_partition_that_stays_forbidden_is_asked_ever_more_rarely(there: Desk, partitions: Partitions) -> None:
    partitions("A")
    there.paper.before_page = forbidding("A")
    waits = []
    with clock.frozen(clock.now()) as time:
        for _ in range(4):
            there.work()
            record = ErrorRecord.objects.get()
            assert record.next_attempt_at
            waits.append((record.next_attempt_at - clock.now()).total_seconds())
            time.advance(waits[-1])
    assert all(later > 1.3 * earlier for earlier, later in pairwise(waits)), waits


def test_a_forbidden_partition_goes_on_from_where_it_stood_once_it_may_be_read(
    there: Desk, partitions: Partitions
) -> None:
    partitions("A", "B")
    there.paper.before_page = forbidding("A")
    there.paper.add(placed("a1", "A"))
    there.work()
    there.paper.before_page = lambda page: None
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.work()
    assert (there.paper.target, there.errors()) == ({"a1": 1}, {})


def test_a_forbidden_partition_shows_in_the_lag(there: Desk, partitions: Partitions) -> None:
    partitions("A")
    there.work()
    Position.objects.update(read_upto=clock.now())
    there.paper.before_page = forbidding("A")
    there.work()
    assert Stream.objects.get(key=STREAM).oldest_unfinished_at


def test_a_partition_never_read_lags_since_the_flow_began(there: Desk, partitions: Partitions) -> None:
    began = clock.now()
    Flow.objects.update(start_policy="recent", began_at=began)
    partitions("A")
    there.paper.before_page = forbidding("A")
    there.work()
    assert Stream.objects.get(key=STREAM).oldest_unfinished_at == began


@pytest.mark.parametrize("kind", [Garbled, Slow])
def test_a_partition_that_stumbles_every_time_keeps_no_other_one_from_being_read(
    there: Desk, partitions: Partitions, kind: type[RemoteError]
) -> None:
    partitions("A", "B", "C")
    there.paper.before_page = stumbling(remote(kind, "avni"), "A")
    for number in range(2):
        there.paper.add(placed(f"a{number}", "A"), placed(f"b{number}", "B"), placed(f"c{number}", "C"))
        look = there.work().looks[-1]
    assert there.paper.target == {"b0": 1, "c0": 1, "b1": 1, "c1": 1}
    assert look.stopped_by == ("remote.garbled" if kind is Garbled else "remote.slow")
    assert Stream.objects.get(key=STREAM).due_since


def test_a_slip_in_reading_one_partition_keeps_no_other_one_from_being_read(
    there: Desk, partitions: Partitions
) -> None:
    partitions("A", "B")
    there.paper.before_page = stumbling(ValueError("Asha Devi"), "A")
    there.paper.add(placed("b1", "B"))
    look = there.work().looks[-1]
    assert (there.paper.target, look.stopped_by, look.params["kind"]) == ({"b1": 1}, "engine.unexpected", "ValueError")


def test_where_two_partitions_stumble_it_is_the_server_and_no_more_are_asked(
    there: Desk, partitions: Partitions
) -> None:
    seen: list[str] = []

    def slow(page: str) -> None:
        seen.append(page)
        raise remote(Slow, "avni")

    partitions("A", "B", "C", "D")
    there.paper.before_page = slow
    assert there.work().looks[-1].stopped_by == "remote.slow"
    assert seen == ["A", "B"]


def test_where_the_server_is_down_no_other_partition_is_asked(there: Desk, partitions: Partitions) -> None:
    partitions("A", "B")
    there.paper.before_page = stumbling(down("avni"), "A")
    there.paper.add(placed("b1", "B"))
    assert there.work().looks[-1].stopped_by == "remote.source-down"
    assert there.paper.target == {}


def test_a_limit_of_changes_holds_over_all_partitions(there: Desk, partitions: Partitions) -> None:
    partitions("A", "B")
    for number in range(3):
        there.paper.add(placed(f"a{number}", "A"), placed(f"b{number}", "B"))
    there.work(Limits(changes=2))
    assert sum(run.read for run in Run.objects.all()) <= 3


# -- gaps -------------------------------------------------------------------------------------------------------------

PLACE = "2026-01-05T06:00:00.000Z"


@pytest.fixture
def with_gap(there: Desk) -> Desk:
    there.paper.add(card("a"), card("b"))
    there.paper.unread[0] = (gap(),)
    there.paper.gaps_[PLACE] = lambda: ([], gap())
    there.work()
    return there


def gap() -> Gap:
    return Gap(PLACE, Fail("record.field-missing", field="x"))


def test_a_gap_is_one_error_record_and_the_position_passes_it(with_gap: Desk) -> None:
    assert with_gap.errors() == {gaps.gap_id("Individual", PLACE): "record.field-missing"}
    assert (with_gap.position, with_gap.paper.target) == (1, {"a": 1, "b": 1})


def test_a_gap_is_counted_as_read_and_failed_and_leaves_no_link(with_gap: Desk) -> None:
    run = Run.objects.get()
    assert (run.read, run.failed, run.finished_changes) == (3, 1, 3)
    assert not Link.objects.filter(source_id__startswith="unread:").exists()


def test_a_gap_met_again_stays_one_record(with_gap: Desk) -> None:
    Position.objects.update(value={})
    with_gap.work()
    assert ErrorRecord.objects.get().attempts == 2


def test_a_gap_that_still_cannot_be_read_is_tried_again_later(with_gap: Desk) -> None:
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    with_gap.work()
    record = ErrorRecord.objects.get()
    assert (record.state, record.attempts) == (ErrorState.RETRYING, 2)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (remote(Refused, "avni"), "engine.part-unreadable"),
        (remote(Garbled, "avni"), "remote.garbled"),
        (remote(Slow, "avni"), "remote.slow"),
        (ValueError("Asha Devi"), "engine.unexpected"),
    ],
)
def test_a_gap_of_which_nothing_can_be_told_for_now_is_tried_again_later(
    with_gap: Desk, failure: Exception, message: str
) -> None:
    def refuse() -> Any:
        raise failure

    with_gap.paper.gaps_[PLACE] = refuse
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    with_gap.paper.add(card("later"))
    with_gap.work()
    record = ErrorRecord.objects.get()
    assert (record.message, record.attempts, with_gap.paper.target["later"]) == (message, 2, 1)


def test_after_a_gap_that_took_long_the_next_one_is_left_for_a_prolonged_lease(with_gap: Desk) -> None:
    """Else both together would take longer than the lease lasts, and neither could ever be put off."""
    with clock.frozen(clock.now()) as time:

        def slow() -> Any:
            time.advance(250)
            raise remote(Slow, "avni")

        other = Gap("later", Fail("record.field-missing", field="x"))
        with_gap.paper.unread[0] += (other,)
        Position.objects.update(value={})
        with_gap.work()
        with_gap.paper.gaps_ = {PLACE: slow, "later": slow}
        ErrorRecord.objects.update(next_attempt_at=clock.now())
        with_gap.work()
        assert sorted(with_gap.errors().values()) == ["record.field-missing", "remote.slow"]
        with_gap.work()
        assert set(with_gap.errors().values()) == {"remote.slow"}


def test_a_gap_at_a_server_that_is_down_is_not_blamed_for_it(with_gap: Desk) -> None:
    def refuse() -> Any:
        raise down("avni")

    with_gap.paper.gaps_[PLACE] = refuse
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    assert with_gap.work().looks[-1].stopped_by == "remote.source-down"
    assert ErrorRecord.objects.get().attempts == 1


def test_what_can_be_read_in_a_gap_by_now_is_handed_over_under_its_own_id(with_gap: Desk) -> None:
    with_gap.paper.gaps_[PLACE] = lambda: ([card("c")], None)
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    with_gap.work()
    assert with_gap.paper.target == {"a": 1, "b": 1, "c": 1}
    assert (with_gap.errors(), with_gap.outcomes()["c"]) == ({}, "created")


def test_a_gap_of_a_partition_the_settings_do_not_name_waits_and_is_read_when_they_do_again(
    with_gap: Desk, partitions: Partitions
) -> None:
    """Its position is behind it: once closed, nobody would ever read what stands there."""
    with_gap.paper.unread.clear()
    with_gap.paper.gaps_[PLACE] = lambda: ([card("c")], None)
    partitions("Other")
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    with_gap.work()
    record = ErrorRecord.objects.get()
    assert (record.state, record.message) == (ErrorState.DEFERRED, "engine.part-not-named")
    assert record.next_attempt_at
    assert record.next_attempt_at > clock.now()
    partitions("Individual")
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    with_gap.work()
    assert (with_gap.paper.target["c"], with_gap.errors()) == (1, {})


def test_a_partition_that_could_not_be_read_and_is_no_longer_named_is_no_error_any_more(
    there: Desk, partitions: Partitions
) -> None:
    """Its position stands in front of it: when it is named again, it is read on from there."""
    partitions("A", "B")
    there.paper.before_page = forbidding("A")
    there.work()
    partitions("B")
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.work()
    assert there.errors() == {}


def test_what_is_found_in_a_gap_and_cut_off_is_compared_with_the_target_again(with_gap: Desk) -> None:
    def kill(entity: str) -> None:
        raise KeyboardInterrupt

    with_gap.paper.gaps_[PLACE] = lambda: ([card("a", 2)], None)
    with_gap.paper.after_write = kill
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    with pytest.raises(KeyboardInterrupt):
        with_gap.work()
    assert with_gap.paper.target["a"] == 2
    with_gap.paper.gaps_[PLACE] = lambda: ([card("a", 1)], None)
    with_gap.paper.after_write = lambda entity: None
    with_gap.work()
    assert with_gap.paper.target["a"] == 1


# -- parents ----------------------------------------------------------------------------------------------------------


def pinned(paper: Paper, to: str) -> Change:
    """A card that hangs on another one and looks for it in the ledger."""

    def look(want: Any, known: Any, parent: Any) -> Any:
        seen.append(parent.outcome.value if parent else None)
        if parent is None:
            raise Defer("engine.asked-for", waits_for=f"card:{to}", asks_for=(STREAM, to))
        return paper.target.get(want.content[0])

    seen: list[str | None] = []
    plain = paper.look
    paper.look = lambda want, known, parent: (  # type: ignore[method-assign]
        look(want, known, parent) if want.content[0] == "child" else plain(want, known, parent)
    )
    want = paper.want
    paper.want = lambda change: replace(want(change), arrives=(f"card:{change.entity_id}",))  # type: ignore[method-assign]
    return card("child", pinned_to=(STREAM, to), key=to)


def test_a_record_sees_what_the_ledger_knows_of_the_one_it_hangs_on(there: Desk) -> None:
    there.paper.add(card("parent"))
    there.work()
    there.paper.add(pinned(there.paper, "parent"))
    there.work()
    assert there.outcomes() == {"parent": "created", "child": "created"}


def test_a_parent_nobody_has_seen_is_fetched_and_its_arrival_releases_the_child(there: Desk) -> None:
    there.paper.fetch = lambda entity_id: (
        {"key": "parent", "value": 1, "pinned_to": (STREAM, "parent")}
        # type: ignore[method-assign]
        if (entity_id == "child")
        else {"key": entity_id, "value": 1}
    )
    there.paper.add(pinned(there.paper, "parent"))
    there.work()
    assert there.outcomes() == {"parent": "created", "child": "created"}
    assert there.errors() == {}


def test_a_parent_that_does_not_exist_is_asked_for_once(there: Desk) -> None:
    fetched: list[str] = []

    def fetch(entity_id: str) -> Any:
        fetched.append(entity_id)
        return {"key": "parent", "value": 1, "pinned_to": (STREAM, "parent")} if entity_id == "child" else None

    there.paper.fetch = fetch  # type: ignore[method-assign]
    there.paper.add(pinned(there.paper, "parent"))
    there.work()
    there.work()
    assert fetched.count("parent") == 1
    assert there.errors() == {"child": "engine.asked-for"}


def test_a_parent_that_came_to_nothing_is_asked_for_again_when_a_child_needs_it(there: Desk) -> None:
    there.paper.add(card("parent"))
    there.work()
    stream = Stream.objects.get(key=STREAM)
    recording.ask_for(there.tenant.pk, {(STREAM, "parent")}, clock.now())
    ErrorRecord.objects.update(state=ErrorState.RESOLVED, next_attempt_at=None)
    recording.ask_for(there.tenant.pk, {(STREAM, "parent")}, clock.now())
    record = ErrorRecord.objects.get(stream=stream)
    assert (record.state, record.message) == (ErrorState.DEFERRED, "engine.asked-for")


def test_a_parent_in_trouble_is_left_to_its_own_next_attempt(there: Desk) -> None:
    def bad() -> None:
        raise Fail("record.field-missing", field="x")

    there.paper.add(card("parent", raises=bad))
    there.work()
    before = ErrorRecord.objects.values().get()
    recording.ask_for(there.tenant.pk, {(STREAM, "parent")}, clock.now())
    assert ErrorRecord.objects.values().get() == before
