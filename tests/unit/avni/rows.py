"""Avni's window over a table in memory: open below, by time and then by id, pages cut afresh for each request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from avni import AvniPage
from common.http_errors import Refused

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def at(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def stamp(ms: int) -> str:
    return at(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Row:
    id: int
    ms: int
    version: int = 1
    visible: bool = True
    readable: bool = True

    def body(self) -> dict[str, Any]:
        return {"ID": f"row-{self.id}", "version": self.version, "audit": {"Last modified at": stamp(self.ms)}}


class Table:
    """Rows, and a clock that shows whole seconds as an HTTP date does. A page with an unreadable row is a 500."""

    def __init__(self, *times: int, now: int = 1_000_000, poison: Iterable[int] = ()) -> None:
        self.rows = [Row(number, ms, readable=number not in poison) for number, ms in enumerate(times, 1)]
        self.now = now
        self.fetched: list[tuple[datetime, int, int]] = []

    def fetch(self, since: datetime, page: int, size: int) -> AvniPage:
        self.fetched.append((since, page, size))
        found = sorted(
            (row for row in self.rows if row.visible and since < at(row.ms) < at(self.now)), key=lambda r: (r.ms, r.id)
        )
        shown = found[page * size : (page + 1) * size]
        if not all(row.readable for row in shown):
            raise refused(500)
        return AvniPage([row.body() for row in shown], -(-len(found) // size), at(self.now - self.now % 1000))

    def add(self, ms: int, *, visible: bool = True, readable: bool = True) -> Row:
        row = Row(len(self.rows) + 1, ms, visible=visible, readable=readable)
        self.rows.append(row)
        return row

    def edit(self, number: int, ms: int) -> None:
        row = self.rows[number - 1]
        row.ms, row.version = ms, row.version + 1


def refused(status: int) -> Refused:
    return Refused("it says no", side="avni", method="GET", path_template="/api/subjects", status=status)


def names(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(row["ID"], row["version"]) for row in rows]
