"""What becomes of questions and answers without a mapping: the mapping around them decides, else the tenant. Pure.

Questions nobody mapped are left out and counted unless somebody decides otherwise (a form may hold hundreds that no
hospital wants); an answer nobody mapped to a question that somebody did map stops its record. See
docs/decisions/0011-what-becomes-of-the-unmapped.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bahmni.kinds import LONGEST_TEXT, too_long
from engine.verdicts import Fail
from mappings.models import Side, Unmapped
from mappings.snapshot import Entry, Snapshot

__all__ = ["ANSWERS", "QUESTIONS", "for_answers", "for_questions", "in_one_text", "is_said"]

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


def in_one_text(lines: Sequence[str], spare: Entry | None) -> tuple[Entry, str]:
    """What takes questions without a mapping that are sent as text (`spare`), and all of them, line by line.

    Raises Fail where nothing takes them, and for what is longer than OpenMRS keeps.
    """
    if spare is None:
        raise Fail("bahmni.nowhere-for-unmapped")
    text = "\n".join(lines)
    if len(text) > LONGEST_TEXT:
        raise too_long(spare.avni_value)
    return spare, text


def _first(entry: Entry | None, constant: str) -> str:
    said = entry.when_unmapped if entry else ""
    return said or (constant if constant in Unmapped.values else "")
