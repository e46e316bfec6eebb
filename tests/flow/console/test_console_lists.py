"""What the lists and pages say, and that they cost no more queries with more rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from console.live import lines
from console.words import span, when
from engine.gaps import gap_id
from errors.models import ErrorRecord, ErrorState
from mappings.models import IgnoredConcept, Mapping
from syncstatus.models import Flow, Link, Position, Run, Stream
from tenants.models import AuditEntry
from tests.flow.console.world import NOON, Hospital, add_error, add_link, add_mapping, add_run

COLUMNS = ("read", "written", "unchanged", "collapsed", "skipped", "open_ends", "failed")


def page(client: Client, name: str, *args: object, **query: Any) -> str:
    answer = client.get(reverse(f"admin:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_of_flows_names_them_with_their_state_in_words(numbat: Hospital, viewer: Client) -> None:
    flow = numbat.row(Flow)
    Flow._base_manager.filter(pk=flow.pk).update(is_on=True)
    Stream._base_manager.filter(flow=flow).update(last_look_at=NOON, last_good_look_at=NOON)
    said = page(viewer, "syncstatus_flow_changelist")
    for words in ("Avni → Bahmni", "Bahmni → Avni", "Numbat Hospital", "off", "errors", "1 record", "unknown"):
        assert words in said
    assert "avni-to-bahmni" not in said


def test_a_state_is_said_in_words_and_marked_for_the_eye_only_besides(numbat: Hospital, viewer: Client) -> None:
    assert '<span aria-hidden="true">○</span> off</span>' in page(viewer, "syncstatus_flow_changelist")


def test_the_form_of_a_flow_says_its_schedule_in_words_and_times(numbat: Hospital, owner: Client) -> None:
    said = page(owner, "syncstatus_flow_change", numbat.rows[Flow].pk)
    assert "Every 5 minutes" in said
    looks, retries = said.split("Trying failed records again")
    assert [looks.count("<li><time"), retries.count("<li><time")] == [5, 5]


def test_the_page_of_a_flow_tells_how_far_each_part_of_its_source_is_read(numbat: Hospital, owner: Client) -> None:
    flow = numbat.row(Flow)
    stream = numbat.row(Stream)
    Position._base_manager.update_or_create(
        tenant=numbat.tenant, stream=stream, partition="Individual", defaults={"value": {}, "read_upto": NOON}
    )
    add_error(numbat, "", entity_id=gap_id("Individual"), message="engine.part-unreadable", params={})
    said = page(owner, "syncstatus_flow_change", flow.pk)
    assert "Subjects: Individual" in said
    assert "read up to" in said
    assert "cannot be read" in said


def test_errors_are_sentences_and_the_open_ones_come_first(numbat: Hospital, operator: Client) -> None:
    add_error(numbat, "done", state=ErrorState.RESOLVED, message="bahmni.future", params={}, next_attempt_at=None)
    said = page(operator, "errors_errorrecord_changelist")
    assert "The answer &quot;Numbat widow&quot; to the question &quot;Marital status&quot; has no partner" in said
    assert "lies in the future" not in said
    assert "lies in the future" in page(operator, "errors_errorrecord_changelist", state="resolved")
    assert "2 error records" in page(operator, "errors_errorrecord_changelist", state="all")


def test_an_error_leads_to_a_mapping_form_that_is_filled_in(numbat: Hospital, mapper: Client) -> None:
    said = page(mapper, "errors_errorrecord_changelist")
    address = said.partition(">Add mapping<")[0].rpartition('href="')[2].rstrip('"').replace("&amp;", "&")
    form = mapper.get(address).context["adminform"].form
    assert form.initial["avni_value"] == "Numbat widow"
    assert str(form.fields["type"].queryset.get(pk=form.initial["type"])) == "Observation / Concept"


def test_the_way_to_the_form_is_shown_to_those_who_may_go_it(numbat: Hospital, operator: Client) -> None:
    assert "Add mapping" not in page(operator, "errors_errorrecord_changelist")


def test_saving_that_mapping_leads_back_to_the_error(numbat: Hospital, mapper: Client) -> None:
    error, kind = numbat.row(ErrorRecord), numbat.row(Mapping).type_id
    form = {"type": kind, "avni_value": "Numbat widow", "int_system_value": "12", "data_type_hint": ""}
    answer = mapper.post(f"{reverse('admin:mappings_mapping_add')}?error={error.pk}", form)
    assert answer.headers["Location"] == reverse("admin:errors_errorrecord_change", args=[error.pk])


def test_an_error_of_an_answer_leads_to_leaving_it_out(numbat: Hospital, mapper: Client, operator: Client) -> None:
    error = numbat.row(ErrorRecord)
    said = page(mapper, "errors_errorrecord_change", error.pk)
    address = said.partition(">Leave this concept out<")[0].rpartition('href="')[2].rstrip('"').replace("&amp;", "&")
    initial = mapper.get(address).context["adminform"].form.initial
    assert (initial["side"], initial["concept"]) == ("avni", "Numbat widow")
    form = {"tenant": numbat.tenant.pk, "side": "avni", "concept": "Numbat widow", "about": "Not asked any more"}
    answer = mapper.post(address, form)
    assert answer.headers["Location"] == reverse("admin:errors_errorrecord_change", args=[error.pk])
    assert IgnoredConcept._base_manager.get(concept="Numbat widow").tenant_id == numbat.tenant.pk
    assert "Leave this concept out" not in page(operator, "errors_errorrecord_change", error.pk)


def test_leaving_out_a_concept_of_the_hospital_keeps_its_name_beside_its_uuid(numbat: Hospital, mapper: Client) -> None:
    params = {"name": "Numbat cough", "question": "Numbat chest", "value": "uuid-of-cough", "side": "int_system"}
    error = add_error(numbat, "cough", message="bahmni.observation-answer-unmapped", params=params)
    said = page(mapper, "errors_errorrecord_change", error.pk)
    address = said.partition(">Leave this concept out<")[0].rpartition('href="')[2].rstrip('"').replace("&amp;", "&")
    initial = mapper.get(address).context["adminform"].form.initial
    assert (initial["concept"], initial["about"]) == ("uuid-of-cough", "Numbat cough")


def test_an_error_that_ignoring_does_not_mend_offers_no_such_door(numbat: Hospital, mapper: Client) -> None:
    params = {"name": "a text", "question": "Class [HP]", "value": "", "side": "int_system"}  # no concept to leave out
    error = add_error(numbat, "attribute", message="bahmni.attribute-answer-unmapped", params=params)
    said = page(mapper, "errors_errorrecord_change", error.pk)
    assert "Add the missing mapping" in said
    assert "Leave this concept out" not in said


def test_w17_the_page_of_an_error_tells_cause_remedy_and_attempts(numbat: Hospital, operator: Client) -> None:
    said = page(operator, "errors_errorrecord_change", numbat.rows[ErrorRecord].pk)
    for words in (
        "has no partner in Bahmni",
        "Add a mapping for this answer, or leave it out",
        "Attempts",
        "Retry now",
    ):
        assert words in said


def test_a_record_that_got_through_asks_for_nothing(numbat: Hospital, operator: Client) -> None:
    record = add_error(numbat, "through", state=ErrorState.RESOLVED, next_attempt_at=None)
    said = page(operator, "errors_errorrecord_change", record.pk)
    assert "Nothing: the record got through." in said
    assert "then retry" not in said


def test_the_columns_of_the_list_of_runs_add_up(numbat: Hospital, viewer: Client) -> None:
    Run._base_manager.all().delete()
    add_run(
        numbat, read=511, created=1, updated=2, voided=4, unchanged=8, collapsed=16, skipped=32, deferred=64, held=128,
        failed=256,
    )  # fmt: skip
    said = page(viewer, "syncstatus_run_changelist")
    shown = {name: int(re.findall(rf'class="field-{name}[^"]*">(\d+)<', said)[0]) for name in COLUMNS}
    assert shown.pop("read") == sum(shown.values()) == 511


def test_the_outcomes_of_a_run_add_up(numbat: Hospital, viewer: Client) -> None:
    said = page(viewer, "syncstatus_run_change", numbat.rows[Run].pk)
    for words in ("adds up", "does not begin with the prefix", "Numbat title", "Numbat question"):
        assert words in said


def test_a_run_that_lost_something_says_so(numbat: Hospital, viewer: Client) -> None:
    said = page(viewer, "syncstatus_run_change", add_run(numbat, read=20).pk)
    assert "8 unaccounted for" in said


def test_a_link_is_found_by_the_uuid_of_either_side(numbat: Hospital, viewer: Client) -> None:
    add_link(numbat, "second")
    for purpose in ("first subject", "first encounter", "first patient"):
        for written in (numbat.id(purpose), numbat.id(purpose).upper()):
            assert "1 link\n" in page(viewer, "syncstatus_link_changelist", q=written)


def test_a_link_names_what_stands_on_both_sides(numbat: Hospital, viewer: Client) -> None:
    said = page(viewer, "syncstatus_link_change", numbat.rows[Link].pk)
    for words in ("Avni: Subject", "Bahmni (OpenMRS)", "Patient", "Visit", "Encounter", numbat.id("first visit")):
        assert words in said


def test_history_leads_to_the_audit_entries_of_the_row(numbat: Hospital, mapper: Client) -> None:
    row = numbat.row(Mapping)
    form = {"avni_value": row.avni_value, "int_system_value": "13", "about": "thirteen", "data_type_hint": ""}
    mapper.post(reverse("admin:mappings_mapping_change", args=[row.pk]), form)
    answer = mapper.get(reverse("admin:mappings_mapping_history", args=[row.pk]), follow=True)
    assert b"Change mapping" in answer.content
    entry = AuditEntry._base_manager.get(action="mapping.change")
    assert (entry.before or {})["about"] == "Numbat concept"
    assert (entry.after or {})["about"] == "thirteen"


def test_what_becomes_of_what_has_no_mapping_is_chosen_in_the_mapping_and_on_record(
    numbat: Hospital, mapper: Client
) -> None:
    row = numbat.row(Mapping)
    address = reverse("admin:mappings_mapping_change", args=[row.pk])
    said = mapper.get(address).content.decode()
    for words in ("Without a mapping", "Left out and counted", "Sent as text", "Error that explains it"):
        assert words in said
    values = {name: getattr(row, name) for name in ("avni_value", "int_system_value", "about", "data_type_hint")}
    mapper.post(address, {**values, "when_unmapped": "skip"})
    row.refresh_from_db()
    assert row.when_unmapped == "skip"
    assert (AuditEntry._base_manager.get(action="mapping.change").after or {})["when_unmapped"] == "skip"


def test_a_value_of_the_wrong_kind_leads_to_the_mapping_of_its_question(numbat: Hospital, mapper: Client) -> None:
    row = numbat.row(Mapping)
    params = {"question": row.avni_value, "expected": "a number", "kind": "text"}
    error = add_error(numbat, "kind", message="bahmni.value-kind", params=params)
    said = page(mapper, "errors_errorrecord_change", error.pk)
    assert f"{reverse('admin:mappings_mapping_change', args=[row.pk])}?error={error.pk}" in said


def test_a_value_of_the_wrong_kind_in_no_mapped_question_leads_to_no_mapping(numbat: Hospital, mapper: Client) -> None:
    params = {"question": "Date of birth", "expected": "a date", "kind": "text"}
    error = add_error(numbat, "kind", message="bahmni.value-kind", params=params)
    assert "mappings_mapping" not in page(mapper, "errors_errorrecord_change", error.pk).replace("/", "_")


LISTS: dict[str, Callable[..., object]] = {
    "errors_errorrecord_changelist": add_error,
    "syncstatus_link_changelist": add_link,
    "mappings_mapping_changelist": add_mapping,
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_queries_for_3_rows_and_30(name: str, numbat: Hospital, owner: Client) -> None:
    make = LISTS[name]
    for place in range(2):
        make(numbat, f"row {place}")
    page(owner, name)  # names of mappings are kept from here on
    few = queries_of(owner, name)
    for place in range(2, 29):
        make(numbat, f"row {place}")
    assert queries_of(owner, name) == few


def test_the_list_of_runs_costs_the_same_queries_for_3_rows_and_30(numbat: Hospital, owner: Client) -> None:
    add_run(numbat), add_run(numbat)
    few = queries_of(owner, "syncstatus_run_changelist")
    for _ in range(27):
        add_run(numbat)
    assert queries_of(owner, "syncstatus_run_changelist") == few


@pytest.mark.parametrize("name", ["syncstatus_flow_changelist", "index"])
def test_flows_cost_the_same_queries_for_2_and_30(name: str, numbat: Hospital, owner: Client) -> None:
    few = queries_of(owner, name)
    flows = [Flow(tenant=numbat.tenant, key=f"flow {place}") for place in range(28)]
    for flow in Flow._base_manager.bulk_create(flows):
        Stream._base_manager.create(tenant=numbat.tenant, flow=flow, key=f"stream {flow.key}", sequence=9)
    assert queries_of(owner, name) == few


def queries_of(client: Client, name: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        page(client, name)
    return len(caught)


@pytest.mark.parametrize(
    ("zone", "words"),
    [("Asia/Kolkata", "20 Nov 2026, 17:30 IST"), ("UTC", "20 Nov 2026, 12:00 UTC"), ("Asia/Dubai", "16:00 UTC+04")],
)
def test_a_time_names_its_zone(zone: str, words: str) -> None:
    assert words in re.sub("<[^>]*>", "", str(when(NOON, zone)))


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(), "0 seconds"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(minutes=1, seconds=1), "1 minute 1 second"),
        (timedelta(hours=3), "3 hours"),
        (timedelta(days=2, hours=1, minutes=5), "2 days 1 hour"),
        (timedelta(days=2, minutes=5), "2 days"),
    ],
)
def test_spans_are_said_in_their_two_largest_units(length: timedelta, words: str) -> None:
    assert span(length) == words


def test_what_a_server_calls_by_name_is_said_by_that_name() -> None:
    record = {"uuid": "1", "links": ["x"], "person": {"age": 3, "preferredName": {"display": "Asha", "uuid": "2"}}}
    assert list(lines(record)) == [("uuid", "1"), ("person › age", "3"), ("person › preferredName", "Asha")]


def test_a_group_of_observations_is_said_by_its_members() -> None:
    inner = {"display": "Pulse: 72.0", "concept": {"display": "Pulse"}, "value": 72.0, "groupMembers": None}
    group = {"display": "Vitals: 72.0", "concept": {"uuid": "1", "display": "Vitals"}, "groupMembers": [inner]}
    assert list(lines({"obs": [group]})) == [("obs 1", "Vitals"), ("obs 1 › 1", "Pulse: 72.0")]


def test_a_whole_number_is_shown_without_a_fraction() -> None:
    assert list(lines({"value": 72.0, "height": 1.5})) == [("value", "72"), ("height", "1.5")]
