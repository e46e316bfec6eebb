"""No record may carry a message id that nobody can put into words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bahmni.sentences import SENTENCES
from errors.catalogue import GENERIC

ROOMS = ("engine", "bahmni", "errors", "syncstatus", "console")
WORD = r"[a-z]+(?:-[a-z]+)*"
MESSAGE_ID = re.compile(rf"[\"']((?:engine|remote|bahmni)\.{WORD}|remote\.{WORD}\.{WORD})[\"']")

NOT_MESSAGES = {
    "engine.knock": "name of a task",
    "engine.sweep": "name of a task",
    "engine.heartbeat": "name of a task",
}


def used_ids() -> set[str]:
    root = Path(__file__).parents[2]
    files = (file for room in ROOMS for file in (root / room).rglob("*.py"))
    return {found for file in files for found in MESSAGE_ID.findall(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("message", sorted(used_ids() - NOT_MESSAGES.keys()))
def test_every_message_id_in_the_code_has_a_sentence(message: str) -> None:
    assert message in {**GENERIC, **SENTENCES} or message in modules()


def modules() -> set[str]:
    """Dotted names of our own modules, which look the same."""
    root = Path(__file__).parents[2]
    return {f"{room}.{file.stem}" for room in ROOMS for file in (root / room).iterdir()}
