"""Where connected systems announce themselves. The engine asks here and never imports a connector.

A connector calls `register` in its `AppConfig.ready()`; that is all it takes to stand beside the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine.gaps import ROUND
from engine.ports import Handover, JsonObject, Known
from errors.specs import ErrorTypeSpec, Sentence
from mappings.snapshot import Snapshot
from mappings.specs import ConstantSpec, MappingTypeSpec
from tenants.models import Connection, Tenant


@dataclass(frozen=True)
class Setting:
    """Everything a connector may know of a tenant while it works. Built once per slice, then frozen."""

    tenant: Tenant
    connections: Mapping[str, Connection]
    snapshot: Snapshot
    refuse_writes: bool = False
    """True in a rehearsal, or while sealed: the transport itself refuses anything that is not a read."""
    sealed: str = ""
    """Message id of why the tenant is sealed (`tenants.seal`); empty when it is not."""


class Servers(Protocol):
    """Signed-in clients of both sides, shared by the streams of one slice."""

    @property
    def remote_calls(self) -> int:
        """Requests sent so far, sign-in included."""

    def sign_ins(self, side: str) -> int:
        """How often we showed our credentials there so far: a server that was exchanged asks for them again."""

    def trust(self, side: str, sign_ins: int) -> None:
        """The server was looked at after so many: writes go to it only until we have to show them once more."""

    def handover(self, stream_key: str) -> Handover[Any]:
        """The path of one stream over these clients."""

    def close(self) -> None:
        """Give the sockets back."""


@dataclass(frozen=True)
class Fact:
    """Something a server tells of itself, by which it is known again. `label` is what people call it."""

    key: str
    label: str
    must_match: bool = True
    """Whether another value means another server; otherwise it is only shown."""


@dataclass(frozen=True)
class Trace:
    """Something a server must still hold: where a stream had read to (`position`), or the record it wrote last."""

    stream: str
    partition: str = ""
    position: JsonObject | None = None
    target_id: str = ""


@dataclass(frozen=True)
class Seen:
    """What a server tells of itself now. A fact it does not tell is left out; one that is not there is empty."""

    facts: Mapping[str, str]
    gone: tuple[str, ...] = ()
    """The traces it does not hold, as people call them: never a value of a patient."""


@dataclass(frozen=True)
class SideSpec:
    """One server of a tenant: its key, its name for people, and the ways to sign in (key → label)."""

    key: str
    label: str
    sign_ins: Mapping[str, str]
    max_parallel: int
    facts: tuple[Fact, ...] = ()
    """By what it is known again; a side without any is never asked."""


@dataclass(frozen=True)
class RoundSpec:
    """How a stream is gone through from end to end, again and again, for what its partitions do not show.

    `label` says what is gone through, for people. With `parents` (a stream's key) it is the registered records of that
    stream, each asked for all that hangs on it (`engine.ports.HangsBelow`); without, the source itself is walked
    (`engine.ports.Walked`).
    """

    label: str
    parents: str = ""
    calls_a_minute: int = 100
    """Requests to both servers it may cost, its first time (the fill) left out."""


@dataclass(frozen=True)
class StreamSpec:
    """One entity type: key, name for people, and the partitions it is read in, each with a position of its own.

    The settings of the tenant name the partitions (a subject type, encounter types, a feed); they may come and go.
    `part_label` is what people call one of them.
    """

    key: str
    label: str
    entity_label: str
    source_side: str
    target_side: str
    partitions: Callable[[Snapshot], Sequence[str]]
    part_label: str = "{}"
    has_pages: bool = False
    """Whether its source is a feed of numbered pages."""
    round: RoundSpec | None = None
    """Of a stream that is gone through: then the first round fills it, and its partitions begin with what is new."""

    def part(self, partition: str) -> str:
        """A partition as people call it; also what a round goes through (`engine.gaps.ROUND`)."""
        if self.round and partition == ROUND:
            return self.round.label
        return self.part_label.format(partition)


@dataclass(frozen=True)
class FlowSpec:
    """An ordered cluster of streams in one direction; the order is the order of dependencies."""

    key: str
    label: str
    streams: tuple[StreamSpec, ...]


@dataclass(frozen=True)
class CheckStep:
    """One step of a connection check, in words a hospital's IT understands."""

    side: str
    name: str
    ok: bool
    finding: str


@dataclass(frozen=True)
class Counterpart:
    """A record in the target that stands for one of the source. `label` is a name people know, e.g. "Visit"."""

    label: str
    id: str
    is_voided_by_us: bool = False


@dataclass(frozen=True)
class Shown:
    """A record as a server shows it now: key of the side, a name people know, what it says (None: nothing is there)."""

    side: str
    label: str
    record: JsonObject | None


class Seeker(Protocol):
    """How people find places in the sources of a connector. Positions are given and taken as the source defines them.

    Whatever asks a server raises common.http_errors.RemoteError; a place that the source no longer holds is a
    `engine.verdicts.NotThere`.
    """

    def since(self, servers: Servers, stream_key: str, partition: str, since: datetime) -> JsonObject:
        """Before everything that changed at `since` or later; what changed a little earlier may come, too."""

    def page(self, servers: Servers, stream_key: str, partition: str, page: int) -> tuple[JsonObject, datetime | None]:
        """Before the first entry of a page of a feed, and when that was published.

        Raises ValueError when there is no such page, or the source has none at all.
        """

    def ahead(self, servers: Servers, stream_key: str, partition: str, position: JsonObject) -> int:
        """About how many changes come behind a position. A handful of requests, however many they are."""

    def is_before(self, stream_key: str, one: JsonObject, other: JsonObject) -> bool:
        """Whether reading on from `one` brings all that reading on from `other` does, and more. Asks no server."""

    def kept(self, stream_key: str, position: JsonObject) -> JsonObject:
        """A position as short as it can be kept for later; reading on from it may bring a little once more."""


def _nobody_asked(servers: Servers, side: str, traces: Sequence[Trace]) -> Seen:
    return Seen({})


@dataclass(frozen=True)
class Connector:
    """A system that can be joined with Avni, as declared by its room."""

    key: str
    label: str
    sides: tuple[SideSpec, ...]
    flows: tuple[FlowSpec, ...]
    mapping_types: tuple[MappingTypeSpec, ...]
    constants: tuple[ConstantSpec, ...]
    error_types: tuple[ErrorTypeSpec, ...]
    sentences: Mapping[str, Sentence]
    connect: Callable[[Setting], Servers]
    first_position: Callable[[Servers, str, str, datetime | None], JsonObject]
    """(servers, stream key, partition, since) → where to begin: before the first record when `since` is None, else
    before what changed after it, as near as the source can tell. May read from the source."""
    check: Callable[[Setting], list[CheckStep]]
    counterparts: Callable[[Snapshot, str, Known], Sequence[Counterpart]]
    """(mappings, stream key, what the ledger remembers of a record) → what stands for it in the target, what it hangs
    on first. Asks no server."""
    show: Callable[[Servers, str, str, Known | None], Sequence[Shown]]
    """(servers, stream key, source id, what the ledger remembers) → the record and everything that stands for it, read
    live, the source first."""
    seeker: Seeker | None = None
    """Without one, positions stay where reading left them."""
    identity: Callable[[Servers, str, Sequence[Trace]], Seen] = _nobody_asked
    """(servers, side, what it must still hold) → what tells this server from every other. Bounded: a request for each
    fact and each trace at most. Raises common.http_errors.RemoteError when it cannot be asked."""

    def stream(self, key: str) -> StreamSpec:
        """Declaration of a stream by key. Raises KeyError."""
        return next((stream for flow in self.flows for stream in flow.streams if stream.key == key), None) or _unknown(
            key
        )

    def flow(self, key: str) -> FlowSpec:
        """Declaration of a flow by key. Raises KeyError."""
        return next((flow for flow in self.flows if flow.key == key), None) or _unknown(key)

    def side(self, key: str) -> SideSpec:
        """Declaration of a side by key. Raises KeyError."""
        return next((side for side in self.sides if side.key == key), None) or _unknown(key)


def _unknown(key: str) -> Any:
    raise KeyError(key)


_connectors: dict[str, Connector] = {}


def register(connector: Connector) -> None:
    """Announce a connector. Registering another one under a taken key is refused."""
    known = _connectors.setdefault(connector.key, connector)
    if known is not connector:
        raise ValueError(f"two connectors call themselves {connector.key!r}")


def connectors() -> Mapping[str, Connector]:
    """All announced connectors by key."""
    return _connectors


def connector_of(tenant: Tenant) -> Connector:
    """The connector of a tenant. Raises KeyError when its app is not installed."""
    return _connectors[tenant.connector]
