"""Error records and failed events of a Java service as our error records, with all their attempts.

Neither messages nor bodies come along: they may hold what a patient said. What stopped a record there is looked at
afresh here; then its error says what and where to mend it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from bahmni import vocabulary as v
from bahmni.sentences import SENTENCES
from bahmni.takeover.brought.importing import Import
from bahmni.takeover.deciding import Decision
from bahmni.takeover.understood.troubles import Trouble
from common import clock
from common.fingerprint import fingerprint
from errors.models import ErrorLog, ErrorRecord, ErrorState, ErrorType
from syncstatus.models import Stream
from tenants.models import Tenant

EVENT: Final = "bahmni.taken-over-event"

OUTSIDE_PERHAPS: Final = "NoSubjectWithId"
"""On Bahmni's side mostly a patient outside the programme (J13): looked at again whatever the Java service decided."""

_BATCH: Final = 500


def bring(under_way: Import) -> None:
    """Add those of records without an error record here; what an earlier import brought is told as there already."""
    here = _standing(under_way.tenant)
    fresh = []
    for trouble in under_way.found.troubles:
        key, said = f"{trouble.stream}\n{trouble.entity}", _said(trouble)
        was_brought = under_way.memory.get("error", {}).get(key) == fingerprint(said)
        standing = (said if was_brought else "another") if (trouble.stream, trouble.entity) in here else None
        decision = under_way.decide("error", key, said, standing)
        for table in trouble.rows:
            under_way.tell(decision, table, kept="of a record with an error record here, which stays")
        if decision is Decision.WRITE:
            fresh.append(trouble)
    table = under_way.service.tables["errors"].name
    for state, number in _written(under_way.tenant, fresh, under_way.streams).items():
        under_way.tally.note(table, f"error records here: {state}", number)


def _standing(tenant: Tenant) -> set[tuple[str, str]]:
    """Stream and entity of the error records that are here."""
    return set(ErrorRecord.objects.filter(tenant=tenant).values_list("stream__key", "entity_id"))


def _said(trouble: Trouble) -> Any:
    """What an import brings of it, as JSON."""
    return [trouble.type, trouble.is_disabled, trouble.has_event, len(trouble.logs)]


def _written(tenant: Tenant, troubles: Sequence[Trouble], streams: Mapping[str, Stream]) -> Counter[str]:
    """Store them; gives their number by state, as people read it."""
    kinds = {kind.name: kind for kind in ErrorType.objects.filter(tenant=tenant, is_voided=False)}
    rows = [_record(trouble, kinds.get(trouble.type), streams[trouble.stream]) for trouble in troubles]
    ErrorRecord.objects.bulk_create(rows, batch_size=_BATCH)
    logs = [log for trouble, row in zip(troubles, rows, strict=True) for log in _logs(trouble, row)]
    ErrorLog.objects.bulk_create(logs, batch_size=_BATCH)
    return Counter(ErrorState(row.state).label for row in rows)


def _record(trouble: Trouble, kind: ErrorType | None, stream: Stream) -> ErrorRecord:
    now = clock.now()
    times = [at for at, _ in trouble.logs] or [now]
    state = _state(trouble, kind)
    message, params = _told(trouble.type)
    return ErrorRecord(
        tenant_id=stream.tenant_id,
        stream=stream,
        entity_id=trouble.entity,
        state=state,
        type=kind,
        message=message,
        params=params,
        fingerprint=fingerprint([message, params]),
        attempts=len(trouble.logs),
        failed_in_a_row=0 if state == ErrorState.HELD else 1,
        next_attempt_at=now if state == ErrorState.RETRYING else None,
        first_seen_at=times[0],
        last_seen_at=times[-1],
    )


def _state(trouble: Trouble, kind: ErrorType | None) -> ErrorState:
    if trouble.has_event:
        return ErrorState.RETRYING
    if kind and kind.is_terminal:
        return ErrorState.CLOSED
    is_of_bahmni = trouble.stream in (v.PATIENT, v.ENCOUNTER)
    if trouble.is_disabled and not (is_of_bahmni and trouble.type == OUTSIDE_PERHAPS):
        return ErrorState.HELD
    return ErrorState.RETRYING


def _told(type_name: str) -> tuple[str, dict[str, str]]:
    """Message and parameters of an error of that type; the empty name is a failed event."""
    if not type_name:
        return EVENT, {}
    message = v.taken_over(type_name)
    return message if message in SENTENCES else v.taken_over(""), {"type": type_name}


def _logs(trouble: Trouble, record: ErrorRecord) -> Collection[ErrorLog]:
    return [
        ErrorLog(
            tenant_id=record.tenant_id,
            record=record,
            attempt=number,
            started_at=at,
            finished_at=at,
            outcome="failed",
            message=_told(type_name)[0],
            params=_told(type_name)[1],
        )
        for number, (at, type_name) in enumerate(trouble.logs, start=1)
    ]
