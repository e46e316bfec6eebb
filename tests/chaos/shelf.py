"""A source of several parts whose records hang on each other, and the box they go to: everything can fail in between.

A part tells what changed, oldest first, page by page. What a page shows is the record as it is when the page is read;
one part only names what changed, as a feed does. Whatever must never happen to the box is written down by the box.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from common.fingerprint import fingerprint
from common.outcome import Outcome
from engine.ports import Change, Gap, JsonObject, Known, Page, Parent, Plan, Want, Write
from engine.registry import FlowSpec, StreamSpec
from engine.verdicts import Defer, Fail, Hold
from tests.chaos.desk import STREAM
from tests.chaos.paper import Hook, Paper, nothing
from tests.unit.engine.fake_connector import OUT

PARENTS, CHILDREN = STREAM, "paper-visit"
FEED = "notices"
PARTS = {PARENTS: ("Individual",), CHILDREN: ("A", FEED)}
"""Parts by stream."""

IN_A_PAGE = 2
LONGEST_MEETING = 0.01
"""Seconds in which lanes of one patient meet, if there is more than one."""


def _stream(key: str) -> StreamSpec:
    return StreamSpec(key, key, "card", "avni", "paper", lambda snapshot: PARTS[key])


FLOW = FlowSpec(OUT, "Avni → cards", (_stream(PARENTS), _stream(CHILDREN)))


@dataclass
class Card:
    """A record of the source, with the values of all its versions. `trouble`: what is wrong with it ("" nothing)."""

    parent: str
    values: list[int] = field(default_factory=list)
    trouble: str = ""


@dataclass(frozen=True)
class Told:
    """That a version (counted from 1) of a record was there, and when the source says it came."""

    entity: str
    version: int
    at: datetime


@dataclass(frozen=True)
class Row:
    """What stands in the box."""

    value: int
    version: int


@dataclass(eq=False)
class Shelf(Paper):
    """The source, the box, and what goes wrong: hooks as of `Paper`, with `before_page` told "part:place"."""

    cards: dict[str, Card] = field(default_factory=dict)
    told: dict[str, list[Told]] = field(default_factory=lambda: {part: [] for of in PARTS.values() for part in of})
    hidden: set[tuple[str, int]] = field(default_factory=set)
    """Places of a part, by index, that cannot be shown."""
    box: dict[str, Row] = field(default_factory=dict)
    after_page: Hook = nothing
    """Called when the rows of a page were read."""
    is_slow: bool = False
    """Whether two lanes that should be one have the time to meet."""
    wrong: list[str] = field(default_factory=list)
    """What must never happen."""
    passes: int = 0
    over: int = 0
    """Passes of looks that are over: what bears the place of one by now is compared once more, in no order."""
    meeting: threading.Condition = field(default_factory=threading.Condition)
    looking: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    reached: dict[tuple[str, str], int] = field(default_factory=dict)
    """The last place that was taken up, by pass over a part and patient."""

    # what happens at the source

    def becomes(self, entity: str, value: int, at: datetime) -> None:
        """A new version of a record, told in its part."""
        card = self.cards.setdefault(entity, Card(parent_of(entity)))
        card.values.append(value)
        self.tells(entity, at)

    def tells(self, entity: str, at: datetime) -> None:
        """The source names the record, once more or for the first time."""
        self.told[part_of(entity)].append(Told(entity, len(self.cards[entity].values), at))

    # what the engine asks for

    def handover(self, stream_key: str) -> Shelf:
        """The same for both streams."""
        return self

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """What a part tells behind position["told"]."""
        self.passes += 1
        number, begin = self.passes, int(position.get("told", 0))
        while begin < len(self.told[partition]):
            self.before_page(f"{partition}:{begin}")
            places = range(begin, min(begin + IN_A_PAGE, len(self.told[partition])))
            unread = [place for place in places if (partition, place) in self.hidden]
            shown = [self._change(partition, place, number) for place in places if place not in unread]
            self.after_page(f"{partition}:{begin}")
            begin = places[-1] + 1
            yield Page(tuple(shown), {"told": begin}, gaps=tuple(_gap(place) for place in unread))

    def reread(self, partition: str, place: str) -> tuple[list[Change], Gap | None]:
        """What stands in a gap by now."""
        if (partition, int(place)) in self.hidden:
            return [], _gap(int(place))
        return [self._change(partition, int(place), 0)], None

    def fetch(self, entity_id: str) -> JsonObject | None:
        """The record as it is now."""
        self.before_fetch(entity_id)
        return self._record(entity_id) if entity_id in self.cards else None

    def lane(self, change: Change) -> str:
        """Records of one patient in order."""
        return patient_of(change.entity_id)

    def parent(self, change: Change) -> Parent | None:
        """What it hangs on."""
        parent = parent_of(change.entity_id)
        return Parent(PARENTS, parent) if parent else None

    def want(self, change: Change) -> Want:
        """The record as the box should hold it."""
        record: Mapping[str, Any] = change.record or {}
        self._takes_up(change)
        if record["trouble"]:
            trouble = TROUBLES[record["trouble"]]()
            raise trouble
        content = (change.entity_id, record["value"], record["version"])
        return Want(content, wanted(change.entity_id, record["value"]), arrives=(f"card:{change.entity_id}",))

    def look(self, want: Want, known: Known | None, parent: Known | None) -> Row | None:
        """What the box holds. Raises Defer while it does not hold what the record hangs on."""
        entity = want.content[0]
        pinned_to = parent_of(entity)
        if pinned_to and (parent is None or not parent.points_somewhere):
            asks_for = None if parent else (PARENTS, pinned_to)
            raise Defer("engine.asked-for", waits_for=f"card:{pinned_to}", asks_for=asks_for)
        self._meet(patient_of(entity))
        self.before_look(entity)
        return self.box.get(entity)

    def plan(self, want: Want, state: Row | None, known: Known | None) -> Plan:
        """Create, or update what says something else."""
        entity, value, version = want.content
        told: dict[str, Any] = {"target_id": entity, "target_parent_id": "", "created_by_us": ("card",)}
        if state and state.value == value:
            return Plan((), Outcome.UNCHANGED, **told)
        verb, outcome = ("update", Outcome.UPDATED) if state else ("create", Outcome.CREATED)
        return Plan((Write(verb, "card", entity, {"value": value, "version": version}, "told to"),), outcome, **told)

    def write(self, write: Write) -> str:
        """Put it into the box, which notes what must not be."""
        self.before_write(write.id)
        there = self.box.get(write.id)
        if there and write.verb == "create":
            self.wrong.append(f"{write.id} was created twice")
        if there and there.version > write.body["version"]:
            self.wrong.append(f"{write.id} fell back to an older version")
        if parent_of(write.id) and parent_of(write.id) not in self.box:
            self.wrong.append(f"{write.id} came before what it hangs on")
        self.box[write.id] = Row(write.body["value"], write.body["version"])
        self.after_write(write.id)
        return write.id

    # what it notes

    def _takes_up(self, change: Change) -> None:
        """Records of one patient are taken up in the order in which a part tells of them."""
        number, _, place = change.version.partition(":")
        if int(number or 0) <= self.over:
            return
        at = (number, patient_of(change.entity_id))
        with self.lock:
            if int(place) <= self.reached.get(at, -1):
                self.wrong.append(f"{change.entity_id} was taken up before what its patient had before it")
            self.reached[at] = int(place)

    def _meet(self, patient: str) -> None:
        with self.meeting:
            self.looking[patient] += 1
            self.meeting.notify_all()
            if self.is_slow:
                self.meeting.wait_for(lambda: self.looking[patient] > 1, LONGEST_MEETING)
            if self.looking[patient] > 1:
                self.wrong.append(f"two records of {patient} were under way at a time")
            self.looking[patient] -= 1

    def _change(self, partition: str, place: int, number: int) -> Change:
        told = self.told[partition][place]
        record = None if partition == FEED else self._record(told.entity)
        return Change(told.entity, f"{number}:{place}", told.at, record)

    def _record(self, entity: str) -> dict[str, Any]:
        card = self.cards[entity]
        return {"value": card.values[-1], "version": len(card.values), "trouble": card.trouble}


TROUBLES: Mapping[str, Callable[[], Exception]] = {
    "fails": lambda: Fail("record.field-missing", field="x"),
    "is held": lambda: Hold("record.field-missing", field="x"),
    "meets a bug of ours": ValueError,
}
"""What can be wrong with a record."""


def parent_of(entity: str) -> str:
    """What a record hangs on ("p1" for "c1a"); a parent hangs on nothing."""
    return f"p{entity[1]}" if entity.startswith("c") else ""


def patient_of(entity: str) -> str:
    """Whose record it is."""
    return parent_of(entity) or entity


def part_of(entity: str) -> str:
    """The part that tells of it."""
    if not parent_of(entity):
        return PARTS[PARENTS][0]
    return FEED if entity.endswith("n") else "A"


def wanted(entity: str, value: int) -> str:
    """The fingerprint of a record that says this."""
    return fingerprint([entity, value])


def _gap(place: int) -> Gap:
    return Gap(str(place), Fail("record.field-missing", field="x"))
