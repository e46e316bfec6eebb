"""A long time in both places at once: people enter, edit, void and correct, and a service looks in between.

    made = build(seed=7, size=..., with_mistakes=False)
    story = Story(made)
    for step in steps_of(seed=7, edits=200, weights=WEIGHTS):
        if step.kind == LOOK: ...
        else: story.live_through(step)

All of it goes through the doors of the people: the field app's and the clinician's. Every step is decided by its own
number, so that a history from which some were cut is a history still.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from simulators.bahmni.errors import ApiError
from simulators.history.field_edits import FIELD_EDITS
from simulators.history.hospital_edits import HOSPITAL_EDITS
from simulators.history.place import NotNow, Place
from simulators.history.program_edits import PROGRAM_EDITS
from simulators.history.steps import LOOK, Step, shortest, steps_of
from simulators.scenario import Scenario

__all__ = ["LOOK", "WEIGHTS", "Step", "Story", "shortest", "steps_of"]

_EDITS: Final = {**FIELD_EDITS, **PROGRAM_EDITS, **HOSPITAL_EDITS}
WEIGHTS: Final = {kind: weight for kind, (weight, _) in _EDITS.items()}
"""The kinds of edits, and how often each happens beside the others."""


@dataclass
class Story:
    """What happened so far in a scenario."""

    made: Scenario
    happened: Counter[str] = field(default_factory=Counter)
    """Edits by kind."""
    refused: Counter[str] = field(default_factory=Counter)
    """What a server would not let its own people do, by kind."""

    def __post_init__(self) -> None:
        self.place = Place(self.made)
        self.made.avni.clock = self.made.bahmni.clock = self.made.town.clock

    def live_through(self, step: Step) -> None:
        """Let an edit happen, if it can."""
        self.place.begin(step)
        try:
            _EDITS[step.kind][1](self.place, f"step {step.number}")
        except NotNow:
            return
        except ApiError:
            self.refused[step.kind] += 1
            return
        self.happened[step.kind] += 1
