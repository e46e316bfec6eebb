"""A server that is down is asked once in a while, by one of all that need it; the others wait, and nobody is blamed.

The state is the row of the connection: since when it is down, why, and when it may be asked again. A conditional
update decides who asks. The first question is who the server is, like any look's; the look that follows is the rest of
the proof, and when it ends without trouble with that server, everything that is due goes on by itself.
A server that refuses our credentials is asked again only after a person saved the connection or pressed "run now".
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from common import clock
from common.http_errors import Refused, RemoteError, SignInFailed, Unreachable
from engine import incidents
from engine.brake import Halt
from engine.lease import Grant
from engine.patience import Silent
from engine.registry import StreamSpec
from errors.catalogue import DOWN, SIGN_IN, SOURCE_DOWN, TARGET_DOWN, general
from syncstatus.models import IncidentKind
from tenants.models import Connection

FIRST: Final = timedelta(seconds=30)
LONGEST: Final = timedelta(minutes=5)
SPREAD: Final = 0.2
"""Up to a fifth earlier, so that all that lost a server at one moment do not come back at one."""

LONGEST_ASKED: Final = timedelta(days=1)
"""Of what a server asks us to wait (Retry-After); a day off is nearer to a slip than to a wish."""

_random = Random()  # noqa: S311  # spreads requests, guards nothing


def wait_after(probes: int, asked: timedelta | None = None, random: Random = _random) -> timedelta:
    """How long to leave a server alone that failed so many probes (0: it just went down) and `asked` us to wait."""
    plain: timedelta = min(FIRST * float(2 ** min(probes, 10)), LONGEST)
    wait = plain * (1 - random.uniform(0, SPREAD))
    return max(wait, min(asked, LONGEST_ASKED)) if asked else wait


@dataclass(frozen=True)
class Down:
    """What a look found out about a server that does not answer, or not us."""

    message: str
    asked: timedelta | None = None
    """For how long the server asked us to stay away."""

    @property
    def kind(self) -> IncidentKind:
        """Which incident it is."""
        return IncidentKind.REFUSED if general(self.message) == SIGN_IN else IncidentKind.DOWN


@dataclass(frozen=True)
class _Tripped:
    """A server behind its breaker, as its connection tells."""

    message: str
    next_probe_at: datetime | None


class Breaker:
    """The servers of one tenant that are down, as one turn of work knows them. Its streams share it."""

    def __init__(self, tenant_id: int, *, any_down: bool) -> None:
        """`any_down`: whether some connection is; only then the database is asked which."""
        self._tenant_id = tenant_id
        self._tripped: dict[str, _Tripped] = {}
        if any_down:
            rows = Connection.objects.filter(tenant=tenant_id, down_since__isnull=False)
            told = rows.values_list("side", "down_reason", "next_probe_at")
            self._tripped = {side: _Tripped(reason, at) for side, reason, at in told}

    def is_down(self, side: str) -> bool:
        """Whether the server is behind its breaker."""
        return side in self._tripped

    def waiting(self, spec: StreamSpec) -> tuple[str, str] | None:
        """The message id for a stream that must not even ask now, and the server; None when it may be looked at."""
        for side in (spec.target_side, spec.source_side):
            down = self._tripped.get(side)
            if down and (down.next_probe_at is None or down.next_probe_at > clock.now()):
                return self.as_seen_by(spec, side), side
        return None

    def as_seen_by(self, spec: StreamSpec, side: str) -> str:
        """Message id of a look at a stream that needs the server."""
        return as_seen_by(spec, side, self._tripped[side].message)

    def claim(self, side: str) -> bool:
        """Whether we are the one who asks the server now. Should we end before we know, others may in `LONGEST`."""
        down = self._tripped[side]
        later = clock.now() + LONGEST
        row = Connection.objects.filter(tenant=self._tenant_id, side=side, next_probe_at=down.next_probe_at)
        won = bool(row.update(next_probe_at=later))
        self._tripped[side] = _Tripped(down.message, later)
        return won

    def trip(self, side: str, down: Down, *, was_probe: bool) -> None:
        """Let everything that needs the server wait. Needs a transaction under the lease."""
        kind = down.kind
        others = [other for other in (IncidentKind.DOWN, IncidentKind.REFUSED) if other != kind]
        incidents.recovered(self._tenant_id, others, side)
        row = incidents.seen(self._tenant_id, kind, side, down.message, {"side": side})
        if was_probe:
            row.probes += 1
            row.save(update_fields=["probes"])
        now = clock.now()
        at = None if kind == IncidentKind.REFUSED else now + wait_after(row.probes, down.asked)
        Connection.objects.filter(tenant=self._tenant_id, side=side).update(
            down_since=Coalesce(F("down_since"), now), down_reason=down.message, next_probe_at=at
        )
        self._tripped[side] = _Tripped(down.message, at)

    def reset(self, side: str) -> None:
        """The server is back: everything goes on. Needs a transaction under the lease."""
        Connection.objects.filter(tenant=self._tenant_id, side=side).update(
            down_since=None, down_reason="", next_probe_at=None
        )
        incidents.recovered(self._tenant_id, [IncidentKind.DOWN, IncidentKind.REFUSED], side)
        self._tripped.pop(side, None)


class Reach:
    """What one look finds out about the servers it needs, written down when it ends."""

    def __init__(self, breaker: Breaker, spec: StreamSpec, grant: Grant, ask_anew: Callable[[str], None]) -> None:
        """`ask_anew`: asks a server who it is, however lately that was done; raises RemoteError and Halt."""
        self._breaker = breaker
        self._spec = spec
        self._grant = grant
        self._ask_anew = ask_anew
        self._asked: set[str] = set()
        self._answered: set[str] = set()
        self._down: dict[str, Down] = {}

    def probe(self) -> str:
        """Ask the servers of the stream that were down. Raises RemoteError and Halt, as asking does.

        Gives the message id of a look that must wait because somebody else asks just now, else "".
        """
        for side in dict.fromkeys((self._spec.source_side, self._spec.target_side)):
            if not self._breaker.is_down(side):
                continue
            if not self._breaker.claim(side):
                return self._breaker.as_seen_by(self._spec, side)
            self._asked.add(side)
            try:
                self._ask_anew(side)
            except Halt:  # it answers, though it is another one
                self._answered.add(side)
                raise
            self._answered.add(side)
        return ""

    def note(self, failure: BaseException, *, is_of_all: bool = False) -> None:
        """What ended the look, or a part of it. `is_of_all`: even a slow answer is not about one record."""
        if isinstance(failure, Silent):
            self._down[failure.side] = Down(DOWN)
        elif isinstance(failure, RemoteError):
            is_down = isinstance(failure, Unreachable) or (is_of_all and not isinstance(failure, Refused))
            message = SIGN_IN if isinstance(failure, SignInFailed) else DOWN if is_down else ""
            if message:
                detail = f".{failure.detail}" if failure.detail else ""
                self._down[self._side_of(failure)] = Down(message + detail, failure.retry_after)

    def settle(self, *, ended_well: bool) -> None:
        """Write it down. `ended_well`: nothing stopped the look, so that whatever was down is not any more."""
        back = [side for side in self._asked - self._down.keys() if side in self._answered or ended_well]
        if not back and not self._down:
            return
        with transaction.atomic():
            self._grant.extend()
            for side, down in self._down.items():
                self._breaker.trip(side, down, was_probe=side in self._asked)
            for side in back:
                self._breaker.reset(side)
        self._asked.clear()
        self._down.clear()

    @property
    def must_wait(self) -> bool:
        """Whether a server of the stream is down by now."""
        return self._breaker.waiting(self._spec) is not None

    def _side_of(self, failure: RemoteError) -> str:
        return self._spec.source_side if failure.side == self._spec.source_side else self._spec.target_side


def as_seen_by(spec: StreamSpec, side: str, message: str) -> str:
    """What a connection says of its server (`Connection.down_reason`), as the message of a look at a stream."""
    if general(message) == SIGN_IN:
        return message
    return (SOURCE_DOWN if side == spec.source_side else TARGET_DOWN) + message.removeprefix(DOWN)


def try_now(tenant_id: int) -> None:
    """Let every server of the tenant that is down be asked once, at once: a person wants it. Needs a scope."""
    down = Connection.objects.filter(tenant=tenant_id, down_since__isnull=False)
    down.update(next_probe_at=clock.now())


def down_sides(tenant_ids: Collection[int]) -> dict[tuple[int, str], str]:
    """Why each server behind its breaker is, by tenant and side: one query."""
    rows = Connection.objects.filter(tenant__in=tenant_ids, down_since__isnull=False)
    return {(tenant, side): reason for tenant, side, reason in rows.values_list("tenant", "side", "down_reason")}
