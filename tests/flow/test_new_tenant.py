"""What an administrator finds in a tenant that was just created."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.provision import missing
from errors.models import ErrorType
from mappings.models import Constant, MappingType
from syncstatus.models import Flow
from tenants.models import Tenant
from tenants.scoping import tenant_scope


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    tenant = Tenant.objects.create(name="ashwini", connector="bahmni")
    with tenant_scope(tenant):
        yield tenant


def test_every_kind_of_mapping_stands_there_with_its_help(tenant: Tenant) -> None:
    assert MappingType.objects.exclude(used_for="").exclude(when_missing="").count() == 26


def test_the_keys_of_the_constants_stand_there_empty(tenant: Tenant) -> None:
    assert set(Constant.objects.values_list("value", flat=True)) == {""}
    assert Constant.objects.count() == 8


def test_the_eight_error_types_stand_there(tenant: Tenant) -> None:
    assert ErrorType.objects.count() == 8


def test_both_flows_are_off(tenant: Tenant) -> None:
    assert dict(Flow.objects.values_list("key", "is_on")) == {"avni-to-bahmni": False, "bahmni-to-avni": False}


def test_what_each_flow_lacks_is_told_at_once(tenant: Tenant) -> None:
    assert (len(missing(tenant, "avni-to-bahmni")), len(missing(tenant, "bahmni-to-avni"))) == (14, 4)
