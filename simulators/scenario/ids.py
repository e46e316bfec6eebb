"""Uuids that a seed decides: the same scenario has the same ids in every process, another seed shares none of them."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid5

__all__ = ["Ids", "ids_of"]

_ROOT = UUID("3f0d6b53-6f3b-4f6e-9b57-6a7d3c1f2a90")

Ids = Callable[..., str]
"""(kind, name, …) → the uuid of that thing."""


def ids_of(seed: int) -> Ids:
    """The uuids of one seed."""

    def uuid(*parts: str) -> str:
        return str(uuid5(_ROOT, "\x1f".join((str(seed), *parts))))

    return uuid
