"""The ways out of the brake: let a run go on, or accept a server as it is now. Each asks why, and acts once.

Both are put on record with before and after in the transaction that releases what waited. Who may, is checked by the
doors. All of it needs a scope of the tenant concerned.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import models, transaction
from django.db.models import Max

from common import clock
from engine import bell, positions
from engine.braking import differences_of, mark, numbers_of
from engine.identity import FACTS, LINKS_AFTER, streams_of
from engine.lease import hold_commits
from engine.registry import connector_of
from engine.work import servers_of, setting_of
from mappings import revision
from syncstatus.models import AtBrake, Brake, Flow, Link, Position, Stream
from tenants import audit
from tenants.audit import Actor
from tenants.models import Connection, Tenant

OVERLAP: Final = timedelta(hours=1)
"""Before the last change that was finished, where a source is read on from: clocks differ, and changes show late."""

LISTED_ON_RECORD: Final = 100
"""Ids named in the audit entry; all of them stay with the brake itself."""


class Onward(models.TextChoices):
    """Where the streams of a server that was accepted go on. There is no default on purpose."""

    HERE = "here", "where they stand: only what changes from now on is read"
    AGAIN = "again", "from where each flow first began: everything is read and compared again, nothing is doubled"


class NotWaiting(Exception):
    """The brake is not open any more: somebody was faster, or the server is itself again."""


def let_go_on(brake: Brake, *, reason: str, actor: Actor) -> tuple[int, int]:
    """Let the listed records of a flow pass, once; what is counted begins anew. Gives voids and overwrites.

    Raises ValueError without a reason or for a brake of another kind, NotWaiting when it is not open any more.
    """
    _demand_reason(reason)
    if brake.kind != AtBrake.MANY:
        raise ValueError("a server is accepted, not let go on")
    with transaction.atomic():
        hold_commits(brake.tenant_id)
        _end([brake], reason, actor)
        voids, overwrites = numbers_of(brake)
        ids = [f"{row.does} {row.stream.key} {row.entity_id}" for row in brake.records.select_related("stream")]
        streams = Stream.objects.filter(flow=brake.flow_id)
        before = {"counted": list(streams.values_list("key", "counted_voids", "counted_overwrites"))}
        streams.update(counted_voids=0, counted_overwrites=0)
        audit.record(
            actor, "let this run go on", brake.flow, tenant=brake.tenant, before=before, reason=reason,
            after={"voids": voids, "overwrites": overwrites, "records": ids[:LISTED_ON_RECORD], "brake": brake.pk},
        )  # fmt: skip
        _release([brake.flow])
    return voids, overwrites


def accept_server(brake: Brake, *, onward: str, reason: str, actor: Actor) -> list[Flow]:
    """Take the server for the one that was seen when it was stopped for, from now on. Gives the flows that go on.

    `onward` (`Onward`) says where its streams go on. Both ask the server where that is: raises
    common.http_errors.RemoteError when it does not answer; then nothing has changed. What was written to it is compared
    with it again. Raises ValueError without a reason or a known `onward`, NotWaiting as `let_go_on`.
    """
    _demand_reason(reason)
    if brake.kind != AtBrake.SERVER:
        raise ValueError("only another server is accepted")
    if onward not in Onward.values:
        raise ValueError("say where to go on: " + " or ".join(f"{one.value} ({one.label})" for one in Onward))
    moved = _positions_from(brake, onward)  # asks servers: before any transaction
    tenant = brake.tenant
    with transaction.atomic():
        hold_commits(tenant.pk)
        open_ones = Brake.objects.filter(tenant=tenant, kind=AtBrake.SERVER, side=brake.side, ended_at=None)
        rows = list(open_ones.select_related("flow").order_by("pk"))
        if brake.pk not in {row.pk for row in rows}:
            raise NotWaiting
        _end(rows, reason, actor)
        connection = Connection.objects.select_for_update().get(tenant=tenant, side=brake.side)
        before = {"facts": connection.identity.get(FACTS, {}), "positions": _told([row for row, _ in moved])}
        for position, value in moved:
            position.value = value
            position.save(update_fields=["value", "moved_at"])
        _distrust(tenant, brake.side, onward)
        _take_for(connection, brake)
        after = {"facts": connection.identity[FACTS], "positions": _told([row for row, _ in moved]), "onward": onward}
        after["differences"] = [str(one) for one in differences_of(brake)]
        audit.record(
            actor, "accept server", connection, tenant=tenant, before=before, after=after, reason=reason
        )  # fmt: skip
        revision.bump(tenant.pk)  # every process asks the server anew
        _release([row.flow for row in rows])
    return [row.flow for row in rows]


def _demand_reason(reason: str) -> None:
    if not reason.strip():
        raise ValueError("say why; it is kept with the record")


def _end(brakes: Sequence[Brake], reason: str, actor: Actor) -> None:
    for brake in brakes:
        who = actor.user.get_username() if actor.user else actor.door
        ended = {"ended_at": clock.now(), "ended_by": who, "reason": reason}
        if not Brake.objects.filter(pk=brake.pk, ended_at=None).update(**ended):
            raise NotWaiting


def _release(flows: Sequence[Flow]) -> None:
    for flow in flows:
        mark(flow)
    running = Stream.objects.filter(flow__in=flows, flow__is_on=True, flow__is_paused=False)
    bell.ring(running.select_related("tenant"))


def _positions_from(brake: Brake, onward: str) -> list[tuple[Position, dict[str, Any]]]:
    """The positions that move, and to where.

    A source that was exchanged or put back no longer holds the places we stood at; read from the time of the last
    change that was finished, it shows what came since. Reading again also hands over anew what a target has lost.
    """
    tenant = Tenant.objects.get(pk=brake.tenant_id)
    connector = connector_of(tenant)
    reads, writes = streams_of(connector, brake.side)
    wanted = reads if onward == Onward.HERE else [*reads, *writes]
    rows = Position.objects.filter(tenant=tenant, stream__key__in=wanted, stream__flow__start_policy__gt="")
    servers = servers_of(setting_of(tenant))
    moved: list[tuple[Position, dict[str, Any]]] = []
    for row in rows.select_related("stream__flow"):
        flow = row.stream.flow
        since = row.read_upto and row.read_upto - OVERLAP
        if onward == Onward.AGAIN:
            since = positions.beginning(flow, flow.start_policy)
        if onward == Onward.AGAIN or since:
            moved.append((row, dict(connector.first_position(servers, row.stream.key, row.partition, since))))
    return moved


def _distrust(tenant: Tenant, side: str, onward: str) -> None:
    """What we wrote there may be there no more, or in an older state: every link is compared before it is believed.

    Where everything is read again, links lead nowhere until a record was found there by id or marker, or made anew;
    otherwise one that is gone would wait for a person, record by record.
    """
    _, writes = streams_of(connector_of(tenant), side)
    links = Link.objects.filter(tenant=tenant, stream__key__in=writes).exclude(target_id="")
    if onward == Onward.AGAIN:
        links.update(is_suspect=True, target_id="", target_parent_id="", other_targets={})
    else:
        links.update(is_suspect=True)


def _take_for(connection: Connection, brake: Brake) -> None:
    """Remember what was seen when the flow was stopped; of what we wrote, only what comes from now on must be there."""
    newest = Link.objects.filter(tenant=connection.tenant_id).aggregate(newest=Max("pk"))["newest"] or 0
    facts = connection.identity.get(FACTS, {}) | brake.facts
    connection.identity = connection.identity | {FACTS: facts, LINKS_AFTER: newest}
    Connection.objects.filter(pk=connection.pk).update(identity=connection.identity)


def _told(rows: Sequence[Position]) -> dict[str, str | None]:
    """Where positions stand, as far as it may be put on record."""
    return {f"{row.stream.key} {row.partition}": row.read_upto.isoformat() if row.read_upto else None for row in rows}
