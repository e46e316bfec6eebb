from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from common import clock
from engine.batches import LONGEST_GATHERING, MOST_CHANGES, Batch, batches
from engine.ports import Change, Page

PATIENCE = 10


def page(number: int, *entities: str, **unclaimed: int) -> Page:
    return Page(tuple(Change(entity, f"{number}") for entity in entities), {"page": number}, unclaimed=unclaimed)


def numbers(batch: Batch) -> list[int]:
    return [int(page.position["page"]) for page in batch.pages]


def test_pages_are_joined_in_order_until_there_are_enough_changes() -> None:
    pages = [page(number, *(f"{number}-{n}" for n in range(MOST_CHANGES // 2))) for number in range(5)]
    assert [numbers(batch) for batch in batches(iter(pages))] == [[0, 1], [2, 3], [4]]


def test_a_source_with_nothing_gives_no_batch() -> None:
    assert list(batches(iter(()))) == []


def test_pages_do_not_wait_for_a_slow_source() -> None:
    class EachLookTakesLong(clock.SystemClock):
        ticks = 0.0

        def monotonic(self) -> float:
            self.ticks += LONGEST_GATHERING
            return self.ticks

    with clock.using(EachLookTakesLong()):
        assert [numbers(batch) for batch in batches(page(n, str(n)) for n in range(3))] == [[0], [1], [2]]


def test_one_entity_several_times_is_handed_over_once_as_it_was_last() -> None:
    newest, collapsed = Batch([page(1, "a", "b"), page(2, "a")]).newest()
    assert {key: change.version for key, change in newest.items()} == {"b": "1", "a": "2"}
    assert [(change.entity_id, change.version) for change in collapsed] == [("a", "1")]


def test_the_position_may_move_over_the_pages_in_front_of_the_first_unfinished_change() -> None:
    batch = Batch([page(1, "a"), page(2, "b"), page(3, "c")])
    assert [each.position["page"] for each in batch.finished_pages({"b"})] == [1]
    assert [each.position["page"] for each in batch.finished_pages({"a"})] == []
    assert [each.position["page"] for each in batch.finished_pages(set())] == [1, 2, 3]


def test_an_unfinished_entity_holds_the_page_that_named_it_first() -> None:
    batch = Batch([page(1, "a"), page(2, "b"), page(3, "a")])
    assert batch.finished_pages({"a"}) == []


def test_a_page_without_changes_moves_the_position_too() -> None:
    batch = Batch([page(1), page(2, Bed=3)])
    assert len(batch.finished_pages(set())) == 2


def test_what_was_read_before_the_source_failed_is_still_handed_over() -> None:
    def breaking() -> Iterator[Page]:
        yield page(1, "a")
        yield page(2, "b")
        raise ConnectionError

    gathered = batches(breaking())
    assert numbers(next(gathered)) == [1, 2]
    with pytest.raises(ConnectionError):
        next(gathered)


def test_the_next_pages_are_read_while_a_batch_is_being_handed_over() -> None:
    read_ahead = threading.Event()

    def pages() -> Iterator[Page]:
        yield page(1, *map(str, range(MOST_CHANGES)))
        read_ahead.set()
        yield page(2, "x")

    gathered = batches(pages())
    next(gathered)
    assert read_ahead.wait(PATIENCE)
    gathered.close()


def test_only_so_many_pages_are_read_ahead() -> None:
    read = []

    def endless() -> Iterator[Page]:
        for number in range(10_000):
            read.append(number)
            yield page(number, *(f"{number}-{n}" for n in range(MOST_CHANGES)))

    gathered = batches(endless())
    next(gathered)
    gathered.close()
    assert len(read) < 40


def test_leaving_early_ends_the_reader() -> None:
    gathered = batches(page(number, *map(str, range(MOST_CHANGES))) for number in range(1000))
    next(gathered)
    gathered.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]
