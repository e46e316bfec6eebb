"""Two thousand edits and more on both sides: `make history`. Not collected by itself, as it takes minutes."""

from __future__ import annotations

import os

import pytest

from simulators.history import WEIGHTS, steps_of
from simulators.scenario import Size
from tests.history.lived import lived, tell

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(1800)]

SIZE = Size(subjects=60, known=30, outside=10, voided=2, general_encounters=60, encounters=60)
SEED = int(os.environ.get("SEED", "5"))
DRAWN = int(os.environ.get("EDITS", "2800"))
"""Some of them cannot happen: there is nobody to whom they could."""
LEAST, LEAST_OF_A_KIND = 2000, 10


def test_both_sides_agree_after_a_long_time_and_whatever_is_spoilt_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    with lived(steps_of(SEED, DRAWN, WEIGHTS, between_looks=60), SEED, SIZE, monkeypatch) as one:
        tell(one.story)
        assert one.findings() == []
        assert one.unseen_corruptions() == []
        happened = one.story.happened
        assert happened.total() >= LEAST
        assert [kind for kind in WEIGHTS if happened[kind] < LEAST_OF_A_KIND] == []
