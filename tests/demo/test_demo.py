"""The demonstration as a stranger starts it: what it says, what it leaves behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".demo"
ROW = re.compile(r"^(Subjects|General encounters|Patients|Encounters|together) +((?:\| +\d+ *)+)$", re.MULTILINE)


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    """The demo, with a home of its own to see that nothing is written there."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTEST_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "demo", *arguments],
        cwd=ROOT,
        env=environment | {"HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def await_line(process: subprocess.Popen[str], text: str) -> str:
    """The first line of the output with the text. Fails when the demo ends before it."""
    assert process.stdout
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return line
    raise AssertionError("".join(seen))


def fetch(url: str) -> str:
    """What a browser gets."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Everybody the demo has started, at any depth."""
    return psutil.Process(process.pid).children(recursive=True)


def await_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Who is left of them after a moment."""
    _, left = psutil.wait_procs(processes, timeout=15)
    return left


@pytest.fixture
def folders() -> Iterator[set[Path]]:
    """The folders of other demos; in the end there are no more."""
    before = set(HOME.glob("run-*"))
    yield before
    for _ in range(100):
        if set(HOME.glob("run-*")) <= before:
            break
        time.sleep(0.05)
    assert set(HOME.glob("run-*")) <= before


def test_it_moves_everybody_but_the_planted_ones_and_the_table_adds_up(tmp_path: Path, folders: set[Path]) -> None:
    process = start(tmp_path, "--exit")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    rows = {name: [int(cell) for cell in cells.split("|")[1:]] for name, cells in ROW.findall(said)}
    assert set(rows) == {"Subjects", "General encounters", "Patients", "Encounters", "together"}
    for read, *outcomes, _writes in rows.values():
        assert read == sum(outcomes)
    assert rows["Subjects"][1] >= 200
    assert rows["Patients"][1] >= 200
    assert rows["General encounters"][1] >= 400
    assert rows["Encounters"][1] >= 400
    assert said.count("MEND THIS ONE IN THE ADMIN") >= 1
    assert "Sarita Bhosle (subject)" in said
    assert "Gauri Kamble (general-encounter)" in said
    assert "Kisan Ghuge (encounter)" in said
    assert list(tmp_path.iterdir()) == []


def test_it_leaves_the_admin_running_until_it_is_interrupted(tmp_path: Path, folders: set[Path]) -> None:
    process = start(tmp_path)
    try:
        line = await_line(process, "The admin: ")
        told = re.search(r"(http://127\.0\.0\.1:\d+)/admin/ +name: admin +password: \S+", line)
        assert told
        page = fetch(f"{told[1]}/admin/login/")
        style = re.search(r'href="(/static/[^"]+\.css)"', page)
        assert style
        assert fetch(told[1] + style[1])
        children = family(process)
        assert len(children) >= 6
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=90) == 130
        assert await_gone(children) == []
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=lambda how: how.name)
def test_killed_in_the_middle_it_leaves_nobody_behind(tmp_path: Path, folders: set[Path], how: signal.Signals) -> None:
    process = start(tmp_path)
    try:
        await_line(process, "Subjects: ")
        children = family(process)
        assert len(children) >= 6
        process.send_signal(how)
        process.wait(timeout=90)
        assert await_gone(children) == []
    finally:
        process.kill()
        process.communicate()
