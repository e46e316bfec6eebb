"""A history as a list of steps. Each decides by a number of its own what it draws, so that any may be cut out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

__all__ = ["LOOK", "Step", "shortest", "steps_of"]

LOOK = "the service looks"
"""The kind of the steps at which the service runs."""


@dataclass(frozen=True)
class Step:
    """Something that somebody does, or a look of the service. `number` decides whatever is drawn in it."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.number}: {self.kind}"


def steps_of(seed: int, edits: int, weights: Mapping[str, int], between_looks: int = 24) -> list[Step]:
    """So many edits of these kinds, drawn by their weights, and looks of the service between up to so many."""
    random = Random(seed)
    kinds, shares = list(weights), list(weights.values())
    steps: list[Step] = []
    left = 0
    for number in range(edits):
        if left == 0:
            steps.append(Step(LOOK, seed * 1_000_000 + number))
            left = random.randrange(1, between_looks)
        left -= 1
        steps.append(Step(random.choices(kinds, shares)[0], seed * 1_000_000 + number))
    return steps


def shortest(steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    """A history that fails still and from which no single step can be cut, by cutting ever smaller parts out."""
    kept, size = list(steps), len(steps) // 2
    while size:
        place = 0
        while place < len(kept):
            shorter = kept[:place] + kept[place + size :]
            if fails(shorter):
                kept = shorter
            else:
                place += size
        size //= 2
    return kept
