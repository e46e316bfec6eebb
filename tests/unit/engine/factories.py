"""Rows that tests need in numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from common.fingerprint import fingerprint
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Stream

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_numbers = count(1)


def error_of(stream: Stream | None, **columns: Any) -> ErrorRecord:
    """An error record of the stream, about another entity each time."""
    assert stream is not None
    state = columns.setdefault("state", ErrorState.RETRYING)
    if state in (ErrorState.RETRYING, ErrorState.DEFERRED):
        columns.setdefault("next_attempt_at", NOON)
    columns.setdefault("entity_id", f"e-{next(_numbers)}")
    message, params = columns.setdefault("message", "engine.unexpected"), columns.setdefault("params", {})
    columns.setdefault("fingerprint", fingerprint([message, params]))
    if state in (ErrorState.RETRYING, ErrorState.CLOSED):
        columns.setdefault("failed_in_a_row", 1)
    seen = {"first_seen_at": NOON, "last_seen_at": NOON}
    return ErrorRecord.objects.create(tenant=stream.tenant, stream=stream, **seen, **columns)
