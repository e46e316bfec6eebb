"""The shapes that meet on the one path: what a source yields, what a translator wants, what a plan writes.

A connector implements `Handover` once per stream. The engine knows nothing of the systems behind it:
ids are text, records are JSON objects, positions are JSON objects only their source understands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from common.outcome import Outcome
from engine.left import Left
from engine.verdicts import Defer, Fail
from errors.specs import Move

JsonObject = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """An entity changed: its id, a version compared only for (in)equality, and the record if the page carried it."""

    entity_id: str
    version: str
    source_time: datetime | None = None
    record: JsonObject | None = None


@dataclass(frozen=True)
class Gap:
    """A place in the source that could not be read. It is written down as an error; the position passes it.

    `place` is the source's own short name for it (at most 60 characters), the same whenever it is met again.
    """

    place: str
    why: Fail


@dataclass(frozen=True)
class Page:
    """What one read of the source gave, oldest first, and the position that holds once all of it is finished."""

    changes: tuple[Change, ...]
    position: JsonObject
    read_upto: datetime | None = None
    unclaimed: Mapping[str, int] = field(default_factory=dict)
    """Titles of entries that no stream claims, with their number."""
    gaps: tuple[Gap, ...] = ()
    beginning: str | None = None
    """Of a walk: these are all records whose identifier begins so. What the ledger knows besides is read by its id."""


@dataclass(frozen=True)
class Parent:
    """The record another one hangs on (an encounter's enrolment): its stream and its id there.

    `owner` is what that one hangs on itself (the subject), where a record needs both.
    """

    stream: str
    entity_id: str
    owner: Parent | None = None


@dataclass(frozen=True)
class Decided:
    """What a person decided about a record, of which conflict, and which of the candidates was chosen."""

    id: int
    move: Move
    state: str
    chosen: str = ""


@dataclass(frozen=True)
class Known:
    """What the ledger remembers of a source record; None of it is trusted before the target confirms it."""

    identifier: str
    target_id: str
    target_parent_id: str
    other_targets: Mapping[str, str]
    wanted_fingerprint: str
    left_fingerprint: str
    outcome: Outcome
    is_suspect: bool
    left: Mapping[str, Left] = field(default_factory=dict)
    """The answers we left in each target record, as `engine.left` notes them; none of one nobody remembers."""
    taken_over: tuple[str, ...] = ()
    """Kinds of target record that a service before this one wrote for the tenant, with the same markers."""
    is_apart: bool = False
    """A person said that this record and the one it met are not the same."""
    decided: tuple[Decided, ...] = ()
    """What people decided, newest first: to be carried out, or in force still."""
    owner: Known | None = None
    """What the ledger remembers of what it hangs on itself, where `Parent.owner` asks for that."""

    @property
    def points_somewhere(self) -> bool:
        """Whether a target record was ever written down."""
        return bool(self.target_id)


@dataclass(frozen=True)
class Want:
    """What the target should hold, as far as record and mappings alone tell. `content` is the connector's own value.

    `fingerprint` covers content and mapping entries used: equal fingerprints mean nothing to do.
    `arrives` names what waiting records may be released when this one got through.
    """

    content: Any
    fingerprint: str
    identifier: str = ""
    arrives: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Write:
    """One repeatable write to the target: `create` with an id chosen beforehand, `update`, `void` or `unvoid`."""

    verb: str
    kind: str
    id: str
    body: JsonObject
    why: str
    """For people and for the dry run, without values: "no patient has this number"."""
    takes_nothing: bool = False
    """It only moves the borders of what holds our own (a visit) and leaves all that people wrote: the brake does not
    count it."""


@dataclass(frozen=True)
class Plan:
    """The writes that make the target agree, none when it already does, and the records that will then stand for it."""

    writes: tuple[Write, ...]
    outcome: Outcome
    target_id: str
    target_parent_id: str
    other_targets: Mapping[str, str] = field(default_factory=dict)
    created_by_us: tuple[str, ...] = ()
    """Kinds of the records standing for it that bear an id of ours: this tenant created them, remembered or not.

    Not a kind of which the plan changes a record of somebody else, too: the brake counts by it.
    """
    left_fingerprint: str = ""
    """The connector's note of the state the target is left in; `Known` brings it back next time."""
    remark: str = ""
    """Message id of what people should know of a record that got through all the same."""
    left: Mapping[str, Left] | None = None
    """The answers each target record is left with; None when they stay as they were remembered."""
    look_again: bool = False
    """The writes uncover what could not be seen before (a voided encounter hides its observations): then plan anew."""
    identifier: str = ""
    """The patient number the target stands under, where the record does not tell it or another; the link keeps it."""
    rest: Defer | None = None
    """What a part of the record waits for. The plan counts as carried out all the same, and the record as deferred."""


State = TypeVar("State")


class Handover(Protocol[State]):
    """One entity type on its way from source to target, bound to one tenant's connections and mapping snapshot.

    `pages`, `reread`, `fetch`, `look` and `write` talk to servers and may raise `common.http.RemoteError`.
    `lane`, `parent`, `want` and `plan` are pure; `want`, `look` and `plan` may raise a `Verdict`.
    """

    def pages(self, partition: str, position: JsonObject) -> Iterator[Page]:
        """Read on in a partition from `position`, oldest first; ends when the source has nothing more to give now."""

    def reread(self, partition: str, place: str) -> tuple[Sequence[Change], Gap | None]:
        """Read a gap again: what can be read there now, and what still cannot."""

    def fetch(self, entity_id: str) -> JsonObject | None:
        """The record as it is now; None when the source says there is none."""

    def lane(self, change: Change) -> str:
        """What must be handled in order: the patient, by normalised identifier. `change.record` is set."""

    def parent(self, change: Change) -> Parent | None:
        """The record this one hangs on; the ledger's memory of it is handed to `look`. `change.record` is set."""

    def want(self, change: Change) -> Want:
        """Record and mappings turned into what the target should hold."""

    def look(self, want: Want, known: Known | None, parent: Known | None) -> State:
        """Read from the target (and what the source must be asked besides) just what `plan` needs.

        `parent` is None when there is none or the ledger has never seen it. What `plan` needs of it goes into the
        state.
        """

    def plan(self, want: Want, state: State, known: Known | None) -> Plan:
        """Compare what is wanted with what is there."""

    def write(self, write: Write) -> str:
        """Perform one write; gives the id the target knows the record by. `Unclear` is raised when nobody can tell."""


class Walked(Protocol):
    """What a `Handover` offers whose source can be gone through from end to end."""

    def walk(self, position: JsonObject) -> Iterator[Page]:
        """Go on from `position` ({} at the beginning) until the end; every record there is comes at least once."""

    def version(self, record: JsonObject) -> str:
        """`version_of` a record, the same whether it was fetched or listed. Pure."""


class HangsBelow(Protocol):
    """What a `Handover` offers whose records can be listed by the record they hang on."""

    def below(self, parent_id: str) -> Sequence[Change]:
        """Every record that hangs on it now and is not voided, in the order in which they are to be handed over."""

    def version(self, record: JsonObject) -> str:
        """`version_of` a record, the same whether it was fetched or listed. Pure."""


UNTIL: Final = "until"
"""What a position bears that is read only so far: what changed at that time (ISO) or later is left out, and nothing is
looked back for."""

NOT_LISTED: Final = "not listed"
"""Version of a record that is known and that a list of its kind did not hold, once it was read by its id."""

_READ_AS: Final = ":"


def version_of(content: str, reading: str) -> str:
    """The version of a record whose page is compared: fingerprints of the record and of the mappings it is read with.

    A known record that neither changed nor is read otherwise costs nothing; at most 100 characters in all.
    """
    return f"{content}{_READ_AS}{reading}"


def same_content(one: str, other: str) -> bool:
    """Whether two such versions are of one content, however it is read."""
    return one.partition(_READ_AS)[0] == other.partition(_READ_AS)[0]
