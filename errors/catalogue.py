"""What happened, in words: message ids with the sentences people read.

An error record stores a message id and safe parameters; the sentence is made when somebody looks, so that a better
wording reaches old records too. Sentences of one connector are declared with it; here stand those every stream needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from errors.specs import Sentence

UNEXPECTED: Final = "unexpected"
REFUSED: Final = "refused"
FORBIDDEN: Final = "forbidden"
SOURCE_UNREACHABLE: Final = "source-unreachable"
TARGET_UNREACHABLE: Final = "target-unreachable"
CREDENTIALS: Final = "credentials"
SLOW: Final = "slow"
UNCLEAR: Final = "unclear"
GARBLED: Final = "garbled"
GONE: Final = "gone"

GENERIC: Final[Mapping[str, Sentence]] = {
    UNEXPECTED: Sentence(
        cause="The service itself failed at this record ({kind}).",
        remedy="It is tried again by itself. If it stays, report it with the time of the attempt: this is a "
        "fault of the program.",
    ),
    REFUSED: Sentence(
        cause="{side} refused the record (status {status}, {code}).",
        remedy="Look the record up in both systems, correct what {side} does not accept, then retry.",
    ),
    FORBIDDEN: Sentence(
        cause="Our account at {side} may not do this; it lacks the privilege {privilege}.",
        remedy="Have the privilege given to the account, then retry.",
    ),
    SOURCE_UNREACHABLE: Sentence(
        cause="{side}, from where the records come, does not answer.",
        remedy="Nothing is lost and nothing needs to be done here: the flow goes on when {side} answers again.",
    ),
    TARGET_UNREACHABLE: Sentence(
        cause="{side}, where the records go, does not answer.",
        remedy="Nothing is lost and nothing needs to be done here: the flow goes on when {side} answers again.",
    ),
    CREDENTIALS: Sentence(
        cause="{side} does not let us in with the user and password of the connection.",
        remedy="Enter the right ones in the connection, then check it. We do not try again by ourselves, lest "
        "the account be locked.",
    ),
    SLOW: Sentence(
        cause="{side} did not answer in time.",
        remedy="It is tried again by itself.",
    ),
    UNCLEAR: Sentence(
        cause="The connection to {side} broke while we wrote, and so far nobody could tell whether the record arrived.",
        remedy="It is tried again by itself, and looked for before anything is written: nothing is doubled.",
    ),
    GARBLED: Sentence(
        cause="{side} answered with something it should not send.",
        remedy="It is tried again by itself. If it stays, ask who runs {side} whether a proxy or an error page "
        "stands before it.",
    ),
    GONE: Sentence(
        cause="{side} announced the record but has none of this id.",
        remedy="If it was deleted on purpose, ignore the error with that reason.",
    ),
}


@dataclass(frozen=True)
class Mend:
    """The mapping whose absence caused an error: enough to open its form pre-filled."""

    group: str
    type: str
    side: str
    """Which field `value` belongs to: `avni` or `int_system`."""
    value: str


@dataclass(frozen=True)
class Explanation:
    """An error as a person reads it."""

    cause: str
    remedy: str
    error_type: str
    mends: Mend | None


class _Params(dict[str, str]):
    """Parameters of a sentence; one that the record does not carry shows as a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def explain(message: str, params: Mapping[str, Any], sentences: Mapping[str, Sentence]) -> Explanation:
    """The sentence of a message id: the connector's (`sentences`) first, then the generic one.

    Never raises: an id nobody knows (a record of a newer or older release) is shown as it stands.
    """
    texts = _Params({key: str(value) for key, value in params.items()})
    sentence = sentences.get(message) or GENERIC.get(message)
    if sentence is None:
        return Explanation(
            cause=f"An error this release has no sentence for ({message or 'without a name'}).",
            remedy="It is kept as it is; retry it, or ask who maintains the service.",
            error_type="",
            mends=None,
        )
    return Explanation(
        cause=_fill(sentence.cause, texts),
        remedy=_fill(sentence.remedy, texts),
        error_type=sentence.error_type,
        mends=_mend(sentence, texts),
    )


def _fill(template: str, texts: _Params) -> str:
    try:
        return template.format_map(texts)
    except (ValueError, IndexError, AttributeError, TypeError):
        return template  # a slip in a sentence must not hide the error it explains


def _mend(sentence: Sentence, texts: _Params) -> Mend | None:
    if sentence.mends is None:
        return None
    group, type_name = sentence.mends
    return Mend(group=group, type=type_name, side=texts.get("side", ""), value=texts.get("value", ""))
