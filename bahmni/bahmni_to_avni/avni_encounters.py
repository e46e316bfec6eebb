"""General encounters of Avni as both streams write them and find them again by their marker.

Stands on avni.md A2, A10 (search by marker), A14 (External ID), A16, A17 (partial update, void).
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from avni.client import AvniClient
from bahmni import vocabulary as v
from engine.ports import Write
from mappings.snapshot import Snapshot


def carrying(
    marker: str, encounter_type: str, avni: AvniClient, snapshot: Snapshot, *, apart_from: Container[str] = ()
) -> list[dict[str, Any]]:
    """The un-voided encounters of a type with this marker, else one of the voided: a service before us wrote them.

    `apart_from` are ids of encounters that stand for something else.
    """
    concept = snapshot.single(*v.BAHMNI_MARKER_CONCEPT)
    if concept is None:
        return []
    found = avni.encounters(v.LONG_AGO, encounter_type, concepts={concept.avni_value: marker}).content
    rows = [row for row in found if row["ID"] not in apart_from]
    return [row for row in rows if not row["Voided"]] or rows[:1]


def send(write: Write, avni: AvniClient) -> str:
    """Carry out one write to an encounter. Gives the id Avni knows it by; raises what the client raises."""
    match write.verb:
        case "create":
            return str(avni.upsert_encounter(write.body)["ID"])
        case "update":
            avni.patch_encounter(write.id, write.body)
        case "void":
            avni.void_encounter(write.id)
        case verb:
            raise ValueError(verb)
    return write.id
