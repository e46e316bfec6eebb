from __future__ import annotations

from collections.abc import Callable

import pytest

from mappings import csv_io
from mappings.in_bulk import EditsRefused
from mappings.models import Mapping
from tenants.audit import COMMAND
from tenants.models import AuditEntry, Tenant

HEADER = "group,type,avni_value,avni_uuid,int_system_value,data_type_hint,about,voided\n"
SHORT = "group,type,avni_value,int_system_value\n"

Add = Callable[..., Mapping]


def live() -> set[tuple[str, str, str]]:
    rows = Mapping.objects.filter(is_voided=False)
    return set(rows.values_list("type__name", "avni_value", "int_system_value"))


def bring_in(tenant: Tenant, text: str) -> csv_io.Preview:
    preview = csv_io.preview(tenant, text)
    csv_io.apply(preview, COMMAND)
    return preview


def reasons(tenant: Tenant, text: str) -> list[tuple[int, str]]:
    return list(csv_io.preview(tenant, text).refused)


def test_a_new_value_is_added(ashwini: Tenant) -> None:
    assert len(bring_in(ashwini, SHORT + "Words,Concept,Height,h-1\n").added) == 1
    assert live() == {("Concept", "Height", "h-1")}


def test_a_known_avni_value_with_another_partner_is_a_change(ashwini: Tenant, add: Add) -> None:
    add("Concept", "Height", "h-1")
    assert len(bring_in(ashwini, SHORT + "Words,Concept,Height,h-2\n").changed) == 1
    assert live() == {("Concept", "Height", "h-2")}


def test_a_value_as_it_was_is_unchanged(ashwini: Tenant, add: Add) -> None:
    add("Concept", "Height", "h-1", about="cm")
    assert len(csv_io.preview(ashwini, SHORT + "Words,Concept,Height,h-1\n").unchanged) == 1


def test_where_many_share_an_avni_value_the_other_value_tells_them_apart(ashwini: Tenant, add: Add) -> None:
    add("Form", "Vitals", "f-1")
    assert len(bring_in(ashwini, SHORT + "Words,Form,Vitals,f-2\n").added) == 1
    assert live() == {("Form", "Vitals", "f-1"), ("Form", "Vitals", "f-2")}


def test_a_kind_that_is_looked_up_alone_is_changed_not_doubled(ashwini: Tenant, add: Add) -> None:
    add("Marker", "Old", "m-1")
    bring_in(ashwini, SHORT + "Words,Marker,New,m-2\n")
    assert live() == {("Marker", "New", "m-2")}


def test_two_mappings_can_exchange_their_partners(ashwini: Tenant, add: Add) -> None:
    add("Concept", "A", "1")
    add("Concept", "B", "2")
    bring_in(ashwini, SHORT + "Words,Concept,A,2\nWords,Concept,B,1\n")
    assert live() == {("Concept", "A", "2"), ("Concept", "B", "1")}


def test_the_partner_of_a_voided_mapping_is_free_for_another(ashwini: Tenant, add: Add) -> None:
    add("Concept", "A", "1")
    bring_in(ashwini, HEADER + "Words,Concept,A,,1,,,yes\nWords,Concept,B,,1,,,no\n")
    assert live() == {("Concept", "B", "1")}


def test_a_voided_mapping_that_returns_is_taken_back_into_use(ashwini: Tenant, add: Add) -> None:
    row = add("Concept", "A", "1", is_voided=True)
    bring_in(ashwini, SHORT + "Words,Concept,A,1\n")
    row.refresh_from_db()
    assert not row.is_voided


def test_what_the_file_does_not_name_stays(ashwini: Tenant, add: Add) -> None:
    add("Concept", "A", "1", about="kept", data_type_hint="Coded")
    bring_in(ashwini, SHORT + "Words,Concept,A,2\nWords,Concept,B,3\n")
    row = Mapping.objects.get(avni_value="A")
    assert (row.about, row.data_type_hint) == ("kept", "Coded")


def test_an_empty_cell_empties_its_column(ashwini: Tenant, add: Add) -> None:
    add("Concept", "A", "1", about="old")
    bring_in(ashwini, HEADER + "Words,Concept,A,,1,,,no\n")
    assert Mapping.objects.get().about == ""


