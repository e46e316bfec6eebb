"""`status TENANT`: how the flows of a tenant fare."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core.management import BaseCommand

from engine.commandline import tenant_named
from engine.exits import Exit
from engine.incidents import Open, open_ones
from engine.overview import FlowOverview, overview
from engine.positions import standings
from engine.registry import connector_of, connectors
from engine.rounds import Progress, progress
from errors.catalogue import explain
from syncstatus.models import Flow, Incident
from syncstatus.state import State
from tenants.scoping import tenant_scope

_HEAD: Final = ("flow", "state", "lag", "last look", "next run", "waiting", "errors")
_PARTS: Final = ("stream", "reads", "read")
_ROUNDS: Final = ("stream", "goes through", "under way", "last full round")
_DOWN: Final = frozenset({State.SOURCE_DOWN, State.TARGET_DOWN, State.CREDENTIALS})


class Command(BaseCommand):
    """Print one line per flow; the exit status tells a monitor the same in a number."""

    help = (
        "Show how the flows of a tenant fare. Exit status: 0 all well, 1 records failed or held, "
        "3 a server down or credentials wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the tenant, and the form."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON for programs")

    def handle(self, *args: Any, tenant: str, as_json: bool, **options: Any) -> None:
        """Gather and print."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            flows = overview(Flow.objects.filter(tenant=found).select_related("tenant"))
            reads = {flow.flow.key: list(_reads(flow.flow)) for flow in flows}
            rounds = {flow.flow.key: list(_rounds(flow.flow)) for flow in flows}
            incidents = open_ones(Incident.objects.filter(tenant=found, recovered_at=None).select_related("tenant"))
        if as_json:
            told = {
                "tenant": found.name,
                "incidents": [_incident_as_json(one) for one in incidents],
                "flows": [_as_json(flow, reads[flow.flow.key], rounds[flow.flow.key]) for flow in flows],
            }
            self.stdout.write(json.dumps(told, indent=2, ensure_ascii=False))
        else:
            going = [one for ones in rounds.values() for one in ones]
            self._print(flows, [part for parts in reads.values() for part in parts], going)
            for one in incidents:
                self.stdout.write(_incident_as_text(one))
        status = _exit(flows)
        if status:
            raise SystemExit(status)

    def _print(self, flows: list[FlowOverview], parts: list[Part], rounds: list[Progress]) -> None:
        lines = [*_table([_HEAD, *(_as_text(flow) for flow in flows)])]
        lines += [f"{flow.label}: {flow.trouble}" for flow in flows if flow.trouble]
        if parts:
            lines += ["", *_table([_PARTS, *(_part_as_text(part) for part in parts)])]
        lines += [f"{part.stream}: {part.unread}" for part in parts if part.unread]
        if rounds:
            lines += ["", *_table([_ROUNDS, *(_round_as_text(one) for one in rounds)])]
        self.stdout.write("\n".join(lines))


@dataclass(frozen=True)
class Part:
    """What a stream reads and how far it has come. `unread`: why it cannot be read at present, in sentences."""

    stream: str
    name: str
    is_named: bool
    read_upto: datetime | None
    by_rounds: int
    """Records that the first fill and later rounds created."""
    unread: str


def _reads(flow: Flow) -> Iterable[Part]:
    connector = connectors().get(flow.tenant.connector)
    for standing in standings(flow) if connector else ():
        spec = connector_of(flow.tenant).stream(standing.stream.key)
        gap = standing.unread
        why = explain(gap.message, gap.params, connector_of(flow.tenant).sentences) if gap else None
        name = spec.part(standing.partition) if standing.partition else ""
        said = f"{why.cause} {why.remedy}" if why else ""
        yield Part(spec.label, name, standing.is_named, standing.read_upto, standing.by_rounds, said)


def _rounds(flow: Flow) -> Iterable[Progress]:
    return progress(flow) if connectors().get(flow.tenant.connector) else ()


def _exit(flows: Iterable[FlowOverview]) -> Exit:
    """The gravest that holds for any flow: a server that is down stops more than a record that failed."""
    all_flows = list(flows)
    if any(flow.state in _DOWN for flow in all_flows):
        return Exit.SERVER
    return Exit.RECORDS_OPEN if any(flow.errors or flow.trouble for flow in all_flows) else Exit.THROUGH


