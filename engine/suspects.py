"""What a lost worker was writing when its lease was taken over: it may be dead, or hang and write late.

No server can be told that a lease was lost. So the links of those records are trusted no more, and the records are
compared with the target again: at once, as their batch is read again, then at growing intervals, until the old worker
has reported that it is through or the grace time is over. Whether one of them is what kills the workers is told by
counting (`engine.killers`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, QuerySet

from common import clock
from syncstatus.models import Lease, Link, Stream, Suspect

COMPARED_AFTER: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
"""From the take-over, beside the comparison that reading the batch again is."""

GRACE: Final = COMPARED_AFTER[-1]
"""Longer than a task of Celery may last: one that hung at the take-over is killed before the last comparison."""


def distrust(tenant_id: int, entity_ids: Collection[str]) -> None:
    """Trust the links of these records no more: writes for them may have been cut off, so the target is asked again."""
    Link.objects.filter(tenant=tenant_id, source_id__in=entity_ids).update(is_suspect=True)


def take_over(lost: Lease) -> None:
    """Put under suspicion what the holder of a lease was writing who did not give it back; in that transaction."""
    if not lost.in_flight:
        return
    distrust(lost.tenant_id, lost.in_flight)
    stream = Stream.objects.filter(tenant=lost.tenant_id, pk=lost.at_work.get("stream")).first()
    if stream is None:
        return  # a worker of an older release wrote it down: compared once, as their batch is read again
    now, blamed = clock.now(), set(lost.at_work["ids"])
    known = {row.source_id: row for row in Suspect.objects.filter(stream=stream, source_id__in=lost.in_flight)}
    rows = []
    for entity_id in lost.in_flight:
        before = known.get(entity_id)
        row = before or Suspect(tenant_id=lost.tenant_id, stream=stream, source_id=entity_id)
        is_only_one = before is None or before.has_reported
        row.owner, row.has_reported = lost.owner if is_only_one else "", False
        row.taken_over_at, row.compare_at = now, now + COMPARED_AFTER[0]
        row.deaths += entity_id in blamed
        rows.append(row)
    Suspect.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["tenant", "stream", "source_id"],
        update_fields=["owner", "has_reported", "taken_over_at", "compare_at", "deaths"],
    )  # fmt: skip


def report(tenant_id: int, owner: str) -> None:
    """Say that this holder, whose lease was taken over, is through: it lives, and writes nothing more.

    Its records are compared once more, as it may have written since they were last.
    """
    mine = Suspect.objects.filter(tenant=tenant_id, owner=owner, has_reported=False)
    mine.filter(deaths__gt=0).update(deaths=F("deaths") - 1)
    mine.update(has_reported=True, compare_at=clock.now())


def due() -> QuerySet[Suspect]:
    """What is to be compared by now."""
    return Suspect.objects.filter(compare_at__lte=clock.now())


def compared(rows: Collection[Suspect]) -> None:
    """Write down that these were compared, or need not be: when next, or that they are beyond suspicion."""
    now = clock.now()
    again: dict[datetime, list[int]] = {}
    over = []
    for row in rows:
        ahead = [row.taken_over_at + after for after in COMPARED_AFTER if row.taken_over_at + after > now]
        if ahead and not row.has_reported:
            again.setdefault(ahead[0], []).append(row.pk)
        elif row.deaths:  # they count until something has come of it
            again.setdefault(now + GRACE, []).append(row.pk)
        else:
            over.append(row.pk)
    for next_time, keys in again.items():
        Suspect.objects.filter(pk__in=keys, has_reported=False).update(compare_at=next_time)
    if over:
        Suspect.objects.filter(pk__in=over).delete()


def deaths(stream: Stream) -> dict[str, int]:
    """How many workers in a row were lost while they handed over each of these records of the stream."""
    return dict(Suspect.objects.filter(stream=stream, deaths__gt=0).values_list("source_id", "deaths"))


def acquit(stream: Stream, entity_ids: Collection[str]) -> None:
    """Count anew what these records cost: something came of them. In the transaction that writes it down."""
    Suspect.objects.filter(stream=stream, source_id__in=entity_ids).update(deaths=0)
