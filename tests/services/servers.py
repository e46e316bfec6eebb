"""One private PostgreSQL and one private Redis, each with an address that is known before it starts."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2

from tests.services import binaries, processes

PATIENCE = 30.0
"""Seconds a server may take until it answers."""

# Everything is thrown away afterwards, so nothing has to reach the disk.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "listen_addresses": "",
}


INITDB = ("--username=avni", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")


class ServerFailed(Exception):
    """A server ended or stayed silent; the message holds the end of its log."""


class PostgreSQL:
    """A throw-away cluster in `folder`, reachable over a unix socket only."""

    def __init__(self, folder: Path) -> None:
        self.programs = binaries.postgresql()
        self.user = processes.unprivileged_user()
        self.folder = folder
        self.sockets = folder / "sockets"
        self.url = f"postgres://avni@/avni?host={self.sockets}"
        self.description = f"PostgreSQL {self.programs.version} ({self.programs.folder})"

    def start(self) -> None:
        """Make the cluster and wait until it answers. Raises ServerFailed."""
        programs = self._readable_programs()
        data, log = self.folder / "data", self.folder / "postgresql.log"
        for folder in (data, self.sockets):
            folder.mkdir(mode=0o700)
            own(folder, self.user)
        made = subprocess.run(
            [programs / "initdb", "--pgdata", data, *INITDB],
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
            **processes.identity(self.user),
        )
        if made.returncode:
            raise ServerFailed(f"initdb failed: {made.stderr[-2000:]}")
        settings = {**CARELESS, "unix_socket_directories": str(self.sockets)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # SIGQUIT: the server ends its own children and leaves.
        self.process = processes.spawn(
            [programs / "postgres", "-D", data, *options], log=log, last_signal=signal.SIGQUIT, user=self.user
        )
        wait_until(self._answers, self.process, log)

    def stop(self) -> None:
        """End it: connections are cut, nothing is written back."""
        processes.stop(self.process, signal.SIGINT, signal.SIGQUIT)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(host=str(self.sockets), user="avni", dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def _readable_programs(self) -> Path:
        """As root: a copy, when the programs lie where the other user may not look. No permission is changed."""
        if self.user is None or not self.programs.packaged:
            return self.programs.folder
        package = self.programs.folder.parent.parent
        copy = self.folder / "programs"
        # The libraries that the wheel brought lie beside the package and are found by their relative place.
        for part in package.parent.glob(f"{package.name}*"):
            if part == package or part.suffix == ".libs":
                shutil.copytree(part, copy / part.name)
        return copy / self.programs.folder.relative_to(package.parent)


class Redis:
    """A Redis on a free port of this host, without persistence."""

    def __init__(self, folder: Path) -> None:
        self.program = binaries.redis()
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.description = f"{self.program.name} ({self.program})"

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServerFailed."""
        log = self.folder / "redis.log"
        options = {"--port": str(self.port), "--bind": "127.0.0.1", "--save": "", "--appendonly": "no"}
        pairs = [part for option in options.items() for part in option]
        command = [str(self.program), *pairs, "--dir", str(self.folder)]
        self.process = processes.spawn(command, log=log, last_signal=signal.SIGKILL)
        wait_until(self._answers, self.process, log)

    def stop(self) -> None:
        """End it."""
        processes.stop(self.process, signal.SIGTERM)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers. Raises ServerFailed when it ends or stays silent."""
    deadline = time.monotonic() + PATIENCE
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            processes.stop(process)
            raise ServerFailed(f"{process.args!r} does not answer: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


def own(folder: Path, user: pwd.struct_passwd | None) -> None:
    """Give our folder to the user that the server runs as."""
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)


def free_port() -> int:
    """A TCP port of this host that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
