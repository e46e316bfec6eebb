"""The seal as an administrator meets it: a line on every page, the way to bind, and the question at a new address."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from tenants import seal
from tenants.models import AuditEntry, Connection, Tenant
from tests.flow.console.conftest import SignIn
from tests.flow.console.world import Hospital

pytestmark = pytest.mark.usefixtures("everywhere")

TENANTS = "admin:tenants_tenant_changelist"
NEW = "https://bahmni.numbat.example/new"


@pytest.fixture
def at_work(numbat: Hospital) -> Hospital:
    """Numbat, bound to this installation as a hospital at work is."""
    seal.bind(numbat.tenant)
    return numbat


@pytest.fixture
def copy(at_work: Hospital, settings: Any) -> Hospital:
    """Numbat in an installation that got a copy of the database."""
    settings.ENVIRONMENT_ID = "the trial"
    return at_work


def page(client: Client, name: str, *args: Any) -> str:
    return client.get(reverse(name, args=args)).content.decode()


PAGES = ("admin:index", TENANTS, "admin:syncstatus_flow_changelist", "admin:errors_errorrecord_changelist")


@pytest.mark.parametrize("name", PAGES)
def test_a_sealed_tenant_is_said_on_every_page(copy: Hospital, owner: Client, name: str) -> None:
    assert "Numbat Hospital reads only." in page(owner, name)


@pytest.mark.parametrize("name", PAGES)
def test_a_tenant_at_work_is_not(at_work: Hospital, owner: Client, name: str) -> None:
    assert "reads only." not in page(owner, name)


def test_a_person_of_another_tenant_hears_nothing_of_it(copy: Hospital, quokka: Hospital, signed_in: SignIn) -> None:
    assert "Numbat" not in page(signed_in(quokka.people["owner"]), "admin:index")


def test_somebody_who_may_not_bind_is_shown_no_door(copy: Hospital, viewer: Client) -> None:
    shown = page(viewer, "admin:index")
    assert "Numbat Hospital reads only." in shown
    assert "Bind to this installation" not in shown


def bind(client: Client, tenant: Tenant, **more: str) -> str:
    chosen = {"action": "bind", ACTION_CHECKBOX_NAME: [tenant.pk], **more}
    return client.post(reverse(TENANTS), chosen, follow=True).content.decode()


def test_binding_names_the_servers_and_asks_why(copy: Hospital, owner: Client) -> None:
    shown = bind(owner, copy.tenant)
    assert "https://bahmni.numbat.example" in shown
    assert "switch its flows off there first" in shown
    assert 'name="reason"' in shown
    assert seal.sealed()


def test_bound_it_is_sealed_no_more_and_it_is_on_record(copy: Hospital, owner: Client) -> None:
    assert "is bound to this installation and goes on" in bind(owner, copy.tenant, answered="yes", reason="We moved.")
    assert not seal.sealed()
    assert AuditEntry.objects.filter(action="bind", reason="We moved.", door="admin").count() == 1


def test_an_operator_may_not_bind(copy: Hospital, operator: Client) -> None:
    bind(operator, copy.tenant, answered="yes", reason="I want to.")
    assert seal.sealed()


def save_address(client: Client, row: Connection, **more: str) -> str:
    form = {"base_url": NEW, "sign_in": "session", "username": "u", "zone": "Asia/Kolkata", "max_parallel": "4", **more}
    return client.post(reverse("admin:tenants_connection_change", args=[row.pk]), form, follow=True).content.decode()


@pytest.fixture
def row(numbat: Hospital) -> Connection:
    return Connection.objects.get(tenant=numbat.tenant, side="bahmni")


def test_at_another_address_a_person_says_whether_it_is_the_right_server(
    at_work: Hospital, owner: Client, row: Connection
) -> None:
    assert "say whether it is the right server" in save_address(owner, row)
    assert Connection.objects.get(pk=row.pk).base_url != NEW


def test_said_to_be_right_the_tenant_goes_on_and_the_word_is_on_record(
    at_work: Hospital, owner: Client, row: Connection
) -> None:
    save_address(owner, row, new_address="write")
    now = Connection.objects.get(pk=row.pk)
    assert (now.base_url, now.bound_url) == (NEW, NEW)
    assert (AuditEntry.objects.get(action="connection.change").after or {})["new_address"] == "write"


def test_not_yet_means_that_nothing_is_written_there(at_work: Hospital, owner: Client, row: Connection) -> None:
    shown = save_address(owner, row, new_address="wait")
    assert "Numbat Hospital reads only." in shown
    assert Connection.objects.get(pk=row.pk).bound_url != NEW


def test_before_a_tenant_is_at_work_its_addresses_change_without_a_question(
    numbat: Hospital, owner: Client, row: Connection
) -> None:
    assert "new_address" not in page(owner, "admin:tenants_connection_change", row.pk)
    save_address(owner, row)
    assert Connection.objects.get(pk=row.pk).base_url == NEW


def test_what_the_service_does_by_itself_binds_only_what_never_was(copy: Hospital) -> None:
    assert not seal.bind_unbound(Tenant.objects.get(pk=copy.tenant.pk))
    assert seal.sealed()
