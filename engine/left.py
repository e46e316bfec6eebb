"""What we left in the target, answer by answer, as short notes: who changes it afterwards is told from ourselves. Pure.

A note is a few digits of a hash per question and value, salted with the record: enough to see that an answer is
another one, not enough to read it. Questions that are mapped later or no more make no difference to the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from common.fingerprint import fingerprint

Left = Mapping[str, Sequence[str]]
"""Notes of the values by note of the question; a question we left without an answer is not there."""

DIGITS: Final = 8
"""Of a note. Two answers share one once in four thousand million."""


def noted(answers: Mapping[str, Iterable[str]], salt: str) -> dict[str, list[str]]:
    """The notes of these answers: spelled-out values by question."""
    notes = {question_note(question, salt): values_noted(values, salt) for question, values in answers.items()}
    return {question: values for question, values in notes.items() if values}


def question_note(question: str, salt: str) -> str:
    """The note of a question."""
    return _note("question", question, salt)


def values_noted(values: Iterable[str], salt: str) -> list[str]:
    """The notes of the values of one question, each once, in an order of their own."""
    return sorted({_note("value", value, salt) for value in values})


def _note(kind: str, text: str, salt: str) -> str:
    return fingerprint([kind, salt, text])[:DIGITS]
