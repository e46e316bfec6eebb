"""Moving positions by a person's hand: back to a date or to before a run, or on to now.

A position moves while commits are held off, and is numbered with every move: a batch that was under way knows by it
that its own place does not count any more (`engine.commit.Ledger`), so neither side overwrites the other. What is read
again is compared with the target: its links are suspect from then on, whatever the ledger says.

A date is looked for in the source when the stream is next read, under the lease; so a move needs no server. How much
will be read again is asked beforehand, and a server that does not answer only leaves that unknown. All of it needs a
scope of the tenant; who may, is checked by the doors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q

from common import clock
from common.http_errors import RemoteError
from engine import bell, positions
from engine.lease import hold_commits
from engine.ports import JsonObject
from engine.registry import Connector, Seeker, Servers, Setting, connector_of
from engine.verdicts import NotThere
from engine.work import servers_of, setting_of
from syncstatus.models import Flow, Link, Position, Run, Stream
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.secrets import SecretUnreadable

SLACK: Final = timedelta(minutes=15)
"""By which the time of a record in the ledger and that of its notice in the source may differ."""

GONE: Final = "The source no longer holds that place."


class CannotMove(Exception):
    """The move makes no sense as things stand; the text says why, for people."""


@dataclass(frozen=True)
class Reach:
    """About how many changes of one partition a move is about."""

    stream: Stream
    partition: str
    changes: int | None
    """None when nobody could tell."""
    trouble: str = ""
    """Why not."""


@dataclass(frozen=True)
class Moved:
    """What became of one position: up to when all was read before, and since when it is read now."""

    stream: Stream
    partition: str
    before: datetime | None
    after: datetime | None
    stayed: bool = False
    """It stood before that place already, where it stays."""


def total(reaches: Sequence[Reach]) -> int | None:
    """All changes together; None when of one part nobody could tell."""
    known = [reach.changes for reach in reaches if reach.changes is not None]
    return sum(known) if len(known) == len(reaches) else None


# --- how much ---------------------------------------------------------------------------------------------------------


def reach_of_rewind(streams: Sequence[Stream], to: datetime | Run) -> list[Reach]:
    """How many changes would be read from there on. Asks the source, outside any transaction."""

    def place(position: Position, servers: Servers, seeker: Seeker) -> JsonObject:
        key = position.stream.key
        if isinstance(to, Run):
            kept = positions.place_kept(to, position.partition)
            aim: JsonObject = kept[0] if kept else position.value
        else:
            aim = seeker.since(servers, key, position.partition, to)
        now = positions.found(connector_of(position.stream.tenant), servers, position)
        return now if seeker.is_before(key, now, aim) else aim

    return _reaches(streams, place)


def reach_of_skip(streams: Sequence[Stream]) -> list[Reach]:
    """How many changes stand between each position and now. Asks the source, outside any transaction."""
    return _reaches(streams, lambda row, servers, _: positions.found(connector_of(row.stream.tenant), servers, row))


def _reaches(
    streams: Sequence[Stream], place: Callable[[Position, Servers, Seeker], JsonObject]
) -> list[Reach]:  # fmt: skip
    found: list[Reach] = []
    for stream in streams:
        connector, seeker = _seeker_of(stream.tenant)
        setting = setting_of(Tenant.objects.get(pk=stream.tenant_id))
        named = positions.named(connector, stream, setting)
        rows = [row for row in _rows([stream]) if row.partition in named]
        found += [_reach(row, seeker, setting, place) for row in rows]
    return found


def _reach(
    row: Position, seeker: Seeker, setting: Setting,
    place: Callable[[Position, Servers, Seeker], JsonObject],
) -> Reach:  # fmt: skip
    try:
        servers = servers_of(setting)
        there = place(row, servers, seeker)
        return Reach(row.stream, row.partition, seeker.ahead(servers, row.stream.key, row.partition, there))
    except (RemoteError, SecretUnreadable) as trouble:
        return Reach(row.stream, row.partition, None, str(trouble))
    except NotThere:
        return Reach(row.stream, row.partition, None, GONE)


# --- the moves --------------------------------------------------------------------------------------------------------


def rewind(
    flow: Flow, streams: Sequence[Stream], to: datetime | Run, *, reason: str, actor: Actor, about: int | None = None
) -> list[Moved]:
    """Read these streams of a flow again, from a date on or from where a run began, and compare all of it.

    A position never goes on: one that stands before that place stays. `about` is the number people were told. Raises
    CannotMove, and ValueError without a reason.
    """
    _demand(reason, streams)
    if isinstance(to, Run):
        _demand_place(to)
    elif to > clock.now():
        raise CannotMove("That time is still to come.")
    _, seeker = _seeker_of(flow.tenant)
    with transaction.atomic():
        hold_commits(flow.tenant_id)
        moved = [_set_back(row, seeker, to) for row in _begun(streams)]
        compared = sum(_distrust(stream, moved) for stream in streams)
        told = {"to": _place_told(to), "links compared again": compared}
        _put_on_record("rewind", flow, streams, moved, reason, actor, told, about)
    return moved


def skip(flow: Flow, streams: Sequence[Stream], *, reason: str, actor: Actor, about: int | None = None) -> list[Moved]:
    """Go on with what changes from now on; what was not read yet is left out. Raises as `rewind` does."""
    _demand(reason, streams)
    _seeker_of(flow.tenant)
    now = clock.now()
    with transaction.atomic():
        hold_commits(flow.tenant_id)
        moved = []
        for row in _begun(streams):
            _place(row, positions.sought(now), now)
            moved.append(Moved(row.stream, row.partition, row.read_upto, now))
        _put_on_record("skip to now", flow, streams, moved, reason, actor, {}, about)
    return moved


def _set_back(row: Position, seeker: Seeker, to: datetime | Run) -> Moved:
    stands_since = positions.sought_since(row)
    if isinstance(to, Run):
        kept = positions.place_kept(to, row.partition)
        if kept is None:  # the partition was not read then
            return Moved(row.stream, row.partition, row.read_upto, row.read_upto, stayed=True)
        value, since = kept
        stays = (
            bool(since and stands_since <= since) if stands_since
            else seeker.is_before(row.stream.key, row.value, value)
        )  # fmt: skip
    else:
        value, since = positions.sought(to, row.value), to
        stays = bool(stands_since and stands_since <= to)
    if stays:
        return Moved(row.stream, row.partition, row.read_upto, row.read_upto, stayed=True)
    _place(row, value, since)
    return Moved(row.stream, row.partition, row.read_upto, since)


def _place(row: Position, value: dict[str, Any], read_upto: datetime | None) -> None:
    placed = {"value": value, "read_upto": read_upto, "moved_at": clock.now(), "moves": F("moves") + 1}
    Position.objects.filter(pk=row.pk).update(**placed)


def _distrust(stream: Stream, moved: Sequence[Moved]) -> int:
    """Have what will be read again compared, by one statement for a stream."""
    mine = [one for one in moved if one.stream == stream and not one.stayed]
    if not mine:
        return 0
    links = Link.objects.filter(stream=stream)
    times = [one.after for one in mine if one.after]
    if len(times) == len(mine):  # else one was read from its very beginning
        links = links.filter(Q(source_time=None) | Q(source_time__gte=min(times) - SLACK))
    return links.update(is_suspect=True)


def _put_on_record(
    action: str, flow: Flow, streams: Sequence[Stream], moved: Sequence[Moved], reason: str, actor: Actor,
    told: dict[str, Any], about: int | None,
) -> None:  # fmt: skip
    before = {_name(one): _spelled(one.before) for one in moved}
    after = {_name(one): _spelled(one.after) for one in moved} | told
    if about is not None:
        after["about so many changes"] = about
    audit.record(actor, action, flow, tenant=flow.tenant, before=before, after=after, reason=reason)
    running = Stream.objects.filter(
        pk__in=[stream.pk for stream in streams], flow__is_on=True, flow__is_paused=False
    ).select_related("tenant")
    bell.ring(running)


def _name(one: Moved) -> str:
    return f"{one.stream.key} {one.partition}"


def _spelled(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _place_told(to: datetime | Run) -> str:
    return f"before run {to.pk} of {to.started_at.isoformat()}" if isinstance(to, Run) else to.isoformat()


# --- what must be so --------------------------------------------------------------------------------------------------


def _demand(reason: str, streams: Sequence[Stream]) -> None:
    if not reason.strip():
        raise ValueError("say why; it is kept with the record")
    if not streams:
        raise CannotMove("No stream was chosen.")


def _demand_place(run: Run) -> None:
    """Raise CannotMove when the run does not tell where it began, or the source no longer holds that place."""
    if not run.began_with:
        raise CannotMove("That run does not tell where it began: it read nothing new, or is older than this release.")
    stream = Stream.objects.select_related("tenant", "flow").get(pk=run.stream_id)
    if any(reach.trouble == GONE for reach in reach_of_rewind([stream], run)):
        raise CannotMove(f"{GONE} Rewind to a date instead.")


def _seeker_of(tenant: Tenant) -> tuple[Connector, Seeker]:
    connector = connector_of(tenant)
    if connector.seeker is None:
        raise CannotMove("The sources of this connector know no places to go to.")
    return connector, connector.seeker


def _rows(streams: Sequence[Stream]) -> list[Position]:
    rows = Position.objects.filter(stream__in=[stream.pk for stream in streams])
    return list(rows.select_related("stream__tenant", "stream__flow").order_by("stream__sequence", "partition"))


def _begun(streams: Sequence[Stream]) -> list[Position]:
    rows = _rows(streams)
    if not rows:
        raise CannotMove("It has not begun yet: switching it on asks where to begin.")
    return rows
