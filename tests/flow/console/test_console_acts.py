"""What people do: each act with its question, its effect, and its entry on record."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from common import clock
from engine.registry import connector_of
from errors.models import ErrorRecord, ErrorState
from mappings.models import Constant, IgnoredConcept, Mapping
from syncstatus.models import Flow, Stream
from tenants.audit import Actor
from tenants.audit import record as put_on_record
from tenants.models import AuditEntry, Connection
from tests.flow.console.conftest import SignIn
from tests.flow.console.world import Hospital, add_error

FLOWS, ERRORS = "admin:syncstatus_flow_changelist", "admin:errors_errorrecord_changelist"

# The tests look at rows behind the console's back; the views set their own scope all the same.
pytestmark = pytest.mark.usefixtures("everywhere")


def act(client: Client, name: str, action: str, *rows: Any, query: str = "", **more: str) -> str:
    chosen = {"action": action, ACTION_CHECKBOX_NAME: [row.pk for row in rows], **more}
    answer = client.post(reverse(name) + query, chosen, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action, door="admin"))


def test_retry_sends_the_chosen_record_back_at_once(numbat: Hospital, operator: Client) -> None:
    held = add_error(numbat, "held", state=ErrorState.HELD, next_attempt_at=None)
    assert "1 record will be tried again now." in act(operator, ERRORS, "retry", held)
    held.refresh_from_db()
    assert held.state == ErrorState.RETRYING
    assert held.next_attempt_at is not None
    assert held.next_attempt_at <= clock.now()
    assert entries("retry errors")[0].user == numbat.people["operator"]


def test_retrying_on_the_page_of_a_record_leads_back_to_it(numbat: Hospital, operator: Client) -> None:
    record = numbat.row(ErrorRecord)
    asked = {"action": "retry", ACTION_CHECKBOX_NAME: record.pk, "from_its_page": "yes"}
    answer = operator.post(reverse(ERRORS) + "?state=all", asked, follow=True)
    assert answer.redirect_chain == [(reverse("admin:errors_errorrecord_change", args=[record.pk]), 302)]
    assert "1 record will be tried again now." in answer.content.decode()


def test_the_page_of_a_paused_flow_and_the_start_page_say_why(numbat: Hospital, operator: Client) -> None:
    flow = numbat.row(Flow)
    act(operator, FLOWS, "pause", flow, answered="yes", reason="Upgrade <tonight>")
    shown = operator.get(reverse("admin:syncstatus_flow_change", args=[flow.pk])).content.decode()
    assert "Paused because: Upgrade &lt;tonight&gt;" in shown
    start = operator.get("/admin/").content.decode()
    said = start[start.index("What you did last") :]
    assert "Upgrade &lt;tonight&gt;" in said
    assert " UTC" not in re.sub("<[^>]*>", "", said)  # in the tenant's zone, as everything else on the page
    act(operator, FLOWS, "resume", flow)
    assert (
        "Paused because" not in operator.get(reverse("admin:syncstatus_flow_change", args=[flow.pk])).content.decode()
    )


def test_what_was_done_is_told_in_words_on_the_start_page_and_in_the_audit(
    numbat: Hospital, operator: Client, owner: Client
) -> None:
    made = add_error(numbat, "held", message="bahmni.first-match-disagrees", params={"differing": "name"})
    for person in ("operator", "owner"):
        door = Actor("admin", numbat.people[person])
        put_on_record(door, "decide source", made, tenant=numbat.tenant)
        put_on_record(door, "run now", numbat.row(Flow), tenant=numbat.tenant)
    for page in (
        operator.get("/admin/").content.decode(),
        owner.get(reverse("admin:tenants_auditentry_changelist")).content.decode(),
    ):
        said = re.sub("<[^>]*>", "", page)
        assert "Decide: take what the source says" in said
        assert "A patient in Bahmni has this number" in said
        assert "Numbat Hospital: Avni → Bahmni" in said
        for identifier in ("decide source", "first-match-disagrees", "ErrorRecord", "avni-to-bahmni"):
            assert identifier not in said


def test_running_a_paused_flow_is_refused_in_a_sentence(numbat: Hospital, operator: Client) -> None:
    flow = numbat.row(Flow)
    Flow.objects.filter(pk=flow.pk).update(is_on=True, is_paused=True)
    assert "is not looked at now. It is paused: resume it first." in act(operator, FLOWS, "run_now", flow)


def test_ignoring_asks_why_first(numbat: Hospital, operator: Client) -> None:
    record = numbat.row(ErrorRecord)
    page = act(operator, ERRORS, "ignore", record)
    assert "Numbat widow" in page
    assert 'name="reason"' in page
    record.refresh_from_db()
    assert record.state == ErrorState.RETRYING


def test_ignoring_without_a_reason_asks_again(numbat: Hospital, operator: Client) -> None:
    assert "This field is required" in act(
        operator, ERRORS, "ignore", numbat.row(ErrorRecord), answered="yes", reason=" "
    )


def test_ignoring_with_a_reason_sets_the_record_aside(numbat: Hospital, operator: Client) -> None:
    record = numbat.row(ErrorRecord)
    act(operator, ERRORS, "ignore", record, answered="yes", reason="A test patient")
    record.refresh_from_db()
    assert (record.state, record.ignored_reason) == (ErrorState.IGNORED, "A test patient")
    assert entries("ignore errors")[0].reason == "A test patient"


def test_everything_that_matches_is_more_than_the_page_shows(numbat: Hospital, operator: Client) -> None:
    for place in range(60):
        add_error(numbat, f"e{place}", message="bahmni.future", params={})
    shown = numbat.row(ErrorRecord)
    page = act(operator, ERRORS, "ignore", shown, select_across="1")
    assert "61 records" in page
    assert "and 41 more" in page
    assert 'name="select_across" value="1"' in page
    act(operator, ERRORS, "ignore", shown, select_across="1", answered="yes", reason="All of them")
    assert ErrorRecord.objects.filter(state=ErrorState.IGNORED).count() == 61


def test_everything_that_matches_heeds_the_filter(numbat: Hospital, operator: Client) -> None:
    held = add_error(numbat, "held", state=ErrorState.HELD, next_attempt_at=None)
    act(operator, ERRORS, "retry", held, query="?state=held", select_across="1")
    assert (entries("retry errors")[0].after or {}) == {"records": 1, "chosen": "all that match state=held"}


def test_pausing_asks_why_and_stops_the_schedule(numbat: Hospital, operator: Client) -> None:
    flow = numbat.row(Flow)
    assert 'name="reason"' in act(operator, FLOWS, "pause", flow)
    act(operator, FLOWS, "pause", flow, answered="yes", reason="Upgrade tonight")
    flow.refresh_from_db()
    assert flow.is_paused
    assert entries("pause")[0].reason == "Upgrade tonight"
    act(operator, FLOWS, "resume", flow)
    flow.refresh_from_db()
    assert not flow.is_paused


def test_running_a_flow_that_is_off_says_what_to_do(numbat: Hospital, operator: Client) -> None:
    assert "switch it on first" in act(operator, FLOWS, "run_now", numbat.row(Flow))


def test_of_several_flows_those_that_are_off_are_counted_in_one_line(
    numbat: Hospital, quokka: Hospital, signed_in: SignIn, administrator: User
) -> None:
    flow = numbat.row(Flow)
    Flow.objects.filter(pk=flow.pk).update(is_on=True)
    page = act(signed_in(administrator), FLOWS, "run_now", *Flow.objects.all())
    assert "is being looked at now" in page
    assert "3 flows left out because they are off." in page
    assert "switch it on first" not in page


def test_running_now_marks_the_streams_due(numbat: Hospital, operator: Client) -> None:
    flow = numbat.row(Flow)
    Flow.objects.filter(pk=flow.pk).update(is_on=True)
    assert "is being looked at now" in act(operator, FLOWS, "run_now", flow)
    assert Stream.objects.filter(flow=flow, due_since__isnull=False).exists()


def test_switching_on_shows_everything_that_is_missing_at_once(numbat: Hospital, owner: Client) -> None:
    Connection.objects.filter(side="avni").delete()
    page = act(owner, FLOWS, "switch_on", numbat.row(Flow))
    for words in ("connection to Avni", "mapping Common / AvniUUID_Concept", "constant BahmniIdentifierPrefix"):
        assert words in page
    assert 'value="Switch on"' not in page


def test_switching_on_is_refused_while_something_is_missing(numbat: Hospital, owner: Client) -> None:
    act(owner, FLOWS, "switch_on", numbat.row(Flow), answered="yes", start_policy="recent")
    assert not Flow.objects.filter(is_on=True).exists()


def test_where_to_begin_has_no_default(numbat: Hospital, owner: Client) -> None:
    page = act(owner, FLOWS, "switch_on", numbat.row(Flow))
    assert 'name="start_policy"' in page
    assert "checked" not in page.partition('name="start_policy"')[2].partition("</fieldset>")[0]


def test_a_dry_run_is_not_tried_while_something_is_missing(numbat: Hospital, operator: Client) -> None:
    assert "Not tried" in act(operator, FLOWS, "dry_run", numbat.row(Flow))


def test_a_new_schedule_is_the_beats_at_once_and_on_record(numbat: Hospital, owner: Client) -> None:
    flow = numbat.row(Flow)
    address = reverse("admin:syncstatus_flow_change", args=[flow.pk])
    owner.post(address, {"cron": "0 6 * * *", "zone": "Asia/Dhaka", "retry_cron": "* * * * *"})
    entry = PeriodicTask.objects.get(name=f"flow:numbat:{flow.key}")
    assert (entry.crontab.hour, str(entry.crontab.timezone)) == ("6", "Asia/Dhaka")
    assert (entries("flow.change")[0].after or {}) == {"cron": "0 6 * * *", "zone": "Asia/Dhaka"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("cron", "every day"), ("cron", "61 * * * *"), ("zone", "Bombay"), ("retry_cron", "at night")],
)
def test_a_schedule_that_makes_no_sense_is_refused_in_words(
    field: str, value: str, numbat: Hospital, owner: Client
) -> None:
    form = {"cron": "0 6 * * *", "zone": "Asia/Dhaka", "retry_cron": "* * * * *", field: value}
    page = owner.post(reverse("admin:syncstatus_flow_change", args=[numbat.rows[Flow].pk]), form).content.decode()
    assert "errorlist" in page


def test_a_secret_goes_in_and_never_comes_out(numbat: Hospital, owner: Client) -> None:
    row = numbat.row(Connection)
    address = reverse("admin:tenants_connection_change", args=[row.pk])
    form = {
        "base_url": row.base_url,
        "sign_in": "session",
        "username": "u",
        "zone": "Asia/Kolkata",
        "max_parallel": "4",
    }
    owner.post(address, {**form, "new_secret": "  hush hush "})
    row.refresh_from_db()
    assert row.secret.reveal() == "  hush hush "
    page = owner.get(address).content.decode()
    assert "hush" not in page
    assert "set on" in page
    assert "hush" not in str([(entry.before, entry.after) for entry in AuditEntry.objects.all()])
    owner.post(address, {**form, "new_secret": ""})
    row.refresh_from_db()
    assert row.secret.reveal() == "  hush hush "


def test_a_kept_secret_does_not_follow_to_another_server(numbat: Hospital, owner: Client) -> None:
    row = numbat.row(Connection)
    address = reverse("admin:tenants_connection_change", args=[row.pk])
    form = {"sign_in": "session", "username": "u", "zone": "Asia/Kolkata", "max_parallel": "4", "new_secret": ""}
    page = owner.post(address, {**form, "base_url": "https://elsewhere.example"}).content.decode()
    assert "enter the secret for it" in page
    row.refresh_from_db()
    assert "elsewhere" not in row.base_url


def test_the_form_of_a_connection_offers_the_ways_to_sign_in_of_its_own_server(numbat: Hospital, owner: Client) -> None:
    row = numbat.row(Connection)
    form = owner.get(reverse("admin:tenants_connection_change", args=[row.pk])).context["adminform"].form
    offered = {key for key, _ in form.fields["sign_in"].choices}
    assert offered == set(connector_of(numbat.tenant).side(row.side).sign_ins)


def test_checking_connections_shows_the_steps_of_both_servers(numbat: Hospital, operator: Client) -> None:
    Connection.objects.all().delete()
    Connection.objects.create(tenant=numbat.tenant, side="avni", base_url="http://127.0.0.1:9", sign_in="none")
    page = act(operator, "admin:tenants_connection_changelist", "check_connections", Connection.objects.get())
    assert "to mend" in page
    assert "There is no connection for this side yet." in page
    assert entries("connection.check")


def test_w35_a_mapping_that_exists_is_refused_in_words(numbat: Hospital, mapper: Client) -> None:
    row = numbat.row(Mapping)
    form = {"type": row.type_id, "avni_value": row.avni_value, "int_system_value": "12", "data_type_hint": ""}
    page = mapper.post(reverse("admin:mappings_mapping_add"), form).content.decode()
    assert "There can be only one" in page


def test_a_mapping_without_any_value_is_refused(numbat: Hospital, mapper: Client) -> None:
    before = Mapping.objects.count()
    form = {"type": numbat.row(Mapping).type_id, "avni_value": " ", "int_system_value": "", "data_type_hint": ""}
    page = mapper.post(reverse("admin:mappings_mapping_add"), form).content.decode()
    assert "Both values are empty. Give at least one." in page
    assert Mapping.objects.count() == before


def test_voiding_takes_a_mapping_out_of_use_and_back(numbat: Hospital, mapper: Client) -> None:
    row = numbat.row(Mapping)
    before = numbat.tenant.mapping_revision
    act(mapper, "admin:mappings_mapping_changelist", "void", row)
    row.refresh_from_db()
    numbat.tenant.refresh_from_db()
    assert row.is_voided
    assert numbat.tenant.mapping_revision > before
    act(mapper, "admin:mappings_mapping_changelist", "unvoid", row)
    row.refresh_from_db()
    assert not row.is_voided
    assert [entry.action for entry in AuditEntry.objects.filter(action__startswith="mapping.")] == [
        "mapping.unvoid",
        "mapping.void",
    ]


def test_the_first_row_of_a_constant_cannot_be_deleted(numbat: Hospital, mapper: Client) -> None:
    first = Constant.objects.get(tenant=numbat.tenant, key="BahmniIdentifierPrefix")
    assert mapper.get(reverse("admin:mappings_constant_delete", args=[first.pk])).status_code == 403


@pytest.mark.parametrize(("value", "taken"), [("skip", True), ("", True), ("drop", False)])
def test_a_constant_takes_only_what_its_key_can_hold(
    numbat: Hospital, mapper: Client, value: str, taken: bool
) -> None:  # fmt: skip
    row = Constant.objects.get(tenant=numbat.tenant, key="UnmappedQuestionsFromAvni")
    said = mapper.post(reverse("admin:mappings_constant_change", args=[row.pk]), {"value": value})
    row.refresh_from_db()
    assert row.value == (value if taken else "")
    assert ("Enter one of fail, skip, text" in said.content.decode()) is not taken


HEAD = "group,type,avni_value,int_system_value,about\n"


def upload(client: Client, hospital: Hospital, text: str) -> Any:
    file = SimpleUploadedFile("mappings.csv", text.encode(), content_type="text/csv")
    return client.post(reverse("admin:mappings_mapping_import"), {"tenant": hospital.tenant.pk, "file": file})


def confirm(client: Client, preview: Any) -> str:
    fields = {name: preview.context["form"].initial[name] for name in ("tenant", "text", "revision")}
    return client.post(reverse("admin:mappings_mapping_import"), fields, follow=True).content.decode()


def test_a_file_is_shown_before_it_is_taken(numbat: Hospital, mapper: Client) -> None:
    lines = "Observation,Concept,Widow,uuid-1,Widow [Avni]\nObservation,Concept,Numbat Marital status,uuid-2,\n"
    preview = upload(mapper, numbat, HEAD + lines)
    page = preview.content.decode()
    assert "<strong>1</strong> added" in page
    assert "<strong>1</strong> changed" in page
    assert not Mapping.objects.filter(avni_value="Widow").exists()
    assert "1 added, 1 changed" in confirm(mapper, preview)
    assert Mapping.objects.get(avni_value="Widow").about == "Widow [Avni]"


def test_a_file_with_one_bad_line_is_refused_whole(numbat: Hospital, mapper: Client) -> None:
    preview = upload(mapper, numbat, HEAD + "Observation,Concept,Widow,uuid-1,\nObservation,Nonsense,x,y,\n")
    page = preview.content.decode()
    assert "The whole file is refused" in page
    assert 'value="Import"' not in page
    confirm(mapper, preview)
    assert not Mapping.objects.filter(avni_value="Widow").exists()


def test_a_preview_that_is_out_of_date_is_shown_again(numbat: Hospital, mapper: Client) -> None:
    preview = upload(mapper, numbat, HEAD + "Observation,Concept,Widow,uuid-1,\n")
    act(mapper, "admin:mappings_mapping_changelist", "void", numbat.row(Mapping))
    assert "changed since the preview" in confirm(mapper, preview)
    assert not Mapping.objects.filter(avni_value="Widow").exists()


def test_what_is_no_text_is_refused_in_words(numbat: Hospital, mapper: Client) -> None:
    file = SimpleUploadedFile("mappings.csv", b"\xff\xfe\x00x", content_type="text/csv")
    page = mapper.post(reverse("admin:mappings_mapping_import"), {"tenant": numbat.tenant.pk, "file": file}).content
    assert "CSV UTF-8" in page.decode()


def test_an_export_comes_back_without_a_change(numbat: Hospital, mapper: Client) -> None:
    text = mapper.get(reverse("admin:mappings_mapping_export")).content.decode()
    assert "Numbat Marital status" in text
    assert "<strong>0</strong> added, <strong>0</strong> changed" in upload(mapper, numbat, text).content.decode()


def test_ignoring_a_concept_twice_is_refused_in_words(numbat: Hospital, mapper: Client) -> None:
    form = {"tenant": numbat.tenant.pk, "side": "avni", "concept": "Numbat question", "about": ""}
    answer = mapper.post(reverse("admin:mappings_ignoredconcept_add"), form)
    assert "This concept is ignored already." in answer.content.decode()


def test_a_new_reason_for_ignoring_is_on_record(numbat: Hospital, mapper: Client) -> None:
    row = numbat.row(IgnoredConcept)
    mapper.post(reverse("admin:mappings_ignoredconcept_change", args=[row.pk]), {"about": "Better reason"})
    entry = entries("ignoredconcept.change")[0]
    assert (entry.before, entry.after) == ({"about": "Numbat reason"}, {"about": "Better reason"})


def test_a_concept_taken_out_of_the_ignored_is_on_record(numbat: Hospital, mapper: Client) -> None:
    row = numbat.row(IgnoredConcept)
    act(mapper, "admin:mappings_ignoredconcept_changelist", "delete_selected", row, post="yes")
    assert not IgnoredConcept.objects.filter(concept="Numbat question").exists()
    assert (entries("ignoredconcept.delete")[0].before or {})["concept"] == "Numbat question"


def test_ignored_concepts_are_found_by_name_and_side(numbat: Hospital, mapper: Client) -> None:
    address = reverse("admin:mappings_ignoredconcept_changelist")
    assert "Numbat question" in mapper.get(address, {"q": "numbat quest", "side": "avni"}).content.decode()
    assert "0 ignored concepts" in mapper.get(address, {"q": "numbat quest", "side": "int_system"}).content.decode()


def test_ignored_concepts_go_out_and_come_in_as_a_file(numbat: Hospital, mapper: Client) -> None:
    door = reverse("admin:mappings_ignoredconcept_import")
    text = mapper.get(reverse("admin:mappings_ignoredconcept_export")).content.decode() + "int_system,f-1,Form\r\n"
    file = SimpleUploadedFile("ignored.csv", text.encode(), content_type="text/csv")
    preview = mapper.post(door, {"tenant": numbat.tenant.pk, "file": file})
    assert "<strong>1</strong> added, <strong>0</strong> changed" in preview.content.decode()
    fields = {name: preview.context["form"].initial[name] for name in ("tenant", "text", "revision")}
    assert "1 added, 0 changed, 3 as they were" in mapper.post(door, fields, follow=True).content.decode()
    assert IgnoredConcept.objects.get(side="int_system").concept == "f-1"


def test_entries_of_flows_are_read_only_in_the_schedulers_own_screens(
    numbat: Hospital, administrator: User, signed_in: SignIn
) -> None:
    client, entry = signed_in(administrator), PeriodicTask.objects.get(name=f"flow:numbat:{numbat.row(Flow).key}")
    page = client.get(reverse("admin:django_celery_beat_periodictask_change", args=[entry.pk]))
    assert b'name="_save"' not in page.content
    assert client.get(reverse("admin:django_celery_beat_periodictask_delete", args=[entry.pk])).status_code == 403
    schedule = reverse("admin:django_celery_beat_crontabschedule_change", args=[entry.crontab_id])
    assert b'name="_save"' not in client.get(schedule).content
    act(client, "admin:django_celery_beat_periodictask_changelist", "toggle_tasks", entry)
    entry.refresh_from_db()
    assert not entry.enabled
    own = PeriodicTask.objects.create(name="my own", task="engine.sweep", crontab=entry.crontab)
    act(client, "admin:django_celery_beat_periodictask_changelist", "disable_tasks", own, entry)
    own.refresh_from_db()
    assert not own.enabled


def test_stopping_a_flow_asks_why_and_its_page_says_who_did(numbat: Hospital, operator: Client) -> None:
    flow = numbat.row(Flow)
    assert 'name="reason"' in act(operator, FLOWS, "stop", flow)
    assert "is paused; no run was under way." in act(
        operator, FLOWS, "stop", flow, answered="yes", reason="Upgrade <now>"
    )
    shown = operator.get(reverse("admin:syncstatus_flow_change", args=[flow.pk])).content.decode()
    assert f"Stopped by {entries('stop')[0].user}" in shown
    assert "Paused because: Upgrade &lt;now&gt;" in shown


def test_the_page_of_a_flow_tells_both_schedules_in_words(numbat: Hospital, owner: Client) -> None:
    flow = numbat.row(Flow)
    Flow.objects.filter(pk=flow.pk).update(retry_cron="0 2 * * *")
    shown = owner.get(reverse("admin:syncstatus_flow_change", args=[flow.pk])).content.decode()
    assert "Every 5 minutes" in shown
    assert "At 02:00 AM" in shown
