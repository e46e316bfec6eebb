"""Two tenants with a few kinds of mapping, without a connector."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mappings.models import Mapping, MappingGroup, MappingType
from tenants.models import Tenant
from tenants.scoping import tenant_scope

Add = Callable[..., Mapping]


@pytest.fixture
def ashwini(db: None) -> Iterator[Tenant]:
    tenant = Tenant.objects.create(name="ashwini", connector="none-installed")
    _kinds(tenant)
    with tenant_scope(tenant):
        yield tenant


@pytest.fixture
def bissau(db: None) -> Tenant:
    tenant = Tenant.objects.create(name="bissau", connector="none-installed")
    _kinds(tenant)
    return tenant


@pytest.fixture
def add(ashwini: Tenant) -> Add:
    """Makes a mapping of ashwini, e.g. `add("Concept", "Height", "h-1", about="cm")`."""

    def make(kind: str, avni: str, other: str, **columns: object) -> Mapping:
        row = MappingType.objects.get(name=kind)
        return Mapping.objects.create(tenant=ashwini, type=row, avni_value=avni, int_system_value=other, **columns)

    return make


def _kinds(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        group = MappingGroup.objects.create(tenant=tenant, name="Words")
        for name, rules in {
            "Concept": {},
            "Form": {"avni_is_unique": False},
            "Marker": {"is_single": True},
        }.items():
            MappingType.objects.create(tenant=tenant, group=group, name=name, **rules)
