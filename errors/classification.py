"""Which type an error is of: the first rule of an administrator that fits its sentence, else the type it declares.

What is compared is the cause as people read it (`errors.catalogue.explain(...).cause`), which holds no patient's value.

Regular expressions are RE2's, not Python's: RE2 needs time linear in the text whatever the pattern, where a pattern
like `(a+)+b` would hold Python's own engine, and with it a whole commit, for years. A bound on time would do as well,
but then a busy machine would type an error otherwise than an idle one. RE2 knows no look-around and no back-references.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, Protocol, TypeVar

import re2
from django.db import models

LONGEST_PATTERN: Final = 1000
"""Characters of a text to look for; longer than any sentence."""


class Comparison(models.TextChoices):
    """How the text of an error is compared to tell its type."""

    NONE = "", "none (only errors that name this type)"
    EQUALS = "equals", "equals"
    CONTAINS = "contains", "contains"
    MATCHES = "matches", "matches (regular expression)"


class Rule(Protocol):
    """What classification needs of an error type."""

    @property
    def name(self) -> str:
        """As sentences declare it."""

    @property
    def comparison(self) -> str:
        """A value of Comparison."""

    @property
    def comparison_value(self) -> str:
        """The text or pattern."""


AnyRule = TypeVar("AnyRule", bound=Rule)


def classify(text: str, declared: str, rules: Iterable[AnyRule]) -> AnyRule | None:
    """The first of the rules (live ones, in their order) that fits the text, else the one named `declared`, else None.

    Never raises: a rule whose pattern cannot be read, or that has no text, fits nothing.
    """
    in_order = list(rules)
    by_text = (rule for rule in in_order if fits(rule.comparison, rule.comparison_value, text))
    by_name = (rule for rule in in_order if declared and rule.name == declared)
    return next(by_text, None) or next(by_name, None)


def fits(comparison: str, value: str, text: str) -> bool:
    """Whether the text is as the comparison wants it. `matches` takes the whole text, across lines, case and all."""
    if not value.strip():
        return False
    match comparison:
        case Comparison.EQUALS:
            return text.strip().casefold() == value.strip().casefold()
        case Comparison.CONTAINS:
            return value.casefold() in text.casefold()
        case Comparison.MATCHES:
            pattern = _compiled(value)
            return not isinstance(pattern, str) and pattern.fullmatch(text) is not None
        case _:
            return False


def problem_with(comparison: str, value: str) -> str:
    """Why this cannot be a rule, in a sentence with its remedy; empty when it can."""
    if comparison == Comparison.NONE:
        return "Say how this text is compared, or leave it empty." if value.strip() else ""
    if not value.strip():
        return "Say what text to look for, or choose not to compare by text."
    if len(value) > LONGEST_PATTERN:
        return f"At most {LONGEST_PATTERN} characters: look for a part of the text."
    pattern = _compiled(value) if comparison == Comparison.MATCHES else ""
    if isinstance(pattern, str) and pattern:
        return f"Not a regular expression that can be used: {pattern}. Look-around and back-references are not known."
    return ""


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> Any:
    """The pattern ready for use, or (a str) what is wrong with it; both are kept, as commits ask again and again."""
    options = re2.Options()
    options.dot_nl = True
    options.never_capture = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as refusal:
        said = refusal.args[0] if refusal.args else ""
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said) or "it cannot be read"
    except UnicodeEncodeError:
        return "it holds half a character"
