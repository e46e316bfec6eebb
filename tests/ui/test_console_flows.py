"""The console as a person meets it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tenants.rights import Role
from tests.flow.console.world import Hospital
from tests.ui.conftest import SignIn

pytestmark = pytest.mark.ui


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
