"""The pytest plugin that chooses the servers before Django reads its settings. Loaded by `addopts`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator

import pytest

from tests.services import browser
from tests.services.binaries import ServerMissing
from tests.services.provision import provision

DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_setup"})
BROWSER_FIXTURES = frozenset({"live_server", "page", "browser"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--core`: the pass on the second database."""
    parser.addoption(
        "--core",
        action="store_true",
        help="only the tests that depend on the database (or are marked core), without the slow and the browser tests",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--core`, drop the rest. The browser comes last, in whatever order the others run.

    Its server and its threads stay up until the end of the run, and what forks or copies the database stands no others.
    """
    if config.getoption("--core"):
        dropped = [item for item in items if not is_core(item)]
        items[:] = [item for item in items if is_core(item)]
        config.hook.pytest_deselected(items=dropped)
    items.sort(key=uses_the_browser)


def uses_the_browser(item: pytest.Item) -> bool:
    """Whether the test needs the server of our pages, or the browser."""
    return bool(BROWSER_FIXTURES & set(getattr(item, "fixturenames", ())))


def is_core(item: pytest.Item) -> bool:
    """Whether the test could come out differently on another database, in bearable time."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if item.get_closest_marker("slow") or item.get_closest_marker("ui") or "page" in fixtures:
        return False
    uses_database = item.get_closest_marker("django_db") or DATABASE_FIXTURES & fixtures
    return bool(item.get_closest_marker("core") or uses_database)


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the run used, however quiet it was asked to be."""
    found = browser.chromium()
    terminalreporter.write_line(
        f"database: {provision().database.description}; broker: {provision().broker.description}; "
        f"browser: {found or 'none'}"
    )


def pytest_unconfigure() -> None:
    """End the servers with the run."""
    provision().stop()
