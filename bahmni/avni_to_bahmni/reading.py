"""Records of Avni as changes: the pages of a window, and fields that every record has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from avni.windows import FetchPage, WindowPosition, read_window
from avni.wire import instant
from engine.ports import Change, JsonObject, Page
from engine.verdicts import Fail


def pages(position: JsonObject, fetch: FetchPage) -> Iterator[Page]:
    """What was modified since the position, oldest first. Raises Refused at a gap."""
    for reading in read_window(cast(WindowPosition, position), fetch):
        for gap in reading.gaps:
            raise gap.failure
        changes = tuple(_change(row) for row in reading.rows)
        yield Page(changes, cast(JsonObject, reading.position), changes[-1].source_time if changes else None)


@contextmanager
def naming_what_is_missing() -> Iterator[None]:
    """Raises Fail that names the field where a record lacks one."""
    try:
        yield
    except KeyError as missing:
        raise Fail("record.field-missing", field=str(missing.args[0])) from None


def _change(row: Mapping[str, Any]) -> Change:
    stamp = row["audit"]["Last modified at"]
    return Change(row["ID"], stamp, instant(stamp), row)
