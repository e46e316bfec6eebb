"""Windows of Avni and of a feed: what changed within one comes, all of it, once, and in any number of turns."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from avni.listing import MILLISECOND, ahead
from avni.windows import window_start
from bahmni.avni_to_bahmni.reading import LookBack, pages
from bahmni.bahmni_to_avni.notices import Notices
from engine.ports import UNTIL, JsonObject
from tests.unit.atomfeed.pages import BEGAN, Log
from tests.unit.avni.rows import Table, at

milliseconds = st.integers(0, 30)
"""Few enough that many rows share one."""


def read(table: Table, position: JsonObject, late: LookBack, most: int) -> tuple[list[str], JsonObject, bool]:
    """The ids of so many pages, the position behind them, and whether that was the end."""
    ids: list[str] = []
    for number, page in enumerate(pages("Individual", position, table.fetch, late)):
        if number == most:
            return ids, position, False
        ids += [change.entity_id for change in page.changes]
        position = page.position
    return ids, position, True


@settings(deadline=None)
@given(st.lists(milliseconds, max_size=250), milliseconds, milliseconds, st.integers(1, 3))
def test_a_window_of_avni_brings_what_lies_in_it_once_in_any_number_of_turns(
    times: list[int], since: int, length: int, most: int
) -> None:
    table, until = Table(*times), since + length
    position: Any = {**window_start(at(since)), UNTIL: at(until).isoformat()}
    ids: list[str] = []
    is_through = False
    while not is_through:
        found, position, is_through = read(table, position, LookBack(), most)
        ids += found
    assert sorted(ids) == sorted(f"row-{number}" for number, ms in enumerate(times, 1) if since <= ms < until)


@settings(deadline=None)
@given(st.lists(milliseconds, max_size=250), milliseconds)
def test_what_changed_since_a_time_is_counted_with_one_request(times: list[int], since: int) -> None:
    table = Table(*times)
    told = ahead(table.fetch, at(since) - MILLISECOND).answer.total_pages
    assert told == sum(ms >= since for ms in times)
    assert len(table.fetched) == 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 3600), max_size=60).map(sorted), st.integers(0, 3600), st.integers(1, 3600))
def test_a_window_of_a_feed_brings_what_lies_in_it_though_others_stand_between(
    times: list[int], since: int, length: int
) -> None:
    ids = [str(number) for number in range(len(times))]
    log = Log(ids)
    log.published = {one: BEGAN + timedelta(seconds=time) for one, time in zip(ids, times, strict=True)}
    notices = Notices(log.feed, "Thing", re.compile("(/x)"))
    until = BEGAN + timedelta(seconds=since + length)
    start = log.feed.start(BEGAN + timedelta(seconds=since))
    found = [
        change.version
        for page in notices.pages({**start, UNTIL: until.isoformat()})
        for change in page.changes
    ]  # fmt: skip
    assert found == [one for one, time in zip(ids, times, strict=True) if since <= time < since + length]
