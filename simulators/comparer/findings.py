"""What the comparer says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Before", "Finding", "State"]

State = Mapping[str, Any]
"""The whole of a simulator as its store's `dump` gives it."""


@dataclass(frozen=True)
class Before:
    """Both servers before the service ran."""

    avni: State
    bahmni: State


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. `who` names the record, `what` says it in words."""

    kind: str
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.who}: {self.what}"
