"""What an import of a Java service does with one thing: its past, what stands here and what is said there."""

from __future__ import annotations

from typing import Any

import pytest

from bahmni.takeover.deciding import Decision, decide
from common.fingerprint import fingerprint


@pytest.mark.parametrize(
    ("brought", "there", "here", "decision"),
    [
        (None, "A", None, Decision.WRITE),
        (None, "A", "A", Decision.THERE),
        (None, "A", "B", Decision.KEPT),
        ("A", "A", "A", Decision.THERE),
        ("A", "A", "edited here", Decision.KEPT),
        ("A", "A", None, Decision.KEPT),
        ("A", "edited there", "A", Decision.WRITE),
        ("A", "edited there", "edited here", Decision.KEPT),
        ("A", "edited there", "edited there", Decision.THERE),
        ("A", "edited there", None, Decision.KEPT),
    ],
)
def test_only_what_nobody_touched_here_follows(brought: Any, there: Any, here: Any, decision: Decision) -> None:
    memory = {} if brought is None else {"key": fingerprint(brought)}
    assert decide("key", there, here, memory) is decision
