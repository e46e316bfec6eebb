"""Short mixed histories: whatever people do on both sides, both agree in the end, but for what a person must settle."""

from __future__ import annotations

import pytest

from simulators.history import WEIGHTS, steps_of
from simulators.scenario import Size
from tests.history.lived import live, lived

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(600)]

SIZE = Size(subjects=20, known=10, outside=3, voided=1, general_encounters=10, encounters=10)


@pytest.mark.parametrize("seed", [1, 2])
def test_both_sides_agree_after_two_hundred_edits_on_either(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    live(seed, 200, SIZE, monkeypatch)


def test_whatever_is_spoilt_in_the_end_state_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    with lived(steps_of(3, 120, WEIGHTS), 3, SIZE, monkeypatch) as one:
        assert (one.findings(), one.unseen_corruptions()) == ([], [])