@pytest.mark.parametrize(
    ("lines", "line", "told"),
    [
        ("Words,Concpt,A,,1,,,\n", 2, "did you mean Words / Concept?"),
        ("Words,Concept,,,,,,\n", 2, "both values are empty"),
        ("Words,Concept,A,not-a-uuid,1,,,\n", 2, "is not a uuid"),
        ("Words,Concept,A,,1,Colour,,\n", 2, "data_type_hint 'Colour' is none of Coded"),
        ("Words,Concept,A,,1,,,perhaps\n", 2, "write yes or no"),
        (f"Words,Concept,{'A' * 256},,1,,,\n", 2, "longer than 255"),
        ("Words,Concept,A\x00B,,1,,,\n", 2, "control character"),
        ("Words,Concept,A,1\n", 2, "has 4 cells instead of 8"),
        ("Words,Concept,A,,1,,,\nWords,Concept,A,,2,,,\n", 3, "means the same mapping as line 2"),
        ("Words,Concept,A,,1,,,\nWords,Concept,B,,1,,,\n", 3, "has a partner already: line 2"),
        ("Words,Marker,A,,1,,,\nWords,Marker,B,,2,,,\n", 3, "means the same mapping as line 2"),
        ('Words,Concept,"A\nA",,1,,,\nWords,Concept,B,bad,2,,,\n', 4, "is not a uuid"),
    ],
)
def test_a_line_that_cannot_be_is_refused_with_its_number_and_the_reason(
    ashwini: Tenant, lines: str, line: int, told: str
) -> None:
    ((where, reason),) = reasons(ashwini, HEADER + lines)
    assert where == line
    assert told in reason


def test_a_partner_taken_by_a_mapping_outside_the_file_is_refused(ashwini: Tenant, add: Add) -> None:
    add("Concept", "A", "1")
    ((_, reason),) = reasons(ashwini, SHORT + "Words,Concept,B,1\n")
    assert "Words / Concept: A" in reason


def test_a_mapping_both_voided_and_in_use_is_refused(ashwini: Tenant, add: Add) -> None:
    add("Concept", "A", "1")
    text = HEADER + "Words,Concept,A,,1,,,no\nWords,Concept,A,,1,,,yes\n"
    assert reasons(ashwini, text) == [(3, "is voided here and in use on line 2; keep one of them")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "lacks the columns avni_value, group, int_system_value, type"),
        ("group,type,avni_value,int_system_value,colour\n", "there is no column 'colour'"),
        ("group,type,avni_value,int_system_value,type\n", "a column stands there twice"),
    ],
)
def test_a_wrong_header_refuses_the_file(ashwini: Tenant, text: str, told: str) -> None:
    ((line, reason),) = reasons(ashwini, text)
    assert line == 1
    assert told in reason


def test_something_that_is_no_csv_is_refused(ashwini: Tenant) -> None:
    ((line, reason),) = reasons(ashwini, SHORT + 'Words,Concept,"A"x,1\n')
    assert line == 2
    assert reason.startswith("not CSV")


def test_with_one_line_refused_nothing_is_done(ashwini: Tenant) -> None:
    preview = csv_io.preview(ashwini, SHORT + "Words,Concept,A,1\nWords,Nothing,B,2\n")
    with pytest.raises(EditsRefused):
        csv_io.apply(preview, COMMAND)
    assert live() == set()


def test_a_preview_that_the_mappings_have_left_behind_is_not_applied(ashwini: Tenant, add: Add) -> None:
    preview = csv_io.preview(ashwini, SHORT + "Words,Concept,A,1\n")
    add("Concept", "A", "2")
    with pytest.raises(EditsRefused):
        csv_io.apply(preview, COMMAND)
    assert live() == {("Concept", "A", "2")}


def test_a_preview_changes_nothing(ashwini: Tenant) -> None:
    csv_io.preview(ashwini, SHORT + "Words,Concept,A,1\n")
    assert live() == set()


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_delimiter_of_other_spreadsheets_is_understood(ashwini: Tenant, delimiter: str) -> None:
    bring_in(ashwini, (SHORT + "Words,Concept,A,1\n").replace(",", delimiter))
    assert live() == {("Concept", "A", "1")}


