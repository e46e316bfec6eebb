"""Whether everything is on the other side that should be, exactly once, and nothing else was touched.

Reads the stores of both simulators as they dump them. It knows the product only by what it must bring about: the pairs
come from the scenario's own design, so that a mistake of the product's translators, mappings, links or counters cannot
hide behind itself.
"""

from __future__ import annotations

from collections.abc import Collection

from simulators.comparer.brought import Field
from simulators.comparer.enrolments import EnrolmentSide, ProgramVisitSide
from simulators.comparer.field import FieldSide
from simulators.comparer.filed import Hospital
from simulators.comparer.findings import Before, Finding, State
from simulators.comparer.hospital import HospitalSide
from simulators.comparer.left_over import strays_in_avni, strays_in_bahmni
from simulators.comparer.memory import Memory
from simulators.comparer.parts import PartSide
from simulators.comparer.tables import AvniTables, BahmniTables
from simulators.comparer.theirs import answers_of_people, notes_of_people
from simulators.comparer.untouched import foreign_rows
from simulators.comparer.visits import VisitSide
from simulators.scenario import Scenario

__all__ = ["Before", "Finding", "Memory", "State", "compare", "disagreements", "trespasses"]


def compare(
    before: Before, avni: State, bahmni: State, scenario: Scenario, in_error: Collection[str] | None = None
) -> list[Finding]:
    """Everything that is not as it should be; empty when all is well.

    `before`, `avni`, `bahmni`: what both stores dumped before the service ran and now. `in_error`: uuids of the
    subjects, patients and encounters that must *not* have got through; those the scenario planted, unless said
    otherwise (after one was mended, say). What belongs to a subject or patient in error must not either.
    """
    stuck = frozenset(planted.source_id for planted in scenario.planted) if in_error is None else frozenset(in_error)
    found = disagreements(before, avni, bahmni, scenario, stuck)
    return [*found, *foreign_rows(before.avni, avni, before.bahmni, bahmni, scenario.pairs)]


def disagreements(
    before: Before,
    avni: State,
    bahmni: State,
    scenario: Scenario,
    in_error: Collection[str],
    left: Collection[str] = frozenset(),
    memory: Memory | None = None,
) -> list[Finding]:
    """Where the two sides disagree; what others own is not looked at.

    After a long time, in which people corrected and voided: `left` are uuids of records that got through once and wait
    for a person now, so that what stands for them may be of any age; `memory` is what was seen on the way.
    """
    pairs, stuck, memory = scenario.pairs, frozenset(in_error), memory or Memory(scenario.pairs)
    avni_before, avni_now = (AvniTables(state, pairs.organisation) for state in (before.avni, avni))
    bahmni_before, bahmni_now = BahmniTables(before.bahmni), BahmniTables(bahmni)
    hospital = Hospital(bahmni_before, bahmni_now, pairs, memory)
    field = Field(avni_before, avni_now, bahmni_now, pairs, memory)
    sides = (HospitalSide, VisitSide, EnrolmentSide, ProgramVisitSide)
    in_bahmni = tuple(side(avni_now, hospital, stuck, left) for side in sides)
    in_avni = FieldSide(field, stuck, left), PartSide(field, stuck, left)
    found = [finding for side in (*in_bahmni, *in_avni) for finding in side.findings()]
    return [
        *found,
        *strays_in_bahmni(bahmni_before, bahmni_now, pairs, {uuid for side in in_bahmni for uuid in side.accounted}),
        *strays_in_avni(
            avni_before, avni_now, bahmni_now, pairs, {uuid for side in in_avni for uuid in side.accounted}
        ),
    ]


def trespasses(before: Before, avni: State, bahmni: State, scenario: Scenario, memory: Memory) -> list[Finding]:
    """What one look of the service changed that is people's own, `before` being both servers just before that look.

    `memory` is what was seen until then, this look not yet.
    """
    pairs = scenario.pairs
    found = foreign_rows(before.avni, avni, before.bahmni, bahmni, pairs)
    inside = {row["uuid"] for row in before.bahmni["encounters"] if row["audit"]["creator"] == pairs.hospital.user}
    notes = {f"obs in Bahmni {row['uuid']}" for row in before.bahmni["obs"] if row["encounter"] in inside}
    return [
        *(finding for finding in found if finding.who not in notes),  # these are judged by what they say
        *notes_of_people(before.avni, avni, before.bahmni, bahmni, pairs),
        *answers_of_people(before.avni, avni, before.bahmni, bahmni, memory),
    ]
