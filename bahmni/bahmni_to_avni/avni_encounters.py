"""Encounters and enrolments of Avni as both streams write them and find them again by their marker.

Stands on avni.md A2, A10, A48 (search by marker), A14 (External ID), A15 to A17 (whole and partial update, void).
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from avni.client import AvniClient
from bahmni import vocabulary as v
from engine.ports import Write
from mappings.snapshot import Snapshot


def carrying(
    marker: str,
    encounter_type: str,
    avni: AvniClient,
    snapshot: Snapshot,
    *,
    kind: str = "encounter",
    apart_from: Container[str] = (),
) -> list[dict[str, Any]]:
    """The un-voided encounters of a type with this marker, else one of the voided: a service before us wrote them.

    `kind` as in `send`; `apart_from` are ids of encounters that stand for something else.
    """
    concept = snapshot.single(*v.BAHMNI_MARKER_CONCEPT)
    if concept is None:
        return []
    listed = avni.program_encounters if kind == "program-encounter" else avni.encounters
    found = listed(v.LONG_AGO, encounter_type, concepts={concept.avni_value: marker}).content
    rows = [row for row in found if row["ID"] not in apart_from]
    return [row for row in rows if not row["Voided"]] or rows[:1]


def one(avni: AvniClient, kind: str, identity: str) -> dict[str, Any] | None:
    """A record by uuid or External ID, also when voided; None when there is none. `kind` as in `send`."""
    match kind:
        case "encounter":
            return avni.encounter(identity)
        case "program-encounter":
            return avni.program_encounter(identity)
        case "enrolment":
            return avni.program_enrolment(identity)
        case _:
            raise ValueError(kind)


def enrolments(avni: AvniClient, subject_id: str, program: str) -> list[dict[str, Any]]:
    """All enrolments of a subject in a program, voided ones too."""
    rows: list[dict[str, Any]] = []
    pages, page = 1, 0
    while page < pages:
        found = avni.enrolments_of(subject_id, program, page=page)
        rows += found.content
        pages, page = found.total_pages, page + 1
    return rows


def send(write: Write, avni: AvniClient) -> str:
    """Carry out one write to an encounter, a program encounter or an enrolment (`write.kind`).

    Gives the id Avni knows it by; raises what the client raises.
    """
    match write.kind, write.verb:
        case "encounter", "create":
            return str(avni.upsert_encounter(write.body)["ID"])
        case "encounter", "update":
            avni.patch_encounter(write.id, write.body)
        case "encounter", "void":
            avni.void_encounter(write.id)
        case "program-encounter", "create":
            return str(avni.upsert_program_encounter(write.body)["ID"])
        case "program-encounter", "update":
            avni.replace_program_encounter(write.id, write.body)
        case "program-encounter", "void":
            avni.void_program_encounter(write.id)
        case "enrolment", "create":
            return str(avni.upsert_program_enrolment(write.body)["ID"])
        case other:
            raise ValueError(other)
    return write.id
