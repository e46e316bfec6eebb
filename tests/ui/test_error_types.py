"""A rule for errors, from the first try to its place in the order."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.flow.console.world import Hospital, add_error
from tests.ui.conftest import SignIn

pytestmark = pytest.mark.ui


def test_a_rule_is_tried_saved_and_moved(numbat: Hospital, sign_in: SignIn) -> None:
    for number in range(3):
        add_error(numbat, f"row {number}")
    page = sign_in(numbat.people["mapper"])
    page.get_by_role("link", name="Error types", exact=True).click()
    page.get_by_role("link", name="Add error type").click()
    page.get_by_label("Tenant").select_option(label="Numbat Hospital")
    page.get_by_label("Name").fill("No partner")
    page.get_by_label("Told by its text").select_option("contains")
    page.locator("#id_comparison_value").fill("has no partner")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Try it").click()
    tried = opened.value
    expect(tried.get_by_role("heading", name="Fits 4 records")).to_be_visible()
    tried.close()

    page.get_by_label("Follow-up").select_option("do not try again")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("4 records concerned")).to_be_visible()

    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="No partner", exact=True))
    expect(row).to_contain_text("not by itself")
    row.get_by_role("button", name="Move No partner up").click()
    expect(page.get_by_text("No partner is number 9 now.")).to_be_visible()
