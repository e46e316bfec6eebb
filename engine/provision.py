"""What a tenant is given at birth, and what it still lacks before a flow can start.

The connector declares; the rows are made from the declaration. Seeding again is harmless and brings what a newer
release declares besides; values that people set are never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models.signals import post_migrate, post_save

from engine.lease import hold_commits
from engine.registry import Connector, connector_of, connectors
from errors.models import ErrorType
from mappings import revision, snapshot
from mappings.models import Constant, MappingGroup, MappingType
from mappings.snapshot import Snapshot
from mappings.specs import MappingTypeSpec
from syncstatus.models import Flow, Lease, Stream
from tenants.models import Tenant
from tenants.scoping import all_tenants, tenant_scope


@dataclass(frozen=True)
class Missing:
    """One mandatory thing a flow cannot start without. `kind` is "mapping" (group and type) or "constant" (key)."""

    kind: str
    group: str
    type: str
    key: str
    used_for: str
    when_missing: str

    def __str__(self) -> str:
        name = self.key if self.kind == "constant" else f"{self.group} / {self.type}"
        return f"The {self.kind} {name} is missing. {self.used_for}"


def seed(tenant: Tenant) -> None:
    """Give a tenant everything its connector declares: mapping types, constants, error types, flows (off), the lease.

    Raises KeyError when the connector is not installed.
    """
    connector = connector_of(tenant)
    with tenant_scope(tenant), transaction.atomic():
        _seed_mapping_types(tenant, connector)
        keys = [Constant(tenant=tenant, key=spec.key) for spec in connector.constants]
        Constant.objects.bulk_create(keys, ignore_conflicts=True)
        Lease.objects.get_or_create(tenant=tenant)
        _seed_error_types(tenant, connector)
        _seed_flows(tenant, connector)
        revision.bump(tenant)


def missing(tenant: Tenant, flow_key: str) -> list[Missing]:
    """Everything mandatory for a flow that has no live mapping or no value, all at once. Needs no scope.

    Raises KeyError for an unknown connector.
    """
    with tenant_scope(tenant):
        now = Tenant.objects.get(pk=tenant.pk)  # the caller's row may be older than the last change of a mapping
        return missing_in(snapshot.take(now), connector_of(now), flow_key)


def missing_in(taken: Snapshot, connector: Connector, flow_key: str) -> list[Missing]:
    """As `missing`, told from a snapshot alone."""
    mappings = [
        Missing("mapping", spec.group, spec.name, "", spec.used_for, spec.when_missing)
        for spec in connector.mapping_types
        if flow_key in spec.needed_by and not _is_mapped(taken, spec)
    ]
    constants = [
        Missing("constant", "", "", spec.key, spec.used_for, "")
        for spec in connector.constants
        if flow_key in spec.needed_by and not taken.constant(spec.key)
    ]
    return mappings + constants


def connect() -> None:
    """Seed every new tenant, whichever door it comes through, and all tenants when a new release has migrated."""
    post_save.connect(_seed_newborn, sender=Tenant, dispatch_uid="seed-new-tenant")
    # The signal goes out once per application; `errors` is the last of those whose tables are filled here.
    post_migrate.connect(_seed_all, sender=apps.get_app_config("errors"), dispatch_uid="seed-after-migrate")


def _seed_newborn(instance: Tenant, created: bool, raw: bool = False, **_: Any) -> None:  # noqa: FBT001, FBT002  # Django's signature
    if created and not raw and instance.connector in connectors():
        seed(instance)


def _seed_all(plan: Sequence[tuple[Any, bool]] = (), **_: Any) -> None:
    if any(backwards for _, backwards in plan):
        return  # tables may be gone
    with all_tenants():
        for tenant in Tenant.objects.filter(connector__in=list(connectors())):
            seed(tenant)


def _seed_mapping_types(tenant: Tenant, connector: Connector) -> None:
    names = list(dict.fromkeys(spec.group for spec in connector.mapping_types))
    MappingGroup.objects.bulk_create([MappingGroup(tenant=tenant, name=name) for name in names], ignore_conflicts=True)
    groups = {group.name: group for group in MappingGroup.objects.filter(tenant=tenant)}
    MappingType.objects.bulk_create(
        [
            MappingType(
                tenant=tenant,
                group=groups[spec.group],
                name=spec.name,
                used_for=spec.used_for,
                when_missing=spec.when_missing,
                is_mandatory=bool(spec.needed_by),
                is_single=spec.is_single,
                avni_is_unique=spec.avni_is_unique,
                int_system_is_unique=spec.int_system_is_unique,
            )
            for spec in connector.mapping_types
        ],
        update_conflicts=True,
        unique_fields=["tenant", "group", "name"],
        update_fields=[
            "used_for", "when_missing", "is_mandatory", "is_single", "avni_is_unique", "int_system_is_unique",
        ],
    )  # fmt: skip


def _seed_error_types(tenant: Tenant, connector: Connector) -> None:
    """Add those whose name is not there yet, behind what is; those that are there stay as people made them."""
    hold_commits(tenant.pk)  # two who give places at once would give the same
    places = dict(ErrorType.objects.filter(tenant=tenant).values_list("name", "place"))
    last = max((place or 0 for place in places.values()), default=0)
    specs = [spec for spec in connector.error_types if spec.name not in places]
    ErrorType.objects.bulk_create(
        ErrorType(tenant=tenant, name=spec.name, follow_up=spec.follow_up, place=place)
        for place, spec in enumerate(specs, start=last + 1)
    )


def _seed_flows(tenant: Tenant, connector: Connector) -> None:
    sequence = 0
    for flow_spec in connector.flows:
        flow, _ = Flow.objects.get_or_create(tenant=tenant, key=flow_spec.key, defaults={"zone": tenant.zone})
        for stream_spec in flow_spec.streams:
            sequence += 1
            Stream.objects.update_or_create(
                tenant=tenant, key=stream_spec.key, defaults={"flow": flow, "sequence": sequence}
            )


def _is_mapped(taken: Snapshot, spec: MappingTypeSpec) -> bool:
    entries = taken.by_avni_value.get((spec.group, spec.name), {}).values()
    return any(entry.avni_value or entry.int_system_value for entry in entries)
