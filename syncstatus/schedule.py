"""When a flow runs: its cron line as an entry of the beat, in words, and as the next point in time.

The flow's own columns are the truth. The entry of django-celery-beat is derived from them whenever a flow is saved,
through whichever door, in the same transaction; it is always saved as a row and never updated in bulk, because the
beat notices only that.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models.signals import post_delete, post_save
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from syncstatus.cron import cron_in_words, fields_of, fires_after, validate_cron
from syncstatus.models import Flow
from tenants.scoping import tenant_scope

__all__ = ["KNOCK_TASK", "connect", "cron_in_words", "fires_after", "next_fire", "save_schedule", "validate_cron"]

KNOCK_TASK: Final = "engine.knock"


def save_schedule(flow: Flow) -> PeriodicTask:
    """Make the beat's one entry for `flow` agree with it. Call it inside the transaction that saves the flow."""
    name = f"flow:{flow.tenant.name}:{flow.key}"
    entry = _entry_of(flow, name)
    wanted = {
        "name": name,
        "task": KNOCK_TASK,
        "args": json.dumps([flow.pk]),
        "crontab": _crontab_row(flow.cron, flow.zone),
        "enabled": flow.is_on and not flow.is_paused,
    }
    if entry.pk is None or any(getattr(entry, field) != value for field, value in wanted.items()):
        for field, value in wanted.items():
            setattr(entry, field, value)
        entry.save()
    if flow.schedule_id != entry.pk:
        flow.schedule = entry
        with tenant_scope(flow.tenant_id):
            Flow.objects.filter(pk=flow.pk).update(schedule=entry)
    return entry


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
