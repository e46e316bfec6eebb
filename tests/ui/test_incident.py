"""A server that goes down and comes back, as a person sees it: the line at the top of every page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.flow.world import World
from tests.ui.conftest import SignIn
from tests.ui.test_brake import owner, until

__all__ = ["owner"]

pytestmark = [pytest.mark.ui, pytest.mark.django_db(transaction=True)]

DOWN = "Bahmni does not answer. Everything that needs it waits."


def test_a_person_sees_that_bahmni_is_down_and_that_it_is_back(
    world: World, worker: None, owner: object, sign_in: SignIn
) -> None:
    world.subject("1001")
    world.bahmni_server.stop()
    world.sync()
    page = sign_in(owner)  # type: ignore[arg-type]  # the fixture's user
    line = page.locator(".incident")
    expect(line).to_contain_text(DOWN)
    expect(line).to_contain_text("It is asked again at")
    page.get_by_role("link", name="Error records").click()
    expect(line).to_contain_text(DOWN)
    line.get_by_role("link", name="See what to do").click()
    expect(page.get_by_text("the flow goes on by itself when it answers again")).to_be_visible()
    page.get_by_role("link", name="Avni → Bahmni (flow)").click()
    expect(page.get_by_text("target down")).to_be_visible()
    world.bahmni_server.start()
    page.get_by_role("link", name="Home").click()
    page.get_by_role("link", name="Flows", exact=True).click()
    page.get_by_role("row").filter(has_text="Avni → Bahmni").get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("run_now")
    page.get_by_role("button", name="Go").click()
    until(page, lambda: len(world.bahmni.encounters) == 1)
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", name="Is my data flowing?")).to_be_visible()
    until(page, lambda: page.reload() is not None and line.count() == 0)
