"""One held record per move, from its page to what came of it: browser, broker, worker and both servers are real."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from errors.models import ErrorRecord, ErrorState
from tests.flow.deciding import clinician_answers
from tests.flow.world import World
from tests.ui.conftest import SignIn

pytestmark = [pytest.mark.ui, pytest.mark.django_db(transaction=True)]

LOOKS = 60
"""How often the page is loaded anew before the worker counts as silent."""


def until(page: Page, text: str) -> None:
    """Load the page again and again, as a person would, until its state is this."""
    for _ in range(LOOKS):
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"not there: {text}")


def decide(page: Page, live_server: LiveServer, entity: str, label: str, shown: str = "") -> None:
    """On the page of a record: look at both sides, choose, say why."""
    record = ErrorRecord.objects.get(entity_id=entity)
    page.goto(f"{live_server.url}/admin/errors/errorrecord/{record.pk}/change/")
    page.get_by_role("button", name="Decide…").click()
    if shown:
        expect(page.get_by_role("row").filter(has_text=shown)).to_be_visible()
    page.get_by_label(label).check()
    page.get_by_role("button", name="Decide", exact=True).click()
    expect(page.get_by_text("This field is required.")).to_be_visible()  # a decision needs a reason
    page.get_by_label("Reason").fill("Asked the family.")
    page.get_by_role("button", name="Decide", exact=True).click()
    expect(page.get_by_text("Decided. It is carried out now")).to_be_visible()


@pytest.fixture
def two_people(world: World) -> str:
    """A subject whose number a patient of another name has."""
    world.patient("1001", first="Prakash", last="Kulkarni", gender="M")
    subject = world.subject("1001")
    world.sync("subject")
    return subject


@pytest.fixture
def changed(world: World) -> str:
    """A subject whose height a clinician changed before it changed in Avni, too."""
    subject = world.subject("1001", observations={"Height": 150})
    world.sync("subject")
    clinician_answers(world, world.link("subject", subject).target_id, "Height", 155)
    world.avni.edit_subject(subject, observations={"Height": 151}, at=world.moment())
    world.sync("subject")
    return subject


def height(world: World, subject: str) -> list[object]:
    return world.held(world.link("subject", subject).target_id)["Height"]


def test_same_person(
    world: World, worker: None, mapper: User, sign_in: SignIn, live_server: LiveServer, two_people: str
) -> None:
    page = sign_in(mapper)
    decide(page, live_server, two_people, "Same person: link", "Prakash Kulkarni")
    until(page, "got through")
    assert world.link("subject", two_people).outcome == "created"


def test_different_person(
    world: World, worker: None, mapper: User, sign_in: SignIn, live_server: LiveServer, two_people: str
) -> None:
    page = sign_in(mapper)
    decide(page, live_server, two_people, "Different person: keep apart", "Asha Devi")
    until(page, "kept apart by a person")
    page.goto(f"{live_server.url}/admin/errors/errorrecord/")
    expect(page.get_by_text(two_people)).to_have_count(0)
    assert world.link("subject", two_people).target_id == ""


def test_take_avnis(
    world: World, worker: None, mapper: User, sign_in: SignIn, live_server: LiveServer, changed: str
) -> None:
    page = sign_in(mapper)
    decide(page, live_server, changed, "Take Avni's", "Height")
    until(page, "got through")
    assert height(world, changed) == [151]


def test_take_bahmnis(
    world: World, worker: None, mapper: User, sign_in: SignIn, live_server: LiveServer, changed: str
) -> None:
    page = sign_in(mapper)
    decide(page, live_server, changed, "Take Bahmni's", "155")
    until(page, "got through")
    assert height(world, changed) == [155]


def test_ignore_with_a_reason(
    world: World, worker: None, mapper: User, sign_in: SignIn, live_server: LiveServer, changed: str
) -> None:
    page = sign_in(mapper)
    record = ErrorRecord.objects.get(entity_id=changed)
    page.goto(f"{live_server.url}/admin/errors/errorrecord/{record.pk}/change/")
    page.get_by_role("button", name="Ignore, with a reason…").click()
    page.get_by_label("Reason").fill("A test record.")
    page.get_by_role("button", name="Ignore 1 record").click()
    assert ErrorRecord.objects.get(entity_id=changed).state == ErrorState.IGNORED
