from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from mappings import snapshot
from mappings.models import Mapping
from tenants.models import Tenant

Add = Callable[..., Mapping]
PAIR = ("Words", "Concept")
UUID = "5f0c86b4-7f4b-4c3e-9f5a-000000000001"


def taken(tenant: Tenant) -> snapshot.Snapshot:
    return snapshot.take(Tenant.objects.get(pk=tenant.pk))


def test_w36_mappings_are_read_once_for_all_records_as_long_as_nobody_changes_them(ashwini: Tenant, add: Add) -> None:
    for number in range(50):
        add("Concept", f"Question {number}", f"c-{number}")
    tenant = Tenant.objects.get(pk=ashwini.pk)
    first = snapshot.take(tenant)
    with CaptureQueriesContext(connection) as queries:
        assert all(snapshot.take(tenant) is first for _ in range(100))
    assert len(queries) == 0


@pytest.mark.parametrize(("avni", "other"), [("Height", "h-2"), ("Stature", "h-1")])
def test_w35_a_value_of_either_side_has_one_partner_whatever_door_a_mapping_comes_in_by(
    ashwini: Tenant, add: Add, avni: str, other: str
) -> None:
    add("Concept", "Height", "h-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        add("Concept", avni, other)
    assert taken(ashwini).by_avni_value[PAIR].keys() == {"Height"}


def test_w35_what_is_looked_up_without_a_value_is_there_once(ashwini: Tenant, add: Add) -> None:
    add("Marker", "", "m-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        add("Marker", "", "m-2")


def test_w35_a_name_may_be_as_long_as_avni_allows(ashwini: Tenant, add: Add) -> None:
    name = "ए" * 255
    add("Concept", name, "h-1")
    entry = taken(ashwini).from_avni(*PAIR, name)
    assert entry
    assert entry.int_system_value == "h-1"


def test_a_mapping_is_found_by_the_uuid_of_its_avni_side_and_tells_its_policy(ashwini: Tenant, add: Add) -> None:
    add("Concept", "Height", "h-1", avni_uuid=UUID, when_unmapped="skip")
    add("Concept", "Weight", "w-1")
    entry = taken(ashwini).from_avni_uuid(*PAIR, UUID)
    assert entry
    assert (entry.avni_value, entry.when_unmapped) == ("Height", "skip")
    assert taken(ashwini).from_avni_uuid(*PAIR, "") is None
