"""A handover between two card boxes in memory, which does exactly what a test tells it, and counts what it is asked.

A card holds `{"key": patient, "value": …}`. What a test wants to go wrong it puts into `before_look`, `before_write`,
`before_fetch` or `before_page`: callables that may raise, wait or look around.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.fingerprint import fingerprint
from common.http_errors import RemoteError, Unreachable
from common.outcome import Outcome
from engine.ports import Change, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write

Hook = Callable[[str], None]


def nothing(what: str) -> None:
    """A hook that lets everything pass."""


def remote(kind: type[RemoteError], side: str = "paper") -> RemoteError:
    """An error as a client raises it."""
    return kind("told to", side=side, method="POST", path_template="/card", status=None)


def down(side: str = "paper") -> RemoteError:
    """What a client raises when nobody answers."""
    return remote(Unreachable, side)


@dataclass(eq=False)
class Paper:
    """The source's pages and the target's cards."""

    pages_: list[list[Change]] = field(default_factory=list)
    unread: dict[int, tuple[Gap, ...]] = field(default_factory=dict)
    """Gaps of a page, by its number."""
    gaps_: dict[str, Callable[[], tuple[list[Change], Gap | None]]] = field(default_factory=dict)
    """What reading a gap again brings, by its place."""
    target: dict[str, Any] = field(default_factory=dict)
    """Value of each card in the other box, None for a voided one."""
    made_by_others: set[str] = field(default_factory=set)
    """Cards of the other box that somebody else put there."""
    asked: Counter[str] = field(default_factory=Counter)
    order: list[tuple[str, str]] = field(default_factory=list)
    """What happened, in order: ("look" or "write", entity)."""
    before_page: Hook = nothing
    before_fetch: Hook = nothing
    before_look: Hook = nothing
    before_write: Hook = nothing
    after_write: Hook = nothing
    lock: threading.Lock = field(default_factory=threading.Lock)
    remote_calls: int = 0

    def add(self, *changes: Change) -> None:
        """One more page at the source."""
        self.pages_.append(list(changes))

    # what the engine asks for

    def handover(self, stream_key: str) -> Paper:
        """The same for every stream."""
        return self

    def close(self) -> None:
        """Nothing is open."""

    def sign_ins(self, side: str) -> int:
        """Nobody asks who we are."""
        return 0

    def trust(self, side: str, sign_ins: int) -> None:
        """It stays the same sheet."""

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """The pages behind position["page"]."""
        for number in range(int(position.get("page", 0)), len(self.pages_)):
            self.before_page(str(number))
            yield Page(tuple(self.pages_[number]), {"page": number + 1}, gaps=self.unread.get(number, ()))

    def reread(self, partition: str, place: str) -> tuple[list[Change], Gap | None]:
        """What stands in a gap by now."""
        return self.gaps_[place]()

    def parent(self, change: Change) -> Parent | None:
        """The card another one is pinned to."""
        pinned = (change.record or {}).get("pinned_to")
        return Parent(*pinned) if pinned else None

    def fetch(self, entity_id: str) -> JsonObject | None:
        """The newest card of an entity."""
        self.before_fetch(entity_id)
        cards = [change.record for page in self.pages_ for change in page if change.entity_id == entity_id]
        return cards[-1] or {"key": entity_id, "value": 1} if cards else None

    def lane(self, change: Change) -> str:
        """Cards of one patient in order."""
        return str((change.record or {})["key"])

    def want(self, change: Change) -> Want:
        """The card as it is."""
        record: Mapping[str, Any] = change.record or {}
        if callable(record.get("raises")):
            record["raises"]()
        content = (change.entity_id, record["value"])
        return Want(content, fingerprint(list(content)), identifier=str(record["key"]))

    def look(self, want: Want, known: Known | None, parent: Known | None) -> Any:
        """The card in the other box."""
        entity = want.content[0]
        self._note("look", entity)
        self.before_look(entity)
        return self.target.get(entity)

    def plan(self, want: Want, state: Any, known: Known | None) -> Plan:
        """Create or update; void for the value None."""
        entity, value = want.content
        told: dict[str, Any] = {"target_id": entity, "target_parent_id": f"of {entity}", "left_fingerprint": str(value)}
        if entity not in self.made_by_others:
            told["created_by_us"] = ("card",)
        if state == value:
            return Plan((), Outcome.UNCHANGED, **told)
        verb, outcome = ("create", Outcome.CREATED) if state is None else ("update", Outcome.UPDATED)
        if value is None:
            verb, outcome = "void", Outcome.VOIDED
        return Plan((Write(verb, "card", entity, {"value": value}, "told to"),), outcome, **told)

    def write(self, write: Write) -> str:
        """Put the card into the other box."""
        self.before_write(write.id)
        self._note("write", write.id)
        self.target[write.id] = write.body["value"]
        self.after_write(write.id)
        return write.id

    def _note(self, what: str, entity: str) -> None:
        with self.lock:
            self.order.append((what, entity))
            self.asked[what] += 1
            self.remote_calls += 1


def card(entity: str, value: Any = 1, key: str = "", **more: Any) -> Change:
    """A change whose page carries the record."""
    return Change(entity, str(value), record={"key": key or entity, "value": value, **more})


def notice(entity: str) -> Change:
    """A change that only names its entity, as a feed does."""
    return Change(entity, "1")
