"""When a flow runs: its cron lines as an entry of the beat, as the next point in time, and as slots taken once.

The flow's own columns are the truth, the beat is a bell: whoever hears it (or the sweep) takes the newest slot, and of
several one gets it. The entry of django-celery-beat is derived from them whenever a flow is saved, through whichever
door, in the same transaction; it is always saved as a row and never updated in bulk, as the beat notices only that.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.db.models.signals import post_delete, post_save
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from common import clock
from syncstatus.cron import cron_in_words, fields_of, fires_after, last_fire, validate_cron
from syncstatus.models import Flow
from tenants.scoping import tenant_scope

__all__ = [
    "KNOCK_TASK", "connect", "cron_in_words", "fires_after", "next_fire", "retried_from", "retries_until",
    "save_schedule", "take_slot", "validate_cron",
]  # fmt: skip

KNOCK_TASK: Final = "engine.knock"

SLOT: Final = timedelta(minutes=1)
"""A cron line tells minutes, so a slot lasts one."""

CLOCKS_DIFFER: Final = timedelta(hours=1)
"""By less than this. A slot taken further in the future was taken by a clock that went wrong, and binds nobody."""


def save_schedule(flow: Flow) -> PeriodicTask:
    """Make the beat's one entry for `flow` agree with it. Call it inside the transaction that saves the flow."""
    name = f"flow:{flow.tenant.name}:{flow.key}"
    entry = _entry_of(flow, name)
    line = _crontab_row(flow.cron, flow.zone)
    wanted = {
        "name": name,
        "task": KNOCK_TASK,
        "args": json.dumps([flow.pk]),
        "crontab": line,
        "enabled": flow.is_on and not flow.is_paused,
    }
    is_another = entry.pk is None or entry.crontab_id != line.pk or not entry.enabled
    if entry.pk is None or any(getattr(entry, field) != value for field, value in wanted.items()):
        for field, value in wanted.items():
            setattr(entry, field, value)
        entry.save()
    if flow.schedule_id != entry.pk:
        flow.schedule = entry
        with tenant_scope(flow.tenant_id):
            Flow.objects.filter(pk=flow.pk).update(schedule=entry)
    if is_another and entry.enabled:
        _begin_anew(flow)
    return entry


def _begin_anew(flow: Flow) -> None:
    """Count no time of a schedule that came before it was in force: a new line is not late for this morning's."""
    flow.slot_at = clock.now()
    with tenant_scope(flow.tenant_id):
        Flow.objects.filter(pk=flow.pk).update(slot_at=flow.slot_at)


def take_slot(flow: Flow, now: datetime) -> bool:
    """Take the newest slot of the flow's schedule until `now` (aware), for whoever may act on it; False: nobody may.

    However often and however late it is asked, each slot is given once, and of several that passed the newest alone.
    One conditional update decides, so call it in the transaction that acts. Of a flow that is off, paused or was given
    another schedule meanwhile there is none. Needs a scope. Raises ValidationError for an unreadable line.
    """
    slot = last_fire(flow.cron, flow.zone, now)
    if slot is None or (flow.slot_at and slot <= flow.slot_at <= now):
        return False
    is_new = Q(slot_at=None) | Q(slot_at__lt=slot) | Q(slot_at__gt=now + CLOCKS_DIFFER)
    rows = Flow.objects.filter(is_new, pk=flow.pk, is_on=True, is_paused=False, cron=flow.cron, zone=flow.zone)
    return bool(rows.update(slot_at=slot))


def retries_until(flow: Flow, now: datetime) -> datetime | None:
    """Failed records whose next attempt was to be before this may be tried at `now`; None: none of them.

    It is the end of the newest slot of the schedule of retries. A record's own next attempt moves on with every
    attempt, so no slot can try it twice. Raises ValidationError for an unreadable line.
    """
    slot = last_fire(flow.retry_cron, flow.zone, now)
    return slot + SLOT if slot else None


def retried_from(flow: Flow, due: datetime) -> datetime | None:
    """When a failed record that is due at `due` is tried by itself; None where the schedule never comes up."""
    slot = next(fires_after(flow.retry_cron, flow.zone, due - SLOT), None)
    return max(slot, due) if slot else None


def next_fire(flow: Flow, now: datetime) -> datetime | None:
    """When the flow's schedule comes up after `now` (aware); None while it is off, paused or can never come up."""
    if not flow.is_on or flow.is_paused:
        return None
    return next(fires_after(flow.cron, flow.zone, now), None)


def connect() -> None:
    """Keep the beat's entries in step with the flows: written when one is saved, gone when one is deleted."""
    post_save.connect(_save_entry, sender=Flow, dispatch_uid="flow-schedule-saved")
    post_delete.connect(_delete_entry, sender=Flow, dispatch_uid="flow-schedule-deleted")


def _save_entry(instance: Flow, raw: bool = False, **_: Any) -> None:  # noqa: FBT001, FBT002  # Django's signature
    if not raw:  # a fixture brings its own entries
        save_schedule(instance)


def _delete_entry(instance: Flow, **_: Any) -> None:
    for entry in PeriodicTask.objects.filter(pk=instance.schedule_id):
        entry.delete()


def _entry_of(flow: Flow, name: str) -> PeriodicTask:
    """The flow's entry as the database has it now (`flow` itself may have been read before it was made)."""
    with tenant_scope(flow.tenant_id):
        known = Flow.objects.filter(pk=flow.pk).values_list("schedule", flat=True).first()
    entries = PeriodicTask.objects
    return entries.filter(pk=known).first() or entries.filter(name=name).first() or PeriodicTask()


def _crontab_row(cron: str, zone: str) -> CrontabSchedule:
    """The row of that cron line and zone. Rows are shared between flows, hence never edited."""
    spec = {**fields_of(cron), "timezone": ZoneInfo(zone)}
    return CrontabSchedule.objects.filter(**spec).first() or CrontabSchedule.objects.create(**spec)
