"""What a connector declares of its mappings: the (group, type) pairs it looks up, constants, what it ignores."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MappingTypeSpec:
    """One (group, type) pair: why it exists, and which flows (by key) cannot start without a mapping of it."""

    group: str
    name: str
    used_for: str
    when_missing: str
    needed_by: frozenset[str] = frozenset()
    is_single: bool = False
    avni_is_unique: bool = True
    int_system_is_unique: bool = True


@dataclass(frozen=True)
class ConstantSpec:
    """One constant: what it means, whether it holds a list, and which flows (by key) cannot start without it."""

    key: str
    used_for: str
    is_list: bool = False
    needed_by: frozenset[str] = frozenset()
    choices: tuple[str, ...] = ()
    """What it may hold; anything when empty."""


@dataclass(frozen=True)
class IgnoredConceptSpec:
    """A concept a new tenant leaves out from the beginning: side and concept as in `mappings.models.IgnoredConcept`."""

    side: str
    concept: str
    about: str
