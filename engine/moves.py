"""What people do to flows and records: switch on and off, pause, run now, retry, ignore, change a setting.

The doors (console, commands) check who may; here it is done, in one transaction, and put on record with before and
after. All of it needs a scope of the tenant concerned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Now

from common import clock
from engine import bell, decisions, faults, positions, seal_moves, signing_in, starting
from engine.lease import hold_commits
from engine.provision import missing
from engine.registry import Connector, FlowSpec, Servers, connector_of
from engine.starting import Start
from engine.work import servers_of, setting_of
from errors.catalogue import explain
from errors.models import OPEN_STATES, ErrorRecord, ErrorState
from syncstatus.models import AtBrake, Flow, Lease, Position, Run, RunState, Stream
from tenants import audit, seal
from tenants.audit import Actor
from tenants.models import Connection, Tenant
from tenants.secrets import Secret

_RETRYABLE = (*OPEN_STATES, ErrorState.CLOSED, ErrorState.IGNORED, ErrorState.APART)


class CannotStart(Exception):
    """A flow cannot be switched on or run; `reasons` is the complete list, in sentences."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("\n".join(self.reasons))


def switch_on(flow: Flow, *, actor: Actor, start_policy: str = "", start: Start | None = None) -> None:
    """Let the flow run by its schedule. The first time somebody must say where to begin; there is no default.

    `start` says it in full, `start_policy` where one word does; a declaration may have said it before.

    The streams' first positions are found here, which may ask the source: raises common.http_errors.RemoteError when
    it does not answer. Raises CannotStart with everything that is missing, all at once.
    """
    spec = connector_of(flow.tenant).flow(flow.key)
    said = start or (Start(start_policy) if start_policy else None)
    begins = (starting.chosen(flow) if _has_begun(flow) else None) or said or starting.chosen(flow)
    reasons = _reasons_against(flow, spec, said)
    if reasons or begins is None:
        raise CannotStart(reasons)
    flow.began_at = flow.began_at or clock.now()
    flow.start_at = begins.at
    first = _first_positions(flow, begins)  # asks servers: before any transaction
    with transaction.atomic():
        seal_moves.bind_unbound(Tenant.objects.get(pk=flow.tenant_id), actor=actor)
        Position.objects.bulk_create(first, ignore_conflicts=True)
        Flow.objects.filter(pk=flow.pk).update(began_at=flow.began_at, stopped_by="")
        faults.resumed(flow)
        settings = {"is_on": True, "is_paused": False, **replace(begins, at=flow.start_at).fields}
        change_settings(flow, settings, actor=actor, action="switch on")


def switch_off(flow: Flow, *, actor: Actor, reason: str = "") -> bool:
    """Stop the flow and its schedule; positions stay. False when it was off already."""
    return change_settings(flow, {"is_on": False}, actor=actor, action="switch off", reason=reason)


def pause(flow: Flow, *, actor: Actor, reason: str = "") -> bool:
    """Hold the flow; its schedule stays as it is, and a run under way ends by itself. False when it was paused already.

    To end the run, too: `stop`.
    """
    return change_settings(flow, {"is_paused": True}, actor=actor, action="pause", reason=reason)


def stop(flow: Flow, *, actor: Actor, reason: str = "") -> bool:
    """Pause the flow and end its run under way: the batch in hand is finished and kept, no other is begun.

    Gives whether a run was under way. `resume` lets the flow go on where it stands.
    """
    with transaction.atomic():
        under_way = Lease.objects.filter(tenant=flow.tenant_id, expires_at__gt=Now()).exists()
        under_way = under_way and Run.objects.filter(stream__flow=flow, state=RunState.RUNNING).exists()
        if not change_settings(flow, {"is_paused": True}, actor=actor, action="stop", reason=reason):
            audit.record(actor, "stop", flow, tenant=flow.tenant, reason=reason)  # it was paused, and ran still
        flow.stopped_by = audit.name_of(actor)
        Flow.objects.filter(pk=flow.pk).update(stopped_by=flow.stopped_by)
    return under_way


def resume(flow: Flow, *, actor: Actor) -> bool:
    """Let a paused or stopped flow go on. False when it was neither."""
    with transaction.atomic():
        Flow.objects.filter(pk=flow.pk).update(stopped_by="")
        faults.resumed(flow)
        return change_settings(flow, {"is_paused": False}, actor=actor, action="resume")


