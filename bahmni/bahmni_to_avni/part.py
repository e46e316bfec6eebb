"""A part of an encounter of the hospital: what becomes one record in Avni, and the key it is known by. Pure.

A key is a form's uuid or one of the words below; a link notes by it which record stands for which part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LABORATORY: Final = "laboratory"
"""Key of all results of an encounter of the laboratory."""

PRESCRIPTION: Final = "prescription"
"""Key of all drugs prescribed in an encounter."""

IN_PROGRAM: Final = "program "
"""What the key of a form begins with that becomes a program encounter: mapped anew, it is another record in Avni."""

ENROLMENT: Final = "enrolment "
"""What stands in a link before the name of a program in which the encounter made an enrolment; that is no part."""


@dataclass(frozen=True)
class Part:
    """What one record in Avni should hold, the marker among it: a form filled in, laboratory results, prescriptions.

    `key` of a form is its uuid; a form filled in again is `<uuid>#2` and so on, in the order OpenMRS shows them (that
    of their creation). An edit inside a form leaves the keys alone; taking one of several away moves those behind it
    up. `program` is that of a program encounter, "" for a general one.
    """

    key: str
    encounter_type: str
    observations: Mapping[str, Any]
    program: str = ""


def place(key: str) -> tuple[str, int]:
    """Sorts part keys: by form, then by how often it was filled in."""
    form, _, again = key.partition("#")
    return form, int(again or 1)


def is_in_program(key: str) -> bool:
    """Whether the record of a part is a program encounter."""
    return key.startswith(IN_PROGRAM)


def form_of(key: str) -> str:
    """The form (uuid) of a part's key, or the word that stands for it."""
    return place(key)[0].removeprefix(IN_PROGRAM)
