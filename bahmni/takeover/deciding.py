"""Whether something of the Java service is written here: three ways are compared, so that no person's edit is lost.

What the last import brought, what stands here now, what the Java service says now. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from common.fingerprint import fingerprint

Memory = dict[str, dict[str, str]]
"""By kind and key: the fingerprint of what an import brought."""


class Decision(Enum):
    """What an import does with one thing."""

    WRITE = "write"
    THERE = "there already"
    KEPT = "kept"
    """Somebody decided otherwise here, or what stood here before differs: that stays."""


def decide(key: str, wanted: Any, here: Any, memory: Mapping[str, str]) -> Decision:
    """`here` is None where nothing stands. Values are JSON-able and alike when equal.

    What an import brought before, and the Java service did not change since, is not looked at again: whoever changed or
    removed it here meant to.
    """
    now, before = fingerprint(wanted), memory.get(key)
    if here is not None and fingerprint(here) == now:
        return Decision.THERE
    if before is None:
        return Decision.WRITE if here is None else Decision.KEPT
    if before == now:
        return Decision.KEPT
    is_as_brought = here is not None and fingerprint(here) == before
    return Decision.WRITE if is_as_brought else Decision.KEPT
