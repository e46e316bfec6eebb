"""Places of a source that nobody could read, as error records: read again when due, like any other record.

A whole partition that a server refuses (our account may not see one encounter type) is one such place; a single
millisecond of a window whose rows make their page fail is another. Each has an entity id of its own, the same whenever
it is met, so that one place is one record however often it is read.
"""

from __future__ import annotations

from typing import Final

from common.fingerprint import fingerprint

BEGIN: Final = "unread:"
"""What the entity id of every gap begins with, and no record's."""

ROUND: Final = "round"
"""Stands for a partition where a stream is gone through: the round as a whole, or a record whose list it reads."""


def gap_id(partition: str, place: str = "") -> str:
    """The entity id of a place in a partition; of the whole partition without one. At most 100 characters."""
    return f"{BEGIN}{fingerprint(partition)[:16]}:{place}"


def stands_for(entity_id: str) -> bool:
    """Whether an entity id is one of a gap, not of a record."""
    return entity_id.startswith(BEGIN)


def place_in(partition: str, entity_id: str) -> str | None:
    """The place in this partition that an id of a gap names ("" for the whole of it); None when it is of another."""
    begin = gap_id(partition)
    return entity_id.removeprefix(begin) if entity_id.startswith(begin) else None


def place_of(entity_id: str) -> str:
    """The place that an id of a gap names in whatever partition; "" for the whole of one."""
    return entity_id.removeprefix(BEGIN).partition(":")[2]
