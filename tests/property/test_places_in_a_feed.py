"""A date in a feed is found by halving, and what comes after it counted, whatever the layout of the pages."""

from __future__ import annotations

from datetime import timedelta
from math import log2

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.atomfeed.pages import BEGAN, Log, read_all

DISORDER = 5
"""Seconds by which an entry may be dated before an earlier one."""

seconds = st.integers(0, 40)
"""Few enough that many entries share one."""
sizes = st.integers(1, 9)


def published(times: list[int], size: int) -> Log:
    log = Log([str(number) for number in range(len(times))], size=size)
    log.published = {str(number): BEGAN + timedelta(seconds=time) for number, time in enumerate(times)}
    return log


@settings(deadline=None)
@given(st.lists(seconds, max_size=60).map(sorted), sizes, seconds)
def test_all_that_was_published_since_a_time_comes_and_nothing_before_it(
    times: list[int], size: int, since: int
) -> None:
    log = published(times, size)
    ids, _ = read_all(log, log.feed.start(BEGAN + timedelta(seconds=since)))
    assert ids == [str(number) for number, time in enumerate(times) if time >= since]


@settings(deadline=None)
@given(st.lists(seconds, max_size=60).map(sorted), st.data(), sizes, seconds)
def test_where_times_are_out_of_order_nothing_since_a_time_is_missed_from_as_much_earlier(
    in_order: list[int], data: st.DataObject, size: int, since: int
) -> None:
    late = data.draw(st.lists(st.integers(0, DISORDER), min_size=len(in_order), max_size=len(in_order)))
    times = [time - earlier for time, earlier in zip(in_order, late, strict=True)]
    log = published(times, size)
    ids, _ = read_all(log, log.feed.start(BEGAN + timedelta(seconds=since - DISORDER)))
    assert {str(number) for number, time in enumerate(times) if time >= since} <= set(ids)


@settings(deadline=None)
@given(st.lists(seconds, min_size=1, max_size=60).map(sorted), sizes, seconds)
def test_what_comes_behind_a_place_is_counted(times: list[int], size: int, since: int) -> None:
    log = published(times, size)
    position = log.feed.start(BEGAN + timedelta(seconds=since))
    assert log.feed.ahead(position) == sum(time >= since for time in times)


@settings(deadline=None)
@given(st.integers(1, 5000), sizes, st.integers(1, 5000))
def test_finding_a_place_and_counting_costs_a_few_requests_however_long_the_feed(
    length: int, size: int, since: int
) -> None:
    log = Log([str(number) for number in range(length)], size=size)
    position = log.feed.start(BEGAN + timedelta(seconds=since))
    log.feed.ahead(position)
    assert len(log.fetched) <= log2(log.last + 1) + 12


@settings(deadline=None)
@given(st.integers(0, 60), sizes, sizes, st.integers(0, 60))
def test_a_place_is_counted_from_after_the_feed_was_cut_anew(length: int, size: int, later: int, read: int) -> None:
    log = Log([str(number) for number in range(length)], size=size)
    position = log.feed.start("beginning")
    for reading in log.feed.read(position):
        position = reading.position
        if len(position["seen"]) >= read:
            break
    known = len(position["seen"]) if position["entry"] is None else log.ids.index(position["entry"]) + 1
    if position["entry"] is not None:  # a place that is a page alone moves with the page
        log.size = later
    assert log.feed.ahead(position) == length - known
