"""The window reader against a server whose rows change, share milliseconds and appear late between requests."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from avni import AvniPage, WindowPosition, read_window, window_start
from tests.unit.avni.rows import EPOCH, Table, at, names

MARGIN_MS = 10_000
PATIENCE = 400
"""Requests after which the server stops changing, so that every story ends."""


class Restless(Table):
    """Changes a little before it answers: new rows, edits, and commits up to the margin after their time."""

    def __init__(self, seed: int, size: int, crowd: int) -> None:
        super().__init__(size=size, now=100_000)
        self.dice = Random(seed)
        self.crowd = crowd
        self.uncommitted: list[tuple[int, int]] = []
        self.written: set[tuple[str, int]] = set()
        self.settled: set[tuple[str, int]] = set()
        """Versions that were to be seen for long enough that a reader must not miss them, once."""
        for ms in sorted(self.dice.choices(range(80_000, 80_000 + 3 * crowd), k=3 * crowd)):
            self.add(ms)

    def fetch(self, since: datetime, page: int) -> AvniPage:
        if len(self.fetched) < PATIENCE:
            for _ in range(self.dice.randint(0, 3)):
                self._change()
        return super().fetch(since, page)

    def _change(self) -> None:
        change = self.dice.choice(["wait", "add", "edit", "edit", "late", "bulk"])
        if change == "wait":
            self._pass(self.dice.choice([1, 50, 3000]))
        elif change == "add":
            self.add(self.now)
        elif change == "edit":
            self.edit(self.dice.randint(1, len(self.rows)), self.now)
        elif change == "late":
            row = self.add(self.now, visible=False)
            self.uncommitted.append((row.id, self.now + self.dice.randint(1, MARGIN_MS - 1000)))
        else:
            for number in self.dice.sample(range(1, len(self.rows) + 1), k=min(self.crowd, len(self.rows))):
                if self.rows[number - 1].visible:
                    self.edit(number, self.now + number % 2)

    def _pass(self, ms: int) -> None:
        self.now += ms
        for row, due in [one for one in self.uncommitted if one[1] <= self.now]:
            self.rows[row - 1].visible = True
            self.uncommitted.remove((row, due))

    def edit(self, number: int, ms: int) -> None:
        if self.rows[number - 1].visible:
            super().edit(number, ms)

    def come_to_rest(self) -> None:
        self._pass(10 * MARGIN_MS)
        assert not self.uncommitted

    def current(self) -> set[tuple[str, int]]:
        return set(names([row.body() for row in self.rows]))


def run(table: Restless, seed: int, overlap: timedelta) -> list[tuple[str, int]]:
    """Read, being cut off now and then after a commit, until a run at rest has ended."""
    dice = Random(seed)
    position: WindowPosition = window_start(EPOCH)
    delivered: list[tuple[str, int]] = []
    for last in [*[False] * 6, True]:
        if last:
            table.come_to_rest()
            table.fetched.extend([(EPOCH, 0)] * PATIENCE)
        for rows, after in read_window(position, table.fetch, overlap=overlap):
            assert at(table.now) - timedelta(milliseconds=MARGIN_MS) >= datetime.fromisoformat(after["ts"])
            delivered += names(rows)
            position = after
            if not last and dice.random() < 0.1:
                break
    return delivered


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 7), st.integers(0, 15), st.sampled_from([0, 5000, 60_000]))
def test_no_row_is_lost_whatever_happens_between_two_requests(seed: int, size: int, crowd: int, overlap: int) -> None:
    table = Restless(seed, size, crowd + 1)
    delivered = run(table, seed, timedelta(milliseconds=overlap))
    assert table.current() <= set(delivered)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 7), st.integers(0, 15), st.sampled_from([0, 5000, 60_000]))
def test_no_version_is_delivered_twice(seed: int, size: int, crowd: int, overlap: int) -> None:
    delivered = run(Restless(seed, size, crowd + 1), seed, timedelta(milliseconds=overlap))
    assert len(delivered) == len(set(delivered))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 30), max_size=60),
    st.integers(1, 12),
)
def test_a_resting_table_is_read_whole_once_and_in_order(times: list[int], size: int) -> None:
    table = Table(*times, size=size)
    rows = [row for found, _ in read_window(window_start(EPOCH), table.fetch) for row in found]
    assert [row["ID"] for row in rows] == [f"row-{row.id}" for row in sorted(table.rows, key=lambda r: (r.ms, r.id))]
