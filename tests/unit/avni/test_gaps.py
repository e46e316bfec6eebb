"""Rows that make their page a 500: everything else arrives, and each such millisecond is told as one gap."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from avni import AvniPage, Gap, Reading, WindowPosition, read_gap, read_window, window_start
from avni.windows import FetchPage
from common.http_errors import Forbidden, NotFound, Refused, Slow
from tests.unit.avni.rows import EPOCH, Table, at, names, refused, stamp

START = window_start(EPOCH)


def read(table: Table, position: WindowPosition = START, **options: Any) -> list[Reading]:
    return list(read_window(position, table.fetch, **options))


def rows_of(readings: list[Reading]) -> list[str]:
    return [row["ID"] for reading in readings for row in reading.rows]


def gaps_of(readings: list[Reading]) -> list[tuple[datetime, int]]:
    return [(gap.at, gap.rows) for reading in readings for gap in reading.gaps]


def others(table: Table) -> list[str]:
    """The readable rows in the server's order."""
    return [f"row-{row.id}" for row in sorted(table.rows, key=lambda r: (r.ms, r.id)) if row.readable]


# --- what arrives and what is told --------------------------------------------------------------


@pytest.mark.parametrize("poison", [1, 2, 99, 100, 101, 150, 249, 250])
def test_all_rows_but_the_unreadable_one_arrive_in_order(poison: int) -> None:
    table = Table(*range(100, 25_100, 100), poison=[poison])
    assert rows_of(read(table)) == others(table)


@pytest.mark.parametrize("poison", [1, 2, 99, 100, 101, 150, 249, 250])
def test_the_gap_is_the_exact_millisecond_of_the_row(poison: int) -> None:
    table = Table(*range(137, 34_251, 137), poison=[poison])
    assert gaps_of(read(table)) == [(at(137 * poison), 1)]


def test_the_rows_before_a_gap_come_before_it_and_the_rows_behind_it_after_it() -> None:
    readings = read(Table(100, 200, 300, 400, 500, poison=[3]))
    order = [name for reading in readings for name in [*rows_of([reading]), *(gap.name for gap in reading.gaps)]]
    assert order == ["row-1", "row-2", stamp(300), "row-4", "row-5"]


def test_a_gap_comes_without_rows_and_with_the_position_behind_its_millisecond() -> None:
    (reading,) = [reading for reading in read(Table(100, 200, 300, poison=[2])) if reading.gaps]
    assert (reading.rows, reading.position) == ([], {"ts": stamp(201), "known": {}})


def test_no_position_before_a_gap_is_behind_it() -> None:
    readings = read(Table(100, 200, 300, poison=[2]))
    told = [bool(reading.gaps) for reading in readings].index(True)
    assert all(reading.position["ts"] <= stamp(200) for reading in readings[:told])


def test_a_gap_carries_the_servers_answer() -> None:
    (gap,) = [gap for reading in read(Table(100, poison=[1])) for gap in reading.gaps]
    assert gap.failure.status == 500


def test_a_gap_is_named_after_its_millisecond() -> None:
    assert Gap(at(123), 2, refused(500)).name == stamp(123)


@pytest.mark.parametrize("poison", [[4], [8], [13], [4, 5, 13], [8, 10], [4, 6, 8, 10, 12]])
@pytest.mark.parametrize("size", [1, 7, 10, 100])
def test_the_others_of_its_millisecond_arrive(poison: list[int], size: int) -> None:
    table = Table(*[100] * 3, *[200] * 10, *[300] * 3, poison=poison)
    readings = read(table, size=size)
    assert (rows_of(readings), gaps_of(readings)) == (others(table), [(at(200), len(poison))])


def test_an_unreadable_row_in_a_crowd_of_hundreds_costs_no_other() -> None:
    table = Table(*[200] * 350, 300, poison=[123])
    readings = read(table)
    assert (rows_of(readings), gaps_of(readings)) == (others(table), [(at(200), 1)])


