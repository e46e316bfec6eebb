"""All patients of the programme, found by the beginnings of their numbers. The way through is pure.

The hospital lists patients by the beginning of a number and cuts long lists (openmrs.md O49, O180). So a beginning
whose list may be cut is split into longer ones, one per character that may follow, until each list is whole. A list is
read in one request, or in none that counts: numbers given meanwhile shift nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase, digits
from typing import Any, Final

from bahmni.kinds import LONGEST_NUMBER
from bahmni.openmrs import OpenMRSClient

MAY_FOLLOW: Final = f"{digits}{ascii_uppercase}-/. "
"""Characters of a number, case ignored. `%` and `_` stand for any others there and cannot be asked for (O49)."""

LISTED: Final = 100
"""Rows of one request: the smallest bound in use (O15)."""

CUT_AT: Final = 1000
"""Rows after which a site cuts a list whatever is asked (O180); it may be set lower, though not below `LISTED`."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """What one request for a beginning brought, and whether that is everything."""

    rows: Sequence[Row]
    is_whole: bool


@dataclass(frozen=True)
class Step:
    """One beginning gone through: the patients it brought, and the beginnings that are left."""

    beginning: str
    rows: Sequence[Row]
    left: tuple[str, ...]
    is_whole: bool


Ask = Callable[[str], Listing]


def steps(left: Sequence[str], starting: Ask, exactly: Ask) -> Iterator[Step]:
    """Go through the beginnings in `left`, and through what they are split into.

    `starting` lists the numbers that begin so; `exactly` those that are just that, others beside them do no harm.
    """
    remaining = tuple(left)
    while remaining:
        beginning, *rest = remaining
        listing = starting(beginning)
        if listing.is_whole or len(beginning) >= LONGEST_NUMBER:
            remaining = tuple(rest)
            yield Step(beginning, listing.rows, remaining, listing.is_whole)
            continue
        longer = tuple(beginning + character for character in MAY_FOLLOW)
        remaining = (*longer, *rest)
        short = {
            row["uuid"]: row
            for row in (*listing.rows, *exactly(beginning).rows)
            if _begins(row, beginning) and not any(_begins(row, one) for one in longer)
        }
        yield Step(beginning, tuple(short.values()), remaining, is_whole=False)


def listing_of(openmrs: OpenMRSClient, v: str) -> tuple[Ask, Ask]:
    """The two questions of `steps`, asked of a hospital. Voided patients are listed, too (O49, O43)."""

    def ask(params: Mapping[str, str]) -> Listing:
        rows, is_last = openmrs.first("/patient", {**params, "v": v, "limit": str(LISTED)})
        return Listing(rows, is_last and len(rows) < CUT_AT)

    def starting(beginning: str) -> Listing:
        return ask({"identifier": beginning, "searchType": "start", "includeAll": "true"})

    def exactly(number: str) -> Listing:
        return ask({"identifier": number})

    return starting, exactly


def _begins(row: Row, beginning: str) -> bool:
    numbers = (str(one.get("identifier") or "") for one in row.get("identifiers") or ())
    return any(number.casefold().startswith(beginning.casefold()) for number in numbers)
