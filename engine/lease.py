"""The lease: at most one process writes for a tenant, and a process that lost its lease can no longer commit.

Taken, kept and given back by conditional updates; expiry is judged by the database's clock. Every taking has an owner
of its own, which the first statement of every commit proves (`Grant.extend`), so that nothing of an old holder counts;
its growing token tells people and runs which taking it was.
Remote servers cannot be fenced: before each write the holder asks `may_write`, which leaves room for one whole request.
What an old holder was writing when its lease was taken over is under suspicion for a while (`engine.suspects`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, Q, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from common import clock
from engine import suspects
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

    def begin(
        self, flow_id: int, in_flight: Collection[str], *, of: int, at_work: Collection[str] | None = None
    ) -> None:
        """`extend` before a batch of a flow. Raises LeaseLost.

        Raises StoppedByPerson when somebody ended the run meanwhile: this one statement asks that, too.
        """
        goes_on = Flow.objects.filter(Q(stopped_by="") | Q(is_paused=False), pk=flow_id)
        if self._extended(self._ours().filter(Exists(goes_on)), in_flight, of, at_work):
            return
        if not self._ours().filter(expires_at__gt=Now()).exists():
            raise LeaseLost
        who = Flow.objects.filter(pk=flow_id).values_list("stopped_by", flat=True).first() or ""
        self.stopped_flows[flow_id] = who
        raise StoppedByPerson(who)

    def extend(
        self, in_flight: Collection[str] = (), *, of: int | None = None, at_work: Collection[str] | None = None
    ) -> None:
        """Prove and prolong the lease; the first statement of a commit. Raises LeaseLost.

        `in_flight` are the source records of a stream (`of`, its key in the database) that will be written from now on:
        should we end before the next call, whoever takes the lease next finds them there, and trusts their links no
        more. Our end counts against those `at_work` (None: all of them).
        """
        if not self._extended(self._ours(), in_flight, of, at_work):
            raise LeaseLost

    def _extended(
        self, ours: QuerySet[Lease], in_flight: Collection[str], of: int | None, at_work: Collection[str] | None
    ) -> bool:
        asked = clock.monotonic()
        blamed = {"stream": of, "ids": list(in_flight if at_work is None else at_work)} if in_flight else {}
        held = ours.filter(expires_at__gt=Now())
        if not held.update(expires_at=_end(), in_flight=list(in_flight), at_work=blamed):
            return False
        self._safe_until = _safe_from(asked)
        return True

    def release(self) -> None:
        """Give the lease back, when no lane is at work any more. When it is no longer ours, report that we are through.

        Whoever has taken it compares what we were writing with the target until then.
        """
        if not self._ours().update(expires_at=None, owner=""):
            suspects.report(self.tenant_id, self.owner)

    def is_held(self) -> Exists:
        """A condition that fails the statement it is put into when the lease is no longer ours."""
        return Exists(self._ours())

    def _ours(self) -> QuerySet[Lease]:
        return Lease.objects.filter(tenant=self.tenant_id, owner=self.owner)


def take(tenant_id: int) -> Grant | None:
    """Take the tenant's lease, or None while another process holds it.

    One that ran out without being given back is taken over: its holder died, or hangs and may yet write.
    """
    asked = clock.monotonic()
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:12]}"
    ours = {"owner": owner, "token": F("token") + 1, "expires_at": _end()}
    leases = Lease.objects.filter(tenant=tenant_id)
    if leases.filter(expires_at=None).update(**ours) or _take_over(leases.filter(expires_at__lte=Now()), ours):
        return Grant(tenant_id, owner, _safe_from(asked))
    return None


def _take_over(expired: QuerySet[Lease], ours: dict[str, Any]) -> bool:
    with transaction.atomic():
        lost = expired.first()
        if lost is None or not expired.filter(token=lost.token).update(**ours, in_flight=[], at_work={}):
            return False
        suspects.take_over(lost)
    return True


def hold_commits(tenant_id: int) -> None:
    """Let no batch of the tenant be committed until our transaction ends: every commit begins with this row.

    For changes of what a commit decides by. Waits for one that is under way, and then sees all it wrote.
    """
    list(Lease.objects.select_for_update().filter(tenant=tenant_id))


def _safe_from(asked: float) -> float:
    return asked + (DURATION - LONGEST_WRITE).total_seconds()


def _end() -> ExpressionWrapper[CombinedExpression]:
    return ExpressionWrapper(Now() + DURATION, output_field=DateTimeField())
