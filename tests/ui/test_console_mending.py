"""One bad record, from its sentence to being gone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from common.outcome import Outcome
from tests.flow.world import World
from tests.ui.conftest import SignIn

pytestmark = pytest.mark.ui


def test_a_bad_record_is_explained_mended_and_gone(world: World, mapper: User, sign_in: SignIn) -> None:
    world.avni.add_concept("Divorced", "NA")
    subject = world.subject("1001", observations={"Marital status": "Divorced"})
    divorced = world.bahmni.add_concept("Divorced [Avni]").uuid
    world.sync("subject")

    page = sign_in(mapper)
    page.get_by_role("link", name="Error records").click()
    row = page.get_by_role("row").filter(has_text=subject)
    expect(row).to_contain_text('The answer "Divorced" to the question "Marital status" has no partner in Bahmni.')

    row.get_by_role("link", name="Add mapping").click()
    expect(page.locator("#id_type option:checked")).to_have_text("Observation / Concept")
    expect(page.get_by_label("Value in Avni")).to_have_value("Divorced")
    page.get_by_label("Value in the other system").fill(divorced)
    page.get_by_label("Its name or a remark").fill("Divorced [Avni]")
    page.get_by_role("button", name="Save", exact=True).click()

    page.get_by_role("button", name="Retry now").click()
    expect(page.get_by_text("1 record will be tried again now.")).to_be_visible()
    world.sync("subject")

    page.get_by_role("link", name="Home").click()
    page.get_by_role("link", name="Error records").click()
    expect(page.get_by_text("0 error records")).to_be_visible()
    assert world.link("subject", subject).outcome == Outcome.CREATED.value
