"""A history is decided by its seed alone, and can be cut down to what it takes."""

from __future__ import annotations

from simulators.history import LOOK, WEIGHTS, Step, Story, shortest, steps_of
from simulators.scenario import Size, build

SIZE = Size(subjects=6, known=3, outside=1, general_encounters=4, encounters=4)


def lived_without_a_service(seed: int) -> Story:
    story = Story(build(seed=seed, size=SIZE, with_mistakes=False))
    for step in steps_of(seed, 150, WEIGHTS):
        if step.kind != LOOK:
            story.live_through(step)
    return story


def test_a_seed_decides_every_step_and_what_comes_of_it() -> None:
    one, other = (lived_without_a_service(4) for _ in range(2))
    assert steps_of(4, 150, WEIGHTS) == steps_of(4, 150, WEIGHTS) != steps_of(5, 150, WEIGHTS)
    assert one.happened == other.happened
    assert one.made.avni.dump()["encounters"] == other.made.avni.dump()["encounters"]


def test_a_history_that_fails_is_cut_down_to_what_it_takes() -> None:
    steps = [Step("edit", number) for number in range(50)]
    needed = {steps[7], steps[23], steps[41]}
    assert set(shortest(steps, lambda shorter: needed <= set(shorter))) == needed
