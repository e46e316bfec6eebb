"""Numbers as both systems' people write them."""

from __future__ import annotations

from math import isfinite
from typing import Any

__all__ = ["number_in"]

EXACT = 2**53
"""Whole numbers below this are the same as a double, which is what OpenMRS keeps."""


def number_in(value: Any) -> int | float:
    """The number that a value is, or spells in digits of any script; whole ones as int.

    Raises ValueError for everything else: truth values, infinities, not-a-number, Python's own 1_000.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str) or (isinstance(value, str) and "_" in value):
        raise ValueError("not a number")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("too large") from None
    if not isfinite(number):
        raise ValueError("not a number")
    return int(number) if number.is_integer() and abs(number) < EXACT else number
