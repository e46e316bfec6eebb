"""Tables: rows by uuid, by External ID, by owner and in the order Avni lists them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from heapq import merge
from typing import Generic, TypeVar

from simulators.avni.rows import Key, Row

R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """Rows by uuid, by External ID, by owner and by time. Not locked: the store does that."""

    def __init__(self, owners: Callable[[R], tuple[str, ...]] = lambda row: ()) -> None:
        """`owners`: the uuids of the records to which a row belongs."""
        self.rows: dict[str, R] = {}
        self._owners = owners
        self._owned: dict[str, dict[str, None]] = {}
        self._next_seq = 1
        self._by_external: dict[tuple[str, str], str] = {}
        self._timelines: dict[tuple[str, str], list[Key]] = {}
        self._pending: list[tuple[int, R]] = []

    def next_seq(self) -> int:
        """A database id never given before."""
        self._next_seq += 1
        return self._next_seq - 1

    def install(self, row: R) -> None:
        """Make a row, or its newer state, visible. Rows are replaced, never changed."""
        before = self.rows.get(row.uuid)
        if before is not None:
            self._take_out(before)
            for owner in set(self._owners(before)) - set(self._owners(row)):
                del self._owned[owner][row.uuid]
        self.rows[row.uuid] = row
        for owner in self._owners(row):
            self._owned.setdefault(owner, {})[row.uuid] = None
        self._next_seq = max(self._next_seq, row.seq + 1)
        if row.external_id:
            self._by_external[row.organisation, row.external_id] = row.uuid
        insort(self._timelines.setdefault((row.organisation, row.kind), []), row.key)

    def install_later(self, row: R, visible_ms: int) -> None:
        """Keep a row that is written but not committed before `visible_ms`."""
        self._pending.append((visible_ms, row))

    def commit_due(self, now_ms: int) -> None:
        """Install what should be visible by now."""
        if not self._pending:
            return
        due = [row for visible_ms, row in self._pending if visible_ms <= now_ms]
        self._pending = [entry for entry in self._pending if entry[0] > now_ms]
        for row in due:
            self.install(row)

    def remove(self, uuid: str) -> None:
        """Delete a row for good, as only a database administrator can."""
        row = self.rows.pop(uuid)
        self._take_out(row)
        for owner in self._owners(row):
            self._owned[owner].pop(uuid, None)

    def _take_out(self, row: R) -> None:
        timeline = self._timelines[row.organisation, row.kind]
        del timeline[bisect_left(timeline, row.key)]
        if row.external_id:
            self._by_external.pop((row.organisation, row.external_id), None)

    def of(self, owner: str) -> list[str]:
        """Uuids of the rows that belong to a record, voided ones too, in no promised order."""
        return list(self._owned.get(owner, ()))

    def get(self, organisation: str, uuid: str) -> R | None:
        """A row of this organisation by its uuid."""
        row = self.rows.get(uuid)
        return row if row is not None and row.organisation == organisation else None

    def with_external_id(self, organisation: str, external_id: str) -> R | None:
        """A row of this organisation by its External ID, the case as given."""
        uuid = self._by_external.get((organisation, external_id))
        return self.rows[uuid] if uuid else None

    def awaits(self, organisation: str, external_id: str) -> bool:
        """Whether a write with this External ID is under way but not committed."""
        return any(row.organisation == organisation and row.external_id == external_id for _, row in self._pending)

    def find(self, organisation: str, uuid_or_external_id: str) -> list[R]:
        """Rows with that uuid or that External ID: none, one or, by accident, two."""
        by_uuid = self.get(organisation, uuid_or_external_id)
        by_external = self.with_external_id(organisation, uuid_or_external_id)
        found = [row for row in (by_uuid, by_external) if row is not None]
        return found[:1] if len(found) == 2 and found[0] is found[1] else found

    def in_window(self, organisation: str, kind: str | None, after: Key | None, before: Key | None) -> list[R]:
        """Rows in listing order with `after` <= key < `before`; None leaves that side open."""
        slices = [
            timeline[
                bisect_left(timeline, after) if after else 0 : (
                    bisect_left(timeline, before) if before else len(timeline)
                )
            ]
            for (owner, name), timeline in self._timelines.items()
            if owner == organisation and kind in (None, name)
        ]
        keys: Iterator[Key] = merge(*slices) if len(slices) > 1 else iter(slices[0] if slices else [])
        return [self.rows[uuid] for _, _, uuid in keys]
