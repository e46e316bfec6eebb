"""What people wrote inside records of ours: it stands as it stood, whatever was done around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from simulators.comparer.expected import Values
from simulators.comparer.findings import Finding, State
from simulators.comparer.memory import Memory
from simulators.comparer.otherwise import Both
from simulators.comparer.tables import AvniTables, BahmniTables, Row, creator, live
from simulators.scenario import Correspondence

__all__ = ["answers_of_people", "notes_of_people"]


def notes_of_people(
    avni_before: State, avni_after: State, bahmni_before: State, bahmni_after: State, pairs: Correspondence
) -> Iterator[Finding]:
    """Answers in encounters of ours to questions that we do not speak for: lost, changed, or not from people at all.

    In Bahmni by value: an encounter that moves in time gives all of its rows another uuid. A row that stands in one we
    voided goes with it.
    """
    here_before, here = (AvniTables(state, pairs.organisation) for state in (avni_before, avni_after))
    for uuid, row in here.visits.items():
        if row["created_by"] == pairs.avni_user:
            was = here_before.visits.get(uuid)
            if (_asides(was, pairs) if was else {}) != _asides(row, pairs):
                yield Finding("note-changed", f"encounter {uuid} in Avni", "an answer that is the field team's")
    there_before, there = BahmniTables(bahmni_before), BahmniTables(bahmni_after)
    for row in live(there_before.encounters.values()):
        uuid = row["uuid"]
        if creator(row) != pairs.hospital.user or there.encounters[uuid]["voided"]:
            continue
        if _notes(there_before, uuid, pairs) != _notes(there, uuid, pairs):
            yield Finding("note-changed", f"encounter {uuid} in Bahmni", "what clinicians wrote in it")


def answers_of_people(
    avni_before: State, avni_after: State, bahmni_before: State, bahmni_after: State, memory: Memory
) -> Iterator[Finding]:
    """Answers of ours that people changed before a look of the service, and that stand otherwise after it.

    `memory` as it was before the look.
    """
    pairs = memory.pairs
    both = Both(AvniTables(avni_before, pairs.organisation), BahmniTables(bahmni_before), pairs, memory.agreed)
    after = Both(AvniTables(avni_after, pairs.organisation), BahmniTables(bahmni_after), pairs, memory.agreed)
    for record, filed in memory.filed.items():
        found = both.in_bahmni(record, filed.encounter)
        if found and found.is_sure:
            stands = not after.bahmni.encounters[filed.encounter]["voided"]
            said = after.said_in_bahmni(filed.encounter) if stands else Counter()
            yield from _changed(f"encounter {filed.encounter} in Bahmni", found.answers, said, stands=stands)
    for row in both.brought():
        changed = both.in_avni(row)
        if changed and changed.is_sure:
            now = after.avni.visits[row["uuid"]]
            said = after.said_in_avni(now)
            yield from _changed(f"encounter {row['uuid']} in Avni", changed.answers, said, stands=not now["voided"])


def _changed(who: str, answers: Mapping[str, Values], said: Values, *, stands: bool) -> Iterator[Finding]:
    if not stands:
        yield Finding("answer-taken-along", who, "was voided with what somebody answered in it")
        return
    for concept, values in answers.items():
        if Counter({one: number for one, number in said.items() if one[0] == concept}) != values:
            yield Finding("answer-written-over", who, f"concept {concept}")


def _asides(row: Row, pairs: Correspondence) -> dict[str, Any]:
    partners = (*pairs.attributes.values(), *pairs.hospital_questions.values())
    ours = {pairs.avni_marker, *(partner.uuid for partner in partners)}
    return {concept: value for concept, value in row["observations"].items() if concept not in ours}


def _notes(tables: BahmniTables, encounter: str, pairs: Correspondence) -> Counter[tuple[str, Any]]:
    ours = {pairs.hospital.marker, pairs.hospital.event_date, pairs.hospital.program_data}
    ours |= {partner.uuid for partner in (*pairs.questions.values(), *pairs.demographics.values())}
    rows = (row for row in tables.leaves_of(encounter) if row["value"] is not None and row["concept"] not in ours)
    return Counter((row["concept"], str(row["value"])) for row in rows)
