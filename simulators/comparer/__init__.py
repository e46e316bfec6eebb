"""Whether everything is on the other side that should be, exactly once, and nothing else was touched.

Reads the stores of both simulators as they dump them. It knows the product only by what it must bring about: the pairs
come from the scenario's own design, so that a mistake of the product's translators, mappings, links or counters cannot
hide behind itself.
"""

from __future__ import annotations

from collections.abc import Collection

from simulators.comparer.brought import Field
from simulators.comparer.field import FieldSide
from simulators.comparer.filed import Hospital
from simulators.comparer.findings import Before, Finding, State
from simulators.comparer.hospital import HospitalSide
from simulators.comparer.left_over import strays_in_avni, strays_in_bahmni
from simulators.comparer.parts import PartSide
from simulators.comparer.tables import AvniTables, BahmniTables
from simulators.comparer.untouched import foreign_rows
from simulators.comparer.visits import VisitSide
from simulators.scenario import Scenario

__all__ = ["Before", "Finding", "compare"]


def compare(
    before: Before, avni: State, bahmni: State, scenario: Scenario, in_error: Collection[str] | None = None
) -> list[Finding]:
    """Everything that is not as it should be; empty when all is well.

    `before`, `avni`, `bahmni`: what both stores dumped before the service ran and now. `in_error`: uuids of the
    subjects, patients and encounters that must *not* have got through; those the scenario planted, unless said
    otherwise (after one was mended, say). What belongs to a subject or patient in error must not either.
    """
    pairs = scenario.pairs
    stuck = frozenset(planted.source_id for planted in scenario.planted) if in_error is None else frozenset(in_error)
    avni_before, avni_now = (AvniTables(state, pairs.organisation) for state in (before.avni, avni))
    bahmni_before, bahmni_now = BahmniTables(before.bahmni), BahmniTables(bahmni)
    hospital, field = Hospital(bahmni_before, bahmni_now, pairs), Field(avni_before, avni_now, bahmni_now, pairs)
    in_bahmni = HospitalSide(avni_now, hospital, stuck), VisitSide(avni_now, hospital, stuck)
    in_avni = FieldSide(field, stuck), PartSide(field, stuck)
    found = [finding for side in (*in_bahmni, *in_avni) for finding in side.findings()]
    return [
        *found,
        *strays_in_bahmni(bahmni_before, bahmni_now, pairs, {uuid for side in in_bahmni for uuid in side.accounted}),
        *strays_in_avni(avni_before, avni_now, pairs, {uuid for side in in_avni for uuid in side.accounted}),
        *foreign_rows(before.avni, avni, before.bahmni, bahmni, pairs),
    ]
