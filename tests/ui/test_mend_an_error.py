"""One bad record, from its sentence to gone: browser, web server, broker, worker process and both servers are real."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from common.outcome import Outcome
from errors.models import ErrorRecord, ErrorState
from mappings.models import Mapping
from tests.flow.clinic import HISTORY, open_clinic
from tests.flow.world import MARKER, World
from tests.ui.conftest import SignIn

pytestmark = [pytest.mark.ui, pytest.mark.django_db(transaction=True)]

LOOKS = 60
"""How often the list is loaded anew before the worker counts as silent."""


def listed_until_gone(page: Page, text: str) -> None:
    """Load the error list again and again, as a person would, until no row has the text."""
    for _ in range(LOOKS):
        if page.get_by_role("row").filter(has_text=text).count() == 0:
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"still listed: {text}")


def open_form_for(page: Page, sentence: str) -> None:
    """From the start page to the mapping form, by the row with this sentence."""
    page.get_by_role("link", name="Error records").click()
    page.get_by_role("row").filter(has_text=sentence).get_by_role("link", name="Add mapping").click()


def save_and_retry(page: Page, live_server: LiveServer, text: str) -> None:
    """Save the form, retry on the page it leads back to, and wait until the list has no row with the text."""
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Retry now").click()
    page.goto(f"{live_server.url}/admin/errors/errorrecord/")
    listed_until_gone(page, text)


def test_a_bad_record_is_explained_mended_by_its_form_retried_and_gone(
    world: World, worker: None, mapper: User, sign_in: SignIn, live_server: LiveServer
) -> None:
    subject = world.subject("1001", observations={"Marital status": "Widowed"})
    Mapping.objects.get(avni_value="Widowed").delete()
    world.sync("subject")
    page = sign_in(mapper)
    open_form_for(page, 'The answer "Widowed" to the question "Marital status"')
    expect(page.get_by_label("Value in Avni")).to_have_value("Widowed")
    page.get_by_label("Value in the other system").fill(world.concepts["Widowed"])
    save_and_retry(page, live_server, "Widowed")
    assert ErrorRecord.objects.get(entity_id=subject).state == ErrorState.RESOLVED
    assert world.link("subject", subject).outcome == Outcome.CREATED.value


def test_an_encounter_with_an_unmapped_answer_is_mended_by_its_form_and_arrives(
    world: World, worker: None, mapper: User, sign_in: SignIn, live_server: LiveServer
) -> None:
    clinic = open_clinic(world)
    subject, patient = world.subject("1001"), world.patient("1001")
    Mapping.objects.get(avni_value="Fever").delete()
    encounter = clinic.fill_in(patient, clinic.form("History", Complaint=["Fever", "Cough"]))
    world.sync()
    assert clinic.in_avni(subject) == {}
    page = sign_in(mapper)
    open_form_for(page, 'The answer "Fever [Avni]" to the question behind "Complaint" has no partner in Avni.')
    expect(page.get_by_label("Value in the other system")).to_have_value(clinic.concepts["Fever"])
    expect(page.get_by_label("Its name or a remark")).to_have_value("Fever [Avni]")
    page.get_by_label("Value in Avni").fill("Fever")
    save_and_retry(page, live_server, "Fever")
    assert clinic.in_avni(subject) == {HISTORY: [{MARKER: encounter, "Complaint": ["Cough", "Fever"]}]}
    assert world.link("encounter", encounter).outcome == Outcome.CREATED.value
