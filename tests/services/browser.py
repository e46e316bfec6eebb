"""The Chromium for the browser tests: found on the machine, or fetched by the tool that drives it, or by apt-get."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DOWNLOADED = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
REMEDY = (
    "install Chromium (Debian: apt-get install chromium), or run: "
    "PLAYWRIGHT_BROWSERS_PATH=.venv-test/browsers .venv-test/bin/playwright install chromium"
)
PATIENCE = 300
"""Seconds a download may take."""


def chromium() -> Path | None:
    """The browser's program, or None."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    for pattern in DOWNLOADED:
        for program in sorted(downloads().glob(pattern), reverse=True):
            if starts(program):
                return program
    return None


def downloads() -> Path:
    """Where the tool keeps the browsers it downloads: inside the environment of the tests, unless told otherwise."""
    return Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path(sys.prefix) / "browsers")


def starts(program: Path) -> bool:
    """Whether the machine has the libraries that the program wants."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install() -> Path | None:
    """Fetch one: the tool's own download, then the system's package when root on Debian. None if neither works."""
    print("No Chromium found: fetching one.", flush=True)
    download = [sys.executable, "-m", "playwright", "install", "chromium"]
    attempt(download, PLAYWRIGHT_BROWSERS_PATH=str(downloads()))
    if chromium() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        attempt(["apt-get", "install", "--yes", "--quiet", "chromium"], DEBIAN_FRONTEND="noninteractive")
    return chromium()


def attempt(command: list[str], **variables: str) -> None:
    """Run it; whether it helped shows afterwards."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            command,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )
