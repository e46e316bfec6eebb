"""Whether a server is still the one we worked with: facts it tells of itself, and records it must still hold.

An address can lead to another installation (a test server, another organisation's account, a hospital set up anew), and
a server can be put back to an older state. Both would be read as "everything is gone" or "everything is new".
So before anything is read or written the server is asked who it is, and compared with what its connection remembers.

What it costs: the requests of a connector's `identity` (few: it says how many), per process and server once in
`INTERVAL` seconds and after every signing in, since a server that was exchanged does not know our session. Budgeted
like signing in, not per look. Under an open brake every look asks again, so that the right server is noticed at once.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.db import transaction
from django.db.models import F

from common import clock
from common.http_errors import RemoteError, SignInFailed, Unreachable
from engine import positions
from engine.brake import Halt
from engine.registry import Connector, Fact, Seen, Servers, Setting, Trace
from syncstatus.models import AtBrake, Link, Position, Stream
from tenants.models import Connection

INTERVAL: Final = 600.0
"""Seconds for which a process takes a server for what it was."""

LONGEST_SAID: Final = 80
"""Characters of both values that a sentence takes; longer ones (ids of entries) only the page shows."""

FACTS, LINKS_AFTER = "facts", "links_after"
"""Keys of `Connection.identity`: what the server told, by fact; and behind which link its records must be there."""


@dataclass(frozen=True)
class Difference:
    """One thing about a server that is not as it was; `now` is empty for what is not there any more."""

    label: str
    before: str
    now: str

    def __str__(self) -> str:
        if not self.now:
            return f"{self.label} is not there"
        if len(self.before) + len(self.now) > LONGEST_SAID:
            return f"{self.label} is another one"
        return f"{self.label} was {self.before} and is {self.now}"


class OtherServer(Halt):
    """A server is not, or no longer in the state, that its connection remembers."""

    def __init__(self, side: str, differences: Sequence[Difference], facts: Mapping[str, str]) -> None:
        super().__init__(side)
        self.side = side
        self.differences = tuple(differences)
        self.facts = dict(facts)


@dataclass(frozen=True)
class Expected:
    """What is remembered of a server."""

    facts: Mapping[str, str]
    traces: tuple[Trace, ...]


def differences(expected: Expected, seen: Seen, specs: Sequence[Fact]) -> list[Difference]:
    """What does not agree. A fact we never knew, or that the server does not tell this time, agrees."""
    found = [
        Difference(spec.label, before, seen.facts[spec.key])
        for spec in specs
        if spec.must_match and spec.key in seen.facts
        if (before := expected.facts.get(spec.key, "")) and before != seen.facts[spec.key]
    ]
    return found + [Difference(name, "there", "") for name in seen.gone]


def learned(expected: Expected, seen: Seen) -> dict[str, str]:
    """The facts as they are to be remembered, once nothing differs."""
    return dict(expected.facts) | {key: value for key, value in seen.facts.items() if value}


@dataclass(frozen=True)
class _Proof:
    expected: Expected
    at: float
    sign_ins: int


class Identities:
    """The servers of one tenant, as one process knows them. Shared by the slices over the same clients."""

    def __init__(self) -> None:
        self._proofs: dict[str, _Proof] = {}
        self.doubted: set[str] = set()
        """Servers that were not who they were when last asked."""
        self.links: dict[int, tuple[float, int]] = {}
        """Known links by flow, and when they were counted on the monotonic clock."""
        self._lock = threading.Lock()

    def expected(self, side: str) -> Expected | None:
        """What was compared last, if anything was."""
        proof = self._proofs.get(side)
        return proof.expected if proof else None

    def is_fresh(self, side: str, sign_ins: int) -> bool:
        """Whether the server was compared lately, and we did not have to sign in since."""
        proof = self._proofs.get(side)
        return proof is not None and proof.sign_ins == sign_ins and clock.monotonic() - proof.at < INTERVAL

    def forget(self, side: str) -> None:
        """Have the server asked anew, however lately it was."""
        self._proofs.pop(side, None)

    def ask(self, connector: Connector, servers: Servers, side: str, expected: Expected) -> Seen:
        """Ask the server and compare. Raises OtherServer, RemoteError."""
        with self._lock:
            before = servers.sign_ins(side)
            seen = connector.identity(servers, side, expected.traces)
            found = differences(expected, seen, connector.side(side).facts)
            if found:
                self._proofs.pop(side, None)
                self.doubted.add(side)
                raise OtherServer(side, found, seen.facts)
            self.doubted.discard(side)
            known = Expected(learned(expected, seen), expected.traces)
            # Of answers across a signing in some may be another server's; before the first one there were none.
            proven = before or servers.sign_ins(side)
            self._proofs[side] = _Proof(known, clock.monotonic(), proven)
            servers.trust(side, proven)
            return seen


_identities: WeakKeyDictionary[Servers, Identities] = WeakKeyDictionary()
_guard = threading.Lock()


def identities_of(servers: Servers) -> Identities:
    """What this process knows of the servers behind these clients."""
    with _guard:
        return _identities.setdefault(servers, Identities())


def forget() -> None:
    """Ask every server anew. For tests, and for processes that fork."""
    with _guard:
        _identities.clear()


class Doorkeeper:
    """Asks the servers of one stream who they are, as often as needed."""

    def __init__(self, connector: Connector, setting: Setting, servers: Servers, stream: Stream) -> None:
        self._connector = connector
        self._tenant_id = setting.tenant.pk
        self._servers = servers
        self._stream = stream
        self._known = identities_of(servers)

    @property
    def is_under_brake(self) -> bool:
        """Whether the flow waits for a person because of a server, as the database or this process knows."""
        return self._stream.flow.at_brake == AtBrake.SERVER or bool(self._known.doubted)

    def prove(self, side: str) -> None:
        """Let nobody pass before the server is who it was. Raises OtherServer, RemoteError; uses the database."""
        if not self._connector.side(side).facts:
            return
        if not self.is_under_brake and self._known.is_fresh(side, self._servers.sign_ins(side)):
            return
        expected = expectation(self._connector, self._tenant_id, side, thorough=self.is_under_brake)
        seen = self._known.ask(self._connector, self._servers, side, expected)
        remember(self._tenant_id, side, learned(expected, seen), expected.facts)

    def answers(self, side: str) -> bool:
        """Whether the server, asked now, tells who it is; one that was never asked counts as one that does not.

        Needs no database. Raises OtherServer.
        """
        expected = self._known.expected(side)
        if expected is None:
            return False
        try:
            self._known.ask(self._connector, self._servers, side, expected)
        except RemoteError:
            return False
        return True

    def is_same(self, *sides: str) -> bool:
        """Whether we may go on: asks again where we had to sign in meanwhile. Needs no database, so lanes may ask.

        False when it cannot be told now; then the rest is left for the next look. Raises OtherServer, Unreachable,
        SignInFailed.
        """
        for side in sides:
            expected = self._known.expected(side)
            if expected is None or self._known.is_fresh(side, self._servers.sign_ins(side)):
                continue
            try:
                self._known.ask(self._connector, self._servers, side, expected)
            except (Unreachable, SignInFailed):
                raise
            except RemoteError:
                return False
        return True


def expectation(connector: Connector, tenant_id: int, side: str, *, thorough: bool = False) -> Expected:
    """What the connection remembers, and what must be there: the record read last and the one written last.

    `thorough`: wherever a stream stands, instead of the one place it moved to last.
    """
    stored = Connection.objects.filter(tenant=tenant_id, side=side).values_list("identity", flat=True).first() or {}
    reads, writes = streams_of(connector, side)
    places = Position.objects.filter(tenant=tenant_id, stream__key__in=reads, read_upto__isnull=False)
    newest = positions.without_sought(places).order_by("-read_upto", "pk").annotate(stream_key=F("stream__key"))
    traces = [Trace(row.stream_key, row.partition, row.value) for row in (newest if thorough else newest[:1])]
    written = Link.objects.filter(tenant=tenant_id, stream__key__in=writes, pk__gt=stored.get(LINKS_AFTER, 0))
    last = written.exclude(target_id="").order_by("-pk").values_list("stream__key", "target_id").first()
    if last:
        traces.append(Trace(last[0], target_id=last[1]))
    return Expected(stored.get(FACTS, {}), tuple(traces))


def streams_of(connector: Connector, side: str) -> tuple[list[str], list[str]]:
    """Keys of the streams that read from a server, and of those that write to it."""
    streams = [stream for flow in connector.flows for stream in flow.streams]
    reads = [stream.key for stream in streams if stream.source_side == side]
    return reads, [stream.key for stream in streams if stream.target_side == side]


def remember(tenant_id: int, side: str, facts: Mapping[str, str], before: Mapping[str, str]) -> None:
    """Keep what a server told of itself, where it is new. Passes by the signals: no client is made anew for it.

    Where somebody changed what is remembered since `before` was read (a person accepted the server), that stays; the
    server is asked again soon enough.
    """
    if dict(facts) == dict(before):
        return
    row = Connection.objects.filter(tenant=tenant_id, side=side)
    with transaction.atomic():
        stored: dict[str, Any] = row.select_for_update().values_list("identity", flat=True).first() or {}
        if stored.get(FACTS, {}) == dict(before):
            row.update(identity=stored | {FACTS: dict(facts)})
