"""A Java service's database, of either layout, brought into a tenant: what comes over, what does not, and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bahmni.takeover import applying, database
from bahmni.takeover.applying import Order
from bahmni.takeover.brought.importing import KEPT
from bahmni.takeover.tally import CARRIED, THERE, Tally
from errors.catalogue import explain
from errors.models import ErrorLog, ErrorRecord, ErrorState, ErrorType
from mappings.models import Constant, IgnoredConcept, Mapping
from syncstatus.models import Flow, Position, TakeOver
from tenants import audit
from tenants.models import AuditEntry, Connection, Tenant
from tenants.scoping import all_tenants
from tests.flow.java_service import JavaDatabase, java_database

pytestmark = pytest.mark.django_db

HEIGHT = "aaaaaaaa-0000-4000-8000-000000000005"
RECORD = "dddddddd-0000-4000-8000-0000000000{}"


@pytest.fixture
def everything() -> Iterator[None]:
    """Questions of a test see all tenants; there is one."""
    with all_tenants():
        yield


@pytest.fixture
def new(everything: None) -> Iterator[JavaDatabase]:
    with java_database("new") as java:
        yield java


@pytest.fixture
def old(everything: None) -> Iterator[JavaDatabase]:
    with java_database("old") as java:
        yield java


def bring_in(java: JavaDatabase, **order: object) -> Tally:
    return applying.bring_in(database.read(java.address), Order("ashwini", **order), audit.COMMAND)  # type: ignore[arg-type]


# -- the report --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["old", "new"])
def test_the_report_names_every_row_the_database_counts_once(layout: str, everything: None) -> None:
    with java_database(layout) as java:
        tally = bring_in(java)
        for table in tally.tables.values():
            exists = java.ask(f"SELECT to_regclass('{table.name}') IS NOT NULL")
            counted = java.ask(f"SELECT count(*) FROM {table.name}") if exists else 0
            assert (table.name, table.read + table.of_others) == (table.name, counted)
            assert table.adds_up, table
        for name, rows in tally.unread.items():
            assert rows == java.ask(f"SELECT count(*) FROM {name}")


def test_what_is_reported_as_carried_over_is_what_stands_here(new: JavaDatabase) -> None:
    tables = bring_in(new).tables
    assert tables["mapping_metadata"].carried[CARRIED] == Mapping.objects.count() == 10
    assert tables["constants"].carried[CARRIED] == Constant.objects.exclude(value="").count() == 4
    assert (
        tables["error_record_log"].carried[CARRIED] + tables["failed_events"].carried[CARRIED]
        == ErrorLog.objects.count()
    )
    assert (
        tables["markers"].carried[CARRIED] + tables["integrating_entity_status"].carried[CARRIED]
        == Position.objects.count()
    )


def test_rows_of_another_system_are_counted_and_left(new: JavaDatabase) -> None:
    tally = bring_in(new)
    for table, others in {
        "mapping_metadata": 1,
        "error_record": 1,
        "error_record_log": 1,
        "integration_system_config": 1,
    }.items():
        assert tally.tables[table].of_others == others
    assert not Mapping.objects.filter(avni_value="tenant").exists()
    assert not ErrorRecord.objects.filter(entity_id=RECORD.format("09")).exists()
    assert not ErrorType.objects.filter(name="Other").exists()


def test_a_dry_run_tells_the_same_and_changes_nothing(new: JavaDatabase) -> None:
    said = list(bring_in(new, dry_run=True).lines())
    assert not Tenant.objects.exists()
    assert not AuditEntry.objects.exists()
    assert list(bring_in(new).lines()) == said


def test_nothing_is_written_to_the_java_services_database(new: JavaDatabase) -> None:
    before = new.content()
    bring_in(new)
    assert new.content() == before


# -- what comes over ---------------------------------------------------------------------------------------------------


def test_voided_mappings_stay_voided_and_live_ones_win_over_them(new: JavaDatabase) -> None:
    bring_in(new)
    assert Mapping.objects.get(avni_value="Old question").is_voided
    assert not Mapping.objects.get(avni_value="Height").is_voided


def test_of_two_partners_of_one_value_that_of_the_lowest_id_counts(new: JavaDatabase) -> None:
    reasons = bring_in(new).tables["mapping_metadata"].left
    assert Mapping.objects.get(avni_value="Caste").int_system_value.endswith("06")
    assert not Mapping.objects.filter(avni_value="Height in cm").exists()
    assert reasons["Observation / Concept: a second partner of one value; that of the lowest id counts"] == 1
    assert reasons["Observation / Concept: its value of the other system has a partner already"] == 1


def test_names_in_place_of_groups_and_types_mean_the_same(old: JavaDatabase) -> None:
    bring_in(old)
    height = Mapping.objects.get(avni_value="Height")
    assert (str(height.type), height.int_system_value, height.data_type_hint, height.about) == (
        "Observation / Concept", HEIGHT, "Numeric", "Height [Avni]",
    )  # fmt: skip


def test_constants_come_as_the_java_service_read_them(new: JavaDatabase) -> None:
    bring_in(new)
    assert Constant.objects.get(key="BahmniIdentifierPrefix").value == "TRI"
    visits = Constant.objects.filter(key="OutpatientVisitTypes").order_by("ordinal").values_list("value", flat=True)
    assert [value[-1] for value in visits] == ["1", "2"]


def test_ignored_concepts_come_beside_those_every_tenant_begins_with(old: JavaDatabase) -> None:
    bring_in(old)
    assert IgnoredConcept.objects.filter(side="int_system").count() == 1
    assert IgnoredConcept.objects.filter(side="avni").count() == 2


def test_error_types_come_with_pattern_and_follow_up_by_number_or_word(new: JavaDatabase) -> None:
    tally = bring_in(new)
    rule = ErrorType.objects.get(name="Out of order")
    assert (rule.comparison, rule.comparison_value, rule.follow_up) == ("contains", "refused the record", "terminal")
    pattern = ErrorType.objects.get(name="By pattern")
    assert (pattern.comparison, pattern.follow_up, pattern.is_voided) == ("matches", "external", True)
    assert ErrorType.objects.get(name="Ill pattern").comparison == ""
    assert any("Ill pattern" in note for note in tally.tables["error_type"].notes)


def test_the_two_types_that_java_never_retried_stay_terminal(new: JavaDatabase) -> None:
    bring_in(new)
    assert ErrorType.objects.get(name="EntityIsDeleted").is_terminal


def test_an_error_record_comes_with_all_its_attempts(new: JavaDatabase) -> None:
    bring_in(new)
    record = ErrorRecord.objects.get(entity_id=RECORD.format("02"))
    assert (record.stream.key, record.state, record.type and record.type.name) == (
        "general-encounter", ErrorState.HELD, "NoPatientWithId",
    )  # fmt: skip
    said = [log.params["type"] for log in record.logs.order_by("attempt")]
    assert said == ["NoPatientWithId", "EntityIsDeleted", "NoPatientWithId"]
    assert record.first_seen_at == datetime(2024, 1, 1, 10, tzinfo=UTC)


def test_names_of_types_in_the_old_layout_and_terminal_ones_tell_the_state(old: JavaDatabase) -> None:
    bring_in(old)
    states = {record.entity_id[-2:]: record.state for record in ErrorRecord.objects.all()}
    assert states == {
        "01": ErrorState.RETRYING, "02": ErrorState.HELD, "03": ErrorState.CLOSED, "04": ErrorState.RETRYING,
        "11": ErrorState.RETRYING,
    }  # fmt: skip
    assert ErrorRecord.objects.get(entity_id=RECORD.format("01")).type.name == "MultipleSubjectsWithId"  # type: ignore[union-attr]


def test_an_encounter_perhaps_outside_the_programme_is_looked_at_again_although_disabled(new: JavaDatabase) -> None:
    new.run("UPDATE error_record SET processing_disabled = true WHERE id IN (74, 75)")
    bring_in(new)
    assert ErrorRecord.objects.get(entity_id=RECORD.format("04")).state == ErrorState.RETRYING


def test_two_error_records_and_an_event_of_one_record_become_one(new: JavaDatabase) -> None:
    bring_in(new)
    assert ErrorRecord.objects.get(entity_id=RECORD.format("04")).logs.count() == 2
    assert ErrorRecord.objects.get(entity_id=RECORD.format("03")).logs.count() == 2


def test_a_failed_event_opens_even_a_record_that_was_not_tried_again(new: JavaDatabase) -> None:
    bring_in(new)
    record = ErrorRecord.objects.get(entity_id=RECORD.format("03"))
    assert (record.type and record.type.name, record.state) == ("EntityIsDeleted", ErrorState.RETRYING)


def test_an_error_record_without_a_log_is_an_error_of_no_type(old: JavaDatabase) -> None:
    bring_in(old)
    record = ErrorRecord.objects.get(entity_id=RECORD.format("04"))
    assert (record.message, record.params, record.type) == ("bahmni.taken-over", {"type": "(no type)"}, None)


def test_a_failed_event_becomes_an_error_record_of_what_it_is_about(new: JavaDatabase) -> None:
    tally = bring_in(new)
    record = ErrorRecord.objects.get(entity_id=RECORD.format("11"))
    assert (record.stream.key, record.state, record.message) == (
        "encounter",
        ErrorState.RETRYING,
        "bahmni.taken-over-event",
    )
    assert tally.tables["failed_events"].left["its content names no patient and no encounter"] == 2


def test_every_error_that_came_over_has_a_sentence_without_what_a_patient_said(new: JavaDatabase) -> None:
    from bahmni.sentences import SENTENCES

    bring_in(new)
    for record in ErrorRecord.objects.all():
        assert "no sentence" not in explain(record.message, record.params, SENTENCES).cause
        assert "Asha" not in str([record.params, *record.logs.values_list("params", flat=True)])


def test_watermarks_become_positions_in_utc_for_every_part(old: JavaDatabase) -> None:
    bring_in(old)
    subject = Position.objects.get(stream__key="subject")
    assert (subject.partition, subject.value) == ("Individual", {"ts": "2021-03-04T05:06:07.891Z", "known": {}})
    assert subject.read_upto == datetime(2021, 3, 4, 5, 6, 7, 891000, tzinfo=UTC)
    assert Position.objects.get(stream__key="general-encounter").partition == "Household visit"


def test_in_the_new_layout_its_own_table_counts_before_that_of_the_old_one(new: JavaDatabase) -> None:
    bring_in(new)
    assert Position.objects.get(stream__key="subject").value["ts"] == "2024-03-04T05:06:07.891Z"


def test_markers_become_positions_by_page_and_entry_whatever_host_they_name(old: JavaDatabase) -> None:
    bring_in(old)
    patient = Position.objects.get(stream__key="patient").value
    assert (patient["page"], patient["entry"]) == (12, "tag:atomfeed.ict4h.org:p60")
    assert Position.objects.get(stream__key="encounter").value["page"] == 40


def test_of_several_markers_of_a_feed_the_furthest_counts_and_one_without_an_entry_none(new: JavaDatabase) -> None:
    tally = bring_in(new)
    assert Position.objects.get(stream__key="patient").value["page"] == 7
    assert not Position.objects.filter(stream__key="encounter").exists()
    assert any("the encounter feed" in advice for advice in tally.advice)


def test_flows_stay_off_and_the_tenant_counts_as_one_that_others_wrote_for(new: JavaDatabase) -> None:
    bring_in(new)
    assert not Flow.objects.filter(is_on=True).exists()
    assert Tenant.objects.get().born_here is False


def test_a_tenant_believed_born_here_is_no_longer_after_a_take_over(new: JavaDatabase) -> None:
    Tenant.objects.create(name="ashwini", born_here=True)
    bring_in(new)
    assert Tenant.objects.get().born_here is False


def test_demographics_are_not_written_after_a_take_over_until_a_person_says_so(new: JavaDatabase) -> None:
    bring_in(new)
    assert Tenant.objects.get().follows_demographics is False
    Tenant.objects.update(follows_demographics=True)
    bring_in(new)
    assert Tenant.objects.get().follows_demographics is True


# -- connections -------------------------------------------------------------------------------------------------------


def test_connections_come_from_the_configuration_and_the_address_of_the_feeds(new: JavaDatabase) -> None:
    bring_in(new)
    avni = Connection.objects.get(side="avni")
    assert (avni.base_url, avni.username, avni.sign_in) == (
        "https://avni.example",
        "integration@ashwini",
        "idp-details",
    )
    assert avni.secret.reveal() == "never to be printed"
    assert Connection.objects.get(side="bahmni").base_url == "http://10.0.0.1:8050/openmrs"


def test_addresses_may_be_given_and_secrets_named(old: JavaDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVNI_SECRET", "from the environment")
    monkeypatch.setenv("JAVA_SERVICE_DATABASE", old.address)
    words = ["--avni-url", "https://avni.here", "--avni-user", "us", "--avni-secret", "env:AVNI_SECRET"]
    call_command("import_java_service", "ashwini", *words, "--bahmni-url", "https://hospital/openmrs")
    avni = Connection.objects.get(side="avni")
    assert (avni.base_url, avni.username, avni.secret.reveal()) == ("https://avni.here", "us", "from the environment")
    assert Connection.objects.get(side="bahmni").base_url == "https://hospital/openmrs"


def test_no_secret_is_printed_or_put_on_record(new: JavaDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_java_service", "ashwini", "--database", new.address)
    said = capsys.readouterr().out + str(list(AuditEntry.objects.values_list("before", "after", "object_label")))
    assert "never to be printed" not in said + str(TakeOver.objects.get().brought)


# -- again -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["old", "new"])
def test_a_second_import_changes_nothing(layout: str, everything: None) -> None:
    def rows() -> list[list[dict[str, Any]]]:
        tables = (Tenant, Connection, Constant, Mapping, IgnoredConcept, ErrorType, ErrorRecord, ErrorLog, Position)
        found = [list(table._default_manager.order_by("pk").values()) for table in tables]
        for connection in found[1]:
            connection["secret"] = connection["secret"].sealed
        return found

    with java_database(layout) as java:
        bring_in(java)
        before = rows()
        again = bring_in(java)
        changed = [(old, new) for old, new in zip(before[1:], rows()[1:], strict=True) if old != new]
    assert changed == []
    assert not any(table.carried[CARRIED] for table in again.tables.values())
    assert again.tables["mapping_metadata"].carried[THERE]


def test_what_was_edited_here_stays_and_is_reported(new: JavaDatabase) -> None:
    bring_in(new)
    height = Mapping.objects.get(avni_value="Height")
    height.int_system_value, height.data_type_hint = "edited", "Text"
    height.save()
    weight = Mapping.objects.get(avni_value="Weight")
    weight.is_voided = True
    weight.save()
    Constant.objects.filter(key="BahmniIdentifierPrefix").update(value="NEW")
    tally = bring_in(new)
    height.refresh_from_db()
    weight.refresh_from_db()
    assert (height.int_system_value, weight.is_voided) == ("edited", True)
    assert Constant.objects.get(key="BahmniIdentifierPrefix").value == "NEW"
    assert tally.tables["mapping_metadata"].left[f"Observation / Concept: {KEPT}"] == 2
    assert tally.tables["constants"].left[f"BahmniIdentifierPrefix: {KEPT}"] == 1


def test_what_changed_there_since_follows_where_nobody_touched_it_here(new: JavaDatabase) -> None:
    bring_in(new)
    new.run("UPDATE mapping_metadata SET int_system_value = 'aaaaaaaa-0000-4000-8000-000000000099' WHERE id = 109")
    new.run("UPDATE integrating_entity_status SET read_upto_date_time = '2024-05-01' WHERE entity_type = 'Subject'")
    new.run(
        "UPDATE markers SET feed_uri_for_last_read_entry = 'http://host/openmrs/ws/atomfeed/patient/9' WHERE id = 1"
    )
    bring_in(new)
    assert Mapping.objects.get(avni_value="Weight").int_system_value.endswith("99")
    assert Position.objects.get(stream__key="subject").value["ts"] == "2024-05-01T00:00:00.000Z"
    assert Position.objects.get(stream__key="patient").value["page"] == 9


def test_a_position_that_was_read_on_from_here_is_not_set_back(new: JavaDatabase) -> None:
    bring_in(new)
    further = {"ts": "2024-06-01T00:00:00.000Z", "known": {}}
    Position.objects.filter(stream__key="subject").update(value=further)
    new.run("UPDATE integrating_entity_status SET read_upto_date_time = '2024-05-01' WHERE entity_type = 'Subject'")
    tally = bring_in(new)
    assert Position.objects.get(stream__key="subject").value == further
    assert tally.tables["integrating_entity_status"].left["subjects: read on from elsewhere here by now"] == 1


def test_what_stood_in_the_tenant_before_is_not_written_over(new: JavaDatabase) -> None:
    tenant = Tenant.objects.create(name="ashwini")
    Constant.objects.filter(tenant=tenant, key="BahmniIdentifierPrefix").update(value="OWN")
    bring_in(new)
    assert Constant.objects.get(key="BahmniIdentifierPrefix").value == "OWN"


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_several_systems_of_bahmni_ask_for_the_name_of_one(new: JavaDatabase) -> None:
    new.run("UPDATE integration_system SET is_voided = false WHERE id = 4")
    with pytest.raises(database.NotReadable, match="Those for Bahmni: 'bahmni', 'bahmni-of-long-ago'"):
        database.read(new.address)
    assert database.read(new.address, "bahmni").system == "bahmni"


def test_an_address_that_leads_nowhere_is_refused_without_its_password(everything: None) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("import_java_service", "ashwini", "--database", "postgresql://us:hush@127.0.0.1:1/none")
    assert "cannot be reached" in str(refused.value)
    assert "hush" not in str(refused.value)


def test_another_database_is_refused(new: JavaDatabase) -> None:
    new.run("DROP TABLE mapping_metadata")
    with pytest.raises(database.NotReadable, match="no database of the Java service"):
        database.read(new.address)


def test_without_an_address_the_command_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_SERVICE_DATABASE", raising=False)
    with pytest.raises(CommandError, match="JAVA_SERVICE_DATABASE"):
        call_command("import_java_service", "ashwini")
