"""A stream read in several partitions: each has a position, and what ails one does not hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from common import clock
from common.http_errors import Forbidden, Refused
from engine import gaps, registry
from engine.ports import Change, Gap
from engine.registry import FlowSpec
from engine.slices import Limits
from engine.verdicts import Defer, Fail
from errors import recording
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Flow, Link, Position, Run, Stream
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import Paper, card, remote
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
    def refuse(page: str) -> None:
        if page == partition:
            raise remote(Forbidden, "avni")

    return refuse


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


def test_a_gap_of_which_nothing_can_be_told_for_now_is_tried_again_later(with_gap: Desk) -> None:
    def refuse() -> Any:
        raise remote(Refused, "avni")

    with_gap.paper.gaps_[PLACE] = refuse
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    with_gap.paper.add(card("later"))
    with_gap.work()
    record = ErrorRecord.objects.get()
    assert (record.message, record.attempts, with_gap.paper.target["later"]) == ("engine.part-unreadable", 2, 1)


def test_what_can_be_read_in_a_gap_by_now_is_handed_over_under_its_own_id(with_gap: Desk) -> None:
    with_gap.paper.gaps_[PLACE] = lambda: ([card("c")], None)
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    with_gap.work()
    assert with_gap.paper.target == {"a": 1, "b": 1, "c": 1}
    assert (with_gap.errors(), with_gap.outcomes()["c"]) == ({}, "created")


def test_a_gap_of_a_partition_that_is_no_longer_read_is_closed(with_gap: Desk) -> None:
    Position.objects.update(partition="Other")
    with_gap.paper.unread.clear()
    ErrorRecord.objects.update(entity_id=gaps.gap_id("Other", PLACE), next_attempt_at=clock.now())
    with_gap.work()
    assert with_gap.errors() == {}


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
