"""Whether the demo went as it should: all on the other side by both stores, and only the planted records in error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from demo.service import Open, Tally
from simulators.comparer import Finding
from simulators.scenario import Planted

__all__ = ["complaints"]

ENOUGH = {"Subjects": 200, "Patients": 200}
"""So many of these streams must have got through. Encounters the hospital wrote for itself have no mapped form."""


def complaints(
    tallies: Sequence[Tally], records: Sequence[Open], planted: Sequence[Planted], findings: Sequence[Finding]
) -> Iterator[str]:
    """Everything that is not as it should be, in words; nothing when all is well."""
    for tally in tallies:
        if not tally.adds_up:
            yield f"{tally.stream}: the outcomes do not add up to {tally.read} read"
        if tally.outcomes["created"] < ENOUGH.get(tally.stream, 0):
            yield f"{tally.stream}: only {tally.outcomes['created']} got through"
    expected = {(one.stream, one.source_id, one.message, one.state) for one in planted}
    there = {(record.stream, record.source_id, record.message, record.state) for record in records}
    for stream, source_id, message, state in sorted(expected - there):
        yield f"{stream} {source_id} should be in error: {message}, {state}"
    for stream, source_id, message, state in sorted(there - expected):
        yield f"{stream} {source_id} should not be in error: {message}, {state}"
    for finding in findings:
        yield str(finding)
