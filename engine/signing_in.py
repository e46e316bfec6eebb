"""Credentials that were refused are not tried again by themselves: seven wrong log-ins lock an account of OpenMRS.

The mark is the row of the connection (`engine.breaker`), so that no stream and no other process tries them either; a
person takes it away by saving the connection or by "run now". A server that is down is then asked at once, too.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from engine import incidents
from engine.breaker import try_now
from errors.catalogue import SIGN_IN
from mappings import revision
from syncstatus.models import IncidentKind
from tenants.models import Connection
from tenants.scoping import tenant_scope


def allow_again(tenant_id: int) -> None:
    """Let the tenant's servers that are down, or refused us, be asked once more, by whoever comes first."""
    with tenant_scope(tenant_id):
        refused = Connection.objects.filter(tenant=tenant_id, down_reason__startswith=SIGN_IN)
        if refused.exists():
            revision.bump(tenant_id)  # clients that were refused once ask no second time; new ones are made
        try_now(tenant_id)


def connect() -> None:
    """A saved connection may hold the right password or address now; one that is gone is not down."""
    post_save.connect(_allow, sender=Connection, dispatch_uid="sign-in-allowed-again")
    post_delete.connect(_forget, sender=Connection, dispatch_uid="incidents-of-no-connection")


def _allow(instance: Connection, **_: Any) -> None:
    allow_again(instance.tenant_id)


def _forget(instance: Connection, **_: Any) -> None:
    with tenant_scope(instance.tenant_id), transaction.atomic():
        incidents.recovered(instance.tenant_id, [IncidentKind.DOWN, IncidentKind.REFUSED], instance.side)
