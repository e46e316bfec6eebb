"""Writing down what did not get through, and that it finally did: a few statements per batch, whatever its size.

Called inside the transaction of a commit. History stays: a record that got through is resolved, never deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from django.db.models import F

from errors.catalogue import ASKED_FOR
from errors.classification import classify
from errors.models import ErrorLog, ErrorRecord, ErrorState, ErrorType
from errors.retry import DEFAULT, poll_before, wait_before
from syncstatus.models import Run, RunKind, Stream


@dataclass(frozen=True)
class Failure:
    """One record that did not get through: in which state its verdict leaves it, why, and what could release it.

    `cause` is equal for equal causes; `text` is the cause as people read it, by which administrators' rules tell the
    type, and `error_type` the one it is of when none of them does. `can_change` is False of what no change at the
    source would bring back (a part of the source that cannot be read): no type ends its attempts for good.
    """

    entity_id: str
    state: ErrorState
    message: str
    params: Mapping[str, str]
    cause: str
    text: str = ""
    error_type: str = ""
    waits_for: str = ""
    due: datetime | None = None
    source_time: datetime | None = None
    can_change: bool = True
    conflict: Mapping[str, Any] = field(default_factory=dict)
    """What a person may decide about, without a value: `state`, `kind`, `candidates` and (None: all) `moves`."""


def open_records(stream: Stream, entity_ids: Collection[str]) -> dict[str, ErrorRecord]:
    """The records of these entities, in whatever state, by entity id."""
    rows = ErrorRecord.objects.filter(stream=stream, entity_id__in=entity_ids)
    return {row.entity_id: row for row in rows}


def acted_on(known: Mapping[str, ErrorRecord]) -> frozenset[str]:
    """The entities whose record a person retried, ignored or decided about since it was read for this attempt.

    Called where no person can act any more (a commit holds their moves off). What they did stands; a retry or a
    decision brings the record up again at once.
    """
    if not known:
        return frozenset()
    now = dict(ErrorRecord.objects.filter(pk__in=[row.pk for row in known.values()]).values_list("pk", "touched"))
    return frozenset(entity_id for entity_id, row in known.items() if now.get(row.pk, row.touched) != row.touched)


def record(
    stream: Stream, failures: Sequence[Failure], known: Mapping[str, ErrorRecord], run: Run, now: datetime
) -> None:
    """Store the failures, one row per entity, and log each as an attempt."""
    if not failures:
        return
    rules = list(ErrorType.objects.filter(tenant=stream.tenant_id, is_voided=False))
    random = Random()  # noqa: S311  # spreads retries, guards nothing
    rows = []
    for failure in failures:
        before = known.get(failure.entity_id)
        kind = classify(failure.text, failure.error_type, rules)
        rows.append(_row(stream, failure, kind, before, _failed_before(failure, before, run), now, random))
    ErrorRecord.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["tenant", "stream", "entity_id"],
        update_fields=[
            "state", "type", "message", "params", "fingerprint", "waits_for", "attempts", "failed_in_a_row",
            "next_attempt_at", "source_time", "first_seen_at", "last_seen_at", "ignored_reason", "conflict",
        ],
    )  # fmt: skip
    _log(rows, {row.entity_id: row.state for row in rows}, run, now)


def note(failures: Iterable[Failure], known: Mapping[str, ErrorRecord], run: Run, now: datetime) -> None:
    """Log attempts at records that are left as they stand, because a person acted on them meanwhile."""
    rows = [known[failure.entity_id] for failure in failures]
    told = {failure.entity_id: failure for failure in failures}
    for row in rows:
        row.attempts += 1
        row.message, row.params = told[row.entity_id].message, dict(told[row.entity_id].params)
    ErrorRecord.objects.bulk_update(rows, ["attempts"])
    _log(rows, {row.entity_id: told[row.entity_id].state for row in rows}, run, now)


def resolve(
    outcomes: Mapping[str, str],
    known: Mapping[str, ErrorRecord],
    run: Run,
    now: datetime,
    *,
    apart: Collection[str] = (),
    acted: Collection[str] = (),
) -> None:
    """Close the records among `outcomes` (entity id → outcome), also those set aside: they got through.

    Those in `apart` came to their end because a person keeps them apart, and say so; those in `acted` stay as the
    person left them who acted meanwhile.
    """
    rows = [row for entity_id, row in known.items() if entity_id in outcomes and row.state != ErrorState.RESOLVED]
    if not rows:
        return
    counted: dict[str, Any] = {"attempts": F("attempts") + 1}
    ended = counted | {"next_attempt_at": None, "waits_for": "", "last_seen_at": now}
    for row in rows:
        row.attempts += 1
        row.message, row.params = "", {}
    left = [row.pk for row in rows if row.entity_id in acted]
    kept = [row.pk for row in rows if row.entity_id in apart and row.entity_id not in acted]
    through = {row.pk for row in rows} - {*left, *kept}
    ErrorRecord.objects.filter(pk__in=through).update(state=ErrorState.RESOLVED, conflict={}, **ended)
    ErrorRecord.objects.filter(pk__in=kept).update(state=ErrorState.APART, **ended)
    ErrorRecord.objects.filter(pk__in=left).update(**counted)
    _log(rows, outcomes, run, now)


def begin_attempts(records: Iterable[ErrorRecord], run: Run, now: datetime) -> None:
    """Write attempts down before they are made, in a transaction of their own: one that kills us leaves a trace."""
    ErrorLog.objects.bulk_create(
        ErrorLog(tenant_id=record.tenant_id, record=record, run=run, attempt=record.attempts + 1, started_at=now)
        for record in records
    )


def take_back_attempts(records: Iterable[ErrorRecord], run: Run) -> None:
    """Forget the attempts begun for these records: the server was down or time was up, so they were none."""
    ErrorLog.objects.filter(run=run, record__in=[record.pk for record in records], finished_at=None).delete()


def release(tenant_id: int, arrived: Collection[str], now: datetime) -> list[Stream]:
    """Let the deferred records that waited for what has arrived be tried now. Gives the streams they belong to."""
    if not arrived:
        return []
    waiting = ErrorRecord.objects.filter(tenant=tenant_id, state=ErrorState.DEFERRED, waits_for__in=arrived)
    if not waiting.update(next_attempt_at=now):
        return []
    return list(Stream.objects.filter(pk__in=waiting.values("stream")))


def ask_for(tenant_id: int, asked: Collection[tuple[str, str]], now: datetime) -> list[Stream]:
    """Have records fetched that others wait for (stream key, entity id). Gives the streams they belong to.

    They are fetched as error records are, so that one which cannot be had stays in sight. One that is in trouble
    already is left to its own next attempt.
    """
    if not asked:
        return []
    streams = {row.key: row for row in Stream.objects.filter(tenant=tenant_id, key__in={key for key, _ in asked})}
    afresh: dict[str, Any] = {
        "state": ErrorState.DEFERRED, "type": None, "message": ASKED_FOR, "params": {}, "fingerprint": "",
        "attempts": 0, "failed_in_a_row": 0, "next_attempt_at": now, "first_seen_at": now, "last_seen_at": now,
        "conflict": {},
    }  # fmt: skip
    for key, stream in streams.items():
        ids = sorted(entity_id for of, entity_id in asked if of == key)
        ErrorRecord.objects.filter(stream=stream, entity_id__in=ids, state=ErrorState.RESOLVED).update(**afresh)
        rows = [ErrorRecord(tenant_id=tenant_id, stream=stream, entity_id=one, **afresh) for one in ids]
        ErrorRecord.objects.bulk_create(rows, ignore_conflicts=True)
    return list(streams.values())


def _failed_before(failure: Failure, known: ErrorRecord | None, run: Run) -> int:
    """Attempts that failed in a row before this one. A record that changed at its source begins anew."""
    if known is None or known.state in (ErrorState.RESOLVED, ErrorState.IGNORED, ErrorState.APART):
        return 0
    is_told_apart = run.kind == RunKind.REPROCESS or failure.source_time is not None or not failure.can_change
    return known.failed_in_a_row if is_told_apart and failure.source_time == known.source_time else 0


def _row(
    stream: Stream,
    failure: Failure,
    kind: ErrorType | None,
    known: ErrorRecord | None,
    failed_before: int,
    now: datetime,
    random: Random,
) -> ErrorRecord:
    attempts = (known.attempts if known and known.state != ErrorState.RESOLVED else 0) + 1
    failed = failed_before + 1 if failure.state == ErrorState.RETRYING else 0
    stays_ignored = known is not None and known.state == ErrorState.IGNORED and _is_as_it_was(failure, known)
    row = ErrorRecord(
        tenant_id=stream.tenant_id,
        stream=stream,
        entity_id=failure.entity_id,
        state=ErrorState.IGNORED if stays_ignored else _state(failure, kind, failed),
        type=kind,
        message=failure.message,
        params=dict(failure.params),
        fingerprint=failure.cause,
        waits_for=failure.waits_for,
        attempts=attempts,
        failed_in_a_row=failed,
        source_time=failure.source_time,
        first_seen_at=known.first_seen_at if known and known.state != ErrorState.RESOLVED else now,
        last_seen_at=now,
        ignored_reason=known.ignored_reason if known and stays_ignored else "",
        conflict=dict(failure.conflict),
        touched=known.touched if known else 0,
    )
    row.next_attempt_at = _next_attempt(row, failure.due, now, random)
    return row


def _is_as_it_was(failure: Failure, known: ErrorRecord) -> bool:
    """Whether the record surely did not change at its source since: looking back reads the same once more."""
    is_told_apart = failure.source_time is not None or not failure.can_change
    return is_told_apart and failure.source_time == known.source_time


def _state(failure: Failure, kind: ErrorType | None, failed: int) -> ErrorState:
    """Where the record stands: as its verdict says, except that the type of a failed one may end the retries.

    A deferred record waits for an arrival that costs nothing to wait for, and must not miss it; a held one waits for a
    decision that no rule can take. So no type closes them.
    """
    if failure.state != ErrorState.RETRYING or kind is None:
        return failure.state
    if kind.is_terminal and failure.can_change:
        return ErrorState.CLOSED
    return ErrorState.HELD if kind.policy.is_used_up(failed) else ErrorState.RETRYING


def _next_attempt(row: ErrorRecord, due: datetime | None, now: datetime, random: Random) -> datetime | None:
    if row.state == ErrorState.RETRYING:
        soonest = now + wait_before(row.failed_in_a_row + 1, random, row.type.policy if row.type else DEFAULT)
        return max(soonest, due) if due else soonest  # the server may ask us to stay away for longer
    if row.state == ErrorState.DEFERRED:
        # A time that has passed did not help: the clocks or zones of the sides differ.
        return due if due and due > now else now + poll_before(row.attempts + 1, random)
    return None


def _log(rows: Sequence[ErrorRecord], outcomes: Mapping[str, str], run: Run, now: datetime) -> None:
    """Complete the attempts begun in this run, add those that were made while reading."""
    begun = {
        log.record_id: log
        for log in ErrorLog.objects.filter(run=run, record__in=[row.pk for row in rows], finished_at=None)
    }
    finished, fresh = [], []
    for row in rows:
        log = begun.get(row.pk)
        if log is None:
            log = ErrorLog(tenant_id=row.tenant_id, record=row, run=run, attempt=row.attempts, started_at=now)
            fresh.append(log)
        else:
            finished.append(log)
        log.finished_at, log.outcome = now, outcomes[row.entity_id]
        log.message, log.params = row.message, row.params
    ErrorLog.objects.bulk_create(fresh)
    ErrorLog.objects.bulk_update(finished, ["finished_at", "outcome", "message", "params"])