def test_a_crowd_right_behind_a_gap_arrives_in_order() -> None:
    table = Table(100, 200, *[201] * 150, 300, poison=[2])
    assert rows_of(read(table)) == others(table)


@pytest.mark.parametrize("poison", [[2, 3], [2, 3, 4], [1, 2], [2, 4], [1, 3, 5], [4, 5], [1, 2, 3, 4, 5]])
def test_each_millisecond_with_unreadable_rows_is_a_gap_of_its_own(poison: list[int]) -> None:
    table = Table(100, 101, 300, 4000, 4001, poison=poison)
    readings = read(table)
    expected = [(at(table.rows[number - 1].ms), 1) for number in poison]
    assert (rows_of(readings), gaps_of(readings)) == (others(table), expected)


def test_two_unreadable_rows_with_years_between_them_are_two_gaps() -> None:
    years = 3 * 365 * 86_400_000
    readings = read(Table(100, 100 + years, now=2 * years, poison=[1, 2]))
    assert gaps_of(readings) == [(at(100), 1), (at(100 + years), 1)]


def test_what_follows_a_gap_is_read_in_whole_pages_again() -> None:
    table = Table(*range(100, 40_100, 100), poison=[2])
    read(table)
    assert [size for _, _, size in table.fetched[-3:]] == [100, 100, 100]


def test_one_unreadable_row_among_the_first_ever_costs_no_more_than_a_hundred_requests() -> None:
    table = Table(*range(100, 10_100, 100), poison=[50])
    read(table, window_start(at(0) - timedelta(days=126 * 365)))
    assert len(table.fetched) <= 100


def test_among_rows_a_quarter_of_an_hour_apart_an_unreadable_row_costs_fewer_than_sixty_requests() -> None:
    quarter = 15 * 60 * 1000
    costs = []
    for poison in ([], [500]):
        table = Table(*range(0, 1000 * quarter, quarter), now=2000 * quarter, poison=poison)
        read(table)
        costs.append(len(table.fetched))
    assert costs[1] - costs[0] < 60


def test_behind_a_gap_a_second_look_costs_one_request() -> None:
    table = Table(100, 200, 300, poison=[2])
    position = read(table)[-1].position
    table.fetched.clear()
    assert read(table, position) == []
    assert len(table.fetched) == 1


def test_from_an_older_position_the_same_gap_is_told_again() -> None:
    table = Table(*range(100, 10_100, 100), poison=[50])
    readings = read(table)
    told = [bool(reading.gaps) for reading in readings].index(True)
    again = read(table, json.loads(json.dumps(readings[told - 1].position)))
    assert gaps_of(again) == gaps_of(readings)
    assert rows_of(readings[:told]) + rows_of(again) == others(table)


def test_a_gap_in_the_overlap_is_told_again_and_moves_nothing_back() -> None:
    table = Table(*range(1000, 40_000, 1000), poison=[20])
    first = read(table, overlap=timedelta(minutes=1))
    again = read(table, first[-1].position, overlap=timedelta(minutes=1))
    assert (rows_of(again), gaps_of(again)) == ([], [(at(20_000), 1)])
    assert again[-1].position["ts"] == first[-1].position["ts"]


# --- the end of the list, and the margin --------------------------------------------------------


@pytest.mark.parametrize("times", [[200], [100, 200], [200, 200, 200], [*range(1, 200), 200]])
def test_an_unreadable_row_at_the_very_end_is_a_gap(times: list[int]) -> None:
    table = Table(*times, poison=[len(times)])
    readings = read(table)
    assert (rows_of(readings), gaps_of(readings)) == (others(table), [(at(200), 1)])


@pytest.mark.parametrize("ms", [90_000, 90_001, 95_000, 99_998])
def test_an_unreadable_row_not_older_than_the_margin_waits(ms: int) -> None:
    table = Table(100, ms, now=100_000, poison=[2])
    readings = read(table)
    assert (rows_of(readings), gaps_of(readings)) == (["row-1"], [])
    table.now = ms + 11_000
    assert gaps_of(read(table, readings[-1].position)) == [(at(ms), 1)]


