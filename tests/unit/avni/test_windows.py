from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from avni import AvniPage, WindowPosition, read_window, window_start
from common.http_errors import Garbled
from tests.unit.avni.rows import EPOCH, Table, at, names, stamp

START = window_start(EPOCH)


def read_all(table: Table, position: WindowPosition, **options: Any) -> tuple[list[tuple[str, int]], WindowPosition]:
    found: list[tuple[str, int]] = []
    for reading in read_window(position, table.fetch, size=10, **options):
        assert not reading.gaps
        found += names(reading.rows)
        position = reading.position
    return found, position


def versions(first: int, last: int, version: int = 1) -> list[tuple[str, int]]:
    return [(f"row-{number}", version) for number in range(first, last + 1)]


def test_rows_come_in_order_page_by_page() -> None:
    table = Table(*range(100, 3500, 100))
    assert read_all(table, START)[0] == versions(1, 34)


def test_the_request_asks_from_a_millisecond_before_the_position() -> None:
    table = Table()
    read_all(table, window_start(at(5000)))
    assert table.fetched == [(at(4999), 0, 10)]


def test_a_page_has_a_hundred_rows_unless_told_otherwise() -> None:
    table = Table()
    list(read_window(START, table.fetch))
    assert [size for _, _, size in table.fetched] == [100]


def test_w4_a_second_look_brings_nothing_and_costs_one_request() -> None:
    table = Table(*range(100, 3500, 100))
    _, position = read_all(table, START)
    table.fetched.clear()
    assert read_all(table, position) == ([], position)
    assert len(table.fetched) == 1


def test_a_position_survives_json() -> None:
    _, position = read_all(Table(100, 200), START)
    assert json.loads(json.dumps(position)) == position == {"ts": stamp(200), "known": {"row-2": stamp(200)}}


def test_only_the_rows_of_the_last_millisecond_are_remembered() -> None:
    _, position = read_all(Table(100, 200, 300, 300), START)
    assert set(position["known"]) == {"row-3", "row-4"}


def test_a_row_in_the_millisecond_of_the_position_comes_when_it_appears() -> None:
    table = Table(100, 200)
    _, position = read_all(table, START)
    table.add(200)
    assert read_all(table, position)[0] == [("row-3", 1)]


def test_another_version_of_a_known_row_is_new() -> None:
    table = Table(100, 200)
    _, position = read_all(table, START)
    table.edit(2, 300)
    assert read_all(table, position)[0] == [("row-2", 2)]


# --- many rows in one millisecond ---------------------------------------------------------------


@pytest.mark.parametrize("crowd", [9, 10, 11, 19, 20, 21, 25, 57])
def test_w1_a_crowd_in_one_millisecond_is_read_whole(crowd: int) -> None:
    table = Table(*[100] * 3, *[200] * crowd, *[300] * 4)
    assert sorted(read_all(table, START)[0]) == sorted(versions(1, 7 + crowd))


def test_w2_a_crowd_at_the_end_is_read_whole() -> None:
    table = Table(*[200] * 25)
    assert read_all(table, START)[0] == versions(1, 25)


def test_the_position_behind_a_crowd_needs_no_memory_of_it() -> None:
    table = Table(*[200] * 25)
    _, position = read_all(table, START)
    assert position == {"ts": stamp(201), "known": {}}
    table.fetched.clear()
    read_all(table, position)
    assert len(table.fetched) == 1


def test_an_edit_while_a_crowd_is_paged_loses_no_row() -> None:
    table = Table(*[200] * 25)

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        if page == 1 and len(table.fetched) == 2:
            table.edit(3, 500)
        return table.fetch(since, page, size)

    found = [version for reading in read_window(START, fetch, size=10) for version in names(reading.rows)]
    assert set(versions(1, 25)) <= set(found)
    assert found.count(("row-11", 1)) == 1
    assert ("row-3", 2) in found


def test_a_reader_cut_off_within_a_crowd_goes_on_where_it_was() -> None:
    table = Table(*[200] * 25)
    first = next(iter(read_window(START, table.fetch, size=10)))
    assert names(first.rows) + read_all(table, first.position)[0] == versions(1, 25)


# --- the margin ---------------------------------------------------------------------------------


