"""Binding a tenant to this installation and its addresses: the first time by itself, then only by a person's word.

Put on record with before and after in the transaction that lets the flows go on. Needs a scope of the tenant.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from engine import bell
from engine.lease import hold_commits
from mappings import revision
from syncstatus.models import Stream
from tenants import audit, seal
from tenants.audit import Actor
from tenants.models import Connection, Tenant


def bind(tenant: Tenant, *, reason: str, actor: Actor) -> bool:
    """Let a sealed tenant write again: from this installation, to the addresses its connections have now.

    False when it was not sealed. Raises ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("say why; it is kept with the record")
    with transaction.atomic():
        hold_commits(tenant.pk)
        row = Tenant.objects.select_for_update().get(pk=tenant.pk)
        why = seal.reason(row, Connection.objects.filter(tenant=row))
        if not why:
            return False
        before = _bound(row)
        seal.bind(row)
        audit.record(actor, "bind", row, tenant=row, before=before, after=_bound(row), reason=reason)
        revision.bump(row.pk)  # every process makes its clients anew
        Stream.objects.filter(tenant=row, last_look_failure__in=(seal.COPY, seal.ADDRESS)).update(last_look_failure="")
        running = Stream.objects.filter(tenant=row, flow__is_on=True, flow__is_paused=False)
        bell.ring(running.select_related("tenant"))
    tenant.bound_to = row.bound_to
    return True


def bind_unbound(tenant: Tenant, *, actor: Actor) -> bool:
    """Bind a tenant that never was: when its first flow is switched on. False when it is bound already."""
    with transaction.atomic():
        if not seal.bind_unbound(tenant):
            return False
        audit.record(actor, "bind", tenant, tenant=tenant, after=_bound(tenant))
    return True


def _bound(tenant: Tenant) -> dict[str, Any]:
    urls = dict(Connection.objects.filter(tenant=tenant).values_list("side", "bound_url"))
    return {"installation": tenant.bound_to, **urls}
