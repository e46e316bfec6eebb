"""Reading all that hangs on records which are registered: of those a round comes by, and of those just admitted.

The source is asked for a list per record. What the list shows and the ledger does not know, or knows otherwise, takes
the one path, in the order of the list. What the ledger knows under the record and the list does not show is read by its
id: it may be voided, and no list shows that. Not being listed alone changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from django.db import transaction

from common.http_errors import Refused, RemoteError, SignInFailed, Unreachable
from engine import gaps, lanes, positions
from engine.batches import MOST_CHANGES
from engine.brake import Does, TooMany, counted_as
from engine.carrying import give_connection_back
from engine.commit import Ledger, load_known
from engine.handing_over import Result, explain_remote, where
from engine.lease import StoppedByPerson
from engine.patience import Patience
from engine.ports import NOT_LISTED, Change, HangsBelow, same_content
from engine.slices import Slice
from engine.unread import of_gap, unreadable
from engine.verdicts import Fail, Hold
from errors import recording
from errors.catalogue import BEFORE_THE_START, TOO_MANY
from errors.models import ErrorRecord
from syncstatus.models import Link, RunKind, Stream, ToRead

AT_ONCE: Final = 100
"""Records whose lists are read for one commit."""

WriteDown = Callable[[], object]


def read_noted(slice_: Slice) -> None:
    """Read what hangs on the records that were admitted of late, while the slice has time."""
    spec = slice_.spec.round
    if spec is None or not spec.parents:
        return
    reader = Reader(slice_, RunKind.READ)
    notes = ToRead.objects.filter(stream=slice_.stream)
    while not slice_.look.stopped_by:
        noted = list(notes.order_by("pk")[:AT_ONCE])
        if not noted:
            return
        if not slice_.has_time() or not reader.read(
            registered(slice_.stream, spec.parents, source_id__in=[note.parent_id for note in noted]),
            then=notes.filter(pk__in=[note.pk for note in noted]).delete,
        ):
            slice_.look.more = True
            return


def registered(stream: Stream, parents: str, **which: Any) -> list[Link]:
    """The records of another stream (its key) of the same tenant that something in the target stands for."""
    links = Link.objects.filter(tenant=stream.tenant_id, stream__key=parents, **which).exclude(target_id="")
    return list(links.order_by("pk")[:AT_ONCE])


def is_as_before(change: Change, link: Link | None) -> bool:
    """Whether the ledger knows the record as it is, and read as it would be now.

    What came of it then is looked after: it got through, or has an error record of its own.
    """
    if link is None or link.is_suspect:
        return False
    version = change.version[:100]
    if link.reason == BEFORE_THE_START:
        return same_content(link.source_version, version)
    return link.source_version == version


@dataclass(frozen=True)
class Reader:
    """Reads below records and hands over what differs, in runs of one kind."""

    slice_: Slice
    kind: RunKind
    counted: Counter[Does] = field(default_factory=Counter)
    """What the brake counted before, and counts from now on."""
    note: Callable[[Sequence[Result]], object] = lambda results: None
    """Told what came of each portion before that is written down."""

    def read(self, parents: Sequence[Link], *, then: WriteDown) -> bool:
        """Whether all that hangs on these records was read and finished; `then` is written down with the last of it.

        A record whose list cannot be had is an error of its own, tried again like any other, and holds up no other.
        """
        give_connection_back()
        lists, failure = lanes.run([[parent.source_id] for parent in parents], self._below, limit=self.slice_.fetches)
        if failure:
            self.slice_.stop(failure)
            return False
        stream = self.slice_.stream
        about_gaps = [of_gap(_gap_of(one), why) for one, why in lists.items() if isinstance(why, Fail)]
        listed = {one.entity_id: one for found in lists.values() if not isinstance(found, Fail) for one in found}
        links = load_known(stream, list(listed))
        differing = {
            one: change
            for one, change in listed.items()
            if not is_as_before(change, links.get(one)) and (one in links or positions.counts(change, stream.flow))
        }
        read = [parent for parent in parents if not isinstance(lists[parent.source_id], Fail)]
        for link in self._not_listed(read, listed):
            links[link.source_id] = link
            differing[link.source_id] = Change(link.source_id, NOT_LISTED, link.source_time)
        return self.hand_over(differing, links, about_gaps, then=then)

    def hand_over(
        self, changes: Mapping[str, Change], links: Mapping[str, Link], besides: Sequence[Result], *, then: WriteDown
    ) -> bool:
        """Bring changes to their outcomes, a batch at a time; whether all are finished. `besides` have theirs.

        `then` is written down with the last of it, and only when nothing was left unfinished.
        """
        if not changes and not besides:
            with transaction.atomic():
                self.slice_.grant.extend()
                then()
            return True
        rows = list(changes.items())
        portions = [dict(rows[begin : begin + MOST_CHANGES]) for begin in range(0, len(rows), MOST_CHANGES)] or [{}]
        for number, portion in enumerate(portions):
            is_last = number == len(portions) - 1
            if not self._portion(portion, links, besides if is_last else (), then if is_last else nothing):
                self.slice_.list_what_waits(_of_more(portions[number:]))
                return False
        return True

    def _portion(
        self, changes: Mapping[str, Change], links: Mapping[str, Link], besides: Sequence[Result], then: WriteDown
    ) -> bool:
        slice_ = self.slice_
        run = slice_.run_of(self.kind)
        errors = recording.open_records(slice_.stream, [*changes, *(result.change.entity_id for result in besides)])
        try:
            slice_.begin_batch(changes)
        except StoppedByPerson as ended:
            slice_.stop(ended)
            return False
        results = self._brought_over(changes, links, errors)
        unfinished = set(changes) - {result.change.entity_id for result in results}
        self.note([*results, *besides])
        settle = slice_.beside(results)

        def beside() -> None:
            settle()
            if not unfinished:
                then()

        ledger = Ledger(slice_.connector, slice_.grant, slice_.stream, run, beside)
        ledger.commit([*results, *besides], links, errors, unfinished=unfinished, remote_calls=slice_.calls())
        slice_.tell(run)
        return not unfinished and not slice_.look.stopped_by

    def _brought_over(
        self, changes: Mapping[str, Change], links: Mapping[str, Link], errors: Mapping[str, ErrorRecord]
    ) -> list[Result]:
        if not changes:
            return []
        try:
            self.slice_.guard.count_on(self.counted)
        except TooMany as halt:
            self.slice_.stop(halt)
            return []
        results = self.slice_.hand_over(changes, links, errors, Patience())
        written = [result.plan for result in results if result.writes and result.plan]
        self.counted.update(does for plan in written if (does := counted_as(plan)))
        return results

    def _below(self, parent_id: str) -> Sequence[Change] | Fail:
        handover = cast(HangsBelow, self.slice_.handover)
        try:
            return handover.below(parent_id)
        except (Unreachable, SignInFailed):
            raise
        except Refused as failure:
            return unreadable(self.slice_.spec, gaps.ROUND, failure)
        except RemoteError as failure:
            message, params = explain_remote(failure)
            return Fail(message, **params)
        except Exception as bug:  # noqa: BLE001  # the barrier around one record's list
            return Fail("engine.unexpected", **where(bug))

    def _not_listed(self, parents: Iterable[Link], listed: Mapping[str, Change]) -> list[Link]:
        """What is known to hang on these and no list shows, unless it was read by its id before."""
        subjects = [parent.target_parent_id for parent in parents if parent.target_parent_id]
        known = Link.objects.filter(stream=self.slice_.stream, target_parent_id__in=subjects)
        known = known.exclude(source_version=NOT_LISTED, is_suspect=False)
        return [link for link in known.order_by("pk") if link.source_id not in listed]


def nothing() -> None:
    """Nothing more is written down."""


def _of_more(portions: Sequence[Mapping[str, Change]]) -> Iterator[Mapping[str, Change]]:
    """Portions, and then what nobody has come to yet."""
    yield from portions
    raise Hold(TOO_MANY)


def _gap_of(parent_id: str) -> str:
    return gaps.gap_id(gaps.ROUND, parent_id)
