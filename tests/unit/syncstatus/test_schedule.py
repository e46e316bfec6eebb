from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from syncstatus.models import Flow
from syncstatus.schedule import next_fire
from tenants.models import Tenant
from tenants.scoping import tenant_scope

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    tenant = Tenant.objects.create(name="ashwini", connector="none-installed")
    with tenant_scope(tenant):
        yield tenant


@pytest.fixture
def flow(tenant: Tenant) -> Flow:
    return Flow.objects.create(tenant=tenant, key="there", cron="*/5 * * * *", zone="Asia/Kolkata", is_on=True)


def entries() -> list[PeriodicTask]:
    return list(PeriodicTask.objects.filter(task="engine.knock"))


def test_a_flow_has_one_entry_that_knocks_at_it(flow: Flow) -> None:
    (entry,) = entries()
    assert (entry.name, entry.args, entry.enabled) == ("flow:ashwini:there", f"[{flow.pk}]", True)
    assert entry.crontab.timezone == ZoneInfo("Asia/Kolkata")
    assert (entry.crontab.minute, entry.crontab.hour) == ("*/5", "*")


def test_the_entry_is_the_beats_own_idea_of_the_schedule(flow: Flow) -> None:
    (entry,) = entries()
    start = entry.schedule.remaining_delta(NOON.astimezone(ZoneInfo("Asia/Kolkata")))
    assert start[0] + start[1] == next_fire(flow, NOON)


def test_however_often_a_flow_is_saved_it_has_one_entry(flow: Flow) -> None:
    for cron in ("*/10 * * * *", "0 6 * * *", "*/10 * * * *"):
        flow.cron = cron
        flow.save()
        Flow.objects.get(pk=flow.pk).save()
    assert len(entries()) == 1


def test_a_copy_read_before_the_entry_was_made_makes_no_second(tenant: Tenant) -> None:
    flow = Flow(tenant=tenant, key="there")
    flow.save()
    stale = Flow(pk=flow.pk, tenant=tenant, key="there", is_on=True)
    stale.save(force_update=True)
    assert [entry.enabled for entry in entries()] == [True]


def test_a_changed_zone_moves_the_entry_and_leaves_other_flows_alone(flow: Flow, tenant: Tenant) -> None:
    other = Flow.objects.create(tenant=tenant, key="back", zone="Asia/Kolkata", is_on=True)
    flow.zone = "Africa/Bissau"
    flow.save()
    zones = {entry.name: str(entry.crontab.timezone) for entry in entries()}
    assert zones == {"flow:ashwini:there": "Africa/Bissau", f"flow:ashwini:{other.key}": "Asia/Kolkata"}


def test_flows_with_one_schedule_share_its_row(flow: Flow, tenant: Tenant) -> None:
    before = CrontabSchedule.objects.count()
    Flow.objects.create(tenant=tenant, key="back", cron=flow.cron, zone=flow.zone)
    assert CrontabSchedule.objects.count() == before


@pytest.mark.parametrize("change", [{"is_on": False}, {"is_paused": True}])
def test_a_flow_that_may_not_run_has_its_entry_disabled(flow: Flow, change: dict[str, bool]) -> None:
    for field, value in change.items():
        setattr(flow, field, value)
    flow.save()
    assert [entry.enabled for entry in entries()] == [False]


def test_a_deleted_flow_takes_its_entry_along(flow: Flow) -> None:
    flow.delete()
    assert entries() == []


def test_a_deleted_tenant_takes_the_entries_of_its_flows_along(flow: Flow, tenant: Tenant) -> None:
    tenant.delete()
    assert entries() == []


def test_an_entry_somebody_deleted_comes_back_with_the_next_save(flow: Flow) -> None:
    for entry in entries():
        entry.delete()
    Flow.objects.get(pk=flow.pk).save()
    assert [entry.enabled for entry in entries()] == [True]


def test_the_beat_is_told_of_a_change(flow: Flow) -> None:
    PeriodicTasks.objects.update(last_update=NOON)
    flow.cron = "0 6 * * *"
    flow.save()
    assert PeriodicTasks.last_change() > NOON


def test_the_beat_is_not_disturbed_when_nothing_changed(flow: Flow) -> None:
    PeriodicTasks.objects.update(last_update=NOON)
    flow.save()
    assert PeriodicTasks.last_change() == NOON


def test_an_undone_change_of_the_flow_undoes_that_of_its_entry(flow: Flow) -> None:
    with transaction.atomic():
        flow.is_on = False
        flow.save()
        transaction.set_rollback(True)
    assert [entry.enabled for entry in entries()] == [True]


def test_the_next_run_is_the_next_slot_after_now(flow: Flow) -> None:
    assert next_fire(flow, NOON) == datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize("change", [{"is_on": False}, {"is_paused": True}])
def test_a_flow_that_may_not_run_has_no_next_run(flow: Flow, change: dict[str, bool]) -> None:
    for field, value in change.items():
        setattr(flow, field, value)
    assert next_fire(flow, NOON) is None
