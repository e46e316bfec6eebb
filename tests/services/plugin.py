"""The pytest plugin that chooses the servers before Django reads its settings. Loaded by `addopts`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator

import pytest

from tests.services import browser
from tests.services.binaries import ServerMissing
from tests.services.provision import provision


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Choose first (a wrapper runs before all others), so that the settings name the servers of this run."""
    try:
        provision()
    except (ServerMissing, LookupError) as missing:
        raise pytest.UsageError(str(missing)) from None
    # A plain kill ends the run like Ctrl-C does, through all finalisers.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    yield


def pytest_configure(config: pytest.Config) -> None:
    """With several test processes the one above them starts the servers for all."""
    if getattr(config.option, "numprocesses", None):
        provision().database.ensure()
        provision().broker.ensure()


def pytest_report_header() -> str:
    """Say what the run uses."""
    found = browser.chromium()
    return (
        f"database: {provision().database.description}; broker: {provision().broker.description}; "
        f"browser: {found or 'none'}"
    )


def pytest_unconfigure() -> None:
    """End the servers with the run."""
    provision().stop()
