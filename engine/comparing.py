"""Comparing with the target again what a lost worker was writing, when it is due (`engine.suspects`).

Each record is fetched as it is now and takes the one path, as if nothing were known of what its target holds. One that
is no error costs two requests. Never moves a position.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import transaction

from common import clock
from engine import suspects
from engine.carrying import without_result
from engine.commit import Ledger, load_known
from engine.lease import StoppedByPerson
from engine.patience import Patience
from engine.ports import Change
from engine.slices import Slice
from errors import recording
from errors.models import ErrorState
from syncstatus.models import RunKind, Suspect

AT_ONCE: Final = 100
"""Records of one batch."""

SHARE: Final = 0.25
"""Of a look's seconds, after which no comparison is begun."""


def compare_again(slice_: Slice) -> None:
    """Compare what is due, the longest due first."""
    end = slice_.begun + (slice_.end - slice_.begun) * SHARE
    while not slice_.look.stopped_by:
        if clock.monotonic() >= end:
            slice_.look.more = True
            return
        rows = list(suspects.due().filter(stream=slice_.stream).order_by("compare_at", "pk")[:AT_ONCE])
        if not rows or not _compare(slice_, rows, end):
            return


def _compare(slice_: Slice, rows: Sequence[Suspect], end: float) -> bool:
    """Whether anything was compared, or need not be."""
    stream, ids = slice_.stream, [row.source_id for row in rows]
    links, errors = load_known(stream, ids), recording.open_records(stream, ids)
    unresolved = {one for one, error in errors.items() if error.state != ErrorState.RESOLVED}
    changes: dict[str, Change] = {}
    for one in ids:
        if one in unresolved:
            continue  # whoever tries it again looks at the target anyway
        if link := links.get(one):
            link.is_suspect = True
        changes[one] = Change(one, link.source_version, link.source_time) if link else Change(one, "")
    if not changes:
        with transaction.atomic():
            slice_.grant.extend()
            suspects.compared(rows)
        return True
    try:
        slice_.begin_batch(changes)
    except StoppedByPerson as ended:
        slice_.stop(ended)
        return False
    run = slice_.run_of(RunKind.COMPARE)
    results = slice_.hand_over(changes, links, errors, Patience(), end)
    unfinished = without_result(changes, results)
    settle = slice_.beside(results)

    def beside() -> None:
        settle()
        for row in rows:
            row.deaths = slice_.deaths.get(row.source_id, 0)
        suspects.compared([row for row in rows if row.source_id not in unfinished])

    Ledger(slice_.connector, slice_.grant, stream, run, beside).commit(
        results, links, errors, unfinished=unfinished, remote_calls=slice_.calls()
    )
    slice_.tell(run)
    slice_.list_what_waits(iter([changes]))
    return len(unfinished) < len(rows)
