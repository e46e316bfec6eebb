"""Whether the demo went as it should: all on the other side by both stores, and only the planted records in error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from demo.service import Open, Tally
from simulators.comparer import Finding
from simulators.scenario import Planted

__all__ = ["complaints"]

ENOUGH = {"subject": 200, "patient": 200, "general-encounter": 400, "encounter": 400}
"""So many of each stream, by key, must have got through."""


def complaints(
    tallies: Sequence[Tally], records: Sequence[Open], stuck: Sequence[Planted], findings: Sequence[Finding]
) -> Iterator[str]:
    """Everything that is not as it should be, in words; nothing when all is well. `stuck`: what must be in error."""
    for key in ENOUGH.keys() - {tally.key for tally in tallies}:
        yield f"{key}: nothing was read"
    for tally in tallies:
        if not tally.adds_up:
            yield f"{tally.stream}: the outcomes do not add up to {tally.read} read"
        if tally.outcomes["created"] < ENOUGH.get(tally.key, 0):
            yield f"{tally.stream}: only {tally.outcomes['created']} got through"
    expected = {(one.stream, one.source_id, one.message, one.state) for one in stuck}
    there = {(record.stream, record.source_id, record.message, record.state) for record in records}
    for stream, source_id, message, state in sorted(expected - there):
        yield f"{stream} {source_id} should be in error: {message}, {state}"
    for stream, source_id, message, state in sorted(there - expected):
        yield f"{stream} {source_id} should not be in error: {message}, {state}"
    for finding in findings:
        yield str(finding)
