"""The window reader against a server whose rows change, share milliseconds, appear late and cannot be read."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from avni import AvniPage, WindowPosition, read_gap, read_window, window_start
from common.http_errors import Refused
from tests.unit.avni.rows import EPOCH, Row, Table, at, names, refused

MARGIN_MS = 10_000
PATIENCE = 400
"""Requests of a look after which the server stops changing, so that every story ends."""
MOST_POISON = 12
"""Unreadable rows at a time: fewer one behind the other than make the reader think that the server is ill."""


class Restless(Table):
    """Changes a little before it answers: new rows, edits, and commits up to the margin after their time.

    With `spoils` rows also become unreadable and readable, by edits and without; with `fails` (of a hundred) requests
    are answered with a 500 that means nothing.
    """

    def __init__(self, seed: int, crowd: int, *, spoils: bool = False, fails: int = 0) -> None:
        super().__init__(now=100_000)
        self.dice = Random(seed)
        self.crowd = crowd
        self.spoils = spoils
        self.fails = fails
        self.patience = PATIENCE
        self.uncommitted: list[tuple[int, int]] = []
        for ms in sorted(self.dice.choices(range(80_000, 80_000 + 3 * crowd), k=3 * crowd)):
            self.add(ms)
        for _ in range(self.dice.randint(0, MOST_POISON) if spoils else 0):
            self._spoil(self.dice.choice(self.rows))

    def fetch(self, since: datetime, page: int, size: int) -> AvniPage:
        if self.patience:
            self.patience -= 1
            for _ in range(self.dice.randint(0, 3)):
                self._change()
            if self.dice.randrange(100) < self.fails:
                raise refused(500)
        return super().fetch(since, page, size)

    def _change(self) -> None:
        choices = ["wait", "add", "edit", "edit", "late", "bulk", *["spoil", "mend"] * self.spoils]
        change = self.dice.choice(choices)
        if change == "wait":
            self._pass(self.dice.choice([1, 50, 3000]))
        elif change == "add":
            self.add(self.now)
        elif change == "edit":
            self.edit(self.dice.randint(1, len(self.rows)), self.now)
        elif change == "late":
            row = self.add(self.now, visible=False)
            self.uncommitted.append((row.id, self.now + self.dice.randint(1, MARGIN_MS - 1000)))
        elif change == "bulk":
            for number in self.dice.sample(range(1, len(self.rows) + 1), k=min(self.crowd, len(self.rows))):
                self.edit(number, self.now + number % 2)
        elif change == "spoil":
            self._spoil(self.dice.choice(self.rows))
        else:
            self.dice.choice(self.rows).readable = True

    def _spoil(self, row: Row) -> None:
        if len(self.unreadable()) < MOST_POISON:
            row.readable = False
            if self.dice.random() < 0.5:
                self.edit(row.id, self.now)

    def _pass(self, ms: int) -> None:
        self.now += ms
        for row, due in [one for one in self.uncommitted if one[1] <= self.now]:
            self.rows[row - 1].visible = True
            self.uncommitted.remove((row, due))

    def edit(self, number: int, ms: int) -> None:
        if self.rows[number - 1].visible:
            super().edit(number, ms)

    def come_to_rest(self) -> None:
        self.patience = 0
        self._pass(10 * MARGIN_MS)
        assert not self.uncommitted

    def unreadable(self) -> list[Row]:
        return [row for row in self.rows if not row.readable]

    def current(self) -> set[tuple[str, int]]:
        return set(names([row.body() for row in self.rows]))


class Story:
    """Read, being cut off now and then after a commit, until a run at rest has ended."""

    def __init__(self, table: Restless, seed: int, size: int, overlap: int) -> None:
        self.table = table
        self.dice = Random(seed)
        self.size = size
        self.overlap = timedelta(milliseconds=overlap)
        self.position: WindowPosition = window_start(EPOCH)
        self.delivered: list[tuple[str, int]] = []
        self.gaps: set[datetime] = set()
        for _ in range(6):
            table.patience = PATIENCE
            try:
                self._look(0.1)
            except Refused:
                assert table.spoils or table.fails
        table.come_to_rest()
        self._look(0.0)

    def _look(self, cut_off: float) -> None:
        for reading in read_window(self.position, self.table.fetch, overlap=self.overlap, size=self.size):
            assert datetime.fromisoformat(reading.position["ts"]) >= datetime.fromisoformat(self.position["ts"])
            assert datetime.fromisoformat(reading.position["ts"]) <= at(self.table.now - MARGIN_MS)
            self.delivered += names(reading.rows)
            self.gaps.update(gap.at for gap in reading.gaps)
            self.position = reading.position
            if self.dice.random() < cut_off:
                break


SEEDS = st.integers(0, 2**32)
SIZES = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 10, 20])
CROWDS = st.integers(1, 16)
OVERLAPS = st.sampled_from([0, 5000, 60_000])


@settings(deadline=None, max_examples=60)
@given(SEEDS, SIZES, CROWDS, OVERLAPS)
def test_no_row_is_lost_whatever_happens_between_two_requests(seed: int, size: int, crowd: int, overlap: int) -> None:
    table = Restless(seed, crowd)
    story = Story(table, seed, size, overlap)
    assert table.current() <= set(story.delivered)


@settings(deadline=None, max_examples=60)
@given(SEEDS, SIZES, CROWDS, OVERLAPS)
def test_no_version_is_delivered_twice(seed: int, size: int, crowd: int, overlap: int) -> None:
    delivered = Story(Restless(seed, crowd), seed, size, overlap).delivered
    assert len(delivered) == len(set(delivered))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 12))
def test_a_resting_table_is_read_whole_once_and_in_order(times: list[int], size: int) -> None:
    table = Table(*times)
    rows = [row for reading in read_window(window_start(EPOCH), table.fetch, size=size) for row in reading.rows]
    assert [row["ID"] for row in rows] == [f"row-{row.id}" for row in sorted(table.rows, key=lambda r: (r.ms, r.id))]


# --- rows that cannot be read -------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(0, 40), max_size=60),
    st.sets(st.integers(1, 60), max_size=19),
    st.sampled_from([1, 7, 10, 100]),
)
def test_a_resting_table_is_read_but_for_exactly_its_unreadable_rows(
    times: list[int], poison: set[int], size: int
) -> None:
    table = Table(*times, poison=poison)
    readings = list(read_window(window_start(EPOCH), table.fetch, size=size))
    ordered = sorted(table.rows, key=lambda row: (row.ms, row.id))
    assert [row["ID"] for one in readings for row in one.rows] == [f"row-{row.id}" for row in ordered if row.readable]
    gaps = [(gap.at, gap.rows) for reading in readings for gap in reading.gaps]
    unreadable = [row.ms for row in ordered if not row.readable]
    assert gaps == [(at(ms), unreadable.count(ms)) for ms in sorted(set(unreadable))]


@settings(deadline=None, max_examples=100)
@given(SEEDS, SIZES, CROWDS, OVERLAPS, st.sampled_from([0, 0, 3, 20]))
def test_with_unreadable_rows_each_row_is_delivered_or_stands_in_a_gap(
    seed: int, size: int, crowd: int, overlap: int, fails: int
) -> None:
    table = Restless(seed, crowd, spoils=True, fails=fails)
    story = Story(table, seed, size, overlap)
    delivered = set(story.delivered)
    missing = [row for row in table.rows if not delivered.issuperset(names([row.body()]))]
    assert {at(row.ms) for row in missing} <= story.gaps


@settings(deadline=None, max_examples=60)
@given(SEEDS, SIZES, CROWDS, OVERLAPS)
def test_with_unreadable_rows_no_version_is_delivered_twice(seed: int, size: int, crowd: int, overlap: int) -> None:
    delivered = Story(Restless(seed, crowd, spoils=True), seed, size, overlap).delivered
    assert len(delivered) == len(set(delivered))


@settings(deadline=None, max_examples=60)
@given(SEEDS, SIZES, CROWDS)
def test_reading_all_gaps_again_brings_whatever_is_missing_and_leaves_the_unreadable(
    seed: int, size: int, crowd: int
) -> None:
    table = Restless(seed, crowd, spoils=True)
    story = Story(table, seed, size, overlap=0)
    again = {gap: read_gap(gap, table.fetch, size=size) for gap in story.gaps}
    found = {version for rows, _ in again.values() for version in names(rows)}
    assert table.current() <= found | set(story.delivered) | set(names([row.body() for row in table.unreadable()]))
    remaining = {at: remains.rows for at, (_, remains) in again.items() if remains}
    unreadable = [at(row.ms) for row in table.unreadable()]
    assert remaining == {time: unreadable.count(time) for time in unreadable if time in story.gaps}
