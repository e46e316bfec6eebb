"""What the demo prints: a table that adds up, and the records in error by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from demo.service import Open, Tally
from simulators.scenario import Planted

__all__ = ["errors", "progress", "table"]


def progress(tallies: Sequence[Tally]) -> str:
    """One line while the worker works."""
    return " · ".join(f"{tally.stream}: {tally.read} read, {tally.writes} written" for tally in tallies)


def table(tallies: Sequence[Tally]) -> Iterator[str]:
    """Streams by outcomes; each row's outcomes add up to what was read."""
    names = list(tallies[0].outcomes) if tallies else []
    head = ["stream", "read", *names, "target writes"]
    rows = [[tally.stream, tally.read, *tally.outcomes.values(), tally.writes] for tally in tallies]
    rows.append(["together", *(sum(column) for column in list(zip(*rows, strict=True))[1:])])
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in (head, *cells)) for place in range(len(head))]
    yield _line(head, widths)
    yield "-+-".join("-" * width for width in widths)
    for row in cells:
        yield _line(row, widths)
    yield ""
    for tally in tallies:
        parts = [f"{number} {name}" for name, number in tally.outcomes.items() if number]
        sign = "=" if tally.adds_up else "is NOT"
        yield f"{tally.stream}: {tally.read} read {sign} {' + '.join(parts)}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
    return " | ".join([first.strip().ljust(widths[0]), *others])


def errors(
    planted: Sequence[Planted], waiting: Sequence[Planted], records: Sequence[Open], web_url: str
) -> Iterator[str]:
    """Each planted record by name: what the service says of it, and what mends it; then what waits for its people."""
    by_source = {(record.stream, record.source_id): record for record in records}
    for place, one in enumerate(planted, start=1):
        yield f"{place}. {one.person} ({one.stream}): {one.kind}"
        yield from _said_of(one, by_source.pop((one.stream, one.source_id), None), web_url)
    held_up = [record for one in waiting if (record := by_source.pop((one.stream, one.source_id), None))]
    for cause, number in Counter(record.explanation.cause for record in held_up).items():
        yield f"{number} encounters wait for their people: {cause}"
    for (stream, source_id), record in by_source.items():
        yield f"!  {stream} {source_id}, which nobody planted: {record.explanation.cause}"


def _said_of(planted: Planted, record: Open | None, web_url: str) -> Iterator[str]:
    if record is None:
        yield "   The service says nothing of this record!"
        return
    yield f"   {record.explanation.cause}"
    yield f"   {record.explanation.remedy}"
    if planted.mend:
        yield "   MEND THIS ONE IN THE ADMIN:"
        yield f"     1. Open {web_url}/admin/errors/errorrecord/{record.pk}/change/"
        pair = f"Avni {planted.mend.avni_value}, Bahmni {planted.mend.int_system_value}"
        yield f'     2. "Add the missing mapping": {pair}'
        yield '     3. Save, then "Retry now". In a moment it is gone from the list.'
