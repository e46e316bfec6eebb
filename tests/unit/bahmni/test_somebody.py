"""What a person sees of answers that somebody else changed."""

from __future__ import annotations

from typing import Any

import pytest

from bahmni.avni_to_bahmni import somebody as in_bahmni
from bahmni.bahmni_to_avni import somebody as in_avni
from engine.verdicts import Hold
from mappings.snapshot import Snapshot


def shown(hold: Hold) -> tuple[str, str]:
    assert hold.conflict is not None
    (one,) = hold.conflict.differences
    return one.here, one.there["e-1"]


@pytest.mark.parametrize(
    ("wanted", "found", "words"),
    [("5.0", "7.0", ("5", "7")), ("5.5", "-7.0", ("5.5", "-7")), ("1.50 m", "2026-01-05", ("1.50 m", "2026-01-05"))],
)
def test_numbers_changed_at_the_hospital_are_shown_as_people_write_them(
    wanted: str, found: str, words: tuple[str, str]
) -> None:
    contested = in_bahmni.Contested("c-1", (wanted,), (found,))
    snapshot = Snapshot({}, {}, {}, {})
    assert shown(in_bahmni.changed_by_somebody([contested], "e-1", snapshot)) == words


@pytest.mark.parametrize(
    ("wanted", "found", "words"), [(5.0, 7, ("5", "7")), ([5.0, "a"], 5.25, ("5, a", "5.25")), (None, 7.0, ("", "7"))]
)
def test_numbers_changed_by_the_field_team_are_shown_as_people_write_them(
    wanted: Any, found: Any, words: tuple[str, str]
) -> None:
    contested = in_avni.Contested("Pulse", wanted, found)
    assert shown(in_avni.changed_by_somebody([contested], "e-1")) == words
