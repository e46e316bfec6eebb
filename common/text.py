"""Texts from other systems on their way into rows, our own and those of the next system."""

from __future__ import annotations

import re

__all__ = ["as_written", "is_storable", "storable"]

_UNFIT = re.compile("[\x00\ud800-\udfff]")
"""What no PostgreSQL column takes, although JSON may carry it: NUL, and half a surrogate pair."""

_WHOLE = re.compile(r"-?\d+\.0")


def is_storable(text: str) -> bool:
    """Whether any database takes this text as it is."""
    return not _UNFIT.search(text)


def storable(text: str, longest: int) -> str:
    """The text as a column of `longest` characters can keep it; for showing, never for comparing."""
    return _UNFIT.sub("\ufffd", text[:longest])


def as_written(value: object) -> str:
    """A value as people write it: a whole number without its ".0", of a text one that is nothing but such a number."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text.removesuffix(".0") if _WHOLE.fullmatch(text) else text
