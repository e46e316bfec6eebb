"""Why a change does not become a write: raised by sources and translators, turned into an outcome by the slice.

Every verdict carries a message id of the catalogue and parameters that may be shown to anybody with the list:
names and uuids of concepts, answers, forms, types, programs and attributes. Never a value of a patient.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from common.outcome import Outcome


class Verdict(Exception):
    """Base of the four verdicts; carries what the error record will hold."""

    outcome: ClassVar[Outcome]

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message)
        self.message = message
        self.params = params


class Skip(Verdict):
    """The record is not for the target, and only a change of the record itself could alter that."""

    outcome = Outcome.SKIPPED


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
    """Writing might overwrite or confuse people's data: a person decides."""

    outcome = Outcome.HELD


class Fail(Verdict):
    """The record cannot be handed over as it is; it is tried again, and at once when somebody mended the cause."""

    outcome = Outcome.FAILED
