"""The acts that talk to servers, against two that answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from syncstatus.models import Flow, Link, Position
from tenants.models import AuditEntry, Connection
from tenants.rights import Role
from tests.flow.console.conftest import Member
from tests.flow.world import World, small_world


@pytest.fixture
def asleep(db: None) -> Iterator[World]:
    """As `world`, with both flows still off."""
    with small_world() as built:
        yield built


def act(client: Client, name: str, action: str, rows: list[int], **more: Any) -> str:
    answer = client.post(reverse(name), {"action": action, "_selected_action": rows, **more}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_both_servers_are_shown_to_who_may_see_values_and_that_is_on_record(world: World, member: Member) -> None:
    subject = world.subject("1001", first="Sunita")
    world.sync("subject")
    client, link = member(world, Role.OPERATOR), world.link("subject", subject)
    answer = client.post(reverse("admin:syncstatus_link_show", args=[link.pk]))
    page = answer.content.decode()
    assert "Sunita" in page
    assert "Avni" in page
    assert "Bahmni" in page
    assert "no-store" in answer.headers["Cache-Control"]
    entry = AuditEntry.objects.get(action="show values")
    assert (entry.user and entry.user.username, entry.object_id) == ("operator", str(link.pk))


def test_a_server_that_is_down_is_said_in_words(world: World, member: Member) -> None:
    subject = world.subject("1001", first="Sunita")
    world.sync("subject")
    world.avni_server.stop()
    link = world.link("subject", subject)
    page = member(world, Role.OPERATOR).post(reverse("admin:syncstatus_link_show", args=[link.pk])).content.decode()
    assert "errornote" in page
    assert "Sunita" not in page


def test_a_dry_run_tells_what_it_would_do_and_does_nothing(world: World, member: Member) -> None:
    subject = world.subject("1001")
    flow = Flow.objects.get(key="avni-to-bahmni")
    page = act(member(world, Role.OPERATOR), "admin:syncstatus_flow_changelist", "dry_run", [flow.pk])
    assert subject in page
    assert "created" in page
    assert world.writes == 0
    assert not Link.objects.exists()


def test_the_check_goes_through_both_servers(world: World, member: Member) -> None:
    rows = list(Connection.objects.values_list("pk", flat=True))
    page = act(member(world, Role.OPERATOR), "admin:tenants_connection_changelist", "check_connections", rows)
    assert page.count("<caption>") == 2
    assert "good" in page


def test_a_flow_with_nothing_missing_is_switched_on_where_a_person_says(asleep: World, member: Member) -> None:
    flow = Flow.objects.get(key="avni-to-bahmni")
    owner, flows = member(asleep, Role.OWNER), "admin:syncstatus_flow_changelist"
    assert "This field is required" in act(owner, flows, "switch_on", [flow.pk], answered="yes")
    assert "is on." in act(owner, flows, "switch_on", [flow.pk], answered="yes", start_policy="beginning")
    flow.refresh_from_db()
    assert (flow.is_on, flow.start_policy) == (True, "beginning")
    assert Position.objects.filter(stream__flow=flow).exists()


def test_where_it_began_is_not_asked_again(world: World, member: Member) -> None:
    flow = Flow.objects.get(key="avni-to-bahmni")
    owner, flows = member(world, Role.OWNER), "admin:syncstatus_flow_changelist"
    act(owner, flows, "switch_off", [flow.pk])
    page = act(owner, flows, "switch_on", [flow.pk])
    assert 'name="start_policy"' not in page
    assert 'value="Switch on"' in page


def test_a_flow_whose_source_does_not_answer_stays_off(asleep: World, member: Member) -> None:
    asleep.bahmni_server.stop()
    flow = Flow.objects.get(key="bahmni-to-avni")
    owner, flows = member(asleep, Role.OWNER), "admin:syncstatus_flow_changelist"
    page = act(owner, flows, "switch_on", [flow.pk], answered="yes", start_policy="recent")
    assert "stays off" in page
    flow.refresh_from_db()
    assert not flow.is_on
