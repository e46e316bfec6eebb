"""Why an enrolment or program encounter of Avni does not get through to Bahmni: each rule yields all of its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulators.comparer.memory import Filed, exit_of
from simulators.comparer.tables import Row
from simulators.history.facts import Facts, Stuck

__all__ = ["enrolment", "program_visit"]

Reasons = Iterator[Stuck]

STREAM = "program-encounter"


def enrolment(row: Row, facts: Facts, stuck: Mapping[str, Stuck]) -> Reasons:
    """An enrolment in a program that travels. `stuck`: what is known of the subjects already."""
    uuid = row["uuid"]
    begin, end = facts.memory.filed.get(uuid), facts.memory.filed.get(exit_of(uuid))
    ours = [one for one in (begin, end) if one]
    standing = [one for one in ours if not facts.bahmni.encounters[one.encounter]["voided"]]
    if row["voided"]:
        yield from _of_a_voided_enrolment(uuid, begin, standing, facts)
        return
    others = list(_of_its_subject("enrolment", row, facts, stuck))
    yield from others
    if begin is None:
        return
    for found in filter(None, (facts.answered_otherwise(one) for one in (uuid, exit_of(uuid)))):
        is_told = found.is_sure and not others
        why = "was answered otherwise in Bahmni"
        yield Stuck("enrolment", uuid, why, is_told=is_told, holds_others=True)
    if why := facts.who_took_it(begin.encounter, begin.patient, begin.number):
        yield Stuck("enrolment", uuid, why, holds_others=True)
    visit = facts.bahmni.visits[facts.bahmni.encounters[begin.encounter]["visit"]]
    if visit["voided"] and visit["audit"]["voided_by"] != facts.ours.user:
        yield Stuck("enrolment", uuid, "stands in a visit that somebody voided", holds_others=True)
    if end and row["exit_ms"] is not None and facts.who_took_it(end.encounter, end.patient, end.number):
        yield Stuck("enrolment", uuid, "has an exit that was voided in Bahmni by a person", holds_others=True)
    exits = [one for one in standing if one is end]
    if row["exit_ms"] is None and any(facts.is_shared(one.encounter) for one in exits):
        yield Stuck("enrolment", uuid, "has no exit any more, but people wrote beside it", holds_others=True)


def _of_a_voided_enrolment(uuid: str, begin: Filed | None, standing: list[Filed], facts: Facts) -> Reasons:
    if any(facts.is_shared(one.encounter) for one in standing):
        yield Stuck("enrolment", uuid, "is voided, but people wrote beside it")
    if any(facts.answered_otherwise(one) for one in (uuid, exit_of(uuid))):
        yield Stuck("enrolment", uuid, "is voided, but people answered in it")
    if begin and (why := facts.what_became_of(begin.patient, begin.number)):
        yield Stuck("enrolment", uuid, why, is_told=bool(standing))


def program_visit(row: Row, facts: Facts, stuck: Mapping[str, Stuck]) -> Reasons:
    """A program encounter of a type that travels. `stuck`: what is known of subjects and enrolments already."""
    filed = facts.memory.filed.get(row["uuid"])
    if row["voided"] or row["encounter_ms"] is None:
        yield from _of_one_that_goes(row, filed, facts)
        return
    whose = facts.avni.enrolments[row["enrolment"]]
    begin, reason = facts.memory.filed.get(whose["uuid"]), stuck.get(whose["uuid"])
    if begin is None:
        if facts.is_program(whose["kind"]):
            yield Stuck(STREAM, row["uuid"], "belongs to an enrolment that is not there yet")
        return
    if whose["voided"]:
        yield Stuck(STREAM, row["uuid"], "belongs to an enrolment that is voided", is_told=filed is None)
    if reason:
        yield Stuck(STREAM, row["uuid"], f"belongs to an enrolment that {reason.why}", is_told=False)
    if found := facts.answered_otherwise(row["uuid"]):
        is_told = found.is_sure and not reason and not whose["voided"]
        yield Stuck(STREAM, row["uuid"], "was answered otherwise in Bahmni", is_told=is_told)
    if filed and (why := facts.who_took_it(filed.encounter, filed.patient, begin.number)):
        yield Stuck(STREAM, row["uuid"], why, is_told=not reason and not whose["voided"])
    elif why := facts.what_became_of(begin.patient, begin.number):
        yield Stuck(STREAM, row["uuid"], why, is_told=False)


def _of_one_that_goes(row: Row, filed: Filed | None, facts: Facts) -> Reasons:
    """It is voided, or did not take place."""
    if filed is None:
        return
    stands = facts.is_standing(row["uuid"])
    if not row["voided"]:
        # One that went with the visit of its enrolment comes back with it.
        is_told = not facts.is_voided_by_us(filed.encounter)
        yield Stuck(STREAM, row["uuid"], "did not take place after all", is_told=is_told)
        return
    if stands and facts.is_shared(filed.encounter):
        yield Stuck(STREAM, row["uuid"], "is voided, but people wrote beside it")
    if stands and facts.answered_otherwise(row["uuid"]):
        yield Stuck(STREAM, row["uuid"], "is voided, but people answered in it")
    if why := facts.who_took_it(filed.encounter, filed.patient, filed.number):
        yield Stuck(STREAM, row["uuid"], why, is_told=stands)


def _of_its_subject(stream: str, row: Row, facts: Facts, stuck: Mapping[str, Stuck]) -> Reasons:
    whose, is_new = facts.avni.subjects[row["subject"]], row["uuid"] not in facts.memory.filed
    owner, reason = facts.memory.filed.get(whose["uuid"]), stuck.get(whose["uuid"])
    if owner is None:
        yield Stuck(stream, row["uuid"], "belongs to somebody who is not there yet", holds_others=True)
        return
    if whose["voided"]:
        yield Stuck(stream, row["uuid"], "belongs to somebody voided", is_told=is_new, holds_others=True)
    if reason and reason.holds_others:
        why = f"belongs to somebody who {reason.why}"
        yield Stuck(stream, row["uuid"], why, is_told=is_new, holds_others=True)
    if facts.number(whose) != owner.number:
        yield Stuck(stream, row["uuid"], "belongs to somebody without the number", is_told=False, holds_others=True)
    if is_new and (why := facts.what_became_of(owner.patient, owner.number)):
        yield Stuck(stream, row["uuid"], why, holds_others=True)
