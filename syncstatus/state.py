"""How a flow fares, in one word: the worst that is true of it. And how far it lags behind. No rows here, only facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum


class State(IntEnum):
    """What can be said of a flow, from best to worst."""

    OFF = 0
    PAUSED = 1
    RUNNING = 2
    OK = 3
    LATE = 4
    ERRORS = 5
    HELD = 6
    SOURCE_DOWN = 7
    TARGET_DOWN = 8
    CREDENTIALS = 9
    BRAKE = 10
    SEALED = 11

    @property
    def word(self) -> str:
        """As people read it."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Facts:
    """All that decides over the state of a flow."""

    is_on: bool = True
    is_paused: bool = False
    is_running: bool = False
    is_late: bool = False
    errors: int = 0
    """Records that failed and are tried again."""
    held: int = 0
    """Records that wait for a person."""
    source_down: bool = False
    target_down: bool = False
    credentials_refused: bool = False
    stands_still: bool = False
    """The last look ended for a reason that only a person removes."""
    was_cut_short: bool = False
    """The last look ended early and is tried again by itself."""
    brake: bool = False
    sealed: bool = False


def flow_state(facts: Facts) -> State:
    """The worst of what is true.

    Of a flow that is off or paused nobody asks the servers, so it is neither late nor is anything down; its errors
    and held records remain what they are.
    """
    runs = facts.is_on and not facts.is_paused
    true = {
        State.SEALED: facts.sealed,
        State.BRAKE: facts.brake,
        State.CREDENTIALS: runs and facts.credentials_refused,
        State.TARGET_DOWN: runs and facts.target_down,
        State.SOURCE_DOWN: runs and facts.source_down,
        State.HELD: facts.held > 0 or (runs and facts.stands_still),
        State.ERRORS: facts.errors > 0 or (runs and facts.was_cut_short),
        State.LATE: runs and facts.is_late,
    }
    return max((state for state, holds in true.items() if holds), default=activity(facts))


def activity(facts: Facts) -> State:
    """What the flow does just now, whatever else is true: off, paused, running or ok (waiting for its next slot)."""
    if not facts.is_on:
        return State.OFF
    if facts.is_paused:
        return State.PAUSED
    return State.RUNNING if facts.is_running else State.OK


def in_words(facts: Facts) -> str:
    """The state, and beside it that the flow is off, paused or running where that would not be seen."""
    state, does = flow_state(facts), activity(facts)
    return state.word if does in (state, State.OK) else f"{state.word} ({does.word})"


@dataclass(frozen=True)
class LookFacts:
    """What a stream remembers of its last look; times are aware."""

    last_look_at: datetime | None = None
    last_good_look_at: datetime | None = None
    last_look_failure: str = ""
    oldest_unfinished_at: datetime | None = None


@dataclass(frozen=True)
class Lag:
    """How old the oldest change is that is known and not finished.

    `behind` is None when nobody can tell, because the last look failed or there was none; never zero then.
    """

    behind: timedelta | None
    last_good_look_at: datetime | None = None


def lag(look: LookFacts, now: datetime) -> Lag:
    """The lag of one stream at `now`; zero when the last look found everything finished."""
    if look.last_look_at is None or look.last_look_failure:
        return Lag(None, look.last_good_look_at)
    if look.oldest_unfinished_at is None:
        return Lag(timedelta(0), look.last_good_look_at)
    return Lag(max(now - look.oldest_unfinished_at, timedelta(0)), look.last_good_look_at)


def worst_lag(lags: Iterable[Lag]) -> Lag:
    """The lag of a flow: that of its slowest stream, unknown as soon as one is unknown, with the oldest good look."""
    all_lags = list(lags)
    looks = [each.last_good_look_at for each in all_lags]
    oldest_look = min((look for look in looks if look), default=None) if all(looks) else None
    behind = [each.behind for each in all_lags]
    known = [span for span in behind if span is not None]
    return Lag(max(known) if known and len(known) == len(behind) else None, oldest_look)


def is_late(since: Iterable[datetime], last_fires: Iterable[datetime]) -> bool:
    """Whether the schedule has come up twice since any of the times (`last_fires`: latest first).

    The times are those of unfinished changes and of the last looks: where nobody looks, nothing is unfinished, but
    all is late.
    """
    oldest = min(since, default=None)
    if oldest is None:
        return False
    two_slots_ago = next((fire for place, fire in enumerate(last_fires) if place == 1), None)
    return two_slots_ago is not None and oldest < two_slots_ago
