"""The record of Avni that another one hangs on, and what has to be waited for until it stands in Bahmni. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bahmni import vocabulary as v
from common.outcome import Outcome
from engine.ports import Known
from engine.verdicts import Defer

VOIDED_VISIT = f"{v.VOIDED_PART}visit"
"""Key of an enrolment's visit in its link's other targets while it stands voided by us."""


@dataclass(frozen=True)
class Owner:
    """One kind of owner: its stream, the field that names it, the event of its arrival, and why one waits for it.

    `visit` is the kind of the visit that is opened for it; the word goes into that visit's uuid.
    """

    stream: str
    field: str
    arrival: Callable[[str], str]
    not_yet: str
    voided: str
    held: str
    visit: str


SUBJECT = Owner(
    v.SUBJECT, "Subject ID", v.arrival_of_subject,
    "bahmni.subject-not-yet", "bahmni.subject-voided", "bahmni.subject-held", "registration",
)  # fmt: skip
ENROLMENT = Owner(
    v.ENROLMENT, "Enrolment ID", v.arrival_of_enrolment,
    "bahmni.enrolment-not-yet", "bahmni.enrolment-voided", "bahmni.enrolment-held", "enrolment",
)  # fmt: skip


def wait_for(owner: Owner, owner_id: str, known: Known | None) -> None:
    """Raises Defer until the owner stands in Bahmni un-voided and beyond doubt.

    `known` is what the ledger remembers of it.
    """
    arrival = owner.arrival(owner_id)
    if known is None:
        raise Defer(owner.not_yet, waits_for=arrival, asks_for=(owner.stream, owner_id))
    if known.is_apart:
        raise Defer("bahmni.subject-apart", waits_for=arrival)
    if is_voided(known):
        raise Defer(owner.voided, waits_for=arrival)
    if not known.points_somewhere:
        raise Defer(owner.not_yet, waits_for=arrival)
    if known.outcome is Outcome.HELD:  # perhaps a number changed: then nobody knows whose patient this is
        raise Defer(owner.held, waits_for=arrival)


def is_voided(owner: Known) -> bool:
    """Whether it is voided in Avni. Read again without a change it counts as unchanged; what we left tells it still."""
    voided_by_us = owner.left_fingerprint == v.VOIDED_BY_US or VOIDED_VISIT in owner.other_targets
    return owner.outcome is Outcome.VOIDED or voided_by_us
