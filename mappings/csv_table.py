"""A table as CSV for spreadsheets: cells that would run as formulas are guarded, what cannot be read is refused.

A cell that a spreadsheet would run as a formula leaves with an apostrophe in front and loses it on the way back, so
that a file may travel through a spreadsheet and return unchanged.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

_FORMULA: Final = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
"""A cell some spreadsheet takes for a formula, or one that was guarded against that before."""


def write(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table as CSV (RFC 4180) with a header."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([guarded(cell) for cell in row])
    return text.getvalue()


def read(
    text: str, columns: Sequence[str], needed: Collection[str], refused: list[tuple[int, str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, cells by column) of each row that is not empty; what cannot be read goes to `refused` as (line, why)."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), _dialect(text), strict=True)
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        trouble = _header_trouble(header, columns, needed)
        if trouble:
            refused.append((1, trouble))
            return
        end = lines.line_num
        for cells in lines:
            line, end = end + 1, lines.line_num
            if not any(cells):
                continue
            if len(cells) != len(header):
                refused.append((line, f"has {len(cells)} cells instead of {len(header)}"))
                continue
            yield line, {name: bare(cell) for name, cell in zip(header, cells, strict=True)}
    except csv.Error as failure:
        refused.append((lines.line_num, f"not CSV: {failure}"))


def guarded(cell: str) -> str:
    """The cell as no spreadsheet runs it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def bare(cell: str) -> str:
    """The cell as it was before `guarded`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _dialect(text: str) -> type[csv.Dialect]:
    """Comma, or what a spreadsheet in another language puts instead: told by the header."""
    header = text.partition("\n")[0]

    class Dialect(csv.excel):
        delimiter = max(",;\t", key=header.count)

    return Dialect


def _header_trouble(header: list[str], columns: Sequence[str], needed: Collection[str]) -> str:
    lacking = sorted(set(needed) - set(header))
    if lacking:
        return f"the first line lacks the columns {', '.join(lacking)}; take those of an export"
    strange = [name for name in header if name not in columns]
    if strange:
        return f"there is no column {strange[0]!r}; the columns are {', '.join(columns)}"
    if len(set(header)) < len(header):
        return "a column stands there twice"
    return ""
