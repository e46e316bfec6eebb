"""Records that end the process which handles them: found by counting, handled alone, and at last set aside.

A worker that is lost while a batch is under way leaves the ids in its lease, and each is counted a death against
(`engine.suspects`). From then on its batch is handed over one by one, with the one in hand written down before each, so
that further deaths count against that one alone. At the third one it is parked: held, untouched, until a person has it
retried. So a killer costs three take-overs at most, and nobody is convicted by the company they keep: two of the three
were met alone. Nothing is counted while a page is read, nor while a batch is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from common.outcome import Outcome
from engine.handing_over import Result
from engine.ports import Change
from errors.catalogue import WORKER_LOST
from errors.models import ErrorRecord, ErrorState

MOST: Final = 3
"""Workers that may be lost in a row while they handle one record."""

_WAITS_FOR_A_PERSON: Final = (ErrorState.HELD, ErrorState.IGNORED, ErrorState.CLOSED, ErrorState.APART)

Carry = Callable[[Mapping[str, Change]], tuple[list[Result], list[BaseException]]]


def parked(
    changes: Mapping[str, Change], errors: Mapping[str, ErrorRecord], deaths: Mapping[str, int]
) -> list[Result]:  # fmt: skip
    """What becomes of those that are not to be touched, of these changes (by entity id)."""
    return [
        Result(change, Outcome.HELD, WORKER_LOST, {"times": str(MOST)})
        for entity_id, change in changes.items()
        if deaths.get(entity_id, 0) >= MOST or _is_parked(errors.get(entity_id))
    ]


def is_feared(entity_id: str, errors: Mapping[str, ErrorRecord], deaths: Mapping[str, int]) -> bool:
    """Whether it may end the process: it was in hand when one was lost, or was parked before."""
    error = errors.get(entity_id)
    return entity_id in deaths or (
        error is not None and error.message == WORKER_LOST and error.state != ErrorState.RESOLVED
    )


def one_by_one(
    changes: Mapping[str, Change], carry: Carry, *, write_down: Callable[[str], None], may_begin: Callable[[], bool]
) -> tuple[list[Result], list[BaseException]]:
    """Hand changes over singly, in their order; `write_down` is told of each before it is touched.

    At least one, and while `may_begin`. Gives the results, and what ended it early.
    """
    results: list[Result] = []
    for entity_id, change in changes.items():
        if results and not may_begin():
            break
        write_down(entity_id)
        done, failures = carry({entity_id: change})
        results += done
        if failures:
            return results, failures
    return results, []


def _is_parked(error: ErrorRecord | None) -> bool:
    return error is not None and error.message == WORKER_LOST and error.state in _WAITS_FOR_A_PERSON
