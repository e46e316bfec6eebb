"""What concerns a server or a record as a whole: signing in, what cannot be read, what another service left."""

from __future__ import annotations

from collections.abc import Mapping

from avni.refusals import REFUSALS
from bahmni import vocabulary as v
from bahmni.declarations import ERROR_TYPES
from errors.catalogue import BY_ITSELF, SIGN_IN
from errors.specs import Sentence

SENTENCES: Mapping[str, Sentence] = {
    **{f"{SIGN_IN}.{refusal.word}": Sentence(refusal.cause, refusal.remedy) for refusal in REFUSALS},
    **{
        v.taken_over(name): Sentence(
            cause='The Java service stopped at this record: "{type}".',
            remedy=f"{BY_ITSELF} Retry it to have it looked at now. If anything still stops it, its error then says "
            "what, and where to mend it.",
            error_type=name,
        )
        for name in ("", *(spec.name for spec in ERROR_TYPES))
    },
    "bahmni.taken-over-event": Sentence(
        cause="An event of the feed told the Java service of this record, and it could not carry it out.",
        remedy=f"{BY_ITSELF} Retry it to have it looked at now.",
    ),
    "bahmni.not-understood": Sentence(
        cause="Bahmni could not read a part of the record: a mapping names something of another kind there, or an "
        "answer does not fit its concept's data type.",
        remedy="Check the mappings of the record's type (an encounter type, not a form) and of its form, and whether "
        "the concepts of its questions have the data types of the answers; then retry.",
    ),
    "bahmni.row-unreadable": Sentence(
        cause='Avni cannot show {rows} record(s) of "{part}" last changed at {at} ({code}).',
        remedy="Have it looked at by whoever runs Avni: usually an answer to a question that no longer exists. "
        "All other records went on; when it can be shown again it is handed over by itself, or at once by a retry.",
    ),
    "bahmni.feed-reset": Sentence(
        cause="Bahmni's feed no longer holds the entry we stopped at. Was its database restored or replaced?",
        remedy="Find out what happened to Bahmni. Nothing is read or skipped until somebody accepts it as it is now.",
    ),
    "record.field-kind": Sentence(
        cause='"{field}" of the record should hold {expected}, but holds another kind of value: {kind}.',
        remedy="Open the record in its own system; report it to the people who run that system.",
    ),
    "record.field-missing": Sentence(
        cause='The record lacks "{field}", which every record should have.',
        remedy="Open the record in its own system; report it to the people who run that system.",
    ),
}
