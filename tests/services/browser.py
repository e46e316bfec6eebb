"""The Chromium for the browser tests: found on the machine, or downloaded by the tool that drives it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DOWNLOADED = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
REMEDY = "install Chromium (Debian: apt-get install chromium), or run: playwright install chromium"


def chromium() -> Path | None:
    """The browser's program, or None."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    downloads = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    for pattern in DOWNLOADED:
        if program := next(iter(sorted(downloads.glob(pattern), reverse=True)), None):
            return program
    return None
