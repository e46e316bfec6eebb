"""When records in a row get no answer, the server is down, and it is not the records' fault."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

PATIENCE: Final = 8
"""Records in a row. One slow record is that record's error; so many are a server that answers nobody."""

UNANSWERED: Final = frozenset({"remote.slow", "remote.unclear", "remote.failed"})

ANSWERS: Final = frozenset({"409", "500"})
"""Statuses that settle nothing and yet are the server's own word about this record."""


class Silent(Exception):
    """The server of this side answers nobody any more."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.side = side


class Patience:
    """Counts, over all lanes, how many records in a row got no answer."""

    def __init__(self, most: int = PATIENCE) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._unanswered: list[str] = []

    def note(self, entity_id: str, message: str, params: Mapping[str, str] | None = None) -> None:
        """How a record ended, by message id and parameters. Raises Silent when patience is at its end."""
        told = params or {}
        with self._lock:
            if message not in UNANSWERED or told.get("status", "") in ANSWERS:
                self._unanswered.clear()
                return
            self._unanswered.append(entity_id)
            if len(self._unanswered) >= self._most:
                raise Silent(told.get("side", ""))

    @property
    def unanswered(self) -> frozenset[str]:
        """The records that got no answer since the last one that did."""
        with self._lock:
            return frozenset(self._unanswered)
