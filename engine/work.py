"""Who comes first takes the tenant's lease and works off its due streams in the order of their dependencies.

Tasks, the sweep and the `sync` command all end here. Whoever finds the lease taken leaves: the streams are marked due,
and the holder looks once more after giving the lease back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

from common import clock
from engine import backfilling, bell, below, braking, comparing, gaps, identity, retrying, rounds, seal_moves, suspects
from engine.breaker import Breaker
from engine.carrying import give_connection_back
from engine.lease import Grant, LeaseLost, take
from engine.provision import missing_in
from engine.registry import Connector, Servers, Setting, connector_of
from engine.slices import Limits, Look, Slice, Watch
from errors.catalogue import CUT_OFF, STOPPED
from errors.models import ErrorRecord, ErrorState
from mappings import snapshot
from syncstatus.backfills import OPEN, Backfill
from syncstatus.models import AtBrake, Lease, Position, Run, RunState, Stream, Suspect, ToRead
from tenants import audit, seal
from tenants.models import Connection, Tenant
from tenants.scoping import tenant_scope

log = structlog.get_logger(__name__)

LONGEST: Final = 80.0
"""Seconds of a task after which no further stream is begun, nor read on: other tenants wait for the worker."""

LONGEST_ROUND: Final = 100.0
"""Seconds after which no turn of going round is begun: with the last one a task hands over within two minutes. What is
left stays due and is rung for. Only what is under way by then is brought to its end."""


@dataclass
class Report:
    """What one call of `work_off` did."""

    lease_held_by_another: bool = False
    looks: list[Look] = field(default_factory=list)
    left: list[Stream] = field(default_factory=list)
    """Streams rung for meanwhile that the time did not reach for."""

    @property
    def more(self) -> bool:
        """Whether a stream has more to read than fitted into its slice."""
        return any(look.more for look in self.looks)


def sync(tenant_id: int, stream_key: str) -> Report:
    """Mark a stream due and work the tenant off; when more is waiting, ring again. What a task per entity type does."""
    with tenant_scope(tenant_id):
        bell.mark_due(Stream.objects.filter(tenant=tenant_id, key=stream_key))
        report = work_off(tenant_id)
        for look in report.looks:
            if look.more and not look.stopped_by:
                bell.send(look.stream)
        for stream in report.left:
            bell.send(stream)
    return report


def work_off(
    tenant_id: int, *, streams: Collection[str] | None = None, limits: Limits | None = None, watch: Watch | None = None
) -> Report:
    """Look at every due stream of the tenant (or those in `streams`) in order; again at what became due meanwhile.

    Needs a scope of the tenant. Raises nothing of a remote server: looks carry what stopped them. A slip of our own in
    one stream is raised when the others have had their turn.
    """
    report = Report()
    limits = limits or Limits()
    begun = clock.monotonic()
    while True:
        grant = take(tenant_id)
        if grant is None:
            report.lease_held_by_another = not report.looks
            return report
        try:
            due = _due(tenant_id, streams)
            _distrust_what_was_cut_off(due, grant)
            slices: list[Slice] = []
            end = begun + max(LONGEST, limits.seconds)
            look = partial(_look, grant=grant, limits=limits, end=end, watch=watch, slices=slices)
            looks = _look_at_each(due, begun, look)
            _go_round(slices, looks, begun)
        except LeaseLost:
            report.lease_held_by_another = True
            return report
        finally:
            grant.release()
        report.looks += looks
        rung_meanwhile = _rung(tenant_id, streams).exclude(pk__in=_unready(looks))
        if looks and clock.monotonic() - begun >= limits.seconds:  # a task must end before its time limit
            report.left = list(rung_meanwhile)
            return report
        if not looks or not rung_meanwhile.exists():
            return report


def _look_at_each(due: Sequence[Due], begun: float, look: Callable[[Due], Look]) -> list[Look]:
    """Looks at the streams, at the first whatever the time. A slip in one is raised when the others had their turn."""
    looks: list[Look] = []
    slips: list[Exception] = []
    for number, stream in enumerate(due):
        if number and clock.monotonic() - begun >= LONGEST:
            break
        if stream.stream.flow.is_paused:
            continue  # it paused itself just now
        try:
            looks.append(look(stream))
        except LeaseLost:
            raise
        except (OperationalError, InterfaceError) as cut:
            # Our own database: nothing of the batch counts, so it is read again, and no record is to blame.
            row = stream.stream
            log.warning("work.database_lost", stream=row.key, tenant=row.tenant_id, kind=type(cut).__name__)
            give_connection_back()
            looks.append(Look(row, stopped_by=CUT_OFF))
        except Exception as slip:  # noqa: BLE001  # the barrier around one stream
            slips.append(slip)
    if slips:
        raise slips[0]
    return looks


def _go_round(slices: Sequence[Slice], looks: Sequence[Look], begun: float) -> None:
    """Let streams take their turns of backfills and of going round, when all that is due was read."""
    for slice_ in slices:
        if clock.monotonic() - begun >= LONGEST_ROUND:
            return
        if slice_.must_wait:
            continue
        if slice_.has_backfill:
            backfilling.take_turn(slice_)
        if slice_.is_to_go_round:
            rounds.take_turn(slice_, waiting=[look.stream for look in looks if look.more and look is not slice_.look])


@dataclass(frozen=True)
class Due:
    """A stream somebody rang for, with all that a look needs."""

    stream: Stream
    positions: list[Position]
    lease_token: int
    left_in_flight: list[str]
    has_due_errors: bool
    has_gaps: bool
    has_suspects: bool
    """Whether records of it were in flight when a worker was lost."""
    has_notes: bool
    """Whether what hangs on some record is to be read."""
    was_cut_off: bool
    """Whether a run stands open: its process ended before it could say so."""
    has_backfill: bool
    """Whether a person asked for something to be read besides."""
    rests_until: datetime | None
    """Before then the stream is not gone through."""
    breaker: Breaker
    """The servers of the tenant; the streams share it."""


def _rung(tenant_id: int, streams: Collection[str] | None) -> QuerySet[Stream]:
    """The due streams of flows that run, in the order of dependencies.

    Not those of a flow that waits because of a number; one that waits because of a server asks it again.
    """
    rows = (
        Stream.objects.filter(tenant=tenant_id, due_since__isnull=False, flow__is_on=True, flow__is_paused=False)
        .exclude(flow__at_brake=AtBrake.MANY)
        .order_by("sequence")
    )
    if streams is not None:
        rows = rows.filter(key__in=streams)
    return rows.select_related("flow", "tenant")


def _due(tenant_id: int, streams: Collection[str] | None) -> list[Due]:
    """The due streams with their positions, those first that were moved longest ago: one statement.

    Streams that were looked at since they became due (they have more than a slice) come behind those that were not:
    else the first ones would take every task's whole time, and the last ones' turn would never come.
    """
    lease = Lease.objects.filter(tenant=OuterRef("tenant"))
    errors = ErrorRecord.objects.filter(stream=OuterRef("pk"))
    unread = errors.filter(entity_id__startswith=gaps.BEGIN).exclude(state=ErrorState.RESOLVED)
    rows = _rung(tenant_id, streams).annotate(
        lease_token=Subquery(lease.values("token")[:1]),
        left_in_flight=Subquery(lease.values("in_flight")[:1]),
        has_due_errors=Exists(errors.filter(next_attempt_at__lte=clock.now())),
        has_gaps=Exists(unread), **braking.columns(),
        has_suspects=Exists(Suspect.objects.filter(stream=OuterRef("pk"))),
        has_notes=Exists(ToRead.objects.filter(stream=OuterRef("pk"))),
        any_down=Exists(Connection.objects.filter(tenant=OuterRef("tenant"), down_since__isnull=False)),
        was_cut_off=Exists(Run.objects.filter(stream=OuterRef("pk"), state=RunState.RUNNING)),
        has_backfill=Exists(Backfill.objects.filter(stream=OuterRef("pk"), state__in=OPEN)),
        rests_until=F("round__next_turn_at"),
        at_id=F("positions__id"), at_partition=F("positions__partition"), at_value=F("positions__value"),
        at_read_upto=F("positions__read_upto"), at_moved_at=F("positions__moved_at"), at_moves=F("positions__moves"),
    )  # fmt: skip
    due: dict[int, Due] = {}
    breaker: Breaker | None = None
    for row in rows.order_by("sequence", "at_moved_at", "at_id"):
        breaker = breaker or Breaker(tenant_id, any_down=row.any_down)
        facts = (row.lease_token, row.left_in_flight or [], row.has_due_errors, row.has_gaps, row.has_suspects)
        more = (row.has_notes, row.was_cut_off, row.has_backfill, row.rests_until, breaker)
        one = due.setdefault(row.pk, Due(row, [], *facts, *more))
        if row.at_id is not None:
            place = {"partition": row.at_partition, "value": row.at_value, "read_upto": row.at_read_upto}
            place["moves"] = row.at_moves
            one.positions.append(Position(pk=row.at_id, tenant_id=tenant_id, stream=one.stream, **place))
    braking.prepared(one.stream for one in due.values())
    return sorted(due.values(), key=lambda one: _had_its_turn(one.stream))


def _had_its_turn(stream: Stream) -> bool:
    return bool(stream.last_look_at and stream.due_since and stream.last_look_at > stream.due_since)


def _distrust_what_was_cut_off(due: list[Due], grant: Grant) -> None:
    """The holder before us gave up between its writes and its commit: those links tell less than the target holds."""
    in_flight = due[0].left_in_flight if due else []
    if in_flight:
        with transaction.atomic():
            grant.extend()
            suspects.distrust(grant.tenant_id, in_flight)


def _unready(looks: list[Look]) -> list[int]:
    """Streams that stay due on purpose: more than a slice, or a server that is down. The next task or sweep goes on."""
    return [look.stream.pk for look in looks if look.more or look.stopped_by]


def _look(due: Due, grant: Grant, limits: Limits, end: float, watch: Watch | None, slices: list[Slice]) -> Look:
    """What came of a look, which begins nothing after `end`; its slice joins those whose turn to go round it is."""
    stream = due.stream
    connector = connector_of(stream.tenant)
    setting = _setting_where_bound(stream.tenant)
    if why := _cannot_begin(connector, setting):
        return _not_looked_at(stream, why)
    if waiting := _waits(due, connector, grant):
        return waiting
    servers = servers_of(setting)
    slice_ = Slice(setting, servers, grant, due.lease_token, stream, due.breaker, limits, watch)
    slice_.end = min(slice_.end, end)
    if due.was_cut_off:
        slice_.close_what_was_cut_off()
    if missing_in(setting.snapshot, connector, stream.flow.key):
        slice_.look.stopped_by = "engine.mappings-missing"
    elif slice_.prove_source():
        _work_through(slice_, due)
    slice_.has_backfill = due.has_backfill
    slice_.is_to_go_round = due.rests_until is None or due.rests_until <= clock.now()
    slices.append(slice_)
    return slice_.close()


def _work_through(slice_: Slice, due: Due) -> None:
    slice_.take_up(due.positions)
    if due.has_gaps:
        slice_.find_gaps()
    if due.has_suspects:
        slice_.deaths = suspects.deaths(slice_.stream)
        comparing.compare_again(slice_)
    if due.has_due_errors:
        retrying.reprocess(slice_)
    slice_.read()
    if due.has_notes:
        below.read_noted(slice_)


def _waits(due: Due, connector: Connector, grant: Grant) -> Look | None:
    """The look that is not taken: a person ended the flow's run, or a server is down. The stream stays due."""
    stream = due.stream
    if who := grant.stopped_flows.get(stream.flow_id):
        return Look(stream, more=True, stopped_by=STOPPED, params={"who": who}, stopped_who=who)
    if waits := due.breaker.waiting(connector.stream(stream.key)):
        return Look(stream, stopped_by=waits[0], params={"side": waits[1]})
    return None


