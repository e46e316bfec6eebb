"""The console as a person meets it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from syncstatus.models import AtBrake, Flow
from tenants.rights import Role
from tests.flow.console.world import Hospital, add_brake
from tests.ui.conftest import SignIn

pytestmark = pytest.mark.ui

BROKEN_WORDS = """headings => headings.flatMap(heading => {
  const walk = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT), broken = [];
  while (walk.nextNode())
    for (const word of walk.currentNode.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(walk.currentNode, word.index);
      range.setEnd(walk.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(rect => Math.round(rect.top))).size > 1) broken.push(word[0]);
    }
  return broken;
})"""
"""Words of these elements that stand on more than one line."""


def test_an_operator_logs_in_and_sees_how_the_flows_fare(numbat: Hospital, sign_in: SignIn) -> None:
    page = sign_in(numbat.people[Role.OPERATOR])
    expect(page.get_by_role("heading", name="Is my data flowing?")).to_be_visible()
    page.get_by_role("link", name="Flows", exact=True).click()
    row = page.get_by_role("row").filter(has_text="Bahmni → Avni")
    expect(row).to_contain_text("Numbat Hospital")
    expect(row).to_contain_text("off")


def test_an_error_leads_by_its_mapping_form_to_a_retry(numbat: Hospital, sign_in: SignIn) -> None:
    page = sign_in(numbat.people[Role.MAPPER])
    page.get_by_role("link", name="Error records").click()
    row = page.get_by_role("row").filter(has_text="Numbat widow")
    row.get_by_role("link", name="Add mapping").click()
    expect(page.get_by_label("Value in Avni")).to_have_value("Numbat widow")
    page.get_by_label("Value in the other system").fill("0f7a1f2e-0000-4000-8000-00000000abcd")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The mapping is saved.")).to_be_visible()
    page.get_by_role("button", name="Retry now").click()
    expect(page.get_by_text("1 record will be tried again now.")).to_be_visible()


def test_pausing_asks_why_with_the_keyboard_alone(numbat: Hospital, sign_in: SignIn) -> None:
    page = sign_in(numbat.people[Role.OPERATOR])
    page.get_by_role("link", name="Flows", exact=True).click()
    page.get_by_role("row").filter(has_text="Avni → Bahmni").get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("pause")
    page.get_by_role("button", name="Go").press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("Upgrade tonight")
    page.get_by_role("button", name="Pause").press("Enter")
    expect(page.get_by_text("Numbat Hospital: Avni → Bahmni is paused.")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 1000])
def test_a_long_sentence_on_the_start_page_breaks_no_heading(numbat: Hospital, sign_in: SignIn, width: int) -> None:
    page = sign_in(numbat.people[Role.OPERATOR])
    Flow._base_manager.filter(pk=numbat.row(Flow).pk).update(is_on=True, at_brake=AtBrake.MANY)
    numbat.tenant.title = "Demonstration"
    numbat.tenant.save()
    add_brake(numbat, reason="x")
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    expect(page.get_by_text("See what waits")).to_be_visible()
    cells = page.locator(".flowing thead th, .flowing tbody td:nth-child(2)")
    assert cells.evaluate_all(BROKEN_WORDS) == []