def test_an_unreadable_row_just_older_than_the_margin_is_a_gap() -> None:
    table = Table(89_999, now=100_000, poison=[1])
    (reading,) = read(table)
    assert reading.gaps
    assert reading.position["ts"] == stamp(90_000)


@pytest.mark.parametrize("times", [[200, 95_000], [95_000], [100, 200, 95_000]])
def test_waiting_for_the_margin_costs_no_search(times: list[int]) -> None:
    table = Table(*times, now=100_000, poison=[max(1, len(times) - 1)])
    assert not gaps_of(read(table))
    assert len(table.fetched) <= 15


def test_with_nothing_but_younger_rows_behind_it_an_unreadable_row_waits() -> None:
    table = Table(100, 200, 95_000, now=100_000, poison=[2])
    readings = read(table)
    assert (rows_of(readings), gaps_of(readings)) == (["row-1"], [])
    table.now = 120_000
    again = read(table, readings[-1].position)
    assert (rows_of(again), gaps_of(again)) == (["row-3"], [(at(200), 1)])


def test_a_younger_unreadable_row_holds_up_no_older_row() -> None:
    table = Table(*range(100, 20_100, 100), 95_000, now=100_000, poison=[201])
    assert rows_of(read(table)) == others(table)


# --- what is not the row's fault ----------------------------------------------------------------


@pytest.mark.parametrize(
    "failure", [refused(400), refused(409), Forbidden("no", side="avni", method="GET", path_template="", status=403),
                NotFound("no", side="avni", method="GET", path_template="", status=404),
                Slow("no", side="avni", method="GET", path_template="")],
)  # fmt: skip
def test_any_other_failure_is_raised_after_one_request(failure: Exception) -> None:
    asked = 0

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        nonlocal asked
        asked += 1
        raise failure

    with pytest.raises(type(failure)):
        list(read_window(START, fetch))
    assert asked == 1


def test_another_failure_while_the_row_is_looked_for_is_raised() -> None:
    table = Table(100, 200, 300, poison=[2])

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        if len(table.fetched) == 12:
            raise refused(403)
        return table.fetch(since, page, size)

    with pytest.raises(Refused) as raised:
        list(read_window(START, fetch))
    assert raised.value.status == 403


def test_a_server_that_answers_500_to_everything_is_ill() -> None:
    asked = 0

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        nonlocal asked
        asked += 1
        raise refused(500)

    with pytest.raises(Refused):
        list(read_window(START, fetch))
    assert asked < 30


@pytest.mark.parametrize("same", [0, 100])
def test_nineteen_unreadable_rows_in_a_row_are_told(same: int) -> None:
    table = Table(50, *[100 + number * (100 - same) for number in range(19)], 99_000, poison=range(2, 21))
    readings = read(table)
    assert rows_of(readings) == others(table)
    assert sum(rows for _, rows in gaps_of(readings)) == 19


def test_unreadable_rows_with_readable_ones_between_them_are_not_in_a_row() -> None:
    table = Table(*[100] * 50, poison=[*range(1, 20), *range(21, 40), *range(42, 51)])
    readings = read(table)
    assert (rows_of(readings), gaps_of(readings)) == (others(table), [(at(100), 47)])


def test_twenty_unreadable_rows_in_a_row_among_readable_ones_of_their_millisecond_are_the_servers_fault() -> None:
    readings, failure = read_until_refused(Table(*[100] * 30, poison=range(5, 25)).fetch)
    assert failure
    assert gaps_of(readings) == []


@pytest.mark.parametrize("same", [0, 100])
def test_twenty_unreadable_rows_in_a_row_are_the_servers_fault_and_nothing_passes_them(same: int) -> None:
    table = Table(50, *[100 + number * (100 - same) for number in range(20)], 99_000, poison=range(2, 22))
    seen, failure = read_until_refused(table.fetch)
    assert failure
    assert (rows_of(seen), gaps_of(seen)) == (["row-1"], [])
    assert all(reading.position["ts"] <= stamp(100) for reading in seen)


