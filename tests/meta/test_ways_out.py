"""No record may be held for a reason out of which no decision leads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bahmni.sentences import SENTENCES

MESSAGE = re.compile(r"""["'](bahmni\.[a-z-]+)["']""")
ROOT = Path(__file__).parents[2]


def held_messages() -> set[str]:
    """The message ids that stand in a `Hold(…)` of the connector."""
    found: set[str] = set()
    for file in (ROOT / "bahmni").rglob("*.py"):
        for line in file.read_text(encoding="utf-8").split("Hold(")[1:]:
            found |= set(MESSAGE.findall(line.split(")")[0]))
    return found


def test_the_holds_of_the_code_are_found() -> None:
    assert {"bahmni.target-voided", "bahmni.changed-by-somebody", "bahmni.multiple-patients"} <= held_messages()


@pytest.mark.parametrize("message", sorted(held_messages()))
def test_every_hold_offers_a_way_out(message: str) -> None:
    assert SENTENCES[message].offers
