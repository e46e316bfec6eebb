"""The image, built line by line in a folder, serves with production settings from nothing but what it contains."""

from __future__ import annotations

import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.deploy import dockerfile
from tests.deploy.dockerfile import Stage
from tests.services.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds a process may take until it serves."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    instructions = dockerfile.parse((ROOT / "Dockerfile").read_text())
    return dockerfile.build(instructions, context=ROOT, into=tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings that an installation must give, on a database of its own."""
    return {
        "DJANGO_SECRET_KEY": Fernet.generate_key().decode(),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('data')}/db.sqlite3",
        "ALLOWED_HOSTS": "sync.example.org",
    }


@pytest.fixture(scope="module")
def migrated(image: Stage, production: dict[str, str]) -> dict[str, str]:
    """The same, after `migrate`."""
    finished = start(image, "migrate", **production)
    output, _ = finished.communicate(timeout=PATIENCE * 2)
    assert finished.returncode == 0, output
    return production


@pytest.fixture
def running(image: Stage, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start entry points; all of them are ended with the test."""
    started: list[Running] = []

    def run(name: str, **variables: str) -> Running:
        started.append(Running(image, name, tmp_path / f"{name}.log", variables))
        return started[-1]

    yield run
    for process in started:
        process.end()


class Running:
    """An entry point as a process, with its log."""

    def __init__(self, image: Stage, name: str, log: Path, variables: dict[str, str]) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = start(image, name, output=output.fileno(), **variables)

    def wait_for(self, condition: Callable[[str], bool]) -> str:
        """Wait until the log fulfils the condition; the log."""
        deadline = time.monotonic() + PATIENCE
        while not condition(text := self.log.read_text()):
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {text}"
            assert time.monotonic() < deadline, f"not in time: {text}"
            time.sleep(0.1)
        return text

    def end(self) -> int:
        """Ask it to stop, as a container's host does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def start(image: Stage, name: str, *, output: int = subprocess.PIPE, **variables: str) -> subprocess.Popen[str]:
    """The image's entry point with one argument, in an environment that holds nothing else."""
    return subprocess.Popen(
        [image.translated(word) for word in (*image.entrypoint, name)],
        cwd=image.place("."),
        env=dockerfile.process_environment(image, **variables),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


def fetch(url: str, host: str = "sync.example.org") -> tuple[int, str, str]:
    """Status, content type and body."""
    request = urllib.request.Request(url, headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers["Content-Type"], response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_the_image_runs_as_a_user_without_rights_given_by_number(image: Stage) -> None:
    assert re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", image.user)


def test_the_image_holds_no_tests_simulators_or_demo(image: Stage) -> None:
    assert not {"tests", "simulators", "demo"} & {entry.name for entry in image.place(".").iterdir()}


def test_without_an_argument_the_image_is_the_web_server(image: Stage) -> None:
    assert image.command == ["web"]


@pytest.mark.parametrize("name", ["web", "worker", "beat", "migrate"])
@pytest.mark.parametrize("key", ["DJANGO_SECRET_KEY", "FIELD_ENCRYPTION_KEYS"])
def test_a_missing_key_is_refused_by_its_name(image: Stage, production: dict[str, str], name: str, key: str) -> None:
    process = start(image, name, **{variable: value for variable, value in production.items() if variable != key})
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert f"{key} is missing" in output


def test_the_session_key_reused_as_encryption_key_is_refused(image: Stage, production: dict[str, str]) -> None:
    process = start(image, "web", **{**production, "DJANGO_SECRET_KEY": production["FIELD_ENCRYPTION_KEYS"]})
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert "integration.E002" in output


def test_an_unknown_entry_point_is_refused_with_the_known_ones(image: Stage) -> None:
    process = start(image, "shell")
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "web|worker|beat|migrate" in output


def test_web_serves_pages_and_hashed_static_files_without_debug(
    running: Callable[..., Running], migrated: dict[str, str]
) -> None:
    port = free_port()
    web = running("web", **migrated, BIND=f"127.0.0.1:{port}", WEB_WORKERS="1")
    web.wait_for(lambda log: "Listening at" in log)
    assert fetch(f"http://127.0.0.1:{port}/health/live", host="localhost")[0] == 200
    status, _, page = fetch(f"http://127.0.0.1:{port}/admin/login/")
    assert status == 200
    style = re.search(r'href="(/static/admin/css/base\.[0-9a-f]+\.css)"', page)
    assert style, "the page names no hashed style sheet"
    assert fetch(f"http://127.0.0.1:{port}{style[1]}")[:2] == (200, 'text/css; charset="utf-8"')
    status, _, page = fetch(f"http://127.0.0.1:{port}/nothing/here")
    assert status == 404
    assert "DEBUG" not in page
    assert fetch(f"http://127.0.0.1:{port}/admin/login/", host="elsewhere.example")[0] == 400


def test_worker_starts_on_a_real_broker_and_stops_when_asked(
    running: Callable[..., Running], migrated: dict[str, str], broker: str
) -> None:
    worker = running("worker", **migrated, CELERY_BROKER_URL=broker, CELERY_KEY_PREFIX="image-worker:")
    worker.wait_for(lambda log: " ready." in log)
    assert worker.end() == 0


def test_a_second_worker_on_sqlite_is_refused(
    running: Callable[..., Running], image: Stage, migrated: dict[str, str], broker: str
) -> None:
    settings = {**migrated, "CELERY_BROKER_URL": broker, "CELERY_KEY_PREFIX": "image-second:"}
    running("worker", **settings).wait_for(lambda log: " ready." in log)
    second = start(image, "worker", **settings)
    output, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode != 0
    assert "Another worker already works on this SQLite database" in output


def test_two_processes_of_one_worker_on_sqlite_are_refused(image: Stage, migrated: dict[str, str]) -> None:
    process = start(image, "worker", **migrated, WORKER_CONCURRENCY="2")
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert "integration.E004" in output


def test_beat_starts_and_sends_the_sweep(
    running: Callable[..., Running], migrated: dict[str, str], broker: str
) -> None:
    beat = running("beat", **migrated, CELERY_BROKER_URL=broker, CELERY_KEY_PREFIX="image-beat:")
    beat.wait_for(lambda log: "Sending due task engine." in log)
    assert beat.end() == 0
