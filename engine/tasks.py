"""The engine's own tasks: the knock of a flow's schedule, the sweep for what is due, the sign of life of the beat."""

from __future__ import annotations

from celery import shared_task
from django.db.models import F, Q

from common import clock
from engine import bell, slots, suspects
from errors.models import ErrorRecord
from syncstatus.models import AtBrake, Heartbeat, Stream
from tenants.scoping import all_tenants


@shared_task(name="engine.knock")
def knock(flow_id: int) -> None:
    """The beat knocks for a flow: if a slot of its schedule has come up that nobody took, its streams are rung for.

    Two beats, a message that comes twice or hours late, a beat that starts again after a day: each slot acts once.
    """
    with all_tenants():
        for flow in slots.running(pk=flow_id):
            slots.act(flow)


@shared_task(name="engine.sweep")
def sweep() -> int:
    """Find what is due and not being worked on, whatever became of its message. Gives the number of streams rung.

    A slot that the beat never knocked for (it missed a changed line, its message was lost) is taken here.
    """
    with all_tenants():
        flows = slots.running()
        for flow in flows:
            slots.act(flow)
        retries = slots.due_for_retry(ErrorRecord.objects.all(), flows, clock.now()).values("stream")
        running = [flow.pk for flow in flows if flow.at_brake != AtBrake.MANY]
        comparisons = suspects.due().values("stream")
        knocked = Q(due_since__isnull=False) | Q(pk__in=retries) | Q(pk__in=comparisons)
        due = Stream.objects.filter(knocked, flow__in=running)
        streams = list(due.select_related("tenant").order_by(F("due_since").asc(nulls_last=True)))
        for stream in streams:
            bell.send(stream)
    return len(streams)


@shared_task(name="engine.heartbeat")
def heartbeat() -> None:
    """Say that beat and worker are alive."""
    Heartbeat.objects.update_or_create(name="beat", defaults={"at": clock.now()})
