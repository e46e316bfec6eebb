"""Links for what stands already: records that a service before us handed over are found by their markers.

The real path over a transport that refuses every write: what is wanted, what is there, what would be written. Where the
plan would create nothing, what it found stands for the record from now on. What else it would write is left: the record
is compared again when it next changes. Runs under the tenant's lease, in small commits, and goes on where it ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, cast

from common import clock
from common.http_errors import RemoteError
from common.outcome import Outcome
from engine import lease
from engine.carrying import Carrier, Failures
from engine.commit import TAKEN_OVER, Ledger, load_known
from engine.handing_over import LeaseTooShort, Result
from engine.lease import Grant
from engine.patience import Patience, Silent
from engine.ports import Handover, JsonObject, Page, Walked
from engine.registry import Connector, Servers, connector_of
from engine.work import setting_of
from errors.catalogue import TAKEN_OVER_MISSING
from errors.models import ErrorRecord
from syncstatus.models import Position, Run, RunKind, RunState, Stream, TakeOver
from tenants.models import Tenant

AT_ONCE: Final = 20
"""Records between two commits: few enough that the lease, which each commit prolongs, never runs out."""

LINKED, DIFFERS, KNOWN, NEWER, ABSENT = "linked", "linked, differs", "linked before", "new since", "missing"


class Busy(Exception):
    """Somebody else works for this tenant just now."""


@dataclass(frozen=True)
class Trail:
    """Where records of one stream that were handed over before can be met: in a part of a source, page by page.

    Changes may bear no record, then it is fetched. `begin` is the position before the first.
    """

    stream: str
    part: str
    begin: JsonObject
    marked: tuple[str, ...]
    """Kinds of target record that carry the marker: whoever wrote them did it for this tenant."""
    pages: Callable[[JsonObject], Iterator[Page]] = field(compare=False)


Trails = Callable[[Servers, Tenant], Sequence[Trail]]
Watch = Callable[[Trail, Mapping[str, int]], None]


def adopt(tenant: Tenant, trails: Trails, *, watch: Watch | None = None, afresh: bool = False) -> Counter[str]:
    """Follow the trails from where the last call ended (`afresh`: from their beginnings); gives counts of this call.

    Counted are records by the words above, and those that could not be compared by their message id. Needs a scope of
    the tenant. Raises Busy, common.http_errors.RemoteError (what was found is kept), LeaseLost.
    """
    grant = lease.take(tenant.pk)
    if grant is None:
        raise Busy
    try:
        connector, setting = connector_of(tenant), setting_of(tenant, refuse_writes=True)
        with closing(connector.connect(setting)) as servers:
            search = _Search(tenant, connector, servers, grant, afresh=afresh)
            for trail in trails(servers, tenant):
                search.follow(trail, {key: one.max_parallel for key, one in setting.connections.items()}, watch)
            return search.counts
    finally:
        grant.release()


class _Search:
    """One call, under one lease."""

    def __init__(self, tenant: Tenant, connector: Connector, servers: Servers, grant: Grant, *, afresh: bool) -> None:
        self.connector, self.servers, self.grant = connector, servers, grant
        self.row, _ = TakeOver.objects.get_or_create(tenant=tenant)
        if afresh:
            self.row.searched = {}
        self.streams = {stream.key: stream for stream in Stream.objects.filter(tenant=tenant)}
        self.counts: Counter[str] = Counter()

    def follow(self, trail: Trail, limits: Mapping[str, int], watch: Watch | None) -> None:
        """All pages of a trail. Raises RemoteError."""
        stream, spec = self.streams[trail.stream], self.connector.stream(trail.stream)
        known = self.row.searched.setdefault(trail.stream, {}).setdefault(trail.part, {})
        handover: Handover[Any] = self.servers.handover(trail.stream)
        carrier = Carrier(
            stream.tenant_id, handover, self.grant.may_write,
            limits[spec.source_side], limits[spec.target_side], rehearses=True,
            version=cast(Walked, handover).version if spec.round else None,
        )  # fmt: skip
        run = Run.objects.create(
            tenant_id=stream.tenant_id, stream=stream, kind=RunKind.TAKE_OVER, started_at=clock.now(), token=0
        )
        calls_before = self.servers.remote_calls
        read_upto = _read_upto(stream, trail.part)
        state = RunState.STOPPED
        try:
            for page in trail.pages(known.get("position", trail.begin)):
                self.counts.update({gap.why.message: 1 for gap in page.gaps})
                self._page(page, trail, carrier, run, read_upto)
                known["position"] = dict(page.position)
                self.row.save(update_fields=["searched", "last_at"])
                if watch:
                    watch(trail, self.counts)
            state = RunState.DONE
        finally:
            if run.read:
                calls = self.servers.remote_calls - calls_before
                Run.objects.filter(pk=run.pk).update(state=state, finished_at=clock.now(), remote_calls=calls)
            else:
                run.delete()

    def _page(self, page: Page, trail: Trail, carrier: Carrier, run: Run, read_upto: datetime | None) -> None:
        stream = self.streams[trail.stream]
        newest = {change.entity_id: change for change in page.changes}
        links = load_known(stream, list(newest))
        standing = [entity_id for entity_id in newest if entity_id in links and links[entity_id].target_id]
        self.counts[KNOWN] += len(standing)
        left = [change for entity_id, change in newest.items() if entity_id not in standing]
        for begin in range(0, len(left), AT_ONCE):
            some = {change.entity_id: change for change in left[begin : begin + AT_ONCE]}
            self.grant.extend()
            results, failures = carrier.carry(some, links, Patience())
            said = [told for result in results if (told := self._judge(result, trail, read_upto))]
            has_error = set(
                ErrorRecord.objects.filter(stream=stream, entity_id__in=some).values_list("entity_id", flat=True)
            )
            said = [result for result in said if result.is_finished or result.change.entity_id not in has_error]
            Ledger(self.connector, self.grant, stream, run).commit(said, links, {})
            _raise(failures)

    def _judge(self, result: Result, trail: Trail, read_upto: datetime | None) -> Result | None:
        """What the ledger shall remember of a rehearsed hand-over; None for nothing. Counts it."""
        if result.plan is None or result.want is None:
            self.counts[result.message] += 1
            return None
        result = replace(result, planned=(), writes=0)
        found = _standing(result, trail.marked)
        if found:
            self.counts[LINKED if found.want and found.want.fingerprint else DIFFERS] += 1
            return found
        at = result.change.source_time
        if at is None or read_upto is None or at > read_upto:
            self.counts[NEWER] += 1  # the flow will read it and hand it over
            return None
        self.counts[ABSENT] += 1
        return replace(result, outcome=Outcome.HELD, message=TAKEN_OVER_MISSING, plan=None)


def _standing(result: Result, marked: Iterable[str]) -> Result | None:
    """The result as if what is there had been handed over; None while nothing stands for the record itself.

    Where more would be written, what we left there stays unknown: the next look at the record compares it again.
    """
    plan, want = result.plan, result.want
    if plan is None or want is None:
        return None
    made = {write.id for write in plan.writes if write.verb == "create"}
    kept = {name: there for name, there in plan.other_targets.items() if there not in made}
    # One of several parts that stand for the record is as good a target as another.
    parts = list(kept.values()) if plan.target_id in plan.other_targets.values() else []
    target = plan.target_id if plan.target_id not in made else next(iter(parts), "")
    if not target:
        return None
    ours = tuple(sorted({*plan.created_by_us, *(TAKEN_OVER + kind for kind in marked)}))
    plan = replace(plan, target_id=target, other_targets=kept, created_by_us=ours, look_again=False)
    if plan.writes:
        want, plan = replace(want, fingerprint=""), replace(plan, writes=(), left_fingerprint="", left=None)
    return replace(result, outcome=Outcome.UNCHANGED, plan=plan, want=want)


def _read_upto(stream: Stream, part: str) -> datetime | None:
    """How far the part was read before; None where nobody knows, or it is read by other parts."""
    return Position.objects.filter(stream=stream, partition=part).values_list("read_upto", flat=True).first()


def _raise(failures: Failures) -> None:
    """What ended a page early: the position stays in front of it."""
    for failure in failures:
        if isinstance(failure, LeaseTooShort | Silent):
            raise RemoteError("the servers answer too slowly", side="", method="", path_template="")
        raise failure
