"""Which records must not have got through by now, or wait for a person: worked out from the two stores alone.

The rules are those that people are told (docs/encounters.md): a number that changed, two people with one number, what
somebody voided on the other side, an answer without a partner, somebody who is not there yet. Nothing here knows how
the service comes to its verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulators.comparer import Memory
from simulators.comparer.findings import State
from simulators.history import field_rules, hospital_rules, program_rules
from simulators.history.facts import Facts, Stuck
from simulators.scenario import Scenario

__all__ = ["Oracle"]


class Oracle:
    """Goes through every record of both sides, those first that others hang on."""

    def __init__(self, avni: State, bahmni: State, memory: Memory, made: Scenario) -> None:
        """`avni`, `bahmni`: what both stores dumped now; `memory`: what was seen on the way."""
        self.facts = Facts(avni, bahmni, memory, made)
        self.stuck: dict[str, Stuck] = {}
        """By uuid of the record."""
        for reasons in self._records():
            if stuck := _together(list(reasons)):
                self.stuck[stuck.uuid] = stuck

    def never_through(self) -> frozenset[str]:
        """Uuids of the stuck records for which nothing ever stood on the other side."""
        return frozenset(one for one in self.stuck if not self._ever_stood(one))

    def left_as_they_are(self) -> frozenset[str]:
        """Uuids of the stuck records that got through once: what stands for them stands as it was then."""
        return frozenset(self.stuck) - self.never_through()

    def told(self) -> frozenset[tuple[str, str]]:
        """(stream, uuid) of every record that must be an open error."""
        return frozenset((one.stream, one.uuid) for one in self.stuck.values() if one.is_told)

    def may_be_told(self) -> frozenset[tuple[str, str]]:
        """(stream, uuid) of every record that may be an open error; no other one may."""
        return frozenset((one.stream, one.uuid) for one in self.stuck.values())

    def _records(self) -> Iterator[Iterator[Stuck]]:
        """The reasons of each, owners before what hangs on them."""
        facts, pairs, stuck = self.facts, self.facts.pairs, self.stuck
        here, there = facts.avni, facts.bahmni
        people = (row for row in here.subjects.values() if row["kind"] == pairs.subject_type)
        yield from (field_rules.subject(row, facts) for row in people)
        yield from (hospital_rules.patient(row, facts) for row in there.patients.values())
        visits = (row for row in here.encounters.values() if row["kind"] in pairs.visits)
        yield from (field_rules.visit(row, facts, stuck) for row in visits)
        enrolments = (row for row in here.enrolments.values() if row["kind"] in pairs.programs)
        yield from (program_rules.enrolment(row, facts, stuck) for row in enrolments)
        visits = (row for row in here.program_encounters.values() if row["kind"] in pairs.program_visits)
        yield from (program_rules.program_visit(row, facts, stuck) for row in visits)
        theirs = (row for row in there.encounters.values() if row["audit"]["creator"] != facts.ours.user)
        yield from (hospital_rules.consultation(row, facts, stuck) for row in theirs)

    def _ever_stood(self, uuid: str) -> bool:
        return uuid in self.facts.memory.filed or bool(self.facts.marks.get(uuid))


def _together(reasons: list[Stuck]) -> Stuck | None:
    """One record with all the reasons for which it is stuck; None when there are none."""
    if not reasons:
        return None
    return replace(
        reasons[0],
        why=", ".join(one.why for one in reasons),
        is_told=any(one.is_told for one in reasons),
        holds_others=any(one.holds_others for one in reasons),
    )
