"""What the two schedules of a flow let happen now: looking at its streams, and trying failed records again.

Which slot has come up is told by the flow's own columns (`syncstatus.schedule`); beat and broker only knock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet

from common import clock
from engine import bell
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import EVERY_MINUTE, Flow, Stream
from syncstatus.schedule import retries_until, take_slot

log = structlog.get_logger(__name__)

TRIED_BY_SCHEDULE = Q(state=ErrorState.RETRYING, failed_in_a_row__gt=0)
"""Records that failed and wait for another attempt. Not those that a person retries (what failed before is forgotten
then), nor those that wait for another record or for a day of their own."""


def is_tried_by_schedule(record: ErrorRecord) -> bool:
    """As `TRIED_BY_SCHEDULE`, of one record."""
    return record.state == ErrorState.RETRYING and record.failed_in_a_row > 0


def running(**which: Any) -> list[Flow]:
    """The flows that are on and not paused."""
    return list(Flow.objects.filter(is_on=True, is_paused=False, **which))


def act(flow: Flow) -> bool:
    """Ring for the flow's streams when a slot has come up that nobody took; whether it had. Slot and ring hold as one.

    A run that a person asks for takes no slot, and a slot none of theirs.
    """
    try:
        with transaction.atomic():
            if not take_slot(flow, clock.now()):
                return False
            bell.ring(Stream.objects.filter(flow=flow).select_related("tenant"))
    except ValidationError:  # nothing the forms let through; the other flows go on
        log.warning("schedule.unreadable", flow=flow.key, tenant=flow.tenant_id)
        return False
    return True


def due_for_retry(records: QuerySet[ErrorRecord], flows: Iterable[Flow], now: datetime) -> QuerySet[ErrorRecord]:
    """Those of the records whose time has come at `now`, failed ones by the schedules of their flows."""
    due = records.filter(next_attempt_at__lte=now)
    closed: defaultdict[datetime | None, list[int]] = defaultdict(list)
    for flow in flows:
        if flow.retry_cron != EVERY_MINUTE:
            closed[_until(flow, now)].append(flow.pk)
    for until, keys in closed.items():
        late = Q() if until is None else Q(next_attempt_at__gte=until)
        due = due.exclude(TRIED_BY_SCHEDULE & late, stream__flow__in=keys)
    return due


def _until(flow: Flow, now: datetime) -> datetime | None:
    try:
        return retries_until(flow, now)
    except ValidationError:
        return None
