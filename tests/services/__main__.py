"""The whole suite, twice: on PostgreSQL, then on SQLite. `bin/test` runs this; arguments go to pytest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.services import browser
from tests.services.provision import traversable_folder

NOTHING_SELECTED = 5
"""pytest's exit status when the arguments select no test."""


def main(arguments: list[str]) -> int:
    """Run both passes in a temporary folder of our own; 0 when all is well."""
    program = browser.chromium() or browser.install()
    signal.signal(signal.SIGTERM, stop)
    with tempfile.TemporaryDirectory(prefix="avni-test-run-", dir=traversable_folder()) as folder:
        Path(folder).chmod(0o711)
        environment = enclosed(Path(folder))
        passes = [
            run("Everything, on PostgreSQL", arguments, environment),
            run(
                "What depends on the database, on SQLite",
                ["--core", *arguments],
                {**environment, "DATABASE_URL": f"sqlite:///{folder}/core.sqlite3"},
            ),
        ]
    if program is None:
        print(f"No browser, so the browser tests were skipped. To run them: {browser.REMEDY}")
    return max(passes)


def enclosed(folder: Path) -> dict[str, str]:
    """An environment in which homes and temporary folders lie inside `folder`: nothing is written elsewhere."""
    home = folder / "home"
    home.mkdir()
    return {
        **os.environ,
        "HOME": str(home),
        "TMPDIR": str(folder),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_RUNTIME_DIR": str(home),
        "PLAYWRIGHT_BROWSERS_PATH": str(browser.downloads()),
    }


def run(title: str, arguments: list[str], environment: dict[str, str]) -> int:
    """One pass; its exit status."""
    print(f"=== {title}", flush=True)
    process = subprocess.Popen([sys.executable, "-m", "pytest", *arguments], env=environment)
    while True:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            # The terminal told pytest as well: let it end its servers.
            continue
        except SystemExit:
            process.terminate()
            process.wait()
            raise
        return 0 if status == NOTHING_SELECTED and "--core" in arguments else abs(status)


def stop(*_: Any) -> None:
    """End as a killed program does, through all finalisers."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
