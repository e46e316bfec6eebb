"""Fixtures every test may use. The servers behind them come from `tests.services`."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.services import browser, child_environment, provision


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Before the first test database is made: its server runs."""
    provision().database.ensure()


@pytest.fixture(scope="session")
def broker() -> str:
    """The address of a running Redis; the same one that Celery's settings name."""
    return provision().broker.ensure()


@pytest.fixture
def process_environment(db: None, broker: str) -> dict[str, str]:
    """The environment for a worker, a command or a web server beside the test: same database, same broker.

    What such a process shall see must be committed: mark the test `django_db(transaction=True)`.
    """
    return child_environment()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The Chromium that was found; without its sandbox for root, who cannot have one."""
    program = browser.chromium()
    if program is None:
        pytest.skip(f"no browser: {browser.REMEDY}")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": str(program), "args": arguments}