def run_now(flow: Flow, *, actor: Actor) -> None:
    """Look at the flow's streams now instead of at the next slot. Raises CannotStart for a flow that is held or off."""
    if not flow.is_on or flow.is_paused:
        raise CannotStart(["It is paused: resume it first." if flow.is_on else "It is off: switch it on first."])
    if sealed := _sealed(flow):
        raise CannotStart([sealed])
    if Flow.objects.filter(pk=flow.pk, at_brake=AtBrake.MANY).exists():
        raise CannotStart(["It waits at the brake: look at what waits there, then let it go on."])
    with transaction.atomic():
        audit.record(actor, "run now", flow, tenant=flow.tenant)
        signing_in.allow_again(flow.tenant_id)
        bell.ring(Stream.objects.filter(flow=flow).select_related("tenant"))


def retry(errors: models.QuerySet[ErrorRecord], *, actor: Actor, chosen: str = "") -> int:
    """Try the records now, whatever they wait for, also those that are not tried again, ignored or kept apart.

    Gives their number. What the policies of their types count begins anew.

    `chosen` says in words which were meant ("all held ones of Subject"); it stands in the one audit entry per tenant.
    A flow that is off or paused tries them once it runs again.
    """
    with transaction.atomic():
        return sum(_retry_in(tenant, mine, actor, chosen) for tenant, mine in _by_tenant(errors, _RETRYABLE))


def ignore(errors: models.QuerySet[ErrorRecord], *, reason: str, actor: Actor, chosen: str = "") -> int:
    """Set open records aside, with the reason; a change of the record at its source brings it back. Gives their number.

    Raises ValueError without a reason. `chosen` as in `retry`.
    """
    if not reason.strip():
        raise ValueError("say why these records may be left behind")
    done = 0
    with transaction.atomic():
        for tenant, mine in _by_tenant(errors, OPEN_STATES):
            hold_commits(tenant.pk)  # an attempt under way sees that somebody acted, and leaves the record so
            decisions.withdraw_waiting(mine.values("pk"))
            number = mine.update(
                state=ErrorState.IGNORED, next_attempt_at=None, waits_for="", ignored_reason=reason,
                touched=F("touched") + 1,
            )  # fmt: skip
            after = {"records": number, "chosen": chosen}
            audit.record(actor, "ignore errors", tenant, tenant=tenant, after=after, reason=reason)
            done += number
    return done


def change_settings(
    row: models.Model, changes: Mapping[str, Any], *, actor: Actor, action: str = "", reason: str = ""
) -> bool:
    """Set fields of a row of a tenant, checked as a form would, on record with before and after.

    Gives False, and leaves no trace, when nothing differs. Raises ValidationError. `row` itself is brought up to date.
    """
    with transaction.atomic():
        manager: models.Manager[Any] = type(row)._default_manager  # noqa: SLF001  # the scoped one
        now = manager.select_for_update().get(pk=row.pk)
        changed = {field: value for field, value in changes.items() if getattr(now, field) != value}
        before = {field: _told(getattr(now, field)) for field in changed}
        for field, value in changed.items():
            setattr(now, field, value)
        if changed:
            untouched = {field.name for field in now._meta.fields} - set(changed)  # noqa: SLF001  # Django's own name
            now.full_clean(exclude=untouched)
            now.save()
            after = {field: _told(value) for field, value in changed.items()}
            audit.record(
                actor,
                action or f"{type(now).__name__.lower()}.change",
                now,
                tenant=_tenant_of(now),
                before=before,
                after=after,
                reason=reason,
            )
    for field in changes:
        setattr(row, field, getattr(now, field))
    return bool(changed)


def _has_begun(flow: Flow) -> bool:
    return bool(flow.start_policy) and (
        flow.began_at is not None or Position.objects.filter(stream__flow=flow).exists()
    )  # fmt: skip


