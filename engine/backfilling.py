"""Working off what people asked to be read besides: a window of time, or a list of records. Never moves a position.

A backfill takes turns, one at a look, after all that is new was read. What it reads is compared with the target,
whatever the ledger says. Where a turn ends, or is cut off, the next one goes on: its place is written down with the
last of each portion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from common import clock
from common.http_errors import Refused, RemoteError, SignInFailed, Unreachable
from common.outcome import Outcome
from engine import bell, gaps, positions
from engine.batches import MOST_CHANGES, Batch, batches
from engine.below import Reader
from engine.brake import Does
from engine.commit import load_known
from engine.handing_over import Result, explain_remote
from engine.ports import Change
from engine.slices import Slice
from engine.unread import guarded, of_gap, unreadable
from engine.verdicts import Verdict
from errors.catalogue import GONE
from syncstatus.backfills import OPEN, Backfill, BackfillKind, BackfillState
from syncstatus.models import Link, RunKind, RunState

SECONDS: Final = 20.0
"""A turn lasts, and the portion it is at."""


def take_turn(slice_: Slice) -> None:
    """Go on with the oldest backfill of a stream whose look has ended well and left nothing new behind."""
    if slice_.look.stopped_by or slice_.look.more or slice_.changes_left is not None:
        return
    row = Backfill.objects.filter(stream=slice_.stream, state__in=OPEN).order_by("pk").first()
    if row:
        Turn(slice_, row).take()


@dataclass
class Turn:
    """One turn of a backfill."""

    slice_: Slice
    row: Backfill
    end: float = field(init=False)
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self.end = clock.monotonic() + min(SECONDS, self.slice_.limits.seconds)
        counted = Counter({Does(does): number for does, number in self.row.counted.items()})
        self.reader = Reader(self.slice_, RunKind.BACKFILL, counted, self._note)

    def take(self) -> None:
        """Go on until the end of it or of the time, or until a server stops us."""
        row = self.row
        if not _still_open(row).update(state=BackfillState.RUNNING, began_at=row.began_at or clock.now()):
            return
        trouble, is_through = "", False
        try:
            is_through = self._window() if row.kind == BackfillKind.WINDOW else self._list()
        except (Unreachable, SignInFailed) as failure:
            self.slice_.stop(failure)
        except Refused as failure:
            trouble = unreadable(self.slice_.spec, gaps.ROUND, failure).message
        except RemoteError as failure:
            trouble = explain_remote(failure)[0]
        except Verdict as verdict:
            trouble = verdict.message
        self._write_down(trouble, is_through=is_through)
        self._close_run()
        self.slice_.settle()

    # -- a window -----------------------------------------------------------------------------------------------------

    def _window(self) -> bool:
        for partition in list(self.row.places):
            pages = self.slice_.handover.pages(partition, self._place(partition))
            with closing(batches(guarded(pages))) as gathered:
                for batch in gathered:
                    if not self._finish(partition, batch):
                        return False
                    if not self._has_time():
                        return False
            self._stand(places={one: place for one, place in self.row.places.items() if one != partition})
        return True

    def _place(self, partition: str) -> Any:
        """Where the part stands; where it begins is found when its turn comes first."""
        slice_, row = self.slice_, self.row
        if row.places[partition] or row.since is None or row.until is None:
            return row.places[partition]
        window = (row.since, row.until)
        return positions.bounded(slice_.connector, slice_.servers, slice_.stream, partition, window)

    def _finish(self, partition: str, batch: Batch) -> bool:
        """Whether everything in a batch is through; the part then stands behind it."""
        newest, _ = batch.newest()
        about_gaps = [of_gap(gaps.gap_id(partition, gap.place), gap.why) for gap in batch.gaps]
        places = self.row.places | {partition: dict(batch.pages[-1].position)}
        return self._hand_over(newest, about_gaps, places=places)

    # -- a list -------------------------------------------------------------------------------------------------------

    def _list(self) -> bool:
        while ids := self.row.ids[self.row.next_id : self.row.next_id + MOST_CHANGES]:
            changes = {one: Change(one, "") for one in ids}
            if not self._hand_over(changes, [], next_id=self.row.next_id + len(ids)):
                return False
            if not self._has_time():
                return self.row.next_id >= len(self.row.ids)
        return True

    # -- both ---------------------------------------------------------------------------------------------------------

    def _hand_over(self, changes: Mapping[str, Change], besides: Sequence[Result], **place: Any) -> bool:
        links = _suspected(load_known(self.slice_.stream, list(changes)))
        timed = {
            one: change if change.source_time or one not in links
            else Change(one, change.version, links[one].source_time, change.record)
            for one, change in changes.items()
        }  # fmt: skip
        return self.reader.hand_over(timed, links, besides, then=lambda: self._stand(**place))

    def _note(self, results: Sequence[Result]) -> None:
        """Count, for the place that is written down with these."""
        told = [result for result in results if not gaps.stands_for(result.change.entity_id)]
        self.row.counts = dict(Counter(self.row.counts) + Counter(result.outcome.value for result in told))
        gone = [one.change.entity_id for one in told if one.outcome == Outcome.SKIPPED and one.message == GONE]
        self.row.unknown = [*self.row.unknown, *(one for one in gone if one not in self.row.unknown)]

    def _stand(self, **place: Any) -> None:
        """In the transaction that finishes what was gone through."""
        told = {
            "counts": self.row.counts,
            "unknown": self.row.unknown,
            "counted": {does.value: number for does, number in self.reader.counted.items()},
        }
        Backfill.objects.filter(pk=self.row.pk).update(**place, **told)
        for name, value in place.items():
            setattr(self.row, name, value)

    def _has_time(self) -> bool:
        in_time = clock.monotonic() < self.end and self.slice_.grant.may_write()
        return in_time and _still_open(self.row).exists()  # a person may have cancelled it meanwhile

    def _write_down(self, trouble: str, *, is_through: bool) -> None:
        told: dict[str, Any] = {"trouble": trouble}
        if is_through:
            told |= {"state": BackfillState.DONE, "finished_at": clock.now()}
        _still_open(self.row).update(**told)
        has_next = Backfill.objects.filter(stream=self.slice_.stream, state__in=OPEN).exists()
        if has_next and not trouble and not self.slice_.look.stopped_by:
            self.slice_.look.more = True
            bell.mark_due([self.slice_.stream])

    def _close_run(self) -> None:
        """Of the backfill alone: the look itself is closed."""
        for run in self.slice_.look.runs:
            if run.kind == RunKind.BACKFILL and run.state == RunState.RUNNING:
                run.state = RunState.STOPPED if self.slice_.look.stopped_by else RunState.DONE
                run.stopped_by, run.finished_at = self.slice_.look.stopped_by, clock.now()
                run.stopped_who = self.slice_.look.stopped_who
                run.save(update_fields=["state", "stopped_by", "stopped_who", "finished_at"])


def _still_open(row: Backfill) -> Any:
    return Backfill.objects.filter(pk=row.pk, state__in=OPEN)


def _suspected(links: dict[str, Link]) -> dict[str, Link]:
    """The same, believed only as far as the target confirms it. The rows stay as they are until it has."""
    for link in links.values():
        link.is_suspect = True
    return links
