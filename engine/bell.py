"""Ringing the bell: a stream is marked due in the database, and a message tells a worker to look.

The row is the truth. The message may be lost or doubled: the sweep finds what is due, the lease makes a second ring
harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import structlog
from celery import current_app
from django.db import models, transaction
from kombu.exceptions import OperationalError

from common import clock
from syncstatus.models import Stream

log = structlog.get_logger(__name__)

LIFE = 120
"""Seconds until a message nobody took is dropped: the sweep rings again. Otherwise they pile up behind long slices, and
what waits behind them (the sweep, the sign of life) comes ever later."""


def mark_due(streams: Iterable[Stream] | models.QuerySet[Stream]) -> None:
    """Say that the streams should be looked at; a look that began before this does not clear the mark.

    Not the database's clock: SQLite tells milliseconds only, and a mark must be found again by its exact time.
    """
    if not isinstance(streams, models.QuerySet):
        streams = Stream.objects.filter(pk__in=[stream.pk for stream in streams])
    streams.update(due_since=clock.now())


def ring(streams: Iterable[Stream]) -> None:
    """Mark the streams due and, once the transaction holds, send one message for each."""
    rows = list(streams)
    mark_due(rows)
    for stream in rows:
        transaction.on_commit(partial(send, stream))


def send(stream: Stream) -> None:
    """Send the message for a stream that is marked already. With the broker down the sweep finds the mark."""
    try:
        name = f"{stream.tenant.connector}.sync.{stream.key}"
        current_app.send_task(name, args=[stream.tenant_id], expires=LIFE)
    except OperationalError:
        log.warning("bell.broker_down", stream=stream.key, tenant=stream.tenant_id)