def _reasons_against(flow: Flow, spec: FlowSpec, said: Start | None) -> list[str]:
    connector = connector_of(flow.tenant)
    reasons = [reason for reason in [_sealed(flow)] if reason]
    reasons += [str(lack) for lack in missing(flow.tenant, flow.key)]
    there = set(Connection.objects.filter(tenant=flow.tenant).values_list("side", flat=True))
    needed = dict.fromkeys(side for stream in spec.streams for side in (stream.source_side, stream.target_side))
    reasons += [f"There is no connection to {connector.side(side).label}." for side in needed if side not in there]
    if said:
        reasons += starting.reasons_against(said, spec)
    if said and _has_begun(flow) and not starting.is_as_chosen(said, flow):
        reasons.append(f"It began with {starting.spelled(flow)!r}; where to begin is asked only once.")
    if not said and not flow.start_policy:
        reasons.append(f"Say where to begin: {starting.ways_of(spec)}. There is no default.")
    return reasons


def _sealed(flow: Flow) -> str:
    """Why the tenant is sealed, in sentences; empty when it is not."""
    tenant = Tenant.objects.get(pk=flow.tenant_id)
    why = seal.reason(tenant, Connection.objects.filter(tenant=tenant))
    told = explain(why, {}, {}) if why else None
    return f"{told.cause} {told.remedy}" if told else ""


def _first_positions(flow: Flow, start: Start) -> list[Position]:
    """Of all partitions that have none yet; `flow.start_at` is completed by the time of the pages it begins with."""
    connector, setting = connector_of(flow.tenant), setting_of(Tenant.objects.get(pk=flow.tenant_id))
    there = set(Position.objects.filter(stream__flow=flow).values_list("stream__key", "partition"))
    first: list[Position] = []
    for stream in Stream.objects.filter(flow=flow):
        wanted = [one for one in positions.named(connector, stream, setting) if (stream.key, one) not in there]
        if wanted and stream.key in start.pages:
            first += _on_pages(flow, stream, wanted, start, connector, servers_of(setting))
        elif wanted:
            since = positions.start_of(connector, flow, stream.key, start.policy)
            first += positions.opened(connector, servers_of(setting), stream, wanted, since)
    return first


def _on_pages(
    flow: Flow, stream: Stream, partitions: Iterable[str], start: Start, connector: Connector, servers: Servers
) -> Iterator[Position]:
    page = start.pages[stream.key]
    for partition in partitions:
        if connector.seeker is None:
            raise CannotStart([f"{connector.label} has no pages to begin with."])
        try:
            value, published = connector.seeker.page(servers, stream.key, partition, page)
        except ValueError:
            label = connector.stream(stream.key).part(partition)
            raise CannotStart([f"There is no page {page} of {label}."]) from None
        flow.start_at = min(filter(None, (flow.start_at, published)), default=None)
        yield Position(tenant_id=stream.tenant_id, stream=stream, partition=partition, value=dict(value))


def _by_tenant(
    errors: models.QuerySet[ErrorRecord], states: Iterable[ErrorState]
) -> list[tuple[Tenant, models.QuerySet[ErrorRecord]]]:
    rows = ErrorRecord.objects.filter(pk__in=errors.order_by().values("pk"), state__in=list(states))
    tenants = Tenant.objects.filter(pk__in=rows.values("tenant"))
    return [(tenant, rows.filter(tenant=tenant)) for tenant in tenants]


def _retry_in(tenant: Tenant, mine: models.QuerySet[ErrorRecord], actor: Actor, chosen: str) -> int:
    of_running_flows = Stream.objects.filter(flow__is_on=True, flow__is_paused=False, pk__in=mine.values("stream"))
    streams = list(of_running_flows.select_related("tenant"))
    hold_commits(tenant.pk)
    decisions.withdraw(mine.filter(state=ErrorState.APART).values("pk"))
    number = mine.update(
        state=ErrorState.RETRYING, next_attempt_at=clock.now(), failed_in_a_row=0, ignored_reason="",
        touched=F("touched") + 1,
    )  # fmt: skip
    audit.record(actor, "retry errors", tenant, tenant=tenant, after={"records": number, "chosen": chosen})
    bell.ring(streams)
    return number


def _tenant_of(row: models.Model) -> Tenant | None:
    return row if isinstance(row, Tenant) else getattr(row, "tenant", None)


def _told(value: object) -> object:
    """A value as it may stand on record: plain, and never a secret."""
    if isinstance(value, Secret):
        return "(set)" if value else "(empty)"
    return value if isinstance(value, bool | int | float | str | None) else str(value)