def test_a_500_that_passes_leaves_no_gap() -> None:
    table = Table(*range(100, 25_100, 100))
    readings = list(read_window(START, failing(table, lambda number: number == 1)))
    assert (rows_of(readings), gaps_of(readings)) == (others(table), [])


def test_a_server_that_fails_on_whole_pages_is_read_in_smaller_ones() -> None:
    table = Table(*range(100, 25_100, 100))

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        if size > 30:
            raise refused(500)
        return table.fetch(since, page, size)

    readings = list(read_window(START, fetch))
    assert (rows_of(readings), gaps_of(readings)) == (others(table), [])


@pytest.mark.parametrize("every", [2, 3, 5])
def test_a_server_that_fails_time_and_again_is_not_asked_for_ever(every: int) -> None:
    table = Table(*range(100, 2100, 100), poison=[5, 6, 20])
    failure = read_until_refused(failing(table, lambda number: number % every == 0))[1]
    assert failure
    assert len(table.fetched) < 300


def test_a_server_that_answers_only_when_looked_at_closely_is_not_asked_for_ever() -> None:
    table = Table(*range(100, 2100, 100))
    failure = read_until_refused(failing(table, lambda number: number % 8 != 0))[1]
    assert failure
    assert len(table.fetched) < 300


def test_a_500_that_passes_takes_no_position_into_the_margin() -> None:
    table = Table(95_000, now=100_000)
    fetch = failing(table, lambda number: number < 8)
    assert list(read_window(window_start(at(90_000)), fetch)) == []


def test_a_row_deleted_while_it_is_looked_for_takes_no_position_into_the_margin() -> None:
    table = Table(95_000, now=100_000, poison=[1])

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        if len(table.fetched) == 9:
            table.rows.clear()
        return table.fetch(since, page, size)

    assert list(read_window(window_start(at(90_000)), fetch)) == []


def read_until_refused(fetch: FetchPage) -> tuple[list[Reading], Refused | None]:
    """What came before the window was refused, if it was."""
    readings: list[Reading] = []
    try:
        readings.extend(read_window(START, fetch))
    except Refused as refusal:
        return readings, refusal
    return readings, None


def failing(table: Table, when: Callable[[int], bool]) -> FetchPage:
    """Asks the table, but for the requests (numbered from 1) at which the server has a moment of its own."""

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        if when(len(table.fetched) + 1):
            table.fetched.append((since, page, size))
            raise refused(500)
        return table.fetch(since, page, size)

    return fetch


