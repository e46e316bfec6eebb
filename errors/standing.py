"""How a record stands, in words: beside the cause of its error, what its type has made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from errors.catalogue import ATTEMPTS_USED_UP, BY_ITSELF, IGNORED, KEPT_APART, NOT_TRIED_AGAIN, Explanation, explain
from errors.models import ErrorRecord, ErrorState
from errors.specs import Sentence

_SET_ASIDE: Final = {ErrorState.APART: KEPT_APART, ErrorState.IGNORED: IGNORED}
"""What a person made of a record; what its error asks for is not asked any more."""


def note(record: ErrorRecord) -> Explanation | None:
    """Why a failed record is not tried again by itself, where that is so because of its type."""
    if record.is_used_up:
        return explain(ATTEMPTS_USED_UP, {"attempts": record.failed_in_a_row}, {})
    if record.state == ErrorState.CLOSED:
        return explain(NOT_TRIED_AGAIN, {"type": record.type.name if record.type else ""}, {})
    return None


def remedy(record: ErrorRecord, sentences: Mapping[str, Sentence]) -> str:
    """What mends it; promises further attempts only of a record that has some."""
    if record.state in _SET_ASIDE:
        return explain(_SET_ASIDE[ErrorState(record.state)], {}, {}).remedy
    told = explain(record.message, record.params, sentences).remedy
    if record.state in (ErrorState.RETRYING, ErrorState.DEFERRED):
        return told
    told, noted = told.replace(BY_ITSELF, "").strip(), note(record)
    parts = (noted.cause, told, noted.remedy) if noted else (told,)
    return " ".join(part for part in parts if part)
