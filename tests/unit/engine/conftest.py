"""Two tenants of a connector that exists only here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.registry import Connector
from mappings.models import Constant, Mapping, MappingType
from tenants.models import Connection, Tenant
from tenants.scoping import all_tenants, tenant_scope
from tests.unit.engine.fake_connector import KEY, announced, make


@pytest.fixture
def paper() -> Iterator[Connector]:
    with announced(make()) as connector:
        yield connector


@pytest.fixture
def ashwini(db: None, paper: Connector) -> Tenant:
    return Tenant.objects.create(name="ashwini", connector=KEY)


@pytest.fixture
def bissau(db: None, paper: Connector) -> Tenant:
    return Tenant.objects.create(name="bissau", connector=KEY)


@pytest.fixture
def in_ashwini(ashwini: Tenant) -> Iterator[Tenant]:
    with tenant_scope(ashwini):
        yield ashwini


@pytest.fixture
def everywhere(db: None) -> Iterator[None]:
    with all_tenants():
        yield


@pytest.fixture
def ready(in_ashwini: Tenant) -> Tenant:
    """Ashwini with everything its flows need."""
    for group, name in (("People", "Number"), ("People", "Form")):
        kind = MappingType.objects.get(group__name=group, name=name)
        Mapping.objects.create(tenant=in_ashwini, type=kind, avni_value=f"avni {name}", int_system_value=f"int {name}")
    Constant.objects.filter(key="Prefix").update(value="TRI")
    for side, sign_in in (("avni", "none"), ("paper", "basic")):
        Connection.objects.create(tenant=in_ashwini, side=side, base_url="http://localhost", sign_in=sign_in)
    return in_ashwini
