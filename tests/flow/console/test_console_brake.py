"""The page of a brake, its two moves, and the commands that do the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from engine import work
from engine.exits import Exit
from syncstatus.models import AtBrake, Brake, Flow
from tenants.models import AuditEntry, Connection
from tenants.rights import Role
from tests.commands import run
from tests.flow.console.conftest import Member
from tests.flow.world import World

LIST = "admin:syncstatus_brake_changelist"
PAGE = "admin:syncstatus_brake_change"


@pytest.fixture
def full(world: World) -> World:
    """A world whose flow into Bahmni waits with five voids."""
    subjects = [world.subject(str(1001 + n)) for n in range(25)]
    world.sync("subject")
    for subject in subjects:
        world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    return world


@pytest.fixture
def exchanged(world: World) -> World:
    """A world whose Bahmni was set up anew."""
    world.subject("1001")
    world.patient("1001")
    world.sync()
    world.bahmni.set_up_anew()
    work.forget()
    world.sync()
    return world


@pytest.fixture
def owner(world: World, member: Member) -> Client:
    return member(world, Role.OWNER)


def waiting() -> Brake:
    return Brake.objects.filter(ended_at=None).order_by("pk")[0]


def act(client: Client, action: str, **more: str) -> str:
    chosen: dict[str, Any] = {"action": action, ACTION_CHECKBOX_NAME: [waiting().pk], **more}
    return client.post(reverse(LIST), chosen, follow=True).content.decode()


def at_brake() -> set[str]:
    return set(Flow.objects.values_list("at_brake", flat=True))


def voided(world: World) -> int:
    return sum(row.audit.voided_by is not None for row in world.bahmni.encounters.values())


def test_the_start_page_says_why_and_leads_to_the_page(full: World, owner: Client) -> None:
    page = owner.get(reverse("admin:index")).content.decode()
    assert "5 voids wait, after 20 that passed" in page
    assert reverse(PAGE, args=[waiting().pk]) in page


def test_the_page_lists_every_record_with_its_id_and_why(full: World, owner: Client) -> None:
    row = waiting()
    page = owner.get(reverse(PAGE, args=[row.pk])).content.decode()
    assert all(record.entity_id in page for record in row.records.all())
    assert page.count("the record was voided in Avni") == 5


def test_a_viewer_reads_the_page_and_is_offered_no_move(full: World, member: Member) -> None:
    page = member(full, Role.VIEWER).get(reverse(PAGE, args=[waiting().pk])).content.decode()
    assert "What waits: 5 voids" in page
    assert "let_go_on" not in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.MAPPER])
def test_only_an_owner_lets_a_run_go_on(full: World, member: Member, role: Role) -> None:
    act(member(full, role), "let_go_on", answered="yes", reason="they were test entries")
    assert AtBrake.MANY in at_brake()


def test_letting_go_on_asks_why_with_everything_that_will_be_written(full: World, owner: Client) -> None:
    page = act(owner, "let_go_on")
    assert "5 voids will be written" in page
    assert page.count("will be voided: the record was voided in Avni") == 5
    assert AtBrake.MANY in at_brake()


def test_without_a_reason_it_asks_again(full: World, owner: Client) -> None:
    assert "This field is required" in act(owner, "let_go_on", answered="yes", reason=" ")
    assert AtBrake.MANY in at_brake()


def test_with_a_reason_the_run_goes_on_and_it_is_on_record(full: World, owner: Client) -> None:
    said = act(owner, "let_go_on", answered="yes", reason="they were test entries")
    assert "goes on: 5 records pass." in said
    full.sync("subject")
    assert voided(full) == 25
    assert AuditEntry.objects.get(action="let this run go on").reason == "they were test entries"


def test_once_it_went_on_the_page_tells_of_what_waited_as_past(full: World, owner: Client) -> None:
    row = waiting()
    act(owner, "let_go_on", answered="yes", reason="they were test entries")
    page = owner.get(reverse(PAGE, args=[row.pk])).content.decode()
    assert "What waited: 5 voids" in page
    assert page.count("was to be voided") == 5
    assert "will be voided" not in page


@pytest.mark.parametrize("answer", [{}, {"answered": "yes", "reason": "they were test entries"}])
def test_a_second_tab_is_told_that_it_went_on_already(full: World, owner: Client, answer: dict[str, str]) -> None:
    chosen = {"action": "let_go_on", ACTION_CHECKBOX_NAME: [waiting().pk]}
    act(owner, "let_go_on", answered="yes", reason="they were test entries")
    said = owner.post(reverse(LIST), {**chosen, **answer}, follow=True).content.decode()
    assert "went on already, so nothing was done." in said
    assert AuditEntry.objects.filter(action="let this run go on").count() == 1


def test_a_second_tab_is_told_that_a_server_was_accepted_already(exchanged: World, owner: Client) -> None:
    chosen = {"action": "accept_server", ACTION_CHECKBOX_NAME: [waiting().pk], "answered": "yes", "reason": "moved"}
    act(owner, "accept_server", answered="yes", reason="moved", onward="again")
    assert "went on already" in owner.post(reverse(LIST), chosen | {"onward": "again"}, follow=True).content.decode()


def test_a_flow_at_the_brake_is_not_run_now(full: World, owner: Client) -> None:
    flow = Flow.objects.get(key="avni-to-bahmni")
    chosen = {"action": "run_now", ACTION_CHECKBOX_NAME: [flow.pk]}
    page = owner.post(reverse("admin:syncstatus_flow_changelist"), chosen, follow=True).content.decode()
    assert "It waits at the brake" in page


def test_the_page_of_another_server_shows_what_was_and_what_is(exchanged: World, owner: Client) -> None:
    page = owner.get(reverse(PAGE, args=[waiting().pk])).content.decode()
    assert "What of Bahmni (OpenMRS) is not as it was" in page
    assert "oldest entry of the patient feed" in page


def test_accepting_asks_where_to_go_on_and_has_no_default(exchanged: World, owner: Client) -> None:
    page = act(owner, "accept_server", answered="yes", reason="the hospital moved")
    assert "This field is required" in page
    assert at_brake() == {AtBrake.SERVER}


def test_an_accepted_server_lets_both_flows_go_on(exchanged: World, owner: Client) -> None:
    act(owner, "accept_server", answered="yes", reason="the hospital moved", onward="again")
    assert at_brake() == {""}
    exchanged.sync()
    assert len(exchanged.bahmni.patients) == 1


def test_the_page_of_a_connection_shows_by_what_its_server_is_known(exchanged: World, owner: Client) -> None:
    avni = Connection.objects.get(side="avni")
    page = owner.get(reverse("admin:tenants_connection_change", args=[avni.pk])).content.decode()
    assert "the organisation: demo (number 1)" in page


# -- commands ---------------------------------------------------------------------------------------------------------


def test_the_command_lists_what_waits(full: World) -> None:
    status, said = run("brake", "ashwini")
    assert status == Exit.RECORDS_OPEN
    assert said.count("  void subject ") == 5


def test_the_command_lets_a_run_go_on(full: World) -> None:
    status, said = run("brake", "ashwini", "--let-go-on", "avni-to-bahmni", "--reason", "they were test entries")
    assert (status, "5 voids and 0 overwrites pass, once" in said, at_brake()) == (Exit.THROUGH, True, {""})


def test_the_command_wants_a_reason(full: World) -> None:
    status, said = run("brake", "ashwini", "--let-go-on", "avni-to-bahmni")
    assert (status, "Say why" in said) == (Exit.USAGE, True)


def test_the_command_accepts_a_server(exchanged: World) -> None:
    arguments = ("--accept-server", "bahmni", "--onward", "again", "--reason", "the hospital moved")
    assert run("brake", "ashwini", *arguments)[0] == Exit.THROUGH
    assert at_brake() == {""}


@pytest.mark.parametrize("move", [("--let-go-on", "bahmni-to-avni"), ("--accept-server", "avni", "--onward", "here")])
def test_the_command_refuses_what_does_not_wait(full: World, move: tuple[str, ...]) -> None:
    assert run("brake", "ashwini", *move, "--reason", "x")[0] == Exit.USAGE


def test_status_tells_it_in_words_and_to_programs(full: World) -> None:
    status, said = run("status", "ashwini")
    assert (status, "5 voids wait" in said) == (Exit.RECORDS_OPEN, True)
    told = json.loads(run("status", "ashwini", "--json")[1])
    assert {flow["key"]: flow["at_brake"] for flow in told["flows"]} == {"avni-to-bahmni": "many", "bahmni-to-avni": ""}


def test_sync_by_hand_says_that_the_flow_waits(full: World) -> None:
    status, said = run("sync", "ashwini", "--flow", "avni-to-bahmni")
    assert (status, "manage.py brake ashwini" in said) == (Exit.USAGE, True)
