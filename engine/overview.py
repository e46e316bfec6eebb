"""How the flows fare: everything their list and the `status` command show, in a constant number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Subquery

from common import clock
from engine.braking import message_of, open_brakes, params_of
from engine.breaker import as_seen_by, down_sides
from engine.incidents import explained
from engine.registry import connectors
from engine.slices import GOES_ON_BY_ITSELF
from errors.catalogue import (
    OTHER_SERVER,
    SEALED_ADDRESS,
    SEALED_COPY,
    SIGN_IN,
    SOURCE_DOWN,
    TARGET_DOWN,
    TOO_MANY,
    TOO_MANY_FAULTS,
    explain,
    general,
)
from errors.models import ErrorRecord, ErrorState
from syncstatus.cron import cron_in_words, fires_until
from syncstatus.models import Brake, Flow, Incident, IncidentKind, Lease, Run, RunState, Stream
from syncstatus.schedule import next_fire
from syncstatus.state import Facts, Lag, LookFacts, State, flow_state, in_words, is_late, lag, worst_lag
from tenants import seal
from tenants.models import Connection, Tenant


@dataclass(frozen=True)
class FlowOverview:
    """One flow as the list shows it. Times are aware; the words are ready to be read."""

    flow: Flow
    label: str
    state: State
    state_in_words: str
    trouble: str
    """Why the last look ended early and what to do, in sentences; empty when it did not."""
    lag: Lag
    cron_in_words: str
    last_look_at: datetime | None
    """When all streams had last been looked at; a look that finds nothing new leaves no run."""
    last_run: Run | None
    next_run_at: datetime | None
    waiting: int
    """Records that are deferred or will be tried again by themselves."""
    errors: int
    """Records that failed or wait for a person."""
    held: int
    """Those of the errors that only a person can release."""
    brake: Brake | None = None
    """What it waits at, if it does, with the page on which a person lets it go on."""


@dataclass(frozen=True)
class _Stopping:
    """What keeps flows from going on, by tenant: servers that are down, and why; flows that paused themselves."""

    downs: Mapping[tuple[int, str], str]
    faults: Mapping[tuple[int, str], str]


def overview(flows: Iterable[Flow], now: datetime | None = None) -> list[FlowOverview]:
    """The flows in the order given. Needs a scope of their tenants. Four queries, however many flows there are.

    Two more when some wait at the brake, one when some are paused, one when a server is down.

    (The flows' tenants should come with them: `select_related("tenant")`.)
    """
    rows = list(flows)
    at = now or clock.now()
    streams = _streams(rows)
    runs = Run.objects.select_related("stream").in_bulk(
        [stream.latest_run for of_flow in streams.values() for stream in of_flow if stream.latest_run]  # type: ignore[attr-defined]  # annotated in _streams
    )
    counts = _counts(rows)
    tenants = _tenants(rows, at)
    is_any_down = any(stream.any_down for of_flow in streams.values() for stream in of_flow)  # type: ignore[attr-defined]  # annotated in _streams
    stopping = _Stopping(
        downs=down_sides(set(tenants)) if is_any_down else {},
        faults=_faults(rows) if any(flow.is_paused for flow in rows) else {},
    )
    brakes = open_brakes(rows) if any(flow.at_brake for flow in rows) else {}
    return [
        _of(
            flow,
            streams.get(flow.pk, []),
            [run for run in runs.values() if run.stream.flow_id == flow.pk],
            counts.get(flow.pk, Counter()),
            brakes.get(flow.pk),
            stopping,
            tenants[flow.tenant_id],
            now=at,
        )
        for flow in rows
    ]


def _of(
    flow: Flow, streams: Sequence[Stream], runs: Sequence[Run], counts: Counter[str], brake: Brake | None,
    stopping: _Stopping, tenant: Tenant, *, now: datetime,
) -> FlowOverview:  # fmt: skip
    ended_by = _failures(flow, streams, stopping.downs)
    faults = stopping.faults.get((flow.tenant_id, flow.key), "")
    failures = {general(message) for message, _ in ended_by.values()} - _TOLD_ELSEWHERE
    sealed = seal.reason_of(tenant)
    told_apart = {SOURCE_DOWN, TARGET_DOWN, SIGN_IN}
    looks = [stream.last_look_at for stream in streams if stream.last_look_at]
    unfinished = [stream.oldest_unfinished_at for stream in streams if stream.oldest_unfinished_at]
    facts = Facts(
        is_on=flow.is_on,
        is_paused=flow.is_paused,
        is_running=tenant.is_working  # type: ignore[attr-defined]  # annotated in _tenants
        and any(run.state == RunState.RUNNING for run in runs),
        is_late=is_late([*unfinished, *looks], fires_until(flow.cron, flow.zone, now)),
        errors=counts[ErrorState.RETRYING],
        held=counts[ErrorState.HELD],
        source_down=SOURCE_DOWN in failures,
        target_down=TARGET_DOWN in failures,
        credentials_refused=SIGN_IN in failures,
        stands_still=bool(failures - told_apart - GOES_ON_BY_ITSELF),
        was_cut_short=bool(failures & (GOES_ON_BY_ITSELF - told_apart)),
        brake=brake is not None,
        sealed=bool(sealed),
    )
    how_late = worst_lag(lag(_look(stream, ended_by.get(stream, ("", ""))[0]), now) for stream in streams)
    return FlowOverview(
        flow=flow,
        label=_label(flow),
        state=flow_state(facts),
        state_in_words=in_words(facts),
        trouble=" ".join(
            filter(
                None,
                (in_words_of(sealed), _at_brake(brake), faults, _in_trouble(flow, ended_by) if flow.is_on else ""),
            )
        ),
        lag=replace(how_late, behind=None) if brake or sealed else how_late,  # nobody looks while it waits
        cron_in_words=cron_in_words(flow.cron),
        last_look_at=min(looks) if len(looks) == len(streams) > 0 else None,
        last_run=max(runs, key=lambda run: run.started_at, default=None),
        next_run_at=next_fire(flow, now),
        waiting=counts[ErrorState.DEFERRED] + counts[ErrorState.RETRYING],
        errors=counts[ErrorState.RETRYING] + counts[ErrorState.HELD],
        held=counts[ErrorState.HELD],
        brake=brake,
    )


_TOLD_ELSEWHERE = frozenset({OTHER_SERVER, TOO_MANY, SEALED_COPY, SEALED_ADDRESS})
_TOLD_BY_ROWS = _TOLD_ELSEWHERE | {TOO_MANY_FAULTS}
"""What is told by the row of a tenant, a brake or an incident."""


def in_words_of(sealed: str) -> str:
    """Why a tenant is sealed (its message id) and what to do, in sentences."""
    told = explain(sealed, {}, {}) if sealed else None
    return f"{told.cause} {told.remedy}" if told else ""


def _at_brake(brake: Brake | None) -> str:
    """Why a person must look, in sentences."""
    connector = connectors().get(brake.flow.tenant.connector) if brake else None
    if brake is None or connector is None:
        return ""
    told = explain(message_of(brake), params_of(brake, connector), connector.sentences)
    return f"{told.cause} {told.remedy}"


def _failures(
    flow: Flow, streams: Sequence[Stream], downs: Mapping[tuple[int, str], str]
) -> dict[Stream, tuple[str, str]]:
    """Why each stream of a flow cannot go on, and the server where it is known.

    A server it needs is down, whoever found that out; else what ended its last look.
    """
    connector = connectors().get(flow.tenant.connector)
    found = {stream: (stream.last_look_failure, "") for stream in streams if stream.last_look_failure}
    for stream in streams if connector and downs else ():
        spec = connector.stream(stream.key)  # type: ignore[union-attr]  # there is one
        for side in (spec.source_side, spec.target_side):
            if reason := downs.get((flow.tenant_id, side)):
                found[stream] = (as_seen_by(spec, side, reason), side)
    return found


def _in_trouble(flow: Flow, ended_by: Mapping[Stream, tuple[str, str]]) -> str:
    """Each trouble once: what stops one stream of a flow usually stops the others as well."""
    told = (_trouble(flow, stream, *why) for stream, why in ended_by.items() if why[0] not in _TOLD_BY_ROWS)
    return " ".join(dict.fromkeys(told))


def _trouble(flow: Flow, stream: Stream, message: str, side: str) -> str:
    connector = connectors().get(flow.tenant.connector)
    if connector is None:
        return message
    spec = connector.stream(stream.key)
    sides = {SOURCE_DOWN: spec.source_side, TARGET_DOWN: spec.target_side}
    params = {"side": side or sides.get(general(message), "one of the two servers")}
    told = explain(message, params, connector.sentences)
    return f"{told.cause} {told.remedy}"


def _faults(flows: Sequence[Flow]) -> dict[tuple[int, str], str]:
    """Why flows paused themselves, in sentences, by tenant and key."""
    rows = Incident.objects.filter(
        tenant__in={flow.tenant_id for flow in flows}, kind=IncidentKind.FAULTS, recovered_at=None
    )
    told = ((row, explained(row)) for row in rows.select_related("tenant"))
    return {(row.tenant_id, row.about): f"{one.cause} {one.remedy}" for row, one in told}


def _streams(flows: Sequence[Flow]) -> dict[int, list[Stream]]:
    latest = Run.objects.filter(stream=OuterRef("pk")).order_by("-started_at", "-pk").values("pk")[:1]
    found: dict[int, list[Stream]] = {}
    down = Connection.objects.filter(tenant=OuterRef("tenant"), down_since__isnull=False)
    rows = Stream.objects.filter(flow__in=[flow.pk for flow in flows])
    rows = rows.annotate(latest_run=Subquery(latest), any_down=Exists(down))
    for stream in rows:
        found.setdefault(stream.flow_id, []).append(stream)
    return found


def _counts(flows: Sequence[Flow]) -> Mapping[int, Counter[str]]:
    rows = ErrorRecord.objects.filter(stream__flow__in=[flow.pk for flow in flows], state__in=_COUNTED).order_by()
    counts: dict[int, Counter[str]] = {}
    for flow, state, number in rows.values_list("stream__flow", "state").annotate(number=Count("pk")):
        counts.setdefault(flow, Counter())[state] = number
    return counts


_COUNTED = (ErrorState.RETRYING, ErrorState.DEFERRED, ErrorState.HELD)


def _tenants(flows: Sequence[Flow], now: datetime) -> dict[int, Tenant]:
    """The flows' tenants, with whether somebody works for them and what `seal.reason_of` asks."""
    lease = Lease.objects.filter(tenant=OuterRef("pk"), expires_at__gt=now)
    rows = seal.seen(Tenant.objects.filter(pk__in={flow.tenant_id for flow in flows}))
    return {row.pk: row for row in rows.annotate(is_working=Exists(lease))}


def _look(stream: Stream, failure: str) -> LookFacts:
    return LookFacts(
        last_look_at=stream.last_look_at,
        last_good_look_at=stream.last_good_look_at,
        last_look_failure=failure,
        oldest_unfinished_at=stream.oldest_unfinished_at,
    )


def _label(flow: Flow) -> str:
    connector = connectors().get(flow.tenant.connector)
    specs = connector.flows if connector else ()
    return next((spec.label for spec in specs if spec.key == flow.key), flow.key)
