"""Trying again: the error records that are due, and the places of a source that nobody could read.

Done before the new is read, for a share of a look's seconds. Never moves a position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from django.db import transaction

from common import clock
from common.http_errors import Refused, RemoteError, SignInFailed, Unreachable
from engine import gaps, positions, slots
from engine.carrying import give_connection_back, without_result
from engine.commit import Ledger, load_known
from engine.handing_over import Result, explain_remote, where
from engine.lease import StoppedByPerson
from engine.patience import Patience
from engine.ports import Change, HangsBelow
from engine.slices import Slice
from engine.unread import of_gap, unreadable
from engine.verdicts import Defer, Fail, Verdict
from errors import recording
from errors.catalogue import PART_NOT_NAMED
from errors.models import ErrorRecord
from syncstatus.models import RunKind

AT_ONCE: Final = 100
"""Error records of one batch."""

SHARE: Final = 0.5
"""Of a look's seconds, after which no error record is begun: many that fail slowly must not keep the new waiting."""


def reprocess(slice_: Slice) -> None:
    """Try the error records that are due, oldest first."""
    while not slice_.look.stopped_by:
        if clock.monotonic() >= _end(slice_):
            slice_.look.more = True
            return
        records_here = ErrorRecord.objects.filter(stream=slice_.stream)
        due = slots.due_for_retry(records_here, [slice_.stream.flow], clock.now())
        due = due.exclude(entity_id__in=[gaps.gap_id(name) for name in _read_from(slice_)])
        records = list(due.order_by("next_attempt_at", "pk")[:AT_ONCE])
        if not records:
            return
        run = slice_.run_of(RunKind.REPROCESS)
        errors = {record.entity_id: record for record in records}
        told = [one for one in errors if not gaps.stands_for(one)]
        try:
            with transaction.atomic():
                slice_.begin_batch(told, at_work=None if len(told) == len(errors) else ())  # gaps are read first
                recording.begin_attempts(records, run, clock.now())
        except StoppedByPerson as ended:
            slice_.stop(ended)
            return
        results = _try_again(slice_, errors)
        slice_.tell(run)
        if not results:
            return


def _read_from(slice_: Slice) -> list[str]:
    """What reading goes on in by itself: the partitions, and the round."""
    return [*(position.partition for position in slice_.positions), gaps.ROUND]


def _try_again(slice_: Slice, errors: dict[str, ErrorRecord]) -> list[Result]:
    """Hand over the records of these errors, and whatever can be read by now in the gaps among them."""
    run = slice_.run_of(RunKind.REPROCESS)
    changes, about_gaps = _reread(slice_, {one: errors[one] for one in errors if gaps.stands_for(one)})
    found = [entity_id for entity_id in changes if entity_id not in errors]
    if any(gaps.stands_for(one) for one in errors):
        slice_.put_in_flight([*(one for one in errors if not gaps.stands_for(one)), *found])
    for entity_id, record in errors.items():
        if not gaps.stands_for(entity_id):
            changes.setdefault(entity_id, Change(entity_id, "", record.source_time))
    links = load_known(slice_.stream, list(changes))
    known_errors = errors | recording.open_records(slice_.stream, found)
    # Without an end to its patience: what has an error already is only put off once more.
    results = slice_.hand_over(changes, links, known_errors, Patience(most=len(changes) + 1), _end(slice_))
    unfinished = without_result(changes, results)
    if unfinished & set(found):
        about_gaps = []  # what was found in the gaps is not through: they are read again
    missing = unfinished | {one for one in errors if gaps.stands_for(one)} - {
        result.change.entity_id for result in about_gaps
    }
    results += about_gaps
    Ledger(slice_.connector, slice_.grant, slice_.stream, run, slice_.beside(results)).commit(
        results, links, known_errors, unfinished=missing, remote_calls=slice_.calls()
    )
    slice_.list_what_waits(iter([changes]))
    return results


def _reread(slice_: Slice, errors: Mapping[str, ErrorRecord]) -> tuple[dict[str, Change], list[Result]]:
    """What can be read by now in these gaps, and how each gap itself fares."""
    changes: dict[str, Change] = {}
    results: list[Result] = []
    give_connection_back()
    for gap, record in errors.items():
        if not slice_.grant.may_write():
            break  # the others are read again under the prolonged lease
        try:
            found, why = _reread_one(slice_, gap, record)
        except (Unreachable, SignInFailed) as failure:
            slice_.stop(failure)
            break
        changes.update({change.entity_id: change for change in found})
        results.append(of_gap(gap, why))
    return changes, results


def _reread_one(slice_: Slice, gap: str, record: ErrorRecord) -> tuple[Sequence[Change], Verdict | None]:
    """What can be read in a gap, and why not the rest. Raises Unreachable and SignInFailed."""
    where_ = [(name, gaps.place_in(name, gap)) for name in _read_from(slice_)]
    partition, place = next(((name, place) for name, place in where_ if place is not None), ("", ""))
    if not place:  # of a whole partition that nobody names any more its position remembers where to go on
        return (), Defer(PART_NOT_NAMED, part=str(record.params.get("part", ""))) if gaps.place_of(gap) else None
    try:
        if partition == gaps.ROUND:
            return [
                one
                for one in cast(HangsBelow, slice_.handover).below(place)
                if positions.counts(one, slice_.stream.flow)
            ], None
        found, remaining = slice_.handover.reread(partition, place)
    except (Unreachable, SignInFailed):
        raise
    except Refused as failure:  # nothing can be told of it for now
        return (), unreadable(slice_.spec, partition, failure)
    except RemoteError as failure:  # nor of this one; the others and all that is new are read all the same
        message, params = explain_remote(failure)
        return (), Fail(message, **params)
    except Exception as bug:  # noqa: BLE001  # the barrier around one gap, as around one record
        return (), Fail("engine.unexpected", **where(bug))
    return found, remaining.why if remaining else None


def _end(slice_: Slice) -> float:
    return slice_.begun + (slice_.end - slice_.begun) * SHARE
