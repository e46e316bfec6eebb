"""The engine's own tasks: the knock of a flow's schedule, the sweep for what is due, the sign of life of the beat."""

from __future__ import annotations

from celery import shared_task
from django.db.models import F, Q

from common import clock
from engine import bell
from errors.models import ErrorRecord
from syncstatus.models import AtBrake, Flow, Heartbeat, Stream
from tenants.scoping import all_tenants


@shared_task(name="engine.knock")
def knock(flow_id: int) -> None:
    """A flow's schedule fired: mark its streams due and send one message for each entity type."""
    with all_tenants():
        bell.ring(Stream.objects.filter(flow=flow_id, flow__is_on=True, flow__is_paused=False).select_related("tenant"))


@shared_task(name="engine.sweep")
def sweep() -> int:
    """Find what is due and not being worked on, whatever became of its message. Gives the number of streams rung."""
    now = clock.now()
    with all_tenants():
        retries = ErrorRecord.objects.filter(next_attempt_at__lte=now).values("stream")
        running = Flow.objects.filter(is_on=True, is_paused=False).exclude(at_brake=AtBrake.MANY).values("pk")
        due = Stream.objects.filter(Q(due_since__isnull=False) | Q(pk__in=retries), flow__in=running)
        streams = list(due.select_related("tenant").order_by(F("due_since").asc(nulls_last=True)))
        for stream in streams:
            bell.send(stream)
    return len(streams)


@shared_task(name="engine.heartbeat")
def heartbeat() -> None:
    """Say that beat and worker are alive."""
    Heartbeat.objects.update_or_create(name="beat", defaults={"at": clock.now()})