def test_rows_within_the_margin_are_left_for_later() -> None:
    table = Table(100, 89_000, 91_000, now=100_000)
    found, position = read_all(table, START)
    assert found == versions(1, 2)
    assert position["ts"] == stamp(89_000)
    table.now = 102_000
    assert read_all(table, position)[0] == [("row-3", 1)]


def test_a_row_committed_late_within_the_margin_is_not_lost() -> None:
    table = Table(100, now=100_000)
    late = table.add(95_000, visible=False)
    table.add(96_000)
    _, position = read_all(table, START)
    late.visible = True
    table.now = 120_000
    assert read_all(table, position)[0] == [("row-2", 1), ("row-3", 1)]


def test_the_position_never_passes_the_servers_clock_less_the_margin() -> None:
    table = Table(*[89_999] * 25, now=100_000)
    _, position = read_all(table, START)
    assert position["ts"] == stamp(90_000)


@pytest.mark.parametrize("crowd", [12, 30])
def test_a_crowd_within_the_margin_is_left_for_later(crowd: int) -> None:
    table = Table(100, *[95_000] * crowd, now=100_000)
    found, position = read_all(table, START)
    assert found == versions(1, 1)
    table.now = 120_000
    assert read_all(table, position)[0] == versions(2, crowd + 1)


# --- the overlap --------------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)


def test_what_was_committed_later_than_the_margin_is_found_in_the_overlap() -> None:
    table = Table(*range(1000, 40_000, 1000))
    late = table.add(20_500, visible=False)
    _, position = read_all(table, START, overlap=MINUTE)
    late.visible = True
    assert read_all(table, position)[0] == []
    found, position = read_all(table, position, overlap=MINUTE)
    assert found == [("row-40", 1)]
    assert read_all(table, position, overlap=MINUTE)[0] == []


def test_an_overlap_never_moves_the_position_back() -> None:
    table = Table(*range(1000, 40_000, 1000))
    _, position = read_all(table, START, overlap=MINUTE)
    table.add(20_500)
    _, after = read_all(table, position, overlap=MINUTE)
    assert after["ts"] == position["ts"]


def test_an_overlap_remembers_its_rows_and_no_others() -> None:
    table = Table(1000, 2000, 61_000, 62_000)
    _, position = read_all(table, START, overlap=MINUTE)
    assert set(position["known"]) == {"row-2", "row-3", "row-4"}


def test_reading_an_overlap_again_costs_its_pages_once() -> None:
    table = Table(*range(1000, 40_000, 1000))
    _, position = read_all(table, START, overlap=MINUTE)
    table.fetched.clear()
    read_all(table, position, overlap=MINUTE)
    assert len(table.fetched) == 5  # 39 rows, ten a page, the last row of each page asked for again


# --- trouble ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        {"ID": "a"},
        {"ID": "a", "audit": None},
        {"ID": "a", "audit": {"Last modified at": "yesterday"}},
        {"ID": "a", "audit": {"Last modified at": None}},
        {"ID": "a", "audit": {"Last modified at": "2026-01-01T00:00:00"}},
    ],
)
def test_a_page_on_which_no_row_tells_its_time_is_garbled(row: dict[str, Any]) -> None:
    page: Callable[[datetime, int, int], AvniPage] = lambda *_: AvniPage([row], 1, at(1_000_000))  # noqa: E731
    with pytest.raises(Garbled):
        list(read_window(START, page))


@pytest.mark.parametrize("spoilt", [{"ID": "a"}, {"audit": {"Last modified at": stamp(2)}}, {"ID": 7, "audit": None}])
def test_a_row_without_identity_or_time_is_read_once_where_it_stands_and_those_behind_it_too(
    spoilt: dict[str, Any],
) -> None:
    first, last = ({"ID": name, "audit": {"Last modified at": stamp(second)}} for name, second in (("x", 1), ("y", 3)))
    rows = [first, spoilt, last]
    page: Callable[[datetime, int, int], AvniPage] = lambda *_: AvniPage(rows, 1, at(1_000_000))  # noqa: E731
    readings = list(read_window(START, page))
    assert [row for reading in readings for row in reading.rows] == rows
    assert list(read_window(readings[-1].position, lambda *_: AvniPage([last], 1, at(1_000_000)))) == []
