"""What people ask to be read besides: a window of time, records by their ids, records that are known.

Each move asks why and is put on record. Nothing is read here: `engine.backfilling` does, when the stream's turn comes.
All of it needs a scope of the tenant; who may, is checked by the doors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import models, transaction

from common import clock
from common.http_errors import RemoteError
from engine import bell, gaps, positions
from engine.registry import connector_of
from engine.rewinding import CannotMove, Reach
from engine.work import servers_of, setting_of
from syncstatus.backfills import OPEN, Backfill, BackfillKind, BackfillState
from syncstatus.models import Link, Stream
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.secrets import SecretUnreadable

MOST: Final = 20_000
"""Records of one list."""

LONGEST_ID: Final = 100


def reach_of_window(streams: Sequence[Stream], since: datetime, until: datetime) -> list[Reach]:
    """About how many changes lie in a window, by part. Asks the source, outside any transaction."""
    found: list[Reach] = []
    for stream in streams:
        connector, setting = connector_of(stream.tenant), setting_of(Tenant.objects.get(pk=stream.tenant_id))
        for part in positions.named(connector, stream, setting):
            try:
                servers, seeker = servers_of(setting), connector.seeker
                if seeker is None:
                    raise CannotMove("The sources of this connector know no places to go to.")
                behind = [
                    seeker.ahead(servers, stream.key, part, seeker.since(servers, stream.key, part, moment))
                    for moment in (since, until)
                ]
                found.append(Reach(stream, part, max(0, behind[0] - behind[1])))
            except (RemoteError, SecretUnreadable) as trouble:
                found.append(Reach(stream, part, None, str(trouble)))
    return found


def ask_for_window(
    streams: Sequence[Stream], since: datetime, until: datetime, *, reason: str, actor: Actor,
    about: int | None = None,
) -> list[Backfill]:  # fmt: skip
    """Have what changed from `since` until before `until` read and compared, beside the positions.

    What changed again later is not in the window any more. Raises CannotMove, and ValueError without a reason.
    """
    _demand(reason)
    if since >= until:
        raise CannotMove("The window ends before it begins.")
    if until > clock.now():
        raise CannotMove("The window ends in a time that is still to come.")
    rows = []
    for stream in streams:
        setting = setting_of(Tenant.objects.get(pk=stream.tenant_id))
        parts = positions.named(connector_of(stream.tenant), stream, setting)
        rows.append(_row(stream, BackfillKind.WINDOW, since=since, until=until, places={part: {} for part in parts}))
    return _ask("backfill", rows, reason, actor, about)


def ask_for_ids(stream: Stream, ids: Iterable[str], *, reason: str, actor: Actor) -> Backfill:
    """Have these records of the source read and compared, known or not. Those it does not hold are told.

    Raises as `ask_for_window` does.
    """
    _demand(reason)
    wanted = list(dict.fromkeys(one.strip() for one in ids if one.strip()))
    _demand_ids(wanted)
    (row,) = _ask("backfill", [_row(stream, BackfillKind.IDS, ids=wanted)], reason, actor, len(wanted))
    return row


def replay(links: models.QuerySet[Link], *, reason: str, actor: Actor, chosen: str = "") -> int:
    """Have these known records read and compared again, whatever is remembered of them. Gives their number.

    `chosen` says in words which were meant. Raises as `ask_for_window` does.
    """
    return _replay(links.order_by("pk").values_list("stream", "source_id"), reason, actor, chosen)


def replay_errors(errors: models.QuerySet[Any], *, reason: str, actor: Actor, chosen: str = "") -> int:
    """The same for the records of these errors. Parts of a source that cannot be read are none."""
    records = errors.exclude(entity_id__startswith=gaps.BEGIN).order_by("pk")
    return _replay(records.values_list("stream", "entity_id"), reason, actor, chosen)


def cancel(row: Backfill, *, reason: str, actor: Actor) -> bool:
    """Let nothing more of it be read; what is through stays. False when it was over already.

    Raises ValueError without a reason.
    """
    _demand(reason)
    with transaction.atomic():
        ended = {"state": BackfillState.CANCELLED, "finished_at": clock.now()}
        if not Backfill.objects.filter(pk=row.pk, state__in=OPEN).update(**ended):
            return False
        audit.record(
            actor, "cancel backfill", row, tenant=row.tenant, before={"state": row.state},
            after={"state": BackfillState.CANCELLED.value, "read": row.read}, reason=reason,
        )  # fmt: skip
    return True


def _replay(records: Iterable[tuple[int, str]], reason: str, actor: Actor, chosen: str) -> int:
    _demand(reason)
    by_stream: dict[int, list[str]] = {}
    for stream_id, source_id in records:
        by_stream.setdefault(stream_id, []).append(source_id)
    number = sum(len(ids) for ids in by_stream.values())
    _demand_ids([one for ids in by_stream.values() for one in ids])
    streams = Stream.objects.filter(pk__in=by_stream).select_related("tenant").order_by("sequence")
    rows = [_row(stream, BackfillKind.REPLAY, ids=by_stream[stream.pk]) for stream in streams]
    _ask("replay", rows, reason, actor, None, chosen)
    return number


def _row(stream: Stream, kind: BackfillKind, **more: Any) -> Backfill:
    return Backfill(tenant_id=stream.tenant_id, stream=stream, kind=kind, **more)


def _ask(
    action: str, rows: Sequence[Backfill], reason: str, actor: Actor, about: int | None, chosen: str = ""
) -> list[Backfill]:
    now, who = clock.now(), actor.user.get_username() if actor.user else actor.door
    with transaction.atomic():
        for row in rows:
            row.reason, row.asked_by, row.asked_at = reason, who, now
            row.about = len(row.ids) if row.ids else (about if len(rows) == 1 else None)
            row.save()
            audit.record(
                actor, action, row, tenant=row.stream.tenant, after=_told(row) | _chosen(chosen), reason=reason
            )
        streams = Stream.objects.filter(pk__in=[row.stream_id for row in rows], flow__is_on=True, flow__is_paused=False)
        bell.ring(streams.select_related("tenant"))
    return list(rows)


def _told(row: Backfill) -> dict[str, Any]:
    if row.kind == BackfillKind.WINDOW:
        window = {"since": row.since and row.since.isoformat(), "until": row.until and row.until.isoformat()}
        return {"stream": row.stream.key, **window, "about": row.about}
    return {"stream": row.stream.key, "records": len(row.ids)}


def _chosen(chosen: str) -> dict[str, str]:
    return {"chosen": chosen} if chosen else {}


def _demand(reason: str) -> None:
    if not reason.strip():
        raise ValueError("say why; it is kept with the record")


def _demand_ids(ids: Sequence[str]) -> None:
    if not ids:
        raise CannotMove("No record was named.")
    if len(ids) > MOST:
        raise CannotMove(f"These are {len(ids):,} records; at most {MOST:,} can be asked for at a time. Take a window.")
    long = next((one for one in ids if len(one) > LONGEST_ID or not one.isprintable()), None)
    if long is not None:
        raise CannotMove(f"{long[:40]!r} is no id.")