def test_the_mark_a_spreadsheet_puts_before_utf_8_is_no_part_of_the_header(ashwini: Tenant) -> None:
    assert len(csv_io.preview(ashwini, "\ufeff" + SHORT + "Words,Concept,A,1\n").added) == 1


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx", "＝1", "'=1", "''=1", "'quoted'", "plain", " x "])
def test_a_value_survives_the_way_out_and_back_and_is_never_a_formula(
    ashwini: Tenant, bissau: Tenant, add: Add, value: str
) -> None:
    add("Concept", value, "1", about=value)
    text = csv_io.export(ashwini)
    cells = text.splitlines()[1].split(",")
    assert not cells[2].startswith(("=", "+", "-", "@", "\t", "＝"))
    (edit,) = csv_io.preview(bissau, text).added
    assert (edit.after["avni_value"], edit.after["about"]) == (value, value)


@pytest.mark.parametrize(("word", "kept"), [("skip", "skip"), ("", ""), (" text ", "text")])
def test_a_file_says_what_becomes_of_what_has_no_mapping(ashwini: Tenant, word: str, kept: str) -> None:
    text = f"group,type,avni_value,int_system_value,when_unmapped\nWords,Concept,A,1,{word}\n"
    (edit,) = csv_io.preview(ashwini, text).added
    assert edit.after["when_unmapped"] == kept


def test_a_file_that_says_nothing_of_it_leaves_it_as_it_is(ashwini: Tenant, add: Add) -> None:
    add("Concept", "A", "1", when_unmapped="skip")
    preview = csv_io.preview(ashwini, "group,type,avni_value,int_system_value\nWords,Concept,A,1\n")
    assert (preview.changed, preview.refused) == ((), ())


def test_a_word_for_it_that_nobody_knows_is_refused_with_those_that_are(ashwini: Tenant) -> None:
    text = "group,type,avni_value,int_system_value,when_unmapped\nWords,Concept,A,1,drop\n"
    assert csv_io.preview(ashwini, text).refused == ((2, "when_unmapped 'drop' is none of fail, skip, text"),)


def test_importing_an_export_again_changes_nothing(ashwini: Tenant, add: Add) -> None:
    add(
        "Concept", "A", "1", data_type_hint="Coded", when_unmapped="skip", about='ए, "b"\nc',
        avni_uuid="5f0c86b4-7f4b-4c3e-9f5a-000000000001",
    )  # fmt: skip
    add("Concept", "A", "2", is_voided=True)
    add("Concept", "B", "3", is_voided=True)
    add("Concept", "B", "3")
    add("Form", "Vitals", "f-1")
    add("Form", "Vitals", "f-2")
    add("Marker", "", "m")
    preview = csv_io.preview(ashwini, csv_io.export(ashwini))
    assert (preview.added, preview.changed, preview.refused) == ((), (), ())


def test_an_export_makes_the_same_mappings_in_another_tenant(ashwini: Tenant, bissau: Tenant, add: Add) -> None:
    add("Concept", "A", "1")
    add("Concept", "A", "2", is_voided=True)
    csv_io.apply(csv_io.preview(bissau, csv_io.export(ashwini)), COMMAND)
    rows = csv_io.preview(bissau, csv_io.export(ashwini))
    assert [wanted.avni_value for wanted in rows.unchanged if not wanted.voided] == ["A"]


def test_every_mapping_brought_in_is_on_record_with_before_and_after(ashwini: Tenant, add: Add) -> None:
    add("Concept", "A", "1")
    bring_in(ashwini, SHORT + "Words,Concept,A,2\nWords,Concept,B,3\n")
    told = {
        (row.action, (row.before or {}).get("int_system_value"), row.after["int_system_value"])
        for row in AuditEntry.objects.all()
    }
    assert told == {("mapping.change", "1", "2"), ("mapping.add", None, "3")}


def test_a_large_file_is_taken_in_a_bounded_number_of_statements_per_mapping(ashwini: Tenant) -> None:
    text = SHORT + "".join(f"Words,Concept,A{number},{number}\n" for number in range(600))
    assert len(bring_in(ashwini, text).added) == 600
    swapped = SHORT + "".join(f"Words,Concept,A{number},{599 - number}\n" for number in range(600))
    assert len(bring_in(ashwini, swapped).changed) == 600
    assert len(live()) == 600
