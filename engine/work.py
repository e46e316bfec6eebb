"""Who comes first takes the tenant's lease and works off its due streams in the order of their dependencies.

Tasks, the sweep and the `sync` command all end here. Whoever finds the lease taken leaves: the streams are marked due,
and the holder looks once more after giving the lease back.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from common import clock
from engine import bell
from engine.commit import suspect
from engine.lease import Grant, LeaseLost, take
from engine.provision import missing_in
from engine.registry import Servers, Setting, connector_of
from engine.signing_in import REFUSED, is_refused
from engine.slices import Limits, Look, Slice, Watch
from errors.models import ErrorRecord
from mappings import snapshot
from syncstatus.models import Lease, Position, Stream
from tenants.models import Connection, Tenant
from tenants.scoping import tenant_scope


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

    Needs a scope of the tenant. Raises nothing of a remote server: looks carry what stopped them.
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
            due = _current(_due(tenant_id, streams))
            _distrust_what_was_cut_off(due, grant)
            looks = [_look(position, grant, limits, watch) for position in due]
        except LeaseLost:
            report.lease_held_by_another = True
            return report
        finally:
            grant.release()
        report.looks += looks
        rung_meanwhile = _due(tenant_id, streams).exclude(stream__in=_unready(looks))
        if looks and clock.monotonic() - begun >= limits.seconds:  # a task must end before its time limit
            report.left = [position.stream for position in rung_meanwhile]
            return report
        if not looks or not rung_meanwhile.exists():
            return report


def _due(tenant_id: int, streams: Collection[str] | None) -> QuerySet[Position]:
    """Positions of due streams with all that a look needs, in one statement."""
    lease = Lease.objects.filter(tenant=OuterRef("tenant"))
    waiting = ErrorRecord.objects.filter(stream=OuterRef("stream"), next_attempt_at__lte=clock.now())
    rows = Position.objects.filter(
        tenant=tenant_id, stream__due_since__isnull=False, stream__flow__is_on=True, stream__flow__is_paused=False
    )
    if streams is not None:
        rows = rows.filter(stream__key__in=streams)
    rows = rows.select_related("stream__flow", "stream__tenant", "tenant").order_by("stream__sequence", "pk")
    return rows.annotate(
        lease_token=Subquery(lease.values("token")[:1]),
        left_in_flight=Subquery(lease.values("in_flight")[:1]),
        has_due_errors=Exists(waiting),
    )


def _distrust_what_was_cut_off(due: list[Position], grant: Grant) -> None:
    """The holder before us ended between its writes and its commit: those links tell less than the target holds."""
    in_flight = due[0].left_in_flight if due else []  # type: ignore[attr-defined]  # annotated in _due
    if in_flight:
        with transaction.atomic():
            grant.extend()
            suspect(grant.tenant_id, in_flight)


def _unready(looks: list[Look]) -> list[int]:
    """Streams that stay due on purpose: more than a slice, or a server that is down. The next task or sweep goes on."""
    return [look.stream.pk for look in looks if look.more or look.stopped_by]


def _look(due: Position, grant: Grant, limits: Limits, watch: Watch | None) -> Look:
    tenant = due.tenant
    connector = connector_of(tenant)
    setting = setting_of(tenant)
    if not {side.key for side in connector.sides} <= setting.connections.keys():
        return _not_looked_at(due.stream, "engine.connection-missing")
    servers = servers_of(setting)
    slice_ = Slice(connector, setting, servers, grant, due.lease_token, due, limits, watch)  # type: ignore[attr-defined]  # annotated in _due
    if missing_in(setting.snapshot, connector, due.stream.flow.key):
        slice_.look.stopped_by = "engine.mappings-missing"
    elif not _is_current(due):
        slice_.look.stopped_by = "engine.partition-changed"
    elif is_refused(due.stream):
        slice_.look.stopped_by = REFUSED
    else:
        if due.has_due_errors:  # type: ignore[attr-defined]  # annotated in _due
            slice_.reprocess()
        if not slice_.look.stopped_by:
            slice_.read()
    return slice_.close()


def _current(due: Iterable[Position]) -> list[Position]:
    """The positions to read on from: those of what the tenant's settings name now, else one that tells they changed."""
    chosen: dict[int, Position] = {}
    for position in due:
        if position.stream_id not in chosen or _is_current(position):
            chosen[position.stream_id] = position
    return list(chosen.values())


def _is_current(position: Position) -> bool:
    """Whether the stream still reads what this position was made for (a subject type, a feed)."""
    spec = connector_of(position.tenant).stream(position.stream.key)
    return position.partition == spec.partition(setting_of(position.tenant).snapshot)


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
            _settings[key] = Setting(tenant, rows, snapshot.take(tenant))
        known = _settings[key]
    return Setting(tenant, known.connections, known.snapshot, refuse_writes)


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


_lock = threading.RLock()
_Key = tuple[int, str, int]
_settings: dict[_Key, Setting] = {}
_servers: dict[_Key, Servers] = {}
