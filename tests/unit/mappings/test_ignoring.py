"""Concepts that do not travel: many at once, as files and as the snapshot sees them."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from mappings import ignored_csv, revision, snapshot
from mappings.ignoring import IgnoreEdits, WantedIgnored, carry_out, plan
from mappings.in_bulk import EditsRefused
from mappings.models import IgnoredConcept
from tenants.audit import COMMAND
from tenants.models import AuditEntry, Tenant
from tenants.scoping import tenant_scope

HEADER = "side,concept,about\n"


def ignore(tenant: Tenant, side: str, concept: str, about: str = "") -> IgnoredConcept:
    return IgnoredConcept.objects.create(tenant=tenant, side=side, concept=concept, about=about)


def bring_in(tenant: Tenant, text: str) -> IgnoreEdits:
    edits = ignored_csv.preview(tenant, text)
    ignored_csv.apply(edits, COMMAND)
    return edits


def rows() -> set[tuple[str, str, str]]:
    return set(IgnoredConcept.objects.values_list("side", "concept", "about"))


def test_the_snapshot_knows_what_is_ignored_on_which_side(ashwini: Tenant) -> None:
    ignore(ashwini, "avni", "Fever")
    taken = snapshot.take(Tenant.objects.get(pk=ashwini.pk))
    assert taken.is_ignored("avni", "Fever")
    assert not taken.is_ignored("int_system", "Fever")
    assert not taken.is_ignored("avni", "fever")


def test_another_tenants_snapshot_does_not(ashwini: Tenant, bissau: Tenant) -> None:
    ignore(ashwini, "avni", "Fever")
    with tenant_scope(bissau):
        assert not snapshot.take(Tenant.objects.get(pk=bissau.pk)).is_ignored("avni", "Fever")


def test_a_concept_taken_out_is_missing_from_the_next_snapshot(ashwini: Tenant) -> None:
    row = ignore(ashwini, "avni", "Fever")
    snapshot.take(Tenant.objects.get(pk=ashwini.pk))
    row.delete()
    assert not snapshot.take(Tenant.objects.get(pk=ashwini.pk)).is_ignored("avni", "Fever")


def test_a_concept_is_ignored_once_per_tenant_and_side(ashwini: Tenant, bissau: Tenant) -> None:
    ignore(ashwini, "avni", "Fever")
    ignore(ashwini, "int_system", "Fever")
    with tenant_scope(bissau):
        ignore(bissau, "avni", "Fever")
    with pytest.raises(IntegrityError), transaction.atomic():
        ignore(ashwini, "avni", "Fever")


def test_a_file_adds_and_rewords_and_leaves_the_rest(ashwini: Tenant) -> None:
    ignore(ashwini, "avni", "Fever", "old")
    ignore(ashwini, "avni", "Cough", "kept")
    edits = bring_in(ashwini, HEADER + "avni,Fever,new\nint_system, f-1 ,Form\n")
    assert (len(edits.added), len(edits.changed), len(edits.unchanged)) == (1, 1, 0)
    assert rows() == {("avni", "Fever", "new"), ("avni", "Cough", "kept"), ("int_system", "f-1", "Form")}


def test_a_file_without_reasons_keeps_those_that_are_there(ashwini: Tenant) -> None:
    ignore(ashwini, "avni", "Fever", "kept")
    assert len(bring_in(ashwini, "side,concept\navni,Fever\n").unchanged) == 1
    assert rows() == {("avni", "Fever", "kept")}


def test_an_export_comes_in_again_without_a_change(ashwini: Tenant) -> None:
    ignore(ashwini, "avni", "=Fever, high", 'so "they" say\nand more')
    ignore(ashwini, "int_system", "f-1")
    edits = ignored_csv.preview(ashwini, ignored_csv.export(ashwini))
    assert (edits.added, edits.changed, len(edits.unchanged), edits.refused) == ((), (), 2, ())


@pytest.mark.parametrize(
    ("lines", "line", "told"),
    [
        ("moon,Fever,\n", 2, "side 'moon' is none of avni, int_system"),
        ("avni,,x\n", 2, "the concept is empty"),
        (f"avni,{'F' * 256},\n", 2, "concept is longer than 255"),
        (f"avni,F,{'x' * 1001}\n", 2, "about is longer than 1000"),
        ("avni,F\x00,\n", 2, "control character"),
        ("avni,F\n", 2, "has 2 cells instead of 3"),
        ("avni,F,\navni,F,again\n", 3, "ignored on line 2 already"),
    ],
)
def test_a_bad_line_refuses_the_file(ashwini: Tenant, lines: str, line: int, told: str) -> None:
    edits = ignored_csv.preview(ashwini, HEADER + lines)
    assert [number for number, _ in edits.refused] == [line]
    assert told in edits.refused[0][1]
    with pytest.raises(EditsRefused):
        carry_out(edits, COMMAND)
    assert rows() == set()


def test_edits_planned_before_another_change_are_refused(ashwini: Tenant) -> None:
    edits = plan(ashwini, [WantedIgnored("avni", "Fever")])
    revision.bump(ashwini)
    with pytest.raises(EditsRefused, match="changed meanwhile"):
        carry_out(edits, COMMAND)
    assert rows() == set()


def test_pruning_takes_out_what_the_file_does_not_name(ashwini: Tenant) -> None:
    ignore(ashwini, "avni", "Fever")
    ignore(ashwini, "avni", "Cough")
    carry_out(plan(ashwini, [WantedIgnored("avni", "Fever")], prune=True), COMMAND)
    assert rows() == {("avni", "Fever", "")}


def test_each_edit_is_on_record_with_before_and_after(ashwini: Tenant) -> None:
    ignore(ashwini, "avni", "Fever", "old")
    ignore(ashwini, "avni", "Cough", "gone")
    wanted = [WantedIgnored("avni", "Fever", "new"), WantedIgnored("int_system", "f-1", "")]
    carry_out(plan(ashwini, wanted, prune=True), COMMAND)
    told = AuditEntry.objects.order_by("pk").values_list("action", "before", "after")
    assert list(told) == [
        ("ignoredconcept.add", None, {"side": "int_system", "concept": "f-1", "about": ""}),
        ("ignoredconcept.change", {"about": "old"}, {"about": "new"}),
        ("ignoredconcept.delete", {"side": "avni", "concept": "Cough", "about": "gone"}, None),
    ]
