"""Comparing documents by keys, nesting and kinds of values instead of by content."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

__all__ = ["differences"]

Paths = dict[str, set[str]]


def differences(expected: Any, actual: Any, ignore: Collection[str] = ()) -> list[str]:
    """What one document has and the other lacks. Empty lists and nulls say nothing about depth."""
    left, right = _paths(expected, ignore), _paths(actual, ignore)
    found = [f"missing {path}" for path in sorted(left.keys() - right.keys()) if _seen(path, right)]
    found += [f"unexpected {path}" for path in sorted(right.keys() - left.keys()) if _seen(path, left)]
    for path in sorted(left.keys() & right.keys()):
        one, other = left[path] - {"null"}, right[path] - {"null"}
        if one and other and not one & other:
            found.append(f"{path}: {sorted(one)} against {sorted(other)}")
    return found


def _seen(path: str, paths: Paths) -> bool:
    """Whether a document shows anything at the place a path hangs on."""
    parent = path.rsplit(".", 1)[0] if "." in path else ""
    return not parent or "object" in paths.get(parent, set())


def _paths(document: Any, ignore: Collection[str]) -> Paths:
    paths: Paths = {}
    _walk(document, "", paths, ignore)
    return paths


def _walk(value: Any, path: str, paths: Paths, ignore: Collection[str]) -> None:
    if path:
        paths.setdefault(path, set()).add(_kind(value))
    if isinstance(value, list):
        for each in value:
            _walk(each, path, paths, ignore)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key not in ignore:
                _walk(each, _below(path, key), paths, ignore)


def _below(path: str, key: str) -> str:
    """Groups nest to any depth: a member of a member is a member."""
    if key == path.rsplit(".", 1)[-1]:
        return path
    return f"{path}.{key}" if path else key


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "text", list: "list", dict: "object", type(None): "null"}[type(value)]
