"""A browser before the running console. The Chromium comes from the fixtures every test may use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tenants.models import Membership
from tenants.rights import Role
from tests.flow.console.world import PASSWORD, Hospital, hospital
from tests.flow.world import World, small_world

SignIn = Callable[[User], Page]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def database_beside_the_browsers_loop() -> Iterator[None]:
    """The tool drives the browser from an event loop in this very thread, in which Django would refuse its database."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def numbat(transactional_db: None) -> Hospital:
    """A hospital whose rows the server's own connection can see."""
    return hospital("Numbat")


@pytest.fixture
def sign_in(page: Page, live_server: LiveServer) -> SignIn:
    """Log in through the form, as people do."""

    def by_the_form(user: User) -> Page:
        page.goto(f"{live_server.url}/admin/login/")
        page.get_by_label("Username").fill(user.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        return page

    return by_the_form


@pytest.fixture
def world(transactional_db: None, broker: str) -> Iterator[World]:
    """Two servers and a tenant whose flows are on, in rows that web server and worker process see."""
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
