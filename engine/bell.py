"""Ringing the bell: a stream is marked due in the database, and a message tells a worker to look.

The row is the truth. The message may be lost or doubled: the sweep finds what is due, the lease makes a second ring harmless.
"""

from __future__ import annotations

from collections.abc import Iterable

from celery import current_app
from django.db import transaction
from django.db.models.functions import Now

from syncstatus.models import Stream


def ring(streams: Iterable[Stream]) -> None:
    """Mark the streams due and, once the transaction holds, send one message for each."""
    rows = list(streams)
    Stream.objects.filter(pk__in=[row.pk for row in rows], due_since=None).update(due_since=Now())
    for row in rows:
        name = f"{row.tenant.connector}.sync.{row.key}"
        transaction.on_commit(lambda name=name, tenant_id=row.tenant_id: current_app.send_task(name, args=[tenant_id]))
