"""Rows to plain JSON and back, by their dataclass fields."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

__all__ = ["decode", "encode"]

Row = TypeVar("Row")


def encode(value: Any) -> Any:
    """A row, or anything inside one, as JSON; moments as ISO text with offset."""
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    return value


def decode(kind: type[Row], value: dict[str, Any]) -> Row:
    """The row a plain JSON object stands for; keys that are missing keep their defaults.

    Raises TypeError for a key the row does not have.
    """
    owner: Any = kind
    hints = _hints(owner)
    known = {name: _decode(hints.get(name), each) for name, each in value.items()}
    return kind(**known)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(hint) is types.UnionType:
        hint = next((each for each in get_args(hint) if each in _READERS or is_dataclass(each)), None)
    if get_origin(hint) is list:
        return [_decode(get_args(hint)[0], each) for each in value]
    if isinstance(hint, type) and is_dataclass(hint):
        return decode(hint, value)
    return _READERS.get(hint, _as_is)(value)


def _as_is(value: Any) -> Any:
    return value


_READERS: dict[Any, Callable[[Any], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    tuple[int, int]: tuple,
}
