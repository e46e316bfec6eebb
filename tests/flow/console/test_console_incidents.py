"""The line at the top of every page while something stops the data from flowing, its page, and the command."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from syncstatus.models import Flow, Incident
from tenants.models import Connection, Tenant
from tenants.rights import Role
from tenants.secrets import Secret
from tests.flow.console.conftest import Member
from tests.flow.console.world import Hospital
from tests.flow.world import World

DOWN = "Bahmni does not answer. Everything that needs it waits."
PAGES = (
    "admin:index",
    "admin:syncstatus_flow_changelist",
    "admin:errors_errorrecord_changelist",
    "admin:password_change",
)


@pytest.fixture
def cut_off(world: World) -> World:
    """A world whose Bahmni went down."""
    world.subject("1001")
    world.bahmni_server.stop()
    world.sync("subject")
    return world


@pytest.fixture
def operator(world: World, member: Member) -> Client:
    return member(world, Role.OPERATOR)


def text(client: Client, address: str) -> str:
    return client.get(address, follow=True).content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_what_is_down_since_when_and_when_it_is_asked_again(
    cut_off: World, operator: Client, page: str
) -> None:
    said = text(operator, reverse(page))
    assert said.count(DOWN) >= 1
    assert 'class="incident"' in said
    assert "It is asked again at" in said
    assert reverse("admin:syncstatus_incident_change", args=[Incident.objects.get().pk]) in said


@pytest.mark.parametrize("page", PAGES)
def test_no_page_says_so_any_more_once_it_is_back(cut_off: World, operator: Client, page: str) -> None:
    cut_off.bahmni_server.start()
    cut_off.sync()
    assert 'class="incident"' not in text(operator, reverse(page))


def test_whoever_is_not_a_member_of_the_tenant_reads_nothing_of_it(
    cut_off: World, numbat: Hospital, member: Member
) -> None:
    other = Client()
    other.force_login(numbat.people[Role.OWNER])
    assert DOWN not in text(other, reverse("admin:index"))


def test_before_somebody_signed_in_no_page_tells_anything(cut_off: World) -> None:
    assert 'class="incident"' not in text(Client(), reverse("admin:login"))


def test_the_page_of_an_incident_tells_what_to_do_and_leads_to_connection_and_flows(
    cut_off: World, operator: Client
) -> None:
    page = text(operator, reverse("admin:syncstatus_incident_change", args=[Incident.objects.get().pk]))
    assert "the flow goes on by itself when it answers again" in page
    assert reverse("admin:tenants_connection_change", args=[Connection.objects.get(side="bahmni").pk]) in page
    for flow in Flow.objects.all():
        assert reverse("admin:syncstatus_flow_change", args=[flow.pk]) in page


def test_an_incident_that_is_over_stays_in_the_list(cut_off: World, operator: Client) -> None:
    cut_off.bahmni_server.start()
    cut_off.sync()
    page = text(operator, reverse("admin:syncstatus_incident_changelist"))
    assert DOWN in page
    assert "over after" in page


@pytest.mark.parametrize("door", ["add", "change", "delete"])
def test_nobody_edits_an_incident(cut_off: World, member: Member, door: str) -> None:
    owner = member(cut_off, Role.OWNER)
    rest = [] if door == "add" else [Incident.objects.get().pk]
    assert owner.post(reverse(f"admin:syncstatus_incident_{door}", args=rest), {"about": "x"}).status_code == 403


def test_the_status_command_lists_what_is_open(cut_off: World, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("status", cut_off.tenant.name)
    assert DOWN in capsys.readouterr().out
    told = StringIO()
    with pytest.raises(SystemExit):
        call_command("status", cut_off.tenant.name, "--json", stdout=told)
    (one,) = json.loads(told.getvalue())["incidents"]
    assert (one["kind"], one["about"], one["probes"]) == ("down", "bahmni", 0)
    assert one["opened_at"]
    assert one["next_probe_at"]


def test_credentials_that_are_refused_wait_for_a_person_and_say_so(world: World, operator: Client) -> None:
    row = Connection.objects.get(side="bahmni")
    row.secret = Secret.of("wrong")
    row.save()
    world.subject("1001")
    world.sync("subject")
    said = text(operator, reverse("admin:index"))
    assert "Bahmni does not let us in with the user and password of the connection." in said
    assert "not tried again until a person has mended the connection" in said
    assert Tenant.objects.get().title in said
