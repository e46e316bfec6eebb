"""Out of the brake, as a person does it: browser, web server, broker, worker process and both servers are real."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from engine import work
from tenants.models import AuditEntry, Membership
from tenants.rights import Role
from tests.flow.console.world import PASSWORD
from tests.flow.world import World
from tests.ui.conftest import SignIn

pytestmark = [pytest.mark.ui, pytest.mark.django_db(transaction=True)]

WAITS = 60
"""How often a page is loaded anew before the worker counts as silent."""


@pytest.fixture
def owner(world: World) -> User:
    """Who may let flows go on."""
    user = User.objects.create_user("olga", password=PASSWORD)
    Membership.objects.create(tenant=world.tenant, user=user, role=Role.OWNER)
    return user


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait as a person would, until the worker has done it."""
    for _ in range(WAITS):
        if holds():
            return
        page.wait_for_timeout(500)
    raise AssertionError("the worker did not get to it")


def test_an_owner_sees_what_waits_lets_the_run_go_on_and_it_is_written(
    world: World, worker: None, owner: User, sign_in: SignIn
) -> None:
    subjects = [world.subject(str(1001 + n)) for n in range(23)]
    world.sync("subject")
    for subject in subjects:
        world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    page = sign_in(owner)
    row = page.get_by_role("row").filter(has_text="Avni → Bahmni")
    expect(row).to_contain_text("brake")
    expect(row).to_contain_text("3 voids wait, after 20 that passed")
    row.get_by_role("link", name="See what waits, and let it go on").click()
    expect(page.get_by_role("heading", name="What waits: 3 voids")).to_be_visible()
    page.get_by_role("button", name="Let this run go on…").click()
    page.get_by_label("Reason").fill("A camp was entered twice")
    page.get_by_role("button", name="Let this run go on").click()
    expect(page.get_by_text("goes on: 3 records pass.")).to_be_visible()
    until(page, lambda: sum(row.audit.voided_by is not None for row in world.bahmni.encounters.values()) == 23)
    assert AuditEntry.objects.get(action="let this run go on").user == owner


def test_an_owner_sees_what_differs_accepts_the_server_and_what_it_lost_is_made_anew(
    world: World, worker: None, owner: User, sign_in: SignIn
) -> None:
    world.subject("1001")
    world.patient("2001")
    world.sync()
    world.bahmni.set_up_anew()
    work.forget()
    world.sync()
    page = sign_in(owner)
    row = page.get_by_role("row").filter(has_text="Avni → Bahmni")
    expect(row).to_contain_text("Bahmni is not the server it was, so nothing was read or written")
    row.get_by_role("link", name="See what waits, and let it go on").click()
    expect(page.get_by_role("rowheader", name="oldest entry of the patient feed")).to_be_visible()
    page.get_by_role("button", name="Accept this server as it is…").click()
    page.get_by_label("From where each flow first began").check()
    page.get_by_label("Reason").fill("The hospital got a new server")
    page.get_by_role("button", name="Accept this server").click()
    expect(page.get_by_text("goes on with Bahmni (OpenMRS) as it is.")).to_be_visible()
    until(page, lambda: len(world.bahmni.patients) == 1)
    assert AuditEntry.objects.get(action="accept server").user == owner
