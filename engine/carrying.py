"""A set of changes on its way across: fetch what the page did not carry, then hand over in lanes, without the database.

Same patient in order, different patients side by side, at most as many requests at a time as a connection allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, TypeVar

from django.db import connection

from common import clock
from common.http_errors import RemoteError, SignInFailed, Unreachable
from common.outcome import Outcome
from engine import lanes
from engine.commit import as_known, load_parents
from engine.faults import Faults
from engine.handing_over import LeaseTooShort, Pen, Result, explain_remote, hand_over, not_before, where
from engine.patience import Patience, Silent
from engine.ports import NOT_LISTED, Change, Decided, Handover, JsonObject, Known, Parent, Plan
from syncstatus.models import Link

Answer = TypeVar("Answer", Result, Change | Result)

Failures = list[BaseException]
"""What ended the work early; empty when every change has its result."""


class TimeIsUp(Exception):
    """No further change is begun; those left stay as they are."""


@dataclass(frozen=True)
class Carrier:
    """One stream's way across, for as long as `may_write` says so."""

    tenant_id: int
    handover: Handover[Any]
    may_write: Callable[[], bool]
    fetch_limit: int
    write_limit: int
    version: Callable[[JsonObject], str] | None = None
    """The version of a record that was fetched, for a source whose records are compared by it (`Walked.version`)."""
    end: float = inf
    """Time of the monotonic clock after which no further change is begun; half of what is left is for fetching."""
    decided: Mapping[str, tuple[Decided, ...]] = field(default_factory=dict)
    """What people decided about these records."""
    allow: Callable[[str, Plan], None] = lambda entity_id, plan: None
    """Asked before a plan is carried out; see `Pen`."""
    is_up: Callable[[Unreachable], bool] = lambda failure: False
    """See `Pen`."""
    faults: Faults | None = None
    """Counts the records at which the service itself fails."""
    rehearses: bool = False
    """Plan only: nothing is written."""

    def carry(
        self, changes: Mapping[str, Change], links: Mapping[str, Link], patience: Patience
    ) -> tuple[list[Result], Failures]:
        """Results of the changes (by entity id); those that the servers, the lease or `end` cut short have none."""
        failures: Failures = []
        now = clock.monotonic()
        fetched, results = self._fetch(changes, patience, failures, _Turn(now + (self.end - now) / 2))
        parents = self._parents(fetched)
        queues: dict[str, list[str]] = {}
        for entity_id in changes:
            if entity_id in fetched:
                queues.setdefault(self._lane(fetched[entity_id]), []).append(entity_id)
        pen, turn = Pen(self.may_write, self.rehearses, self.allow, self.is_up), _Turn(self.end)

        def work(entity_id: str) -> Result:
            turn.begin()
            self._begin()
            decided = self.decided.get(entity_id, ())
            known, parent = as_known(links.get(entity_id), decided), parents.get(entity_id)
            result = hand_over(fetched[entity_id], known, parent, self.handover, pen)
            patience.note(entity_id, result.message, result.params)
            self._count(result)
            return replace(result, decided=decided)

        done, failure = lanes.run(queues.values(), work, limit=self.write_limit)
        return [*results, *_without_the_unanswered(done, failure, patience, failures).values()], failures

    def _fetch(
        self, changes: Mapping[str, Change], patience: Patience, failures: Failures, turn: _Turn
    ) -> tuple[dict[str, Change], list[Result]]:
        carried = {entity_id: change for entity_id, change in changes.items() if change.record is not None}
        fetched = {entity_id: self._versioned(change) for entity_id, change in carried.items()}
        results = []
        missing = [[entity_id] for entity_id in changes if entity_id not in fetched]

        def fetch(entity_id: str) -> Change | Result:
            turn.begin()
            self._begin()
            if not self.may_write():
                raise LeaseTooShort
            answer = fetch_one(changes[entity_id], self.handover, self.is_up)
            if isinstance(answer, Result):
                patience.note(entity_id, answer.message, answer.params)
                self._count(answer)
                return answer
            patience.note(entity_id, "")
            return self._versioned(answer)

        if missing:
            answers, failure = lanes.run(missing, fetch, limit=self.fetch_limit)
            for entity_id, answer in _without_the_unanswered(answers, failure, patience, failures).items():
                if isinstance(answer, Result):
                    results.append(answer)
                else:
                    fetched[entity_id] = answer
        return fetched, results

    def _begin(self) -> None:
        if self.faults:
            self.faults.begin()

    def _count(self, result: Result) -> None:
        if self.faults:
            self.faults.note(result.change.entity_id, result.message, result.params)

    def _versioned(self, change: Change) -> Change:
        if self.version is None or change.record is None or change.version == NOT_LISTED:
            return change
        with suppress(Exception):  # `want` will say what is wrong with it
            return replace(change, version=self.version(change.record))
        return change

    def _parents(self, fetched: Mapping[str, Change]) -> dict[str, Known]:
        """What the ledger knows of the records that these hang on: one statement for all."""
        parents: dict[str, Parent] = {}
        for entity_id, change in fetched.items():
            with suppress(Exception):  # `want` will say what is wrong with it
                if parent := self.handover.parent(change):
                    parents[entity_id] = parent
        known = load_parents(self.tenant_id, parents)
        if parents:
            give_connection_back()
        return known

    def _lane(self, change: Change) -> str:
        try:
            return self.handover.lane(change)
        except Exception:  # noqa: BLE001  # its own lane; `want` will say what is wrong with it
            return change.entity_id


@dataclass
class _Turn:
    """Lets changes be begun until its end, and at least one, however late it is."""

    end: float
    has_begun: bool = False

    def begin(self) -> None:
        """Raises TimeIsUp."""
        if self.has_begun and clock.monotonic() >= self.end:
            raise TimeIsUp
        self.has_begun = True


def fetch_one(
    change: Change, handover: Handover[Any], is_up: Callable[[Unreachable], bool] = lambda failure: False
) -> Change | Result:
    """The change with the record as it is now, or the result when there is none. Raises Unreachable, SignInFailed."""
    try:
        record = handover.fetch(change.entity_id)
    except SignInFailed:
        raise
    except RemoteError as failure:
        if isinstance(failure, Unreachable) and not is_up(failure):
            raise
        return Result(change, Outcome.FAILED, *explain_remote(failure), due=not_before(failure))
    except Exception as bug:  # noqa: BLE001  # the barrier around one record
        return Result(change, Outcome.FAILED, "engine.unexpected", where(bug))
    return replace(change, record=record) if record is not None else Result(change, Outcome.SKIPPED, "remote.gone")


def give_connection_back() -> None:
    """A batch may wait for servers for minutes; its database connection serves others meanwhile."""
    if not connection.in_atomic_block:  # only in tests, which wrap everything
        connection.close()


def _without_the_unanswered(
    answers: dict[str, Answer], failure: BaseException | None, patience: Patience, failures: Failures
) -> dict[str, Answer]:
    """What lanes brought; when they stopped because nobody was answered any more, without those records."""
    failures += [failure] if failure else []
    silent = patience.unanswered if isinstance(failure, Silent) else ()
    return {entity_id: answer for entity_id, answer in answers.items() if entity_id not in silent}


def without_result(changes: Mapping[str, Change], results: Iterable[Result]) -> set[str]:
    """Ids of the changes that were left unfinished."""
    return set(changes) - {result.change.entity_id for result in results}