def _setting_where_bound(tenant: Tenant) -> Setting:
    """The setting of a tenant; one that never was bound (of an older release) is bound to where it is worked first."""
    if not tenant.bound_to:
        seal_moves.bind_unbound(tenant, actor=audit.SYSTEM)
    return setting_of(tenant)


def _cannot_begin(connector: Connector, setting: Setting) -> str:
    """Message id of why nothing of a tenant is even looked at; empty when it is."""
    if setting.sealed:
        return setting.sealed
    has_all = {side.key for side in connector.sides} <= setting.connections.keys()
    return "" if has_all else "engine.connection-missing"


def _not_looked_at(stream: Stream, why: str) -> Look:
    """A look that could not even begin; it is over until a person has done something about it."""
    Stream.objects.filter(pk=stream.pk).update(due_since=None, last_look_at=clock.now(), last_look_failure=why)
    return Look(stream, stopped_by=why)


def setting_of(tenant: Tenant, *, refuse_writes: bool = False) -> Setting:
    """Connections and mappings of a tenant, frozen. No query while the tenant's revision is one already seen."""
    key = (tenant.pk, str(tenant.namespace), tenant.mapping_revision)
    with _lock:
        if key not in _settings:
            for old in [known for known in _settings if known[0] == tenant.pk]:
                _settings.pop(old)
            rows = {row.side: row for row in Connection.objects.filter(tenant=tenant)}
            why = seal.reason(tenant, rows.values())
            _settings[key] = Setting(tenant, rows, snapshot.take(tenant), refuse_writes=bool(why), sealed=why)
        known = _settings[key]
    return replace(known, tenant=tenant, refuse_writes=refuse_writes or known.refuse_writes)


def servers_of(setting: Setting) -> Servers:
    """Signed-in clients, kept between slices while nothing about the tenant changed: tokens and sockets are dear."""
    tenant = setting.tenant
    key = (tenant.pk, str(tenant.namespace), tenant.mapping_revision)
    with _lock:
        for old in [known for known in _servers if known[0] == tenant.pk and known != key]:
            _servers.pop(old).close()
        if key not in _servers:
            _servers[key] = connector_of(tenant).connect(setting)
        return _servers[key]


def forget() -> None:
    """Close what is kept. For tests, and for processes that fork."""
    with _lock:
        for servers in _servers.values():
            servers.close()
        _servers.clear()
        _settings.clear()
        identity.forget()


_lock = threading.RLock()
_Key = tuple[int, str, int]
_settings: dict[_Key, Setting] = {}
_servers: dict[_Key, Servers] = {}
