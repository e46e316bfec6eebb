"""Records of Avni as changes: the pages of a window, and fields that every record has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, cast

from avni import windows
from avni.client import AvniClient
from avni.listing import identity
from avni.windows import FetchPage, Reading, WindowPosition, read_gap, read_window
from avni.wire import instant
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.form_encounter import Form
from common import clock
from engine.ports import UNTIL, Change, Gap, JsonObject, Page
from engine.verdicts import Fail
from mappings.models import Side
from mappings.snapshot import Snapshot

LATEST: Final = timedelta(hours=1)
"""How late a row may become visible and still be found: nobody's transaction takes as long."""

EVERY: Final = timedelta(hours=1)
"""How often rows that became visible late are looked for."""


class LookBack:
    """In which hour each partition of a stream was last read. Belongs to one process.

    The clock on the wall decides: a process that lives for less than an hour looks back all the same, when an hour ends
    in its time, and one turn of the hour that none of them saw is made up for by the next.
    """

    def __init__(self) -> None:
        self._read_in: dict[str, int] = {}

    def is_due(self, partition: str) -> bool:
        """Whether an hour ended since the last call; then it is taken as done, however far it gets."""
        hour = int(clock.now().timestamp() // EVERY.total_seconds())
        before, self._read_in[partition] = self._read_in.get(partition, hour), hour
        return hour != before


def pages(partition: str, position: JsonObject, fetch: FetchPage, late: LookBack) -> Iterator[Page]:
    """What was modified since the position, oldest first, with the places Avni cannot show (avni.md A29).

    From time to time, once all of it is read, also what became visible late (A7); the ledger knows the rest of that.
    """
    if UNTIL in position:
        yield from _bounded(partition, position, fetch)
        return
    reached, newest = cast(WindowPosition, position), None
    for reading in read_window(reached, fetch):
        reached = reading.position
        page = _page(partition, reading, reached)
        newest = page.read_upto or newest
        yield page
    if late.is_due(partition):
        for reading in read_window(reached, fetch, overlap=LATEST + EVERY):
            # Looking back moves no position, and nothing need be remembered; nor does it tell how far reading came.
            yield replace(_page(partition, reading, reached), read_upto=newest)


def _bounded(partition: str, position: JsonObject, fetch: FetchPage) -> Iterator[Page]:
    """The same, as far as the position says: it ends there, and leaves what became visible late to others."""
    bound = {UNTIL: position[UNTIL]}
    until = instant(position[UNTIL])
    inner = cast(WindowPosition, {key: value for key, value in position.items() if key != UNTIL})
    for reading in read_window(inner, fetch):
        page = _page(partition, reading, reading.position)
        inside = tuple(one for one in page.changes if one.source_time is None or one.source_time < until)
        gaps = tuple(gap for gap in page.gaps if instant(gap.place) < until)
        yield replace(page, changes=inside, gaps=gaps, position={**page.position, **bound})
        if len(inside) < len(page.changes) or instant(reading.position["ts"]) >= until:
            return


def _page(partition: str, reading: Reading, reached: WindowPosition) -> Page:
    changes = tuple(_change(row) for row in reading.rows)
    unread = tuple(_gap(partition, gap) for gap in reading.gaps)
    newest = changes[-1].source_time if changes else None
    return Page(changes, cast(JsonObject, reached), newest, gaps=unread)


def reread(partition: str, place: str, fetch: FetchPage) -> tuple[Sequence[Change], Gap | None]:
    """What Avni can show by now at a place of `pages`, and what it still cannot."""
    rows, unread = read_gap(instant(place), fetch)
    return [_change(row) for row in rows], _gap(partition, unread) if unread else None


def _gap(partition: str, unread: windows.Gap) -> Gap:
    told = {"part": partition, "at": unread.name, "rows": str(unread.rows), "code": unread.failure.code}
    return Gap(unread.name, Fail("bahmni.row-unreadable", **told))


def refuse_unknown(form: Form | None, avni: AvniClient, snapshot: Snapshot) -> None:
    """Raise Fail for an answer without a mapping; one request, and only then.

    It is named only when Avni has a concept of that name: a question that is no choice in truth may hold anything
    that people write.
    """
    for question, answer in form.answers.unknown if form else ():
        if avni.knows_concept(answer, snapshot.constant(v.SUBJECT_TYPE)):
            raise Fail("bahmni.answer-unmapped", question=question, value=answer, side=Side.AVNI)
        raise Fail("bahmni.answer-unknown", question=question)


@contextmanager
def naming_what_is_missing() -> Iterator[None]:
    """Raises Fail that names the field where a record lacks one."""
    try:
        yield
    except KeyError as missing:
        raise Fail("record.field-missing", field=str(missing.args[0])) from None


def _change(row: Mapping[str, Any]) -> Change:
    """A row as a change; what it lacks is told when it is made something of."""
    audit = row.get("audit")
    stamp = audit.get("Last modified at") if isinstance(audit, Mapping) else None
    try:
        at = instant(stamp) if isinstance(stamp, str) else None
    except (OverflowError, ValueError):
        at = None
    return Change(identity(dict(row)), stamp if at and isinstance(stamp, str) else "", at, row)
