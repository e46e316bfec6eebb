"""Positions moved and records sent again, as a person does it in a browser before the running console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from syncstatus.backfills import Backfill, BackfillState
from syncstatus.models import Link
from tenants.models import AuditEntry, Membership
from tenants.rights import Role
from tests.flow.console.world import PASSWORD
from tests.flow.world import World
from tests.ui.conftest import SignIn

pytestmark = [pytest.mark.ui, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def owner(world: World) -> User:
    user = User.objects.create_user("olga", password=PASSWORD)
    Membership.objects.create(tenant=world.tenant, user=user, role=Role.OWNER)
    return user


@pytest.fixture
def choose(world: World, owner: User, sign_in: SignIn) -> Callable[[str, str, str], Page]:
    """Sign in, go to a list, tick the row that says so, and start an action."""
    for number in range(3):
        world.subject(str(1001 + number), observations={"Height": 150})
    world.sync()

    def by_hand(place: str, row: str, action: str) -> Page:
        page = sign_in(owner)
        page.get_by_role("link", name=place, exact=True).first.click()
        page.get_by_role("row").filter(has_text=row).first.get_by_role("checkbox").check()
        page.get_by_label("Action:").select_option(label=action)
        page.get_by_role("button", name="Go").click()
        return page

    return by_hand


def confirm(page: Page, button: str) -> None:
    page.get_by_label("Reason").fill("It looked wrong")
    page.get_by_role("button", name="Count first").click()
    expect(page.get_by_role("table")).to_contain_text("3")
    page.get_by_role("button", name=button, exact=True).click()


def test_a_flow_is_rewound(world: World, choose: Callable[..., Page]) -> None:
    page = choose("Flows", "Avni → Bahmni", "Rewind…")
    page.get_by_label("Since").fill("2026-01-01T00:00")
    confirm(page, "Rewind")
    expect(page.get_by_text("Subjects, Individual: reads on from 01 Jan 2026, 00:00.")).to_be_visible()
    assert Link.objects.filter(is_suspect=True).count() == 3
    assert AuditEntry.objects.get(action="rewind").reason == "It looked wrong"


def test_a_stream_is_rewound_to_before_a_run(world: World, choose: Callable[..., Page]) -> None:
    page = choose("Runs", "Subjects", "Rewind to before this run…")
    confirm(page, "Rewind")
    expect(page.get_by_text("Subjects, Individual: reads on from")).to_be_visible()


def test_a_flow_skips_to_now(world: World, choose: Callable[..., Page]) -> None:
    page = choose("Flows", "Avni → Bahmni", "Skip to now…")
    page.get_by_label("Reason").fill("Test data")
    page.get_by_role("button", name="Count first").click()
    expect(page.get_by_text("About 0 changes will not be read.")).to_be_visible()
    page.get_by_role("button", name="Skip to now", exact=True).click()
    expect(page.get_by_text("Subjects, Individual: reads on from")).to_be_visible()


def test_a_window_is_asked_for_and_followed(world: World, choose: Callable[..., Page]) -> None:
    page = choose("Flows", "Avni → Bahmni", "Backfill…")
    page.get_by_label("Subjects").check()
    page.get_by_label("From").fill("2026-01-01T00:00")
    confirm(page, "Ask for it")
    expect(page.get_by_text("is asked for; it follows what is new.")).to_be_visible()
    world.sync("subject")
    assert Backfill.objects.get().state == BackfillState.DONE
    page.get_by_role("link", name="Home").click()
    page.get_by_role("link", name="Backfills").first.click()
    expect(page.get_by_role("row").filter(has_text="Subjects")).to_contain_text("3 of about 3")


def test_a_record_is_sent_again_from_its_page(world: World, choose: Callable[..., Page]) -> None:
    page = choose("Links", "Subject", "Send again…")
    page.get_by_label("Reason").fill("It looked wrong")
    page.get_by_role("button", name="Send 1 record again").click()
    expect(page.get_by_text("1 record will be read and compared again.")).to_be_visible()
    asked: Any = Backfill.objects.get()
    assert len(asked.ids) == 1
