"""Why a record of Avni does not get through to Bahmni: each rule yields all of its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulators.comparer.memory import Filed
from simulators.comparer.tables import Row
from simulators.history.facts import Facts, Stuck

__all__ = ["subject", "visit"]

Reasons = Iterator[Stuck]


def subject(row: Row, facts: Facts) -> Reasons:
    """A subject of the type whose subjects are patients."""
    filed = facts.memory.filed.get(row["uuid"])
    if filed is None:
        if not row["voided"]:
            for why in _of_a_new_subject(row, facts):
                yield Stuck("subject", row["uuid"], why)
        return
    number = facts.number(row)
    # What does not stand any more and should not is nobody's business.
    is_told = not row["voided"] or facts.is_standing(row["uuid"])
    if number != filed.number:
        why = "has another number than when it was handed over" if number else "has no number any more"
        yield Stuck("subject", row["uuid"], why, is_told=is_told, holds_others=bool(number))
    if row["voided"]:
        yield from _of_a_voided_one("subject", row, filed, facts)
        return
    if facts.says_the_unmapped(row):
        yield Stuck("subject", row["uuid"], "gives an answer nobody mapped")
    if why := facts.who_took_it(filed.encounter, filed.patient, filed.number):
        yield Stuck("subject", row["uuid"], why, holds_others=True)
    if found := facts.answered_otherwise(row["uuid"]):
        why = "was answered otherwise in Bahmni"
        yield Stuck("subject", row["uuid"], why, is_told=found.is_sure, holds_others=True)
    if not facts.is_standing(row["uuid"]) and (facts.comes_later(row) or facts.registrations(filed.patient)):
        why = "comes back, but its number or patient is somebody else's by now"
        yield Stuck("subject", row["uuid"], why, holds_others=True)


def _of_a_new_subject(row: Row, facts: Facts) -> Iterator[str]:
    number = facts.number(row)
    if not number:
        yield "has no number"
    if facts.says_the_unmapped(row):
        yield "gives an answer nobody mapped"
    if facts.comes_later(row):
        yield "has the number of somebody registered earlier"
    for patient in facts.holders(number):
        if facts.registrations(patient):
            yield "has the number of a patient who is another subject"
        if not facts.are_alike(row, patient):
            yield "has the number of a patient who is somebody else"


def visit(row: Row, facts: Facts, stuck: Mapping[str, Stuck]) -> Reasons:
    """A general encounter of a type that travels. `stuck`: what is known of the subjects already."""
    filed = facts.memory.filed.get(row["uuid"])
    if row["voided"]:
        if filed:
            yield from _of_a_voided_one("general-encounter", row, filed, facts)
    elif row["encounter_ms"] is None:
        if filed and not facts.is_voided_by_us(filed.encounter):
            yield Stuck("general-encounter", row["uuid"], "did not take place after all")
    else:
        if facts.says_the_unmapped(row):
            yield Stuck("general-encounter", row["uuid"], "gives an answer nobody mapped")
        others = list(_by_its_subject(row, filed, facts, stuck))
        yield from others
        if found := facts.answered_otherwise(row["uuid"]):
            is_told = found.is_sure and not others
            yield Stuck("general-encounter", row["uuid"], "was answered otherwise in Bahmni", is_told=is_told)


def _of_a_voided_one(stream: str, row: Row, filed: Filed, facts: Facts) -> Reasons:
    stands = facts.is_standing(row["uuid"])  # what is gone already is nobody's business
    if stands and facts.is_shared(filed.encounter):
        yield Stuck(stream, row["uuid"], "is voided, but people wrote beside it")
    if stands and facts.answered_otherwise(row["uuid"]):
        yield Stuck(stream, row["uuid"], "is voided, but people answered in it")
    if why := facts.who_took_it(filed.encounter, filed.patient, filed.number):
        yield Stuck(stream, row["uuid"], why, is_told=stands)


def _by_its_subject(row: Row, filed: Filed | None, facts: Facts, stuck: Mapping[str, Stuck]) -> Reasons:
    whose = facts.avni.subjects[row["subject"]]
    owner, reason = facts.memory.filed.get(whose["uuid"]), stuck.get(whose["uuid"])
    if owner is None:
        yield Stuck("general-encounter", row["uuid"], "belongs to somebody who is not there yet")
        return
    is_new = filed is None  # what got through once is only asked for again when it is compared anew
    if whose["voided"]:
        yield Stuck("general-encounter", row["uuid"], "belongs to somebody voided", is_told=is_new)
    if reason and reason.holds_others:
        yield Stuck("general-encounter", row["uuid"], f"belongs to somebody who {reason.why}", is_told=is_new)
    if facts.number(whose) != owner.number:
        yield Stuck("general-encounter", row["uuid"], "belongs to somebody without the number", is_told=False)
    if filed and (why := facts.who_took_it(filed.encounter, filed.patient, owner.number)):
        yield Stuck("general-encounter", row["uuid"], why)
    if is_new and facts.bahmni.visits[facts.bahmni.encounters[owner.encounter]["visit"]]["voided"]:
        yield Stuck("general-encounter", row["uuid"], "belongs to somebody whose visit is voided")
    if is_new and (why := facts.what_became_of(owner.patient, owner.number)):
        yield Stuck("general-encounter", row["uuid"], why)
