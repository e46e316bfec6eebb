"""Each line of the simulators' checklists is built, with a test that exists, or openly not yet."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"- \[(?P<id>M-[A-Z]+\d+)\] \S.* — (?:built \((?P<tests>[^()]+)\)|not yet \([^()]+\))")


def lines(folder: Path = ROOT / "docs" / "protocols") -> list[str]:
    """The checklist lines of all protocol pages."""
    return [
        line
        for page in sorted(folder.glob("*.md"))
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("- [M-")
    ]


@cache
def names_of_tests(path: Path) -> frozenset[str]:
    """Names of the tests of a file, those in classes as Class::test."""
    if not path.is_file():
        return frozenset()
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return frozenset(names)


def complaint(line: str) -> str | None:
    """What is wrong with a checklist line; None for nothing."""
    found = LINE.fullmatch(line)
    if found is None:
        return "neither 'built (test)' nor 'not yet (topic)'"
    for test in (found["tests"] or "").split(", "):
        path, _, name = test.partition("::")
        if test and (not name.split("::")[-1].startswith("test_") or name not in names_of_tests(ROOT / path)):
            return f"there is no test {test}"
    return None


@pytest.mark.parametrize("line", lines())
def test_a_checklist_line_names_a_test_or_says_not_yet(line: str) -> None:
    assert complaint(line) is None, line


def test_there_are_checklists_and_no_number_is_used_twice() -> None:
    numbers = Counter(line.partition("]")[0] for line in lines())
    assert numbers
    assert [number for number, times in numbers.items() if times > 1] == []


@pytest.mark.parametrize(
    "line",
    [
        "- [M-A1] a rule",
        "- [M-A1] a rule — built",
        "- [M-A1] a rule — built ()",
        "- [M-A1] a rule — not yet",
        "- [M-A1] a rule — built (tests/meta/test_protocol_checklists.py::test_that_nobody_wrote)",
        "- [M-A1] a rule — built (tests/meta/no_such_file.py::test_a)",
        "- [M-A1] a rule — built (tests/meta/test_protocol_checklists.py)",
        "- [M-A1] a rule — built (tests/meta/test_protocol_checklists.py::complaint)",
    ],
)
def test_a_line_with_neither_is_noticed(line: str) -> None:
    assert complaint(line) is not None


@pytest.mark.parametrize(
    "line",
    [
        "- [M-A1] a rule — not yet (later: programs)",
        "- [M-A1] a rule — built (tests/meta/test_protocol_checklists.py::test_a_line_with_neither_is_noticed)",
    ],
)
def test_a_good_line_passes(line: str) -> None:
    assert complaint(line) is None
