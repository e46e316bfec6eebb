"""Comparing documents key by key, and where further shapes are on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def shapes_folder() -> Path | None:
    """Named by INTEGRATION_SHAPES_DIR, or `shared/fixtures` beside the checkout; None where there is none."""
    named = os.environ.get("INTEGRATION_SHAPES_DIR")
    folder = Path(named) if named else Path(__file__).parents[4] / "shared" / "fixtures"
    return folder / "avni" if (folder / "avni").is_dir() else None


def kinds(document: Any) -> Any:
    """A document with every value replaced by the name of its kind, keys in order."""
    if isinstance(document, dict):
        return [(name, kinds(value)) for name, value in document.items()]
    if isinstance(document, list):
        return [kinds(item) for item in document]
    return "number" if type(document) in (int, float) else type(document).__name__


def assert_same(read: Any, told: Any) -> None:
    """Equal values, and equal keys in the same order except among observations."""
    assert read == told
    assert in_order(read) == in_order(told)


def in_order(document: Any) -> Any:
    if isinstance(document, dict):
        inner = [(name, in_order(value)) for name, value in document.items() if name != "observations"]
        return [*inner, *(["observations"] if "observations" in document else [])]
    return [in_order(item) for item in document] if isinstance(document, list) else None
