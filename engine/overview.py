"""How the flows fare: everything their list and the `status` command show, in a constant number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, OuterRef, Subquery

from common import clock
from engine.braking import message_of, open_brakes, params_of
from engine.registry import connectors
from engine.slices import GOES_ON_BY_ITSELF
from errors.catalogue import OTHER_SERVER, SIGN_IN, SOURCE_DOWN, TARGET_DOWN, TOO_MANY, explain, general
from errors.models import ErrorRecord, ErrorState
from syncstatus.cron import cron_in_words, fires_until
from syncstatus.models import Brake, Flow, Lease, Run, RunState, Stream
from syncstatus.schedule import next_fire
from syncstatus.state import Facts, Lag, LookFacts, State, flow_state, in_words, is_late, lag, worst_lag


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


def overview(flows: Iterable[Flow], now: datetime | None = None) -> list[FlowOverview]:
    """The flows in the order given. Needs a scope of their tenants. Four queries, however many flows there are.

    Two more when some wait at the brake.

    (The flows' tenants should come with them: `select_related("tenant")`.)
    """
    rows = list(flows)
    at = now or clock.now()
    streams = _streams(rows)
    runs = Run.objects.select_related("stream").in_bulk(
        [stream.latest_run for of_flow in streams.values() for stream in of_flow if stream.latest_run]  # type: ignore[attr-defined]  # annotated in _streams
    )
    counts = _counts(rows)
    brakes = open_brakes(rows) if any(flow.at_brake for flow in rows) else {}
    working = set(Lease.objects.filter(tenant__in=_tenants(rows), expires_at__gt=at).values_list("tenant", flat=True))
    return [
        _of(
            flow,
            streams.get(flow.pk, []),
            [run for run in runs.values() if run.stream.flow_id == flow.pk],
            counts.get(flow.pk, Counter()),
            brakes.get(flow.pk),
            has_lease=flow.tenant_id in working,
            now=at,
        )
        for flow in rows
    ]


def _of(
    flow: Flow, streams: Sequence[Stream], runs: Sequence[Run], counts: Counter[str], brake: Brake | None, *,
    has_lease: bool, now: datetime,
) -> FlowOverview:  # fmt: skip
    failures = {general(stream.last_look_failure) for stream in streams if stream.last_look_failure} - _OF_BRAKES
    told_apart = {SOURCE_DOWN, TARGET_DOWN, SIGN_IN}
    looks = [stream.last_look_at for stream in streams if stream.last_look_at]
    unfinished = [stream.oldest_unfinished_at for stream in streams if stream.oldest_unfinished_at]
    facts = Facts(
        is_on=flow.is_on,
        is_paused=flow.is_paused,
        is_running=has_lease and any(run.state == RunState.RUNNING for run in runs),
        is_late=is_late([*unfinished, *looks], fires_until(flow.cron, flow.zone, now)),
        errors=counts[ErrorState.RETRYING],
        held=counts[ErrorState.HELD],
        source_down=SOURCE_DOWN in failures,
        target_down=TARGET_DOWN in failures,
        credentials_refused=SIGN_IN in failures,
        stands_still=bool(failures - told_apart - GOES_ON_BY_ITSELF),
        was_cut_short=bool(failures & (GOES_ON_BY_ITSELF - told_apart)),
        brake=brake is not None,
    )
    how_late = worst_lag(lag(_look(stream), now) for stream in streams)
    return FlowOverview(
        flow=flow,
        label=_label(flow),
        state=flow_state(facts),
        state_in_words=in_words(facts),
        trouble=" ".join(filter(None, (_at_brake(brake), _in_trouble(flow, streams) if flow.is_on else ""))),
        lag=replace(how_late, behind=None) if brake else how_late,  # nobody looks while it waits
        cron_in_words=cron_in_words(flow.cron),
        last_look_at=min(looks) if len(looks) == len(streams) > 0 else None,
        last_run=max(runs, key=lambda run: run.started_at, default=None),
        next_run_at=next_fire(flow, now),
        waiting=counts[ErrorState.DEFERRED] + counts[ErrorState.RETRYING],
        errors=counts[ErrorState.RETRYING] + counts[ErrorState.HELD],
        held=counts[ErrorState.HELD],
        brake=brake,
    )


_OF_BRAKES = frozenset({OTHER_SERVER, TOO_MANY})


def _at_brake(brake: Brake | None) -> str:
    """Why a person must look, in sentences."""
    connector = connectors().get(brake.flow.tenant.connector) if brake else None
    if brake is None or connector is None:
        return ""
    told = explain(message_of(brake), params_of(brake, connector), connector.sentences)
    return f"{told.cause} {told.remedy}"


def _in_trouble(flow: Flow, streams: Sequence[Stream]) -> str:
    """Each trouble once: what stops one stream of a flow usually stops the others as well."""
    ended = [stream for stream in streams if stream.last_look_failure and stream.last_look_failure not in _OF_BRAKES]
    return " ".join(dict.fromkeys(_trouble(flow, stream) for stream in ended))


def _trouble(flow: Flow, stream: Stream) -> str:
    connector = connectors().get(flow.tenant.connector)
    if connector is None:
        return stream.last_look_failure
    spec = connector.stream(stream.key)
    sides = {SOURCE_DOWN: spec.source_side, TARGET_DOWN: spec.target_side}
    params = {"side": sides.get(general(stream.last_look_failure), "one of the two servers")}
    told = explain(stream.last_look_failure, params, connector.sentences)
    return f"{told.cause} {told.remedy}"


def _streams(flows: Sequence[Flow]) -> dict[int, list[Stream]]:
    latest = Run.objects.filter(stream=OuterRef("pk")).order_by("-started_at", "-pk").values("pk")[:1]
    found: dict[int, list[Stream]] = {}
    rows = Stream.objects.filter(flow__in=[flow.pk for flow in flows]).annotate(latest_run=Subquery(latest))
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


def _tenants(flows: Sequence[Flow]) -> set[int]:
    return {flow.tenant_id for flow in flows}


def _look(stream: Stream) -> LookFacts:
    return LookFacts(
        last_look_at=stream.last_look_at,
        last_good_look_at=stream.last_good_look_at,
        last_look_failure=stream.last_look_failure,
        oldest_unfinished_at=stream.oldest_unfinished_at,
    )


def _label(flow: Flow) -> str:
    connector = connectors().get(flow.tenant.connector)
    specs = connector.flows if connector else ()
    return next((spec.label for spec in specs if spec.key == flow.key), flow.key)
