"""Why a change does not become a write: raised by sources and translators, turned into an outcome by the slice.

Every verdict carries a message id of the catalogue and parameters that may be shown to anybody with the list:
names and uuids of concepts, answers, forms, types, programs and attributes. Never a value of a patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Self

from common.outcome import Outcome
from common.text import storable
from errors.specs import Move

LONGEST_NAME: Final = 255
"""Characters kept of a name in parameters and counts: the longest name of a concept. What is read may be longer."""


@dataclass(frozen=True)
class Difference:
    """One thing on which both sides disagree, for the eyes of a person who may see values. Never kept.

    `there` holds what the target says, by the id of its record.
    """

    what: str
    here: str
    there: Mapping[str, str]


@dataclass(frozen=True)
class Conflict:
    """What a person is to decide about: the target records concerned, and a fingerprint of how both sides stand.

    A decision is bound to it: when the state is another one by the time it would be carried out, it is not.
    """

    state: str = ""
    """Empty for the record as it is now and what was found wrong: see `engine.settling.conflict_of`."""
    kind: str = ""
    """What the candidates are, as people say: "patient"."""
    candidates: tuple[str, ...] = ()
    """Ids in the target; where there are several, whoever says *same* chooses one."""
    moves: tuple[Move, ...] | None = None
    """Those that make sense here, when they are fewer than the message offers."""
    differences: tuple[Difference, ...] = ()


class Verdict(Exception):
    """Base of the four verdicts; carries what the error record will hold."""

    outcome: ClassVar[Outcome]

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message)
        self.message = message
        self.params = {name: storable(value, LONGEST_NAME) for name, value in params.items()}
        self.conflict: Conflict | None = None

    def about(self, conflict: Conflict) -> Self:
        """The verdict, with what a person may decide about."""
        self.conflict = conflict
        return self


class Skip(Verdict):
    """The record is not for the target, and only a change of the record itself could alter that."""

    outcome = Outcome.SKIPPED


class Outside(Skip):
    """The record hangs on one that is not for the target, and only a change of that one could alter it.

    The ledger keeps one row of the record it hangs on, and none of this one: there may be any number of them.
    """


class Defer(Verdict):
    """The record waits for something that somebody else will do.

    `waits_for` names it (the arrival of `subject:TRI0001` releases it); `due` is set when time alone releases it.
    `asks_for` is a record (stream, entity id) nobody has seen yet: it is then fetched, not only waited for.
    """

    outcome = Outcome.DEFERRED

    def __init__(
        self, message: str, *, waits_for: str = "", due: datetime | None = None,
        asks_for: tuple[str, str] | None = None, **params: str,
    ) -> None:  # fmt: skip
        super().__init__(message, **params)
        self.waits_for = waits_for
        self.due = due
        self.asks_for = asks_for


class Hold(Verdict):
    """Writing might overwrite or confuse people's data: a person decides.

    Without a conflict of its own it is about the record as it is now: see `engine.settling.conflict_of`.
    """

    outcome = Outcome.HELD


class NotThere(Hold):
    """The source no longer holds the place we had read to: it is another one, or was put back. `place` names it."""

    def __init__(self, message: str, *, place: str, **params: str) -> None:
        super().__init__(message, place=place, **params)
        self.place = place


class Fail(Verdict):
    """The record cannot be handed over as it is; it is tried again, and at once when somebody mended the cause."""

    outcome = Outcome.FAILED
