"""Whether everything is on the other side that should be, exactly once, and nothing else was touched.

Reads the stores of both simulators as they dump them. It knows the product only by what it must bring about: the pairs
come from the scenario's own design, so that a mistake of the product's translators, mappings, links or counters cannot
hide behind itself.
"""

from __future__ import annotations

from collections.abc import Collection

from simulators.comparer.field import FieldSide
from simulators.comparer.findings import Before, Finding, State
from simulators.comparer.hospital import HospitalSide
from simulators.comparer.tables import AvniTables, BahmniTables
from simulators.comparer.untouched import foreign_rows
from simulators.scenario import Scenario

__all__ = ["Before", "Finding", "compare"]


def compare(
    before: Before, avni: State, bahmni: State, scenario: Scenario, in_error: Collection[str] | None = None
) -> list[Finding]:
    """Everything that is not as it should be; empty when all is well.

    `before`, `avni`, `bahmni`: what both stores dumped before the service ran and now. `in_error`: uuids of the
    subjects and patients that must *not* have got through; those the scenario planted, unless said otherwise (after
    one was mended, say).
    """
    pairs = scenario.pairs
    stuck = frozenset(planted.source_id for planted in scenario.planted) if in_error is None else frozenset(in_error)
    avni_before, avni_now = (AvniTables(state, pairs.organisation) for state in (before.avni, avni))
    bahmni_before, bahmni_now = BahmniTables(before.bahmni), BahmniTables(bahmni)
    return [
        *HospitalSide(avni_now, bahmni_before, bahmni_now, pairs, stuck).findings(),
        *FieldSide(avni_before, avni_now, bahmni_now, pairs, stuck).findings(),
        *foreign_rows(before.avni, avni, before.bahmni, bahmni, pairs),
    ]
