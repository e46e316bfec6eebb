"""A mixed history lived through with the service: it looks at random moments, then until nothing is left to do."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from time import monotonic

import pytest

from common import clock
from engine import moves
from errors.models import OPEN_STATES, ErrorRecord
from simulators.comparer import Before, Finding, Memory, State, disagreements, trespasses
from simulators.history import LOOK, WEIGHTS, Step, Story, shortest, steps_of
from simulators.history.corruptions import KINDS, corruptions
from simulators.history.oracle import Oracle
from simulators.scenario import Size, build
from simulators.scenario.population import StandingClock
from syncstatus.models import Run
from tenants.audit import SYSTEM
from tenants.scoping import tenant_scope
from tests.flow.test_three_hundred import Hospital, hospital

MOST_LOOKS = 6
"""In which everything must have settled after the last edit."""

OF_A_ROUND = 5
"""One look in so many goes round, too: what no change tells is seen then."""

CORRUPTIONS = 100


@dataclass
class Time:
    """Of both servers and the service: it stands while people work, and flows while the service does."""

    people: StandingClock
    since: float | None = None

    def __call__(self) -> datetime:
        return self.now()

    def now(self) -> datetime:
        """See `common.clock`."""
        return self.people() + timedelta(seconds=monotonic() - self.since if self.since else 0)

    def monotonic(self) -> float:
        """See `common.clock`."""
        return monotonic()

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Afterwards as much of it has passed every time, so that a history is the same on any machine."""
        self.since = monotonic()
        try:
            yield
        finally:
            self.since = None
            self.people.advance(minutes=5)


@dataclass
class Lived:
    """A history so far: what the service was asked, and what was found on the way."""

    story: Story
    there: Hospital
    time: Time
    memory: Memory
    found: list[Finding] = field(default_factory=list)

    def look(self) -> None:
        """Let the service look at all that changed."""
        self._watched(self.there.sync)

    def go_round(self) -> None:
        """Let it look, and go through Bahmni from end to end."""
        self._watched(self.there.go_round)

    def _watched(self, doing: Callable[[], None]) -> None:
        """What is people's own must stand afterwards as it stood."""
        before = Before(*self.there.states())
        self.memory.ask(before.avni)
        with self.time.flowing():
            doing()
        after = self.there.states()
        self.found += trespasses(before, *after, self.story.made, self.memory)
        self.memory.note(*after)

    def settle(self) -> None:
        """Until nothing changes any more: everything is gone through and compared, and people retry what is open."""
        for _ in range(MOST_LOOKS):
            before = self.there.states(), self.errors()
            self.time.people.advance(days=1)
            with tenant_scope(self.there.tenant):
                self.there.rewind()
                moves.retry(ErrorRecord.objects.filter(state__in=OPEN_STATES), actor=SYSTEM)
            self.go_round()
            if (self.there.states(), self.errors()) == before:
                return
        self.found.append(Finding("restless", "the service", f"changed something in each of {MOST_LOOKS} looks"))

    def errors(self) -> dict[tuple[str, str], str]:
        """Messages of what is open, by stream and id."""
        with tenant_scope(self.there.tenant):
            rows = ErrorRecord.objects.filter(state__in=OPEN_STATES)
            return {(row.stream.key, row.entity_id): row.message for row in rows.select_related("stream")}

    def oracle(self) -> Oracle:
        """What it says of the stores as they are."""
        return Oracle(*self.there.states(), self.memory, self.story.made)

    def findings(self) -> list[Finding]:
        """Everything that is wrong: seen on the way, where both sides disagree, and what people are told wrongly."""
        oracle, errors = self.oracle(), self.errors()
        found = self._compared(oracle, *self.there.states())
        for stream, uuid in oracle.told() - errors.keys():
            found.append(Finding("untold", f"{stream} {uuid}", oracle.stuck[uuid].why))
        for stream, uuid in errors.keys() - oracle.may_be_told():
            found.append(Finding("wrongly-told", f"{stream} {uuid}", errors[stream, uuid]))
        with tenant_scope(self.there.tenant):
            miscounted = [run for run in Run.objects.all() if run.read != run.finished_changes]
        found += [Finding("miscounted", f"run {run.pk}", "what it read is not its outcomes") for run in miscounted]
        return [*self.found, *found]

    def unseen_corruptions(self) -> list[str]:
        """What was spoilt and not flagged, of `CORRUPTIONS` that are planted in the end state one at a time."""
        oracle, states = self.oracle(), self.there.states()
        left = oracle.left_as_they_are()
        planted = list(corruptions(*states, self.memory, self.story.made, left, seed=7, number=CORRUPTIONS))
        assert len(planted) == CORRUPTIONS
        unseen = [f"{one.kind} ({one.about})" for one in planted if not self._compared(oracle, one.avni, one.bahmni)]
        print(f"{len(planted)} corruptions of {len({one.kind for one in planted})} kinds (of {len(KINDS)}) planted")
        return unseen

    def _compared(self, oracle: Oracle, avni: State, bahmni: State) -> list[Finding]:
        """Where the two sides disagree, these being their stores and that the oracle's word on what is stuck."""
        never, left = oracle.never_through(), oracle.left_as_they_are()
        return disagreements(self.there.before, avni, bahmni, self.story.made, never, left, self.memory)


@contextmanager
def lived(steps: Sequence[Step], seed: int, size: Size, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lived]:
    """The scenario of this seed after all of the steps, settled."""
    made = build(seed=seed, size=size, with_mistakes=False)
    story, time = Story(made), Time(made.town.clock)
    made.avni.clock = made.bahmni.clock = time
    name = f"history-{seed}-{next(_names)}"
    with clock.using(time), hospital(made, name, monkeypatch) as there:
        one = Lived(story, there, time, Memory(made.pairs))
        looks = count(1)
        for step in steps:
            if step.kind != LOOK:
                story.live_through(step)
            elif next(looks) % OF_A_ROUND:
                one.look()
            else:
                one.go_round()
        one.look()
        one.settle()
        yield one


_names = count(1)


def live(seed: int, edits: int, size: Size, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Live through the history of this seed and assert that all is well in the end. Gives the edits by kind.

    With SHORTEN=1 in the environment a history that fails is cut down to the steps it takes, and these are printed.
    """
    steps = steps_of(seed, edits, WEIGHTS)
    with lived(steps, seed, size, monkeypatch) as one:
        found, happened = one.findings(), one.story.happened
        tell(one.story)
    if found and os.environ.get("SHORTEN"):
        kinds = {finding.kind for finding in found}
        print(*shortest(steps, lambda shorter: fails(shorter, kinds, seed, size, monkeypatch)), sep="\n")
    assert not found, "\n".join([f"seed {seed}, {edits} edits:", *map(str, found)])
    return happened


def fails(
    steps: Sequence[Step], kinds: Collection[str], seed: int, size: Size, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Whether something of these kinds is wrong after these steps."""
    with lived(steps, seed, size, monkeypatch) as one:
        return any(finding.kind in kinds for finding in one.findings())


def tell(story: Story) -> None:
    """Print how often each kind of edit happened."""
    for kind in WEIGHTS:
        refused = f", {story.refused[kind]} refused" if story.refused[kind] else ""
        print(f"{story.happened[kind]:6} {kind}{refused}")
    print(f"{story.happened.total():6} edits of {len(story.happened)} kinds")
