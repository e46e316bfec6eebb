"""What a Java service's database says, written into a tenant: in one transaction, on record, and repeatable.

Nothing that stands here otherwise is written over, unless it is as an earlier import brought it (`deciding`). A dry run
does the same and takes all of it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from bahmni.connector import CONNECTOR
from bahmni.takeover.brought import configuration, connections, mappings, positions, troubles
from bahmni.takeover.brought.connections import Address
from bahmni.takeover.brought.importing import Import
from bahmni.takeover.database import JavaService
from bahmni.takeover.tally import Tally
from bahmni.takeover.understood.found import understand
from engine import moves
from engine.lease import hold_commits
from engine.provision import missing_in
from mappings import snapshot
from syncstatus.models import Stream, TakeOver
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scoping import all_tenants, tenant_scope


@dataclass(frozen=True)
class Order:
    """What is asked for: the tenant by its short name (made where there is none), and addresses by side."""

    tenant: str
    addresses: Mapping[str, Address] = field(default_factory=dict)
    dry_run: bool = False


class Refused(Exception):
    """Nothing was done; the text says why and what to do."""


def bring_in(service: JavaService, order: Order, actor: Actor) -> Tally:
    """Write what was read into the tenant, and tell what became of every row. Raises Refused, DeclarationRefused."""
    with transaction.atomic():
        tenant, is_new = _tenant(order, actor)
        with tenant_scope(tenant):
            tally = _run(tenant, service, order, actor)
            if is_new:
                tally.advice.insert(0, f"The tenant {tenant.name!r} is new: give people their roles in it (admin).")
        if order.dry_run:
            transaction.set_rollback(True)
    return tally


def _tenant(order: Order, actor: Actor) -> tuple[Tenant, bool]:
    with all_tenants():
        tenant = Tenant.objects.filter(name=order.tenant).first()
        if tenant is None:
            tenant = Tenant(name=order.tenant, connector=CONNECTOR.key, title=order.tenant.title())
            tenant.full_clean()
            tenant.save()
            audit.record(actor, "tenant.add", tenant, tenant=tenant)
            return tenant, True
        if tenant.connector != CONNECTOR.key:
            raise Refused(f"{tenant.name!r} is a tenant of {tenant.connector!r}. Name another one.")
        return tenant, False


def _run(tenant: Tenant, service: JavaService, order: Order, actor: Actor) -> Tally:
    """One import, inside its transaction and its tenant's scope."""
    hold_commits(tenant.pk)
    row, is_first = TakeOver.objects.get_or_create(tenant=tenant)
    moves.change_settings(tenant, {"born_here": False}, actor=actor)
    if is_first:  # whether it follows later is a person's choice
        moves.change_settings(tenant, {"follows_demographics": False}, actor=actor)
    under_way = _begun(tenant, service, actor, row)
    connections.bring(under_way, order.addresses)
    configuration.bring(under_way)
    mappings.bring(under_way)
    taken = snapshot.take_unkept(Tenant.objects.get(pk=tenant.pk))
    positions.bring(under_way, taken)
    troubles.bring(under_way)
    row.save()
    tally = under_way.tally
    after = {table.name: table.carried.total() for table in tally.tables.values() if table.carried}
    audit.record(actor, "take over", tenant, tenant=tenant, after=after)
    lacks: dict[str, list[str]] = {}
    for flow in CONNECTOR.flows:
        for lack in missing_in(taken, CONNECTOR, flow.key):
            lacks.setdefault(str(lack), []).append(flow.label)
    tally.advice += [f"{' and '.join(flows)}: {lack}" for lack, flows in lacks.items()]
    return tally


def _begun(tenant: Tenant, service: JavaService, actor: Actor, row: TakeOver) -> Import:
    tally = Tally()
    streams = {stream.key: stream for stream in Stream.objects.filter(tenant=tenant)}
    return Import(tenant, streams, service, understand(service, streams.keys(), tally), actor, tally, row.brought)
