"""The brake, as a decision: how much may be voided or overwritten before a person must look. Pure; no rows here.

Two things go wrong in silence otherwise: somebody voids three hundred records by mistake and the other side follows
within minutes; or records that people made are written over because a mapping or an identifier went astray.
What is counted is records, not writes, and only what would really be written: an empty plan counts nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from engine.ports import Plan

LEAST: Final = 20
"""So many records of a kind pass whatever the size of the flow."""
SHARE: Final = 100
"""One in so many of the flow's known links pass: 1 %."""


class Does(Enum):
    """What of a plan is counted."""

    VOID = "void"
    """A record of the target is voided."""
    OVERWRITE = "overwrite"
    """A record of the target that this tenant did not create is changed."""


class Halt(Exception):
    """Nothing more is written for this flow before a person has looked. Nobody's record is to blame."""


class TooMany(Halt):
    """One more would be more than may pass without a person's word."""


def limit_of(links: int) -> int:
    """How many records of a kind pass, of a flow with so many links to a target."""
    return max(LEAST, links // SHARE)


def counted_as(plan: Plan) -> Does | None:
    """How a plan counts; None for one that neither voids nor overwrites.

    What the same plan creates, or bears an id of ours (`Plan.created_by_us`), may be changed without being counted, and
    so may what only gets more room.
    """
    if any(write.verb == "void" for write in plan.writes):
        return Does.VOID
    made = {write.id for write in plan.writes if write.verb == "create"}  # by id: the next of its kind may be foreign
    changes = (write for write in plan.writes if write.verb in ("update", "unvoid") and not write.takes_nothing)
    foreign = any(write.id not in made and write.kind not in plan.created_by_us for write in changes)
    return Does.OVERWRITE if foreign else None


def why_of(plan: Plan) -> str:
    """The reasons of a plan's writes that count, for people; without values."""
    counts = [write.why for write in plan.writes if write.verb != "create"]
    return "; ".join(dict.fromkeys(counts))


@dataclass
class Tally:
    """The count of one look. Asked from several lanes at once.

    `before`: what the flow counted since its last clean look; `let_go`: records a person has let go on already, each
    with what was to become of it. A word for an overwrite is none for a void.
    """

    limit: int
    before: dict[Does, int] = field(default_factory=dict)
    let_go: Collection[tuple[str, Does]] = ()
    met: set[str] = field(default_factory=set)
    """Every record that voids or overwrites, counted or let go."""
    _counted: dict[Does, set[str]] = field(default_factory=lambda: {does: set() for does in Does})
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def allow(self, entity_id: str, plan: Plan) -> None:
        """Count a plan about to be carried out; a record counts once. Raises TooMany; then it must not be."""
        does = counted_as(plan)
        if does is None:
            return
        with self._lock:
            self.met.add(entity_id)
            if (entity_id, does) in self.let_go or any(entity_id in ids for ids in self._counted.values()):
                return
            if self.before.get(does, 0) + len(self._counted[does]) >= self.limit:
                raise TooMany
            self._counted[does].add(entity_id)

    def settle(self, written: Collection[str]) -> dict[Does, int]:
        """Turn what was counted since the last call into numbers, of the records in `written`; the others count anew.

        Called between batches, when no lane is at work.
        """
        numbers = {does: len(ids & set(written)) for does, ids in self._counted.items()}
        for does, number in numbers.items():
            self.before[does] = self.before.get(does, 0) + number
            self._counted[does].clear()
        return numbers


@dataclass(frozen=True)
class Planned:
    """A record that waits at the brake, and what would become of it."""

    entity_id: str
    does: Does
    why: str


def listed(plans: Iterator[tuple[str, Plan]], let_go: Collection[tuple[str, Does]]) -> Iterator[Planned]:
    """Those of the plans (by entity) that would have to wait."""
    for entity_id, plan in plans:
        does = counted_as(plan)
        if does and (entity_id, does) not in let_go:
            yield Planned(entity_id, does, why_of(plan))
