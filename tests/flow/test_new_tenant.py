"""What an administrator finds in a tenant that was just created."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management.sql import emit_post_migrate_signal

from bahmni.mapping_types import MAPPING_TYPES
from engine import declaration
from engine.provision import missing, seed
from errors.models import ErrorType
from mappings.models import Constant, IgnoredConcept, MappingType
from syncstatus.models import Flow
from tenants.audit import COMMAND
from tenants.models import Tenant
from tenants.scoping import tenant_scope


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    tenant = Tenant.objects.create(name="ashwini", connector="bahmni")
    with tenant_scope(tenant):
        yield tenant


def test_every_kind_of_mapping_stands_there_with_its_help(tenant: Tenant) -> None:
    assert MappingType.objects.exclude(used_for="").exclude(when_missing="").count() == len(MAPPING_TYPES)


def test_the_keys_of_the_constants_stand_there_empty(tenant: Tenant) -> None:
    assert set(Constant.objects.values_list("value", flat=True)) == {""}
    assert Constant.objects.count() == 12


def test_the_eight_error_types_stand_there(tenant: Tenant) -> None:
    assert ErrorType.objects.count() == 8


def test_what_the_java_service_never_carried_is_ignored(tenant: Tenant) -> None:
    assert set(IgnoredConcept.objects.values_list("side", "concept")) == {
        ("avni", "Reason(s) for Institutional Delivery"),
        ("avni", "Reason(s) for Institutional ANC"),
    }


def test_what_somebody_took_out_of_the_ignored_stays_out(tenant: Tenant) -> None:
    IgnoredConcept.objects.all().delete()
    seed(tenant)
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default", plan=[])
    Tenant.objects.get(pk=tenant.pk).save()
    assert not IgnoredConcept.objects.exists()


def test_both_flows_are_off(tenant: Tenant) -> None:
    assert dict(Flow.objects.values_list("key", "is_on")) == {"avni-to-bahmni": False, "bahmni-to-avni": False}


def test_what_each_flow_lacks_is_told_at_once(tenant: Tenant) -> None:
    assert (len(missing(tenant, "avni-to-bahmni")), len(missing(tenant, "bahmni-to-avni"))) == (14, 4)


def test_a_tenant_made_from_an_export_ignores_what_the_export_says_and_nothing_besides(tenant: Tenant) -> None:
    IgnoredConcept.objects.filter(concept__endswith="ANC").delete()
    exported = declaration.export(tenant)
    tenant.delete()
    again = declaration.apply(declaration.read(exported), COMMAND).tenant
    with tenant_scope(again):
        assert [row.concept for row in IgnoredConcept.objects.all()] == ["Reason(s) for Institutional Delivery"]
        assert declaration.export(again) == exported


def test_a_tenant_made_from_a_file_without_a_word_on_it_begins_like_others(db: None) -> None:
    tenant = declaration.apply(declaration.read("name: bissau\nconnector: bahmni\n"), COMMAND).tenant
    with tenant_scope(tenant):
        assert IgnoredConcept.objects.count() == 2
