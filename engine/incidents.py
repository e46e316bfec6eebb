"""The rows of incidents: opened once, seen as often as it is met, recovered once; one log line at either end.

Whoever watches the logs gets one alarm when something stops and one when it goes on, never one per record or attempt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from django.db import transaction

from common import clock
from engine.registry import connectors
from errors.catalogue import Explanation, explain
from syncstatus.models import Incident, IncidentKind
from tenants.models import Connection, Tenant

log = structlog.get_logger(__name__)


def seen(tenant_id: int, kind: IncidentKind, about: str, message: str, params: Mapping[str, str]) -> Incident:
    """Open the incident, or note that it lasts. Needs a transaction, and a lease or lock that keeps others out."""
    now = clock.now()
    told = {"message": message, "params": dict(params), "last_seen_at": now}
    row, is_new = Incident.objects.get_or_create(
        tenant_id=tenant_id, kind=kind, about=about, recovered_at=None, defaults={**told, "opened_at": now}
    )
    if is_new:
        tell = partial(log.error, "incident.opened", tenant=tenant_id, kind=str(kind), about=about, message=message)
        transaction.on_commit(tell)
        return row
    for field, value in told.items():
        setattr(row, field, value)
    row.save(update_fields=list(told))
    return row


def recovered(tenant_id: int, kinds: Collection[IncidentKind], about: str) -> None:
    """Close what is open of these kinds. Needs a transaction."""
    now = clock.now()
    for row in Incident.objects.select_for_update().filter(
        tenant=tenant_id, kind__in=kinds, about=about, recovered_at=None
    ):
        row.recovered_at = now
        row.save(update_fields=["recovered_at"])
        transaction.on_commit(
            partial(
                log.warning, "incident.recovered", tenant=tenant_id, kind=row.kind, about=about, probes=row.probes,
                seconds=int((now - row.opened_at).total_seconds()),
            )
        )  # fmt: skip


@dataclass(frozen=True)
class Open:
    """An open incident as people are told of it."""

    incident: Incident
    tenant: Tenant
    told: Explanation
    next_probe_at: datetime | None
    """When a server that is down is asked again at the earliest; None when nobody asks by themselves."""


def open_ones(rows: Iterable[Incident] | None = None) -> list[Open]:
    """The open incidents among `rows`, or all within the scope, oldest first. One query, or two."""
    found = Incident.objects.filter(recovered_at=None).select_related("tenant") if rows is None else rows
    incidents = sorted((row for row in found if row.recovered_at is None), key=lambda row: (row.opened_at, row.pk))
    if not incidents:
        return []
    waiting = Connection.objects.filter(tenant__in={row.tenant_id for row in incidents}, down_since__isnull=False)
    times = {(tenant, side): at for tenant, side, at in waiting.values_list("tenant", "side", "next_probe_at")}
    return [Open(row, row.tenant, explained(row), _next_probe(row, times)) for row in incidents]


def explained(row: Incident) -> Explanation:
    """The sentence about an incident, in the words of its connector; `row.tenant` should be loaded."""
    known = connectors().get(row.tenant.connector)
    return explain(row.message, row.params, known.sentences if known else {})


def _next_probe(row: Incident, times: Mapping[tuple[int, str], datetime | None]) -> datetime | None:
    return None if row.kind == IncidentKind.FAULTS else times.get((row.tenant_id, row.about))
