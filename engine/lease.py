"""The lease: at most one process writes for a tenant, and a process that lost its lease can no longer commit.

Taken, kept and given back by conditional updates; expiry is judged by the database's clock. Every taking has an owner
of its own, which the first statement of every commit proves (`Grant.extend`), so that nothing of an old holder counts;
its growing token tells people and runs which taking it was.
Remote servers cannot be fenced: before each write the holder asks `may_write`, which leaves room for one whole request.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, Q, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from common import clock
from syncstatus.models import Flow, Lease

DURATION = timedelta(seconds=420)
"""Longer than a batch takes at its slowest, short enough that a killed worker's tenant is taken over within minutes."""

LONGEST_WRITE = timedelta(seconds=260)
"""No remote write starts later than this before the lease ends: the longest a request to Avni takes with its ticket."""


class LeaseLost(RuntimeError):
    """Another process holds the tenant now; nothing may be committed any more."""


class StoppedByPerson(RuntimeError):
    """A person ended the run under way of a flow. What was finished is kept; nothing more is begun."""

    def __init__(self, who: str) -> None:
        super().__init__(f"stopped by {who}")
        self.who = who


@dataclass
class Grant:
    """A lease we hold."""

    tenant_id: int
    owner: str
    _safe_until: float = field(repr=False)
    stopped_flows: dict[int, str] = field(default_factory=dict, repr=False)
    """Flows that turned out to be stopped while we worked, and by whom."""

    def may_write(self) -> bool:
        """Whether a remote write begun now ends before the lease, by our clock counted from before the taking."""
        return clock.monotonic() < self._safe_until

    def begin(self, flow_id: int, in_flight: Collection[str]) -> None:
        """Prove and prolong the lease before a batch of a flow, and list what it will write. Raises LeaseLost.

        Raises StoppedByPerson when somebody ended the run meanwhile: this one statement asks that, too.
        """
        asked = clock.monotonic()
        goes_on = Flow.objects.filter(Q(stopped_by="") | Q(is_paused=False), pk=flow_id)
        ours = self._ours().filter(Exists(goes_on), expires_at__gt=Now())
        if ours.update(expires_at=_end(), in_flight=list(in_flight)):
            self._safe_until = _safe_from(asked)
            return
        if not self._ours().filter(expires_at__gt=Now()).exists():
            raise LeaseLost
        who = Flow.objects.filter(pk=flow_id).values_list("stopped_by", flat=True).first() or ""
        self.stopped_flows[flow_id] = who
        raise StoppedByPerson(who)

    def extend(self, in_flight: Collection[str] = ()) -> None:
        """Prove and prolong the lease; the first statement of a commit. Raises LeaseLost.

        `in_flight` are the source records that will be written from now on: should we end before the next call, whoever
        takes the lease next finds them there, and trusts their links no more.
        """
        asked = clock.monotonic()
        ours = self._ours().filter(expires_at__gt=Now())
        if not ours.update(expires_at=_end(), in_flight=list(in_flight)):
            raise LeaseLost
        self._safe_until = _safe_from(asked)

    def release(self) -> None:
        """Give the lease back; without effect when it is no longer ours."""
        self._ours().update(expires_at=None, owner="")

    def _ours(self) -> QuerySet[Lease]:
        return Lease.objects.filter(tenant=self.tenant_id, owner=self.owner)


def take(tenant_id: int) -> Grant | None:
    """Take the tenant's lease, or None while another process holds it."""
    asked = clock.monotonic()
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:12]}"
    free = Lease.objects.filter(Q(expires_at=None) | Q(expires_at__lte=Now()), tenant=tenant_id)
    if not free.update(owner=owner, token=F("token") + 1, expires_at=_end()):
        return None
    return Grant(tenant_id, owner, _safe_from(asked))


def hold_commits(tenant_id: int) -> None:
    """Let no batch of the tenant be committed until our transaction ends: every commit begins with this row.

    For changes of what a commit decides by. Waits for one that is under way, and then sees all it wrote.
    """
    list(Lease.objects.select_for_update().filter(tenant=tenant_id))


def _safe_from(asked: float) -> float:
    return asked + (DURATION - LONGEST_WRITE).total_seconds()


def _end() -> ExpressionWrapper[CombinedExpression]:
    return ExpressionWrapper(Now() + DURATION, output_field=DateTimeField())
