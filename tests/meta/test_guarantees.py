"""Each promise in docs/guarantees.md names tests that exist, or says openly that it is not kept yet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"\| (?P<number>\d+) \| .+ \| (?P<state>[^|]+) \|(?P<proof>[^|]*)\|")
ROWS = [found for line in (ROOT / "docs" / "guarantees.md").read_text().splitlines() if (found := ROW.fullmatch(line))]


def missing(proof: str) -> list[str]:
    """The tests, files or folders of a proof that are not there."""
    gone = []
    for named in re.findall(r"`([^`]+)`", proof):
        path, _, test = named.partition("::")
        place = ROOT / path
        if not place.exists() or (test and f"def {test}(" not in place.read_text()):
            gone.append(named)
    return gone


def test_all_fifteen_rules_are_answered_for() -> None:
    assert [int(row["number"]) for row in ROWS] == list(range(1, 16))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"rule {row['number']}")
def test_a_promise_names_its_proof_or_says_not_yet(row: re.Match[str]) -> None:
    assert missing(row["proof"]) == []
    assert row["proof"].strip() or row["state"].strip() == "not yet"
