"""What values may be in OpenMRS, and what a value may be called in an error: its kind, never itself."""

from __future__ import annotations

import re
from typing import Any, Final

from engine.verdicts import Fail

__all__ = ["LAST_YEAR", "LONGEST_NUMBER", "LONGEST_TEXT", "UUID_OF_OPENMRS", "kind_of", "too_long", "wrong_kind"]

LONGEST_TEXT: Final = 65535
"""Characters of the longest text OpenMRS keeps (openmrs.md O70)."""

UUID_OF_OPENMRS: Final = re.compile(r"[0-9A-Za-z-]{36,38}")
"""36 characters, up to 38 in old data; not always in the usual form."""

LONGEST_NUMBER: Final = 50
"""Characters of a patient identifier in OpenMRS."""

LAST_YEAR: Final = 9998
"""What lies later is how people and programs write that they know no date."""

_KINDS: Final = {
    bool: "yes/no",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: "group",
    type(None): "nothing",
}


def kind_of(value: Any) -> str:
    """The kind of a JSON value in a word."""
    return _KINDS.get(type(value), "something else")


def wrong_kind(question: str, expected: str, value: Any) -> Fail:
    """The verdict on a value that is not what its question's mapping says. `question`: by its name in Avni."""
    return Fail("bahmni.value-kind", question=question, expected=expected, kind=kind_of(value))


def too_long(question: str) -> Fail:
    """The verdict on a text that is longer than OpenMRS keeps."""
    return Fail("bahmni.value-too-long", question=question, kind="text", most=str(LONGEST_TEXT))
