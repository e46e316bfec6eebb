"""What became of every row of a Java service's database: carried over, there already, or left behind with the reason.

Each row read ends in exactly one of them, so that the report adds up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

CARRIED = "carried over"
THERE = "there already"

NOT_USED = "nothing here uses it"
"""The reason why rows of what we do not know stay behind."""


@dataclass
class Lines:
    """One table: rows read, and what became of them, by words."""

    name: str
    read: int = 0
    of_others: int = 0
    carried: Counter[str] = field(default_factory=Counter)
    """By how: `CARRIED` or `THERE`."""
    left: Counter[str] = field(default_factory=Counter)
    """By reason."""
    notes: Counter[str] = field(default_factory=Counter)
    """What is worth knowing of rows that came over."""

    @property
    def adds_up(self) -> bool:
        """Whether every row read has an end."""
        return self.read == self.carried.total() + self.left.total()


class Tally:
    """The report while it grows."""

    def __init__(self) -> None:
        self.tables: dict[str, Lines] = {}
        self.unread: dict[str, int] = {}
        """Tables of which nothing is taken over, with their rows."""
        self.advice: list[str] = []
        """What a person has to do or decide."""

    def read(self, table: str, rows: int, of_others: int = 0) -> None:
        """Rows of a table were read."""
        self.tables[table] = Lines(table, rows, of_others)

    def carry(self, table: str, how: str = CARRIED, rows: int = 1) -> None:
        """Rows came over, or were here already."""
        self.tables[table].carried[how] += rows

    def leave(self, table: str, reason: str, rows: int = 1) -> None:
        """Rows stay behind."""
        self.tables[table].left[reason] += rows

    def note(self, table: str, remark: str, rows: int = 1) -> None:
        """Something of rows is worth a remark, whatever became of them."""
        self.tables[table].notes[remark] += rows

    def lines(self) -> Iterator[str]:
        """The report as people read it."""
        for table in self.tables.values():
            how = [f"{number} {word}" for word, number in table.carried.items()]
            how += [f"{table.left.total()} not"] if table.left else []
            others = f"; {table.of_others} of other systems, untouched" if table.of_others else ""
            yield f"{table.name}: {table.read} read{''.join(f', {part}' for part in how)}{others}"
            yield from (f"    not {number}: {reason}" for reason, number in table.left.items())
            yield from (f"    {number}: {remark}" for remark, number in table.notes.items())
        if self.unread:
            yield "Not read, because nothing of it is taken over: " + ", ".join(
                f"{name} ({rows})" for name, rows in self.unread.items()
            )
        yield from (f"To do: {each}" for each in self.advice)
