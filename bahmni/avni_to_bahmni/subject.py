"""Avni subject → what Bahmni should hold: a patient with a registration visit and a registration encounter. Pure.

Compatible with the Java service: identifier prefix, visit and encounter types, form group, marker and event date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.answers import Answers, answers
from bahmni.avni_to_bahmni.demographics import Person, said_by
from bahmni.avni_to_bahmni.form_encounter import Form, filled_in, mapped
from bahmni.kinds import LAST_YEAR, LONGEST_NUMBER, wrong_kind
from bahmni.shapes import SUBJECT, check
from common.fingerprint import fingerprint
from common.text import is_storable
from engine.ports import Want
from engine.verdicts import Fail
from mappings.snapshot import Snapshot

NOBODY = Person("", "", "", "", "")


@dataclass(frozen=True)
class Registration:
    """What Bahmni should hold of one subject. `form` is None when it is voided.

    `untranslated` is why it cannot be told what should stand there; then the number alone is known of it.
    """

    subject_id: str
    identifier: str
    person: Person
    """Says nothing when the subject is voided."""
    created_at: str
    form: Form | None
    untranslated: Fail | None = None

    @property
    def voided(self) -> bool:
        """Whether the subject is voided in Avni."""
        return self.form is None and self.untranslated is None


def identifier_concept(snapshot: Snapshot) -> str:
    """What Avni calls the patient number; empty when no mapping says it."""
    entry = snapshot.single(*v.IDENTIFIER_CONCEPT)
    return entry.avni_value if entry else ""


def identifier_of(subject: Mapping[str, Any], snapshot: Snapshot) -> str:
    """The patient number both sides know, with the hospital's prefix; the empty text when the subject has none."""
    concept = snapshot.single(*v.IDENTIFIER_CONCEPT)
    bare = subject["observations"].get(concept.avni_value) if concept else None
    text = str(bare).strip() if isinstance(bare, str | int) and not isinstance(bare, bool) else ""
    return snapshot.constant(v.IDENTIFIER_PREFIX) + text if text else ""


def wanted(subject: Mapping[str, Any], snapshot: Snapshot, zone: tzinfo) -> Want:
    """What Bahmni should hold; `zone` is the hospital's. Raises Fail for what is no record of a subject."""
    check(subject, SUBJECT)
    identifier = identifier_of(subject, snapshot)
    try:
        return _translated(subject, identifier, snapshot, zone)
    except Fail as failure:
        identifier = identifier if is_storable(identifier) else ""
        created_at = subject["audit"]["Created at"]
        content = Registration(subject["ID"], identifier, NOBODY, created_at, None, untranslated=failure)
        said = [failure.message, sorted(failure.params.items())]
        return Want(content, fingerprint([identifier, "untranslated", said]), identifier)


def _translated(subject: Mapping[str, Any], identifier: str, snapshot: Snapshot, zone: tzinfo) -> Want:
    observations, voided = subject["observations"], subject["Voided"]
    if not identifier and not voided:  # of a voided one the ledger tells whether it was ever handed over
        raise Fail("bahmni.subject-id-null", concept=identifier_concept(snapshot))
    if len(identifier) > LONGEST_NUMBER or not is_storable(identifier):
        raise wrong_kind(
            identifier_concept(snapshot), f"a patient number of at most {LONGEST_NUMBER} characters", identifier
        )
    if voided:
        observations = {}  # what it said does not travel any more, and may not keep it from being voided
    answered = answers(observations, snapshot, zone, snapshot.single(*v.REGISTRATION_FORM))
    content = Registration(
        subject_id=subject["ID"],
        identifier=identifier,
        person=NOBODY if voided else said_by(subject, snapshot),
        created_at=subject["audit"]["Created at"],
        form=None if voided else _form(subject, answered, snapshot),
    )
    return Want(
        content=content,
        fingerprint=fingerprint(
            [identifier, *([content.form.content, content.person.parts] if content.form else ["voided"])]
        ),
        identifier=identifier,
        arrives=() if voided else (v.arrival_of(identifier), v.arrival_of_subject(content.subject_id)),
        unmapped=answered.unmapped,
    )


def _registered_on(subject: Mapping[str, Any]) -> date:
    said = subject["Registration date"]
    try:
        day = date.fromisoformat(said[:10])
    except (TypeError, ValueError):
        raise Fail("bahmni.registration-date-missing") from None
    if day.year > LAST_YEAR:
        raise wrong_kind("Registration date", f"a date before the year {LAST_YEAR + 1}", said)
    return day


def _form(subject: Mapping[str, Any], answered: Answers, snapshot: Snapshot) -> Form:
    return filled_in(
        subject["ID"],
        _registered_on(subject),
        answered,
        subject["audit"]["Last modified at"],
        snapshot,
        encounter_type=mapped(snapshot, v.REGISTRATION_ENCOUNTER_TYPE),
        concept=mapped(snapshot, v.REGISTRATION_FORM),
    )
