"""What this test run uses: decided before the settings are read, started when first needed."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

from django.db import connection

from tests.services.binaries import ServerMissing
from tests.services.servers import PostgreSQL, Redis


class Server(Protocol):
    """A private server."""

    url: str
    description: str

    def start(self) -> None:
        """Start it and wait until it answers."""

    def stop(self) -> None:
        """End it."""


@dataclass
class Service:
    """An address the run uses, and the private server behind it, if it is ours to start."""

    url: str
    description: str
    server: Server | None = None
    started: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ensure(self) -> str:
        """Start the private server if nobody has; the address."""
        with self.lock:
            if self.server and not self.started:
                self.server.start()
                self.started = True
        return self.url

    def stop(self) -> None:
        """End the private server, if it runs."""
        with self.lock:
            if self.server and self.started:
                self.server.stop()
                self.started = False


class Provision:
    """The database and the broker of this run."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.database = self._service("DATABASE_URL", PostgreSQL)
        self.broker = self._service("CELERY_BROKER_URL", Redis)

    def stop(self) -> None:
        """End what was started and remove its folder."""
        self.broker.stop()
        self.database.stop()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _service(self, variable: str, private: Callable[[Path], Server]) -> Service:
        """The address given in the environment, else that of a private server, which is put there."""
        if given := os.environ.get(variable):
            return Service(given, f"{urlsplit(given).scheme} as {variable} says")
        server = private(self._own_folder())
        os.environ[variable] = server.url
        return Service(server.url, server.description, server)

    def _own_folder(self) -> Path:
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="avni-tests-", dir=traversable_folder()))
            # The database server may run as another user and must reach its own folder inside.
            self.folder.chmod(0o711)
        return self.folder


def traversable_folder() -> str:
    """The folder for temporary files: as root, one that other users can enter. Raises ServerMissing."""
    usual = tempfile.gettempdir()
    for folder in (usual, "/tmp", "/var/tmp"):
        path = Path(folder)
        if os.geteuid() != 0 or all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents)):
            return folder
    raise ServerMissing(
        f"As root the database runs as another user, who cannot enter {usual}. Set TMPDIR to a folder open to all, or "
        "DATABASE_URL, or run the tests as an ordinary user."
    )


@cache
def provision() -> Provision:
    """The one provision of this process; ended with it."""
    chosen = Provision()
    atexit.register(chosen.stop)
    return chosen


def child_environment() -> dict[str, str]:
    """The environment of a process that shall see what the running test sees: same test database, same broker."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        url = f"sqlite:///{name}"
    else:
        given = urlsplit(provision().database.url)
        url = given._replace(path=f"/{quote(name)}").geturl()
    return {
        **os.environ,
        "DATABASE_URL": url,
        "CELERY_BROKER_URL": provision().broker.ensure(),
        "DJANGO_SETTINGS_MODULE": "avni_integration.settings",
    }
