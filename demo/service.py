"""The demo's dealings with the service, through the doors an administrator has: commands, moves, and its tables.

Imported only once Django is set up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import Sum

from common.outcome import Outcome
from demo.processes import Failed
from engine import moves
from engine.registry import connector_of
from errors.catalogue import Explanation, explain
from errors.models import OPEN_STATES, ErrorRecord
from syncstatus.models import Flow, Round, Run, RunKind, Stream
from tenants.audit import COMMAND
from tenants.models import Tenant
from tenants.scoping import all_tenants, tenant_scope

__all__ = [
    "Open",
    "Tally",
    "administrator",
    "await_work",
    "collect_static_files",
    "migrate",
    "open_records",
    "ring",
    "set_up",
    "tallies",
]

TENANT = "demo"
PATIENCE = 240.0
"""Seconds both flows may take altogether."""


@dataclass(frozen=True)
class Tally:
    """What became of everything one stream has read. `key` is the stream's, `stream` its name for people."""

    key: str
    stream: str
    read: int
    outcomes: dict[str, int]
    writes: int

    @property
    def adds_up(self) -> bool:
        """Whether every change read ended in exactly one outcome."""
        return self.read == sum(self.outcomes.values())


@dataclass(frozen=True)
class Open:
    """A record that did not get through, and what the service says of it."""

    pk: int
    stream: str
    source_id: str
    message: str
    state: str
    explanation: Explanation


def migrate() -> None:
    """Make the tables."""
    call_command("migrate", verbosity=0, interactive=False)


def collect_static_files() -> None:
    """Gather what the web server serves beside pages."""
    call_command("collectstatic", verbosity=0, interactive=False)


def administrator(name: str, password: str) -> None:
    """Somebody who may do everything."""
    User.objects.create_superuser(name, "", password)


def set_up(declaration: dict[str, object], file: Path) -> str:
    """Import the tenant from a file, as an administrator would, and switch its flows on. Gives what was said."""
    file.write_text(yaml.safe_dump(declaration, allow_unicode=True, sort_keys=False), encoding="utf-8")
    said = StringIO()
    call_command("import_tenant", str(file), stdout=said)
    with tenant_scope(_tenant()):
        keys = list(Flow.objects.order_by("key").values_list("key", flat=True))
    for key in keys:
        call_command("switch_on", TENANT, key, "--start", "beginning", stdout=said)
    return said.getvalue().splitlines()[-1 - len(keys)]


def ring() -> None:
    """Say "run now" for both flows."""
    with tenant_scope(_tenant()):
        for flow in Flow.objects.select_related("tenant"):
            moves.run_now(flow, actor=COMMAND)


def await_work(tell: Callable[[list[Tally]], None], check: Callable[[], None]) -> None:
    """Wait until the worker has nothing more to do. Raises Failed."""
    with tenant_scope(_tenant()):
        deadline = time.monotonic() + PATIENCE
        seen: list[Tally] = []
        while not _is_quiet():
            check()
            if time.monotonic() > deadline:
                raise Failed(f"The flows are not through after {PATIENCE:.0f} s.")
            time.sleep(0.25)
            seen, before = tallies(), seen
            if seen != before:
                tell(seen)


def _is_quiet() -> bool:
    """Whether every stream was looked at and filled, and none is due. Raises Failed when a look did not go well."""
    streams = list(Stream.objects.all())
    if failure := next((stream.last_look_failure for stream in streams if stream.last_look_failure), ""):
        raise Failed(f"A look ended early: {failure}.")
    filled = set(Round.objects.exclude(last_finished_at=None).values_list("stream", flat=True))
    connector = connector_of(_tenant())
    to_fill = {stream.pk for stream in streams if connector.stream(stream.key).round}
    return to_fill <= filled and all(stream.due_since is None and stream.last_good_look_at for stream in streams)


def tallies() -> list[Tally]:
    """What was read so far, stream by stream in the order of dependencies; further attempts are not counted."""
    with tenant_scope(_tenant()):
        tenant = _tenant()
        names = [outcome.value for outcome in Outcome]
        sums = {name: Sum(name) for name in ("read", *names, "target_writes")}
        runs = Run.objects.filter(kind__in=(RunKind.READ, RunKind.FILL)).order_by()
        rows = runs.values("stream__key").annotate(**sums)
        by_key: dict[str, Any] = {row["stream__key"]: row for row in rows}
        streams = [stream for flow in connector_of(tenant).flows for stream in flow.streams]
        return [
            Tally(stream.key, stream.label, row["read"], {name: row[name] for name in names}, row["target_writes"])
            for stream in streams
            if (row := by_key.get(stream.key))
        ]


def open_records() -> list[Open]:
    """Everything that did not get through, oldest first."""
    with tenant_scope(_tenant()):
        sentences = connector_of(_tenant()).sentences
        rows = ErrorRecord.objects.filter(state__in=OPEN_STATES).select_related("stream").order_by("pk")
        return [
            Open(
                row.pk,
                row.stream.key,
                row.entity_id,
                row.message,
                row.state,
                explain(row.message, row.params, sentences),
            )
            for row in rows
        ]


def _tenant() -> Tenant:
    with all_tenants():
        return Tenant.objects.get(name=TENANT)
