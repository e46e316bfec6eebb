"""Stable names for content: has it changed, and which identity does it get on the other side."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

__all__ = ["derived_uuid", "fingerprint"]

DIGITS = 32
"""Hexadecimal digits kept of a hash: 128 bits, far beyond any chance of two contents sharing one."""


def fingerprint(value: Any) -> str:
    """A hash of a JSON-able value that is the same in every process and for every order of keys.

    Raises TypeError or ValueError for what JSON cannot say (dates, sets, NaN): the caller decides
    how those are written, not this function.
    """
    return sha256(_canonical(value).encode("ascii")).hexdigest()[:DIGITS]


def derived_uuid(namespace: UUID, *parts: str) -> UUID:
    """The identity that a tenant (its `namespace`) gives to the thing named by `parts`.

    The same parts always give the same uuid, so that a create cut off half-way is found again and
    never done twice. Parts are kept apart: ("ab", "c") and ("a", "bc") differ.
    """
    if not parts:
        raise ValueError("a derived uuid needs at least one part")
    return uuid5(namespace, _canonical(list(parts)))


def _canonical(value: Any) -> str:
    """One spelling per value. ASCII, because input may hold half a surrogate pair, which UTF-8 refuses."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
