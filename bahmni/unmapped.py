"""What becomes of questions and answers without a mapping: the mapping around them decides, else the tenant. Pure.

Questions nobody mapped are left out and counted unless somebody decides otherwise (a form may hold hundreds that no
hospital wants); an answer nobody mapped to a question that somebody did map stops its record. See
docs/decisions/0011-what-becomes-of-the-unmapped.md.
"""

from __future__ import annotations

from typing import Final

from mappings.models import Side, Unmapped
from mappings.snapshot import Entry, Snapshot

__all__ = ["ANSWERS", "QUESTIONS", "for_answers", "for_questions", "is_said"]

QUESTIONS: Final = {Side.AVNI: "UnmappedQuestionsFromAvni", Side.INT_SYSTEM: "UnmappedQuestionsFromBahmni"}
ANSWERS: Final = {Side.AVNI: "UnmappedAnswersFromAvni", Side.INT_SYSTEM: "UnmappedAnswersFromBahmni"}
"""Constants of the tenant, by the side the record comes from."""


def for_questions(snapshot: Snapshot, side: Side, place: Entry | None) -> str:
    """What becomes of a question without a mapping in a form or group mapped by `place`."""
    return _first(place, snapshot.constant(QUESTIONS[side])) or Unmapped.SKIP


def is_said(snapshot: Snapshot, side: Side, place: Entry | None) -> bool:
    """Whether somebody decided what becomes of such questions."""
    return bool(_first(place, snapshot.constant(QUESTIONS[side])))


def for_answers(snapshot: Snapshot, side: Side, question: Entry) -> str:
    """What becomes of an answer without a mapping to a question mapped by `question`."""
    return _first(question, snapshot.constant(ANSWERS[side])) or Unmapped.FAIL


def _first(entry: Entry | None, constant: str) -> str:
    said = entry.when_unmapped if entry else ""
    return said or (constant if constant in Unmapped.values else "")
