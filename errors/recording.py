"""Writing down what did not get through, and that it finally did: a few statements per batch, whatever its size.

Called inside the transaction of a commit. History stays: a record that got through is resolved, never deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from errors.catalogue import ASKED_FOR
from errors.models import ErrorLog, ErrorRecord, ErrorState, ErrorType
from errors.retry import poll_before, wait_before
from syncstatus.models import Run, Stream


@dataclass(frozen=True)
class Failure:
    """One record that did not get through: in which state it stays, why, and what could release it."""

    entity_id: str
    state: ErrorState
    message: str
    params: Mapping[str, str]
    cause: str
    error_type: str = ""
    waits_for: str = ""
    due: datetime | None = None
    source_time: datetime | None = None


def open_records(stream: Stream, entity_ids: Collection[str]) -> dict[str, ErrorRecord]:
    """The records of these entities, in whatever state, by entity id."""
    rows = ErrorRecord.objects.filter(stream=stream, entity_id__in=entity_ids)
    return {row.entity_id: row for row in rows}


def record(
    stream: Stream, failures: Sequence[Failure], known: Mapping[str, ErrorRecord], run: Run, now: datetime
) -> None:
    """Store the failures, one row per entity, and log each as an attempt."""
    if not failures:
        return
    types = {row.name: row for row in ErrorType.objects.filter(tenant=stream.tenant_id)}
    random = Random()  # noqa: S311  # spreads retries, guards nothing
    rows = [_row(stream, failure, known.get(failure.entity_id), types, now, random) for failure in failures]
    ErrorRecord.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["tenant", "stream", "entity_id"],
        update_fields=[
            "state", "type", "message", "params", "fingerprint", "waits_for", "attempts", "next_attempt_at",
            "source_time", "last_seen_at", "ignored_reason",
        ],
    )  # fmt: skip
    _log(rows, {row.entity_id: row.state for row in rows}, run, now)


def resolve(outcomes: Mapping[str, str], known: Mapping[str, ErrorRecord], run: Run, now: datetime) -> None:
    """Close the records among `outcomes` (entity id → outcome), also those set aside: they got through."""
    rows = [row for entity_id, row in known.items() if entity_id in outcomes and row.state != ErrorState.RESOLVED]
    if not rows:
        return
    ErrorRecord.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=ErrorState.RESOLVED, next_attempt_at=None, waits_for="", last_seen_at=now
    )
    for row in rows:
        row.attempts += 1
        row.message, row.params = "", {}
    ErrorRecord.objects.bulk_update(rows, ["attempts"])
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
    afresh: dict[str, Any] = {"state": ErrorState.DEFERRED, "message": ASKED_FOR, "params": {}, "next_attempt_at": now}
    for key, stream in streams.items():
        ids = sorted(entity_id for of, entity_id in asked if of == key)
        ErrorRecord.objects.filter(stream=stream, entity_id__in=ids, state=ErrorState.RESOLVED).update(**afresh)
        rows = [
            ErrorRecord(
                tenant_id=tenant_id, stream=stream, entity_id=one, first_seen_at=now, last_seen_at=now, **afresh
            )
            for one in ids
        ]
        ErrorRecord.objects.bulk_create(rows, ignore_conflicts=True)
    return list(streams.values())


def _row(
    stream: Stream,
    failure: Failure,
    known: ErrorRecord | None,
    types: Mapping[str, ErrorType],
    now: datetime,
    random: Random,
) -> ErrorRecord:
    attempts = (known.attempts if known and known.state != ErrorState.RESOLVED else 0) + 1
    return ErrorRecord(
        tenant_id=stream.tenant_id,
        stream=stream,
        entity_id=failure.entity_id,
        state=failure.state,
        type=types.get(failure.error_type),
        message=failure.message,
        params=dict(failure.params),
        fingerprint=failure.cause,
        waits_for=failure.waits_for,
        attempts=attempts,
        next_attempt_at=_next_attempt(failure, attempts, now, random),
        source_time=failure.source_time,
        first_seen_at=known.first_seen_at if known and known.state != ErrorState.RESOLVED else now,
        last_seen_at=now,
        ignored_reason="",
    )


def _next_attempt(failure: Failure, attempts: int, now: datetime, random: Random) -> datetime | None:
    if failure.state == ErrorState.RETRYING:
        return now + wait_before(attempts + 1, random)
    if failure.state == ErrorState.DEFERRED:
        poll = now + poll_before(attempts + 1, random)
        # A time that has passed did not help: the clocks or zones of the sides differ.
        return failure.due if failure.due and failure.due > now else poll
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
