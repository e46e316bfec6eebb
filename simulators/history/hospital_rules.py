"""Why a record of Bahmni does not get through to Avni: each rule yields all of its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulators.comparer.memory import Placed
from simulators.comparer.tables import Row
from simulators.history.facts import Facts, Stuck

__all__ = ["consultation", "patient"]

Reasons = Iterator[Stuck]


def patient(row: Row, facts: Facts) -> Reasons:
    """A patient, created by the service or not."""
    placed = facts.memory.placed.get(row["uuid"])
    identifier = facts.bahmni.preferred_identifier(row)
    if row["voided"]:
        if placed and any(facts.both.in_avni(one) for one in facts.marks[row["uuid"]]):
            yield Stuck("patient", row["uuid"], "is voided, but people answered in it", holds_others=True)
        return
    if not identifier.startswith(facts.pairs.prefix):
        if placed:
            why = "is no patient of the programme any more"
            yield Stuck("patient", row["uuid"], why, is_told=False, holds_others=True)
        return
    if facts.has_the_unmapped(row["uuid"]):
        yield Stuck("patient", row["uuid"], "has an attribute nobody mapped")
    number = identifier.removeprefix(facts.pairs.prefix)
    if placed:
        yield from _of_one_in_avni(row, number, placed, facts)
    else:
        yield from _of_a_new_patient(row, number, facts)


def _of_a_new_patient(row: Row, number: str, facts: Facts) -> Reasons:
    subjects = facts.avni.with_number(facts.pairs.number, number, facts.pairs.subject_type)
    if len(subjects) != 1:
        yield Stuck("patient", row["uuid"], f"has a number of {len(subjects)} subjects", holds_others=True)
    elif not facts.are_alike(subjects[0], row["uuid"]):
        yield Stuck("patient", row["uuid"], "has the number of a subject who is somebody else", holds_others=True)


def _of_one_in_avni(row: Row, number: str, placed: Placed, facts: Facts) -> Reasons:
    if number != placed.number:
        why = "has another number than when it was registered in Avni"
        yield Stuck("patient", row["uuid"], why, holds_others=True)
    marked = facts.marks[row["uuid"]]
    registration = next(one for one in marked if one["kind"] == facts.pairs.hospital_registration)
    if facts.is_voided_by_people(registration):
        yield Stuck("patient", row["uuid"], "was voided in Avni by a person", holds_others=True)
    if found := facts.both.in_avni(registration):
        why = "was answered otherwise in Avni"
        yield Stuck("patient", row["uuid"], why, is_told=found.is_sure, holds_others=True)
    subject = facts.avni.subjects[placed.subject]
    if subject["voided"] or facts.number(subject) != number:
        why = "is registered at somebody who has not its number now"
        yield Stuck("patient", row["uuid"], why, is_told=False, holds_others=True)


def consultation(row: Row, facts: Facts, stuck: Mapping[str, Stuck]) -> Reasons:
    """An encounter that clinicians entered. `stuck`: what is known of the patients already."""
    parts = [facts.pairs.forms[top["concept"]] for top in facts.forms_in(row["uuid"])]
    patient = facts.bahmni.patients[row["patient"]]
    identifier = facts.bahmni.preferred_identifier(patient)
    reason = stuck.get(row["patient"])
    changed = [found for one in facts.marks[row["uuid"]] if (found := facts.both.in_avni(one))]
    if row["voided"] or not parts or not identifier.startswith(facts.pairs.prefix):
        if changed:
            is_told = not reason and not patient["voided"] and identifier.startswith(facts.pairs.prefix)
            yield Stuck("encounter", row["uuid"], "is gone, but people answered in it", is_told=is_told)
        return
    if facts.holds_the_unmapped(row["uuid"]):
        yield Stuck("encounter", row["uuid"], "gives an answer nobody mapped")
    if changed:
        is_told = not reason and any(found.is_sure for found in changed)
        yield Stuck("encounter", row["uuid"], "was answered otherwise in Avni", is_told=is_told)
    if row["patient"] not in facts.memory.placed:
        yield Stuck("encounter", row["uuid"], "belongs to a patient who is not in Avni yet")
    if reason and reason.holds_others:
        yield Stuck("encounter", row["uuid"], f"belongs to a patient who {reason.why}", is_told=False)
    for kind in set(parts):
        written = [one for one in facts.marks[row["uuid"]] if one["kind"] == kind]
        if any(facts.is_voided_by_people(one) for one in written[: parts.count(kind)]):
            yield Stuck("encounter", row["uuid"], "was voided in Avni by a person")
        if kind in facts.pairs.in_programs and any(
            facts.avni.enrolments[one["enrolment"]]["voided"] for one in written
        ):
            yield Stuck("encounter", row["uuid"], "stands in an enrolment that was voided", is_told=False)
