"""What a connector declares of its errors: the types administrators know, and the sentences that explain them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Move(Enum):
    """What a person can decide about a record that waits for one. Ignoring it is open always, and no move."""

    SAME = "same"
    """Source and target records are the same person or thing: link them. Where there are several, one is chosen."""
    APART = "apart"
    """They are not the same: nothing is written for the record while the two meet as they do now."""
    SOURCE = "source"
    """What the source says is written over what stands in the target."""
    TARGET = "target"
    """What stands in the target is left as it is, until it or the record changes again."""


@dataclass(frozen=True)
class ErrorTypeSpec:
    """A seeded error type: its name as known from the Java service, and what follows from it."""

    name: str
    follow_up: str
    used_for: str


@dataclass(frozen=True)
class Sentence:
    """What a message id means to a person. `cause` and `remedy` are format strings over safe parameters."""

    cause: str
    remedy: str
    error_type: str = ""
    mends: tuple[str, str] | None = None
    """(group, type) of the mapping that is missing or wrong; its form opens filled in from `value` and `side`."""
    is_there: bool = False
    """Whether that mapping is there and wrong, rather than missing: its own form opens."""
    may_be_ignored: bool = False
    """Whether the record gets through as well when the concept without a mapping is ignored."""
    offers: tuple[Move, ...] = ()
    """What a person may decide about the record, in the order in which it is offered."""
    question: str = ""
    """The parameter that names, by its Avni name, a question whose mapping may be wrong: it opens if it is there."""