CASES = {
    "between": ([100, 200, 300], [2]),
    "at the end": ([100, 200], [2]),
    "neighbours": ([100, 200, 300, 400], [2, 3]),
    "two at the end": ([100, 200, 300], [2, 3]),
    "beside others": ([100, 200, 200, 200, 300], [3]),
    "beside others at the end": ([100, 200, 200, 200], [3]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_passing_500_at_any_request_of_the_search_loses_nothing_and_tells_no_other_gap(case: str) -> None:
    times, poison = CASES[case]
    expected = sorted({(at(times[number - 1]), 1) for number in poison})
    quiet = Table(*times, poison=poison)
    read(quiet)
    for request in range(1, len(quiet.fetched) + 1):
        table = Table(*times, poison=poison)
        readings = list(read_window(START, failing(table, lambda number, request=request: number == request)))  # type: ignore[misc]
        # Where the end of the list could not be told, the rest waits for the next look.
        readings += read(table, readings[-1].position if readings else START)
        assert (rows_of(readings), gaps_of(readings)) == (others(table), expected), request


@pytest.mark.parametrize("case", CASES)
def test_two_passing_500s_at_any_requests_of_the_search_lose_nothing(case: str) -> None:
    times, poison = CASES[case]
    quiet = Table(*times, now=12_000, poison=poison)
    read(quiet)
    for moments in combinations(range(1, len(quiet.fetched) + 1), 2):
        table = Table(*times, now=12_000, poison=poison)
        readings = list(read_window(START, failing(table, moments.__contains__)))
        readings += read(table, readings[-1].position if readings else START)
        told = {gap for gap, _ in gaps_of(readings)}
        assert {at(row.ms) for row in table.rows if f"row-{row.id}" not in rows_of(readings)} <= told, moments


@pytest.mark.parametrize("case", CASES)
def test_an_edit_at_any_request_of_the_search_loses_nothing(case: str) -> None:
    times, poison = CASES[case]
    quiet = Table(*times, poison=poison)
    read(quiet)
    for request in range(1, len(quiet.fetched) + 1):
        for edited in range(1, len(times) + 1):
            table = Table(*times, poison=poison, now=100_000)

            def fetch(
                since: datetime,
                page: int,
                size: int,
                *,
                table: Table = table,
                request: int = request,
                row: int = edited,
            ) -> AvniPage:
                if len(table.fetched) + 1 == request:
                    table.edit(row, 99_900)
                return table.fetch(since, page, size)

            readings = list(read_window(START, fetch))
            table.now = 200_000
            readings += read(table, readings[-1].position if readings else START)
            delivered = {version for reading in readings for version in names(reading.rows)}
            where = (request, edited)
            assert {one for row in table.rows if row.readable for one in names([row.body()])} <= delivered, where
            assert {at(row.ms) for row in table.rows if not row.readable} <= {gap for gap, _ in gaps_of(readings)}, (
                where
            )


# --- reading a gap again ------------------------------------------------------------------------


def test_a_gap_that_is_as_it_was_remains() -> None:
    table = Table(100, 200, 200, 300, poison=[2])
    rows, gap = read_gap(at(200), table.fetch)
    assert (names(rows), gap) == ([("row-3", 1)], Gap(at(200), 1, refused(500)))


def test_a_gap_that_became_readable_brings_its_rows() -> None:
    rows, gap = read_gap(at(200), Table(100, 200, 200, 300).fetch)
    assert (names(rows), gap) == ([("row-2", 1), ("row-3", 1)], None)


def test_a_gap_that_became_readable_in_part_remains_for_the_rest() -> None:
    rows, gap = read_gap(at(200), Table(100, 200, 200, 200, 300, poison=[3]).fetch)
    assert (names(rows), gap) == ([("row-2", 1), ("row-4", 1)], Gap(at(200), 1, refused(500)))


def test_a_gap_whose_rows_are_gone_is_closed() -> None:
    assert read_gap(at(200), Table(100, 300).fetch) == ([], None)


def test_a_gap_is_not_confused_with_unreadable_rows_behind_it() -> None:
    assert read_gap(at(200), Table(100, 200, 201, 300, poison=[3]).fetch)[1] is None


def test_a_gap_at_the_end_of_the_list_is_read_again() -> None:
    assert read_gap(at(200), Table(100, 200, poison=[2]).fetch) == ([], Gap(at(200), 1, refused(500)))


def test_a_gap_between_healthy_rows_costs_two_requests_once_it_is_readable() -> None:
    table = Table(100, 200, 300)
    read_gap(at(200), table.fetch)
    assert len(table.fetched) == 2


def test_a_row_edited_while_its_gap_is_read_comes_at_its_new_time_only() -> None:
    table = Table(*[200] * 3, 300)

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        if len(table.fetched) == 1:
            table.edit(1, 400)
        return table.fetch(since, page, size)

    assert names(read_gap(at(200), fetch)[0]) == [("row-2", 1), ("row-3", 1)]


def test_a_gap_with_only_younger_rows_behind_it_is_asked_for_later() -> None:
    table = Table(200, 95_000, now=100_000, poison=[1])
    with pytest.raises(Refused):
        read_gap(at(200), table.fetch)