def _as_json(flow: FlowOverview, parts: Iterable[Part], rounds: Iterable[Progress]) -> dict[str, Any]:
    behind = flow.lag.behind
    return {
        "key": flow.flow.key,
        "label": flow.label,
        "state": flow.state.word,
        "state_in_words": flow.state_in_words,
        "trouble": flow.trouble,
        "is_on": flow.flow.is_on,
        "is_paused": flow.flow.is_paused,
        "lag_seconds": None if behind is None else int(behind.total_seconds()),
        "last_good_look_at": _iso(flow.lag.last_good_look_at),
        "last_look_at": _iso(flow.last_look_at),
        "last_run_at": _iso(flow.last_run.started_at if flow.last_run else None),
        "next_run_at": _iso(flow.next_run_at),
        "waiting": flow.waiting,
        "errors": flow.errors,
        "held": flow.held,
        "at_brake": flow.flow.at_brake,
        "reads": [
            {
                "stream": part.stream,
                "part": part.name,
                "is_named": part.is_named,
                "read_upto": _iso(part.read_upto),
                "created_by_rounds": part.by_rounds,
                "unread": part.unread,
            }
            for part in parts
        ],
        "rounds": [_round_as_json(one) for one in rounds],
    }


def _incident_as_json(one: Open) -> dict[str, Any]:
    row = one.incident
    return {
        "kind": row.kind,
        "about": row.about,
        "message": row.message,
        "cause": one.told.cause,
        "remedy": one.told.remedy,
        "opened_at": _iso(row.opened_at),
        "last_seen_at": _iso(row.last_seen_at),
        "probes": row.probes,
        "next_probe_at": _iso(one.next_probe_at),
    }


def _incident_as_text(one: Open) -> str:
    row = one.incident
    again = f", asked again {_minute(one.next_probe_at)}" if one.next_probe_at else ""
    return f"open since {_minute(row.opened_at)}{again}: {one.told.cause}"


def _round_as_json(going: Progress) -> dict[str, Any]:
    row = going.row
    return {
        "stream": going.label,
        "goes_through": going.spec.label,
        "is_filling": going.is_filling,
        "began_at": _iso(row.began_at),
        "gone_through": row.seen if row.began_at else None,
        "last_finished_at": _iso(row.last_finished_at),
        "last_took_seconds": None if row.last_took is None else int(row.last_took.total_seconds()),
        "last_gone_through": row.last_seen,
        "next_turn_at": _iso(row.next_turn_at),
        "bound_seconds": None if going.bound is None else int(going.bound.total_seconds()),
    }


def _round_as_text(going: Progress) -> tuple[str, ...]:
    row = going.row
    what = "first fill" if going.is_filling else "round"
    seen = f"{row.seen} of about {row.last_seen}" if row.last_seen else str(row.seen)
    now = f"{what} since {_minute(row.began_at)}, {seen} so far" if row.began_at else "nothing"
    took = f"{_span(row.last_took)}, ended {_minute(row.last_finished_at)}" if row.last_finished_at else "none yet"
    return (going.label, going.spec.label, now, took)


def _part_as_text(part: Part) -> tuple[str, ...]:
    if not part.name:
        return (part.stream, "nothing", "no mapping or constant names what to read")
    upto = f"up to {_minute(part.read_upto)}" if part.read_upto else "nothing read yet"
    if part.by_rounds and not part.read_upto:
        upto = f"no change yet; {part.by_rounds} created by going through what was there"
    noted = "" if part.is_named else "no longer read; "
    return (part.stream, part.name, noted + upto + ("; cannot be read" if part.unread else ""))


def _as_text(flow: FlowOverview) -> tuple[str, ...]:
    return (
        flow.label,
        flow.state_in_words,
        _span(flow.lag.behind),
        _minute(flow.last_look_at),
        _minute(flow.next_run_at),
        str(flow.waiting),
        str(flow.errors),
    )


def _table(rows: list[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _span(behind: timedelta | None) -> str:
    if behind is None:
        return "unknown"
    return str(timedelta(seconds=int(behind.total_seconds())))


def _minute(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at else "–"


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None
