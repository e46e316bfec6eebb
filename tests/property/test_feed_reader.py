"""The feed reader against a publisher that adds, shows late, and cuts its log anew between any two reads."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from atomfeed import FeedPosition
from tests.unit.atomfeed.pages import Log

BACK = 100
"""Pages looked back: more than the memory holds, so that nothing within it may be missed."""
LATE_BY = 8
"""How many entries from the end a late one may appear: less than the reader remembers."""

Step = tuple[str, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 12)),
        st.tuples(st.just("late"), st.integers(1, LATE_BY)),
        st.tuples(st.just("cut"), st.integers(1, 9)),
        st.tuples(st.just("read"), st.integers(0, 3)),
        st.tuples(st.just("look back"), st.just(0)),
    ),
    max_size=25,
)


class Reader:
    """Reads, commits some pages and dies; the next read goes on from what was committed."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.position: FeedPosition = log.feed.start("beginning")
        self.delivered: list[str] = []

    def read(self, pages: int | None = None, back: int = 0) -> None:
        for number, reading in enumerate(self.log.feed.read(self.position, back=back)):
            if number == pages:
                return
            self.delivered += [entry.id for entry in reading.entries]
            self.position = reading.position


def play(log: Log, reader: Reader, script: list[Step]) -> None:
    for number, (action, amount) in enumerate(script):
        if action == "add":
            log.add(*(f"{number}-{one}" for one in range(amount)))
        elif action == "late" and log.ids:
            log.ids.insert(max(1, len(log.ids) - amount), f"{number}-late")
        elif action == "cut":
            log.size = amount
        elif action == "read":
            reader.read(pages=amount)
        else:
            reader.read(back=BACK)


@settings(deadline=None)
@given(steps, st.integers(1, 7))
def test_every_entry_is_delivered_exactly_once(script: list[Step], size: int) -> None:
    log = Log([], size=size)
    reader = Reader(log)
    play(log, reader, script)
    reader.read(back=BACK)
    assert sorted(reader.delivered) == sorted(log.ids)


@settings(deadline=None)
@given(steps, st.integers(1, 7))
def test_entries_that_are_not_late_come_in_the_order_of_the_log(script: list[Step], size: int) -> None:
    log = Log([], size=size)
    reader = Reader(log)
    play(log, reader, [step for step in script if step[0] != "late"])
    reader.read()
    assert reader.delivered == log.ids


@settings(deadline=None)
@given(steps, st.integers(1, 7))
def test_a_feed_without_news_brings_nothing_and_costs_one_request(script: list[Step], size: int) -> None:
    log = Log(["first"], size=size)
    reader = Reader(log)
    play(log, reader, script)
    reader.read(back=BACK)
    log.fetched.clear()
    assert list(log.feed.read(reader.position)) == []
    assert len(log.fetched) == 1
