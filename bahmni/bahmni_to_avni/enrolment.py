"""The enrolment in Avni that a form of the hospital belongs to, chosen among those there, or made. Pure.

Of the un-voided enrolments in the program those count first that were open on the day of the encounter, else all; of
them the one that began nearest to the encounter, before or after. An exit ends a course of care, so what happened
during another course is not filed under it; where none was open a near one is truer than a new one.
Stands on avni.md A47 (enrolments), A14 (External ID), A48 (an enrolment may be named by its External ID).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from avni.wire import instant
from common.fingerprint import derived_uuid
from engine.ports import Write
from engine.verdicts import Fail, Hold

Enrolment = Mapping[str, Any]


def external_id(namespace: UUID, subject_id: str, program: str) -> str:
    """The External ID of the one enrolment we make for a subject in a program, whichever encounter needs it first."""
    return str(derived_uuid(namespace, "avni-enrolment", "subject", subject_id, program))


def nearest(rows: Sequence[Enrolment], moment: str, zone: tzinfo) -> Enrolment | None:
    """The enrolment an encounter of that moment belongs to; None when all are voided or there is none."""
    held = instant(moment)
    live = [row for row in rows if row["Voided"] is not True]
    open_then = [row for row in live if _is_open(row, held, zone)]
    return min(open_then or live, key=lambda row: (abs(_began(row) - held), row["ID"]), default=None)


def home(rows: Sequence[Enrolment], moment: str, zone: tzinfo, chosen: str) -> Enrolment | None:
    """As `nearest`. Raises Hold where a person voided the one we made (External ID `chosen`) and there is no other."""
    found = nearest(rows, moment, zone)
    if found is None and any(row.get("External ID") == chosen for row in rows):
        raise Hold("bahmni.made-enrolment-voided")
    return found


def creation(chosen: str, subject_id: str, program: str, moment: str, marked: Mapping[str, str]) -> Write:
    """The write that enrols a subject for an encounter of that moment; sent twice it is one enrolment."""
    body = {
        "External ID": chosen,
        "Subject ID": subject_id,
        "Program": program,
        "Enrolment datetime": moment,
        "observations": dict(marked),
        "exitObservations": {},
        "Voided": False,
    }
    return Write("create", "enrolment", chosen, body, f'"{program}": the subject is not in the program of the form')


def _is_open(row: Enrolment, held: datetime, zone: tzinfo) -> bool:
    """Whether the encounter lies in an enrolment, by days: field workers date both ends by the day."""
    day, exit_ = held.astimezone(zone).date(), row.get("Exit datetime")
    has_begun = _began(row).astimezone(zone).date() <= day
    return has_begun and (not exit_ or instant(exit_).astimezone(zone).date() >= day)


def _began(row: Enrolment) -> datetime:
    try:
        return instant(row["Enrolment datetime"])
    except (TypeError, ValueError):
        raise Fail("record.field-missing", field="Enrolment datetime") from None
