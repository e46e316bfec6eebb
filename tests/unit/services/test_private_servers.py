"""The servers of a test run end with it, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.services.provision import Provision, Service
from tests.services.servers import Redis

ROOT = Path(__file__).resolve().parents[3]
RUN_BOTH = """
import os
for variable in ("DATABASE_URL", "CELERY_BROKER_URL"):
    os.environ.pop(variable, None)
from tests.services import provision
services = provision()
services.database.ensure()
services.broker.ensure()
print(services.folder, services.database.server.process.pid, services.broker.server.process.pid, flush=True)
input()
"""


@pytest.fixture
def run() -> Iterator[subprocess.Popen[str]]:
    """A process that started both servers."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_BOTH], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process
        process.kill()


def started_servers(run: subprocess.Popen[str]) -> tuple[Path, list[psutil.Process]]:
    assert run.stdout
    folder, *pids = run.stdout.readline().split()
    return Path(folder), [psutil.Process(int(pid)) for pid in pids]


def remaining(servers: list[psutil.Process]) -> list[str]:
    """Those that still run after a while; one that only waits to be collected by init is gone."""
    psutil.wait_procs(servers, timeout=0.1)
    for _ in range(100):
        alive = [one for one in servers if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        if not alive:
            return []
        psutil.wait_procs(alive, timeout=0.1)
    return [one.name() for one in alive]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process's life to its parent's")
def test_servers_end_when_the_run_is_killed(run: subprocess.Popen[str]) -> None:
    _, servers = started_servers(run)
    run.send_signal(signal.SIGKILL)
    assert remaining(servers) == []


def test_servers_and_their_folder_are_gone_after_a_run(run: subprocess.Popen[str]) -> None:
    folder, servers = started_servers(run)
    run.communicate("\n", timeout=30)
    assert remaining(servers) == []
    assert not folder.exists()


def test_a_server_is_started_once_and_at_the_address_promised(tmp_path: Path) -> None:
    server = Redis(tmp_path)
    service = Service(server.url, server.description, server)
    assert service.ensure() == server.url
    first = server.process.pid
    service.ensure()
    assert server.process.pid == first
    service.stop()


def test_an_address_given_is_used_and_nothing_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody@elsewhere/avni")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://elsewhere/0")
    chosen = Provision()
    assert (chosen.database.ensure(), chosen.broker.ensure()) == (
        "postgres://somebody@elsewhere/avni",
        "redis://elsewhere/0",
    )
    assert chosen.folder is None
