"""One bad record, from its sentence to gone: browser, web server, broker, worker process and both servers are real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from common.outcome import Outcome
from errors.models import ErrorRecord, ErrorState
from mappings.models import Mapping
from tenants.models import Membership
from tenants.rights import Role
from tests.flow.console.world import PASSWORD
from tests.flow.world import World, small_world
from tests.ui.conftest import SignIn

pytestmark = [pytest.mark.ui, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
LOOKS = 60
"""How often the list is loaded anew before the worker counts as silent."""


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    """The small world, committed, so that the worker process sees it."""
    with small_world() as built:
        built.switch_on()
        yield built


@pytest.fixture
def worker(world: World, process_environment: dict[str, str]) -> Iterator[None]:
    """A worker process as in production, with one child."""
    command = [sys.executable, "-m", "celery", "--app", "avni_integration", "worker", "--concurrency", "1"]
    process = subprocess.Popen([*command, "--loglevel", "WARNING"], cwd=ROOT, env=process_environment)
    yield
    process.terminate()
    process.wait(timeout=60)


@pytest.fixture
def mapper(world: World) -> User:
    """A person who may mend mappings and retry."""
    user = User.objects.create_user("meera", password=PASSWORD)
    Membership.objects.create(tenant=world.tenant, user=user, role=Role.MAPPER)
    return user


def listed_until_gone(page: Page, text: str) -> None:
    """Load the error list again and again, as a person would, until no row has the text."""
    for _ in range(LOOKS):
        if page.get_by_role("row").filter(has_text=text).count() == 0:
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"still listed: {text}")


def test_a_bad_record_is_explained_mended_by_its_form_retried_and_gone(
    world: World, worker: None, mapper: User, sign_in: SignIn, live_server: LiveServer
) -> None:
    subject = world.subject("1001", observations={"Marital status": "Widowed"})
    Mapping.objects.get(avni_value="Widowed").delete()
    world.sync("subject")
    page = sign_in(mapper)
    page.get_by_role("link", name="Error records").click()
    row = page.get_by_role("row").filter(has_text='The answer "Widowed" to the question "Marital status"')
    row.get_by_role("link", name="Add mapping").click()
    expect(page.get_by_label("Value in Avni")).to_have_value("Widowed")
    page.get_by_label("Value in the other system").fill(world.concepts["Widowed"])
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Retry now").click()
    page.goto(f"{live_server.url}/admin/errors/errorrecord/")
    listed_until_gone(page, "Widowed")
    assert ErrorRecord.objects.get(entity_id=subject).state == ErrorState.RESOLVED
    assert world.link("subject", subject).outcome == Outcome.CREATED.value
