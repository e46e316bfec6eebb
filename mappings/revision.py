"""The tenant's mapping revision: what was read of a tenant's setting is good while the number stands.

Mappings, ignored concepts and constants are frozen into snapshots, connections into signed-in clients; a change of
any of them counts.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.db.models.signals import post_delete, post_save

from mappings.models import Constant, IgnoredConcept, Mapping, MappingType
from tenants.models import Connection, Tenant
from tenants.scoping import tenant_scope


def bump(tenant: Tenant | int) -> None:
    """Declare every snapshot of the tenant outdated. For writers in bulk, whose rows send no signal.

    Counted by the database: two people who save at once give two new numbers.
    """
    key = tenant if isinstance(tenant, int) else tenant.pk
    with tenant_scope(key):
        Tenant.objects.filter(pk=key).update(mapping_revision=F("mapping_revision") + 1)


def connect() -> None:
    """Let every saved or deleted mapping, kind, ignored concept, constant and connection, and the tenant, count."""
    for model in (Mapping, MappingType, IgnoredConcept, Constant, Connection):
        post_save.connect(_bump_owner, sender=model, dispatch_uid=f"mapping-revision-{model.__name__}-saved")
        post_delete.connect(_bump_owner, sender=model, dispatch_uid=f"mapping-revision-{model.__name__}-deleted")
    post_save.connect(_bump_itself, sender=Tenant, dispatch_uid="mapping-revision-Tenant-saved")


def _bump_owner(instance: Mapping | MappingType | IgnoredConcept | Constant | Connection, **_: Any) -> None:
    bump(instance.tenant_id)


def _bump_itself(instance: Tenant, **_: Any) -> None:
    bump(instance)
