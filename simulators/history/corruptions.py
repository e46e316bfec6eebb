"""Ways in which what two servers hold may be spoilt, one at a time, as no person and no server would do it by itself.

    for name, spoilt in corruptions(avni, bahmni, memory, made, seed=1, number=100): ...

Each takes both dumped stores as they stand, in agreement, and gives them back with a single thing wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import Final

from simulators.comparer import Memory
from simulators.comparer.findings import State
from simulators.history.corruptions_in_avni import IN_AVNI
from simulators.history.corruptions_in_bahmni import IN_BAHMNI
from simulators.history.vandal import Corruption, Vandal
from simulators.scenario import Scenario

__all__ = ["KINDS", "Spoilt", "corruptions"]


@dataclass(frozen=True)
class Spoilt:
    """Both stores with one thing wrong, and what that is."""

    kind: str
    about: str
    avni: State
    bahmni: State


KINDS: Final[Mapping[str, Corruption]] = {one.__name__.replace("_", " "): one for one in (*IN_BAHMNI, *IN_AVNI)}
"""What may be wrong, by name."""


def corruptions(
    avni: State, bahmni: State, memory: Memory, made: Scenario, left: Iterable[str], *, seed: int, number: int
) -> Iterator[Spoilt]:
    """So many spoilt states, each kind in turn but for those for which there is nothing to spoil.

    `left`: uuids of records that wait for a person, of which nobody can say what should stand.
    """
    planted = 0
    for place, (kind, spoil) in enumerate(cycle(KINDS.items())):
        if planted == number or place > number + 10 * len(KINDS):
            return
        vandal = Vandal(avni, bahmni, memory, made.pairs, left, Random(seed * 1000 + place))
        with suppress(IndexError):  # nothing to choose from
            spoil(vandal)
            planted += 1
            yield Spoilt(kind, f"{seed * 1000 + place}", vandal.states["avni"], vandal.states["bahmni"])
