from __future__ import annotations

from collections.abc import Callable

import pytest

from mappings import csv_io, ignored_csv, revision, snapshot
from mappings.models import Constant, IgnoredConcept, Mapping, MappingType
from tenants.audit import COMMAND
from tenants.models import Connection, Tenant

Add = Callable[..., Mapping]


def number(tenant: Tenant) -> int:
    return Tenant.objects.get(pk=tenant.pk).mapping_revision


def change_mapping(tenant: Tenant, add: Add) -> None:
    add("Concept", "A", "1")


def delete_mapping(tenant: Tenant, add: Add) -> None:
    Mapping.objects.get(avni_value="old").delete()


def change_type(tenant: Tenant, add: Add) -> None:
    MappingType.objects.get(name="Concept").save()


def ignore_a_concept(tenant: Tenant, add: Add) -> None:
    IgnoredConcept.objects.create(tenant=tenant, side="avni", concept="Fever")


def stop_ignoring(tenant: Tenant, add: Add) -> None:
    IgnoredConcept.objects.all().delete()


def ignore_in_bulk(tenant: Tenant, add: Add) -> None:
    ignored_csv.apply(ignored_csv.preview(tenant, "side,concept\navni,Fever\n"), COMMAND)


def change_constant(tenant: Tenant, add: Add) -> None:
    Constant.objects.create(tenant=tenant, key="Prefix", value="TRI")


def change_connection(tenant: Tenant, add: Add) -> None:
    Connection.objects.create(tenant=tenant, side="avni", base_url="http://localhost")


def change_tenant(tenant: Tenant, add: Add) -> None:
    tenant.save()


def bring_in_bulk(tenant: Tenant, add: Add) -> None:
    text = "group,type,avni_value,int_system_value\nWords,Concept,A,1\n"
    csv_io.apply(csv_io.preview(tenant, text), COMMAND)


@pytest.mark.parametrize(
    "change",
    [
        change_mapping, delete_mapping, change_type, change_constant, change_connection, change_tenant, bring_in_bulk,
        ignore_a_concept, stop_ignoring, ignore_in_bulk,
    ],
)  # fmt: skip
def test_every_change_outdates_what_was_read_before(
    ashwini: Tenant, add: Add, change: Callable[[Tenant, Add], None]
) -> None:
    add("Concept", "old", "0")
    IgnoredConcept.objects.create(tenant=ashwini, side="avni", concept="Old")
    before = number(ashwini)
    change(ashwini, add)
    assert number(ashwini) > before


def test_a_tenant_saved_from_an_old_reading_does_not_turn_the_number_back(ashwini: Tenant) -> None:
    opened_in_a_form = Tenant.objects.get(pk=ashwini.pk)
    revision.bump(ashwini)
    now = number(ashwini)
    opened_in_a_form.title = "New title"
    opened_in_a_form.save()
    assert number(ashwini) > now
    assert Tenant.objects.get(pk=ashwini.pk).title == "New title"


def test_another_tenants_number_stays(ashwini: Tenant, bissau: Tenant, add: Add) -> None:
    bissau.refresh_from_db()
    before = bissau.mapping_revision
    add("Concept", "A", "1")
    bissau.refresh_from_db()
    assert bissau.mapping_revision == before


def test_a_snapshot_taken_after_a_change_shows_it(ashwini: Tenant, add: Add) -> None:
    snapshot.take(Tenant.objects.get(pk=ashwini.pk))
    add("Concept", "A", "1")
    taken = snapshot.take(Tenant.objects.get(pk=ashwini.pk))
    assert taken.from_avni("Words", "Concept", "A") == snapshot.Entry("A", "1", "")
