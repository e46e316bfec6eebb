"""What happened, in words: message ids with the sentences people read.

An error record stores a message id and safe parameters; the sentence is made when somebody looks, so that a better
wording reaches old records too. Sentences of one connector are declared with it; here stand those every stream needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from errors.specs import Move, Sentence

UNEXPECTED: Final = "engine.unexpected"
MAPPINGS_MISSING: Final = "engine.mappings-missing"
CONNECTION_MISSING: Final = "engine.connection-missing"
PART_UNREADABLE: Final = "engine.part-unreadable"
PART_NOT_NAMED: Final = "engine.part-not-named"
READABLE_AGAIN: Final = "engine.readable-again"
ASKED_FOR: Final = "engine.asked-for"
TAKEN_OVER_MISSING: Final = "engine.taken-over-missing"
BEFORE_THE_START: Final = "engine.before-the-start"
CUT_OFF: Final = "engine.cut-off"
STOPPED: Final = "engine.stopped"
SEALED_COPY: Final = "engine.sealed-copy"
SEALED_ADDRESS: Final = "engine.sealed-address"
NOT_TAKEN_ON: Final = "engine.not-taken-on"
OTHER_SERVER: Final = "engine.other-server"
TOO_MANY_FAULTS: Final = "engine.too-many-faults"
TOO_MANY: Final = "engine.too-many"
REFUSED: Final = "remote.refused"
FORBIDDEN: Final = "remote.forbidden"
DOWN: Final = "remote.down"
SOURCE_DOWN: Final = "remote.source-down"
TARGET_DOWN: Final = "remote.target-down"
SIGN_IN: Final = "remote.sign-in"
SLOW: Final = "remote.slow"
UNCLEAR: Final = "remote.unclear"
GARBLED: Final = "remote.garbled"
FAILED: Final = "remote.failed"
GONE: Final = "remote.gone"
ATTEMPTS_USED_UP: Final = "engine.attempts-used-up"
NOT_TRIED_AGAIN: Final = "engine.not-tried-again"
WORKER_LOST: Final = "engine.worker-lost"
KEPT_APART: Final = "engine.kept-apart"
IGNORED: Final = "engine.ignored"
THEIRS_TAKEN: Final = "engine.theirs-taken"
NO_PROVIDER: Final = "provider"
"""Detail of a server that is down for us because its identity provider is."""

BY_ITSELF: Final = "It is tried again by itself."
"""Part of remedies; left out where it is not true: see `errors.standing`."""

_GOES_ON_FROM_THERE: Final = (
    "Nothing is lost: the next run compares what was under way with the other side and goes on."
)
_GOES_ON: Final = "Nothing is lost and nothing needs to be done here: the flow goes on by itself when it answers again."

GENERIC: Final[Mapping[str, Sentence]] = {
    UNEXPECTED: Sentence(
        cause="The service itself failed at this record ({kind} at {place}).",
        remedy=f"{BY_ITSELF} If it stays, report it with kind and place: this is a fault of the program.",
    ),
    MAPPINGS_MISSING: Sentence(
        cause="A mapping or constant without which the flow cannot work is missing.",
        remedy="The page of the flow lists everything that is missing. Add it; the flow then goes on by itself.",
    ),
    CUT_OFF: Sentence(
        cause="The process that worked on it ended, or lost its right to, before it was through.",
        remedy=_GOES_ON_FROM_THERE,
    ),
    STOPPED: Sentence(
        cause="{who} ended the run.",
        remedy="Nothing is lost: what was finished is kept. Resume the flow, and it goes on where it stands.",
    ),
    WORKER_LOST: Sentence(
        cause="Handling this record ended the worker process {times} times in a row, at last while nothing else was in "
        "hand; so it is not handled any more, and everything else goes on.",
        remedy="Give its id to whoever runs the service: usually the program or a library fails at it, or there was "
        "too little memory. When that is mended, retry it. Until then its two sides may differ.",
    ),
    SEALED_COPY: Sentence(
        cause="This installation is not the one the tenant was set up in (its database was copied or put back "
        "elsewhere), so nothing is handed over.",
        remedy="If the other installation is still in use, leave it so: two would write the same records. If this is "
        "the new one, bind the tenant to this installation.",
    ),
    SEALED_ADDRESS: Sentence(
        cause="The address of a server was changed and nobody has said yet that we may write there, so nothing is "
        "handed over.",
        remedy="Look at the connections. If the addresses are right, bind the tenant to them; if not, correct them.",
    ),
    NOT_TAKEN_ON: Sentence(
        cause="The other side accepted what was written, but does not show it, so the rest could not follow.",
        remedy=f"{BY_ITSELF} If it stays, compare the record in both systems; usually somebody or something changes "
        "it back.",
    ),
    OTHER_SERVER: Sentence(
        cause="{side} is not the server it was, so nothing was read or written: {differences}.",
        remedy="If the address or the account is wrong, correct the connection: the flow goes on by itself. If it is "
        "meant to be so (it was moved, set up anew or put back), accept the server as it is.",
    ),
    TOO_MANY: Sentence(
        cause="Unusually much would be changed in {side}: {listed} wait, after {passed} that passed (more than "
        "{limit} need a person's word).",
        remedy="Look at the list. If it is right, let this run go on. If it is a mistake, mend it in {source} first.",
    ),
    TOO_MANY_FAULTS: Sentence(
        cause="The service itself failed at {limit} new records in a row ({kind} at {place}), so the flow was paused.",
        remedy="Report it with kind and place: this is a fault of the program. Resume the flow when it is mended; "
        "nothing is lost meanwhile.",
    ),
    CONNECTION_MISSING: Sentence(
        cause="One of the two servers has no connection any more.",
        remedy="Add the connection, check it, then run the flow.",
    ),
    PART_UNREADABLE: Sentence(
        cause='{side} does not let us read "{part}" (status {status}; code: {code}; privilege: {privilege}).',
        remedy="Have it put right at {side} (usually a right our account lacks, or a type that was renamed), then "
        "retry. Everything else goes on, and this part goes on from where it stands.",
    ),
    PART_NOT_NAMED: Sentence(
        cause='Some records of "{part}" could not be read, and by now no mapping or constant names that part any more.',
        remedy="When it is named again, they are read by themselves. If it is left out for good, ignore this with a "
        "reason.",
    ),
    READABLE_AGAIN: Sentence(
        cause="What could not be read for a while was read.",
        remedy="Nothing needs to be done.",
    ),
    ASKED_FOR: Sentence(
        cause="A record that belongs to this one came first.",
        remedy="Nothing needs to be done: this one is fetched next.",
    ),
    TAKEN_OVER_MISSING: Sentence(
        cause="The service that worked here before had read past this record, and nothing on the other side carries "
        "its marker.",
        remedy="Look whether the other side has it under another number. Retry it to hand it over as a new one, or "
        "ignore it with the reason.",
    ),
    BEFORE_THE_START: Sentence(
        cause="It is older than the flow, which began with what was new then.",
        remedy="Nothing needs to be done. It is handed over when it changes.",
    ),
    REFUSED: Sentence(
        cause="{side} refused the record (status {status}; code: {code}; fields: {fields}).",
        remedy="Look the record up in both systems, correct what {side} does not accept, then retry.",
    ),
    FORBIDDEN: Sentence(
        cause="Our account at {side} may not do this; it lacks the privilege {privilege}.",
        remedy="Have the privilege given to the account, then retry.",
    ),
    DOWN: Sentence(
        cause="{side} does not answer. Everything that needs it waits.",
        remedy=_GOES_ON,
    ),
    f"{DOWN}.{NO_PROVIDER}": Sentence(
        cause="The identity provider that signs us in to {side} does not answer. Everything that needs it waits.",
        remedy=_GOES_ON,
    ),
    SOURCE_DOWN: Sentence(
        cause="{side}, where the records come from, does not answer.",
        remedy=_GOES_ON,
    ),
    TARGET_DOWN: Sentence(
        cause="{side}, where the records go, does not answer.",
        remedy=_GOES_ON,
    ),
    f"{SOURCE_DOWN}.{NO_PROVIDER}": Sentence(
        cause="The identity provider that signs us in to {side}, where the records come from, does not answer.",
        remedy=_GOES_ON,
    ),
    f"{TARGET_DOWN}.{NO_PROVIDER}": Sentence(
        cause="The identity provider that signs us in to {side}, where the records go, does not answer.",
        remedy=_GOES_ON,
    ),
    SIGN_IN: Sentence(
        cause="{side} does not let us in with the user and password of the connection.",
        remedy="Enter the right ones in the connection, then check it. Trying again with the wrong ones could lock "
        "the account.",
    ),
    SLOW: Sentence(
        cause="{side} did not answer in time.",
        remedy=BY_ITSELF,
    ),
    UNCLEAR: Sentence(
        cause="The connection to {side} broke while we wrote, and so far nobody could tell whether the record arrived.",
        remedy=f"{BY_ITSELF} The record is looked for before anything is written, so nothing is doubled.",
    ),
    GARBLED: Sentence(
        cause="{side} answered with something it should not send.",
        remedy=f"{BY_ITSELF} If it stays, ask who runs {{side}} whether a proxy or an error page stands before it.",
    ),
    FAILED: Sentence(
        cause="{side} could not be asked about the record.",
        remedy=f"{BY_ITSELF} If it stays, check the connection.",
    ),
    GONE: Sentence(
        cause="{side} announced the record but has none of this id.",
        remedy="If it was deleted on purpose, nothing needs to be done.",
    ),
    KEPT_APART: Sentence(
        cause="A person decided that this record and the one it met on the other side are not the same.",
        remedy="Nothing is written for it, and what hangs on it waits, until the number that brought them together "
        "changes. Retry it to be asked again.",
    ),
    IGNORED: Sentence(
        cause="A person decided to leave this record behind.",
        remedy="Nothing is done about it until it changes at its source. Retry it to take it up again.",
    ),
    THEIRS_TAKEN: Sentence(
        cause="A person decided that the other side stays as it is.",
        remedy="Nothing to do. It is asked about again when the record or the other side changes.",
    ),
    ATTEMPTS_USED_UP: Sentence(
        cause="It was tried {attempts} times in a row, as often as its error type allows.",
        remedy="Mend the cause, then retry: the attempts are counted anew.",
    ),
    NOT_TRIED_AGAIN: Sentence(
        cause='Errors of the type "{type}" are not tried again by themselves.',
        remedy="A change of the record at its source brings it back, or retry it.",
    ),
}


def general(message: str) -> str:
    """A message id without its last, more specific part: remote.sign-in.new-password → remote.sign-in."""
    return ".".join(message.split(".")[:2])


@dataclass(frozen=True)
class Mend:
    """The mapping that caused an error by being missing or wrong: enough to open its form."""

    group: str
    type: str
    side: str
    """Which field `value` belongs to: `avni` or `int_system`."""
    value: str
    is_there: bool = False
    """Whether it is there and wrong, rather than missing."""
    may_be_ignored: bool = False
    """Whether leaving `value` out on purpose helps as well."""
    is_a_question: bool = False
    """Whether it is some mapping of this Avni name, whatever its kind, and nothing is amiss where there is none."""


@dataclass(frozen=True)
class Explanation:
    """An error as a person reads it."""

    cause: str
    remedy: str
    error_type: str
    mends: Mend | None
    offers: tuple[Move, ...] = ()
    """What a person may decide about the record."""


_UNSAID: Final = "–"


class _Params(dict[str, str]):
    """Parameters of a sentence; one that the record does not carry shows as a dash."""

    def __missing__(self, key: str) -> str:
        return _UNSAID


def explain(message: str, params: Mapping[str, Any], sentences: Mapping[str, Sentence]) -> Explanation:
    """The sentence of a message id: the connector's (`sentences`) first, then the generic one, else that of `general`.

    Never raises: an id nobody knows (a record of a newer or older release) is shown as it stands.
    """
    texts = _Params({key: str(value) for key, value in params.items() if value not in ("", None)})
    ids = (message, general(message))
    sentence = next((found for id_ in ids if (found := sentences.get(id_) or GENERIC.get(id_))), None)
    if sentence is None:
        return Explanation(
            cause=f"An error this release has no sentence for ({message or 'without a name'}).",
            remedy="It is kept as it is; retry it, or ask who maintains the service.",
            error_type="",
            mends=None,
        )
    said = _Params(texts)
    if "side" in texts:
        said["side"] = texts["side"].capitalize()  # a server's key, as its name is written in a sentence
    return Explanation(
        cause=_fill(sentence.cause, said),
        remedy=_fill(sentence.remedy, said),
        error_type=sentence.error_type,
        mends=_mend(sentence, texts),
        offers=sentence.offers,
    )


def _fill(template: str, texts: _Params) -> str:
    try:
        return template.format_map(texts)
    except (ValueError, IndexError, AttributeError, TypeError):
        return template  # a slip in a sentence must not hide the error it explains


def _mend(sentence: Sentence, texts: _Params) -> Mend | None:
    if sentence.question:
        return Mend("", "", "avni", texts.get(sentence.question, ""), is_there=True, is_a_question=True)
    if sentence.mends is None:
        return None
    group, type_name = sentence.mends
    return Mend(
        group=group,
        type=type_name,
        side=texts.get("side", ""),
        value=texts.get("value", ""),
        is_there=sentence.is_there,
        may_be_ignored=sentence.may_be_ignored,
    )
