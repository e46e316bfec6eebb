from __future__ import annotations

from unittest.mock import patch

from django.core.management.sql import emit_post_migrate_signal

from engine import registry
from engine.provision import missing, seed
from engine.registry import Connector
from errors.models import ErrorType, FollowUp
from errors.specs import ErrorTypeSpec
from mappings.models import Constant, Mapping, MappingType
from mappings.specs import MappingTypeSpec
from syncstatus.models import Flow, Lease, Stream
from tenants.models import Tenant
from tests.unit.engine.fake_connector import BACK, KEY, OUT, make


def test_a_new_tenant_has_every_declared_mapping_type_with_its_help(in_ashwini: Tenant, paper: Connector) -> None:
    rows = MappingType.objects.values_list("group__name", "name", "used_for", "when_missing", "is_mandatory")
    assert set(rows) == {
        (spec.group, spec.name, spec.used_for, spec.when_missing, bool(spec.needed_by)) for spec in paper.mapping_types
    }


def test_a_new_tenant_has_the_keys_of_all_constants_without_values(in_ashwini: Tenant) -> None:
    assert set(Constant.objects.values_list("key", "ordinal", "value")) == {("Prefix", 0, ""), ("Boxes", 0, "")}


def test_a_new_tenant_has_the_declared_error_types(in_ashwini: Tenant) -> None:
    types = dict(ErrorType.objects.values_list("name", "follow_up"))
    assert types == {"NoNumber": FollowUp.PROCESS, "Burnt": FollowUp.TERMINAL}


def test_the_types_of_a_new_tenant_stand_in_the_declared_order(in_ashwini: Tenant) -> None:
    assert list(ErrorType.objects.values_list("name", "place")) == [("NoNumber", 1), ("Burnt", 2)]


def test_seeding_again_leaves_error_types_as_people_made_them(in_ashwini: Tenant) -> None:
    changed = {"follow_up": "internal", "comparison": "contains", "comparison_value": "x", "is_voided": True}
    ErrorType.objects.filter(name="NoNumber").update(place=7, first_wait_minutes=5, **changed)
    before = list(ErrorType.objects.values())
    seed(in_ashwini)
    assert list(ErrorType.objects.values()) == before


def test_an_error_type_of_a_newer_release_comes_behind_those_there_are(in_ashwini: Tenant) -> None:
    ErrorType.objects.filter(name="NoNumber").update(place=7)
    newer = (ErrorTypeSpec("New", FollowUp.PROCESS, ""), ErrorTypeSpec("Burnt", FollowUp.PROCESS, ""))
    with patch.dict(registry._connectors, {KEY: make(error_types=newer)}):
        seed(in_ashwini)
    assert list(ErrorType.objects.values_list("name", "place")) == [("Burnt", 2), ("NoNumber", 7), ("New", 8)]


def test_the_flows_of_a_new_tenant_are_off_and_in_its_zone(db: None, paper: Connector, everywhere: None) -> None:
    tenant = Tenant.objects.create(name="far", connector=KEY, zone="Africa/Bissau")
    assert set(Flow.objects.filter(tenant=tenant).values_list("key", "is_on", "zone")) == {
        (OUT, False, "Africa/Bissau"),
        (BACK, False, "Africa/Bissau"),
    }


def test_streams_keep_the_declared_order_across_flows(in_ashwini: Tenant) -> None:
    assert list(Stream.objects.values_list("key", flat=True)) == ["paper-subject", "paper-card"]


def test_a_new_tenant_has_its_lease_row(in_ashwini: Tenant) -> None:
    assert Lease.objects.filter(tenant=in_ashwini).count() == 1


def test_seeding_again_changes_no_row_that_people_set(in_ashwini: Tenant) -> None:
    Constant.objects.filter(key="Prefix").update(value="TRI")
    Flow.objects.filter(key=OUT).update(cron="0 3 * * *", is_on=True)
    before = [model.objects.count() for model in (MappingType, Constant, ErrorType, Flow, Stream, Lease)]
    seed(in_ashwini)
    assert [model.objects.count() for model in (MappingType, Constant, ErrorType, Flow, Stream, Lease)] == before
    assert Constant.objects.get(key="Prefix").value == "TRI"
    assert Flow.objects.get(key=OUT).cron == "0 3 * * *"


def test_seeding_again_brings_what_a_newer_release_declares(in_ashwini: Tenant) -> None:
    newer = (MappingTypeSpec("People", "Number", "New words.", ""), MappingTypeSpec("People", "Age", "", ""))
    with patch.dict(registry._connectors, {KEY: make(mapping_types=newer)}):
        seed(in_ashwini)
    assert MappingType.objects.get(group__name="People", name="Number").used_for == "New words."
    assert MappingType.objects.filter(name="Age").exists()


def test_migrating_gives_existing_tenants_what_the_new_release_declares(in_ashwini: Tenant) -> None:
    Constant.objects.filter(key="Prefix").delete()
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default", plan=[])
    assert Constant.objects.filter(key="Prefix").exists()


def test_migrating_backwards_seeds_nothing(in_ashwini: Tenant) -> None:
    Constant.objects.filter(key="Prefix").delete()
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default", plan=[(None, True)])
    assert not Constant.objects.filter(key="Prefix").exists()


def test_two_tenants_are_seeded_with_equal_names(ashwini: Tenant, bissau: Tenant, everywhere: None) -> None:
    assert MappingType.objects.filter(tenant=ashwini).count() == MappingType.objects.filter(tenant=bissau).count() > 0


def test_everything_missing_is_told_at_once(ashwini: Tenant) -> None:
    told = [(lack.kind, lack.group, lack.type, lack.key) for lack in missing(ashwini, OUT)]
    assert told == [
        ("mapping", "People", "Number", ""),
        ("mapping", "People", "Form", ""),
        ("constant", "", "", "Prefix"),
    ]


def test_only_what_this_flow_needs_is_missing(ashwini: Tenant) -> None:
    assert [str(lack).partition(" is")[0] for lack in missing(ashwini, BACK)] == [
        "The mapping People / Number",
        "The constant Prefix",
    ]


def test_nothing_is_missing_once_all_of_it_is_set(ready: Tenant) -> None:
    assert missing(ready, OUT) == []


def test_a_voided_mapping_is_missing(ready: Tenant) -> None:
    mapping = Mapping.objects.get(type__name="Number")
    mapping.is_voided = True
    mapping.save()
    assert [lack.type for lack in missing(ready, OUT)] == ["Number"]


def test_a_mapping_empty_on_both_sides_is_missing(ready: Tenant) -> None:
    mapping = Mapping.objects.get(type__name="Number")
    mapping.avni_value = mapping.int_system_value = ""
    mapping.save()
    assert [lack.type for lack in missing(ready, OUT)] == ["Number"]
