"""A tenant between two card boxes in memory, with its rows in the real database: for tests of the engine alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from common import clock
from engine import bell, work
from engine.lease import Grant, take
from engine.slices import Limits
from engine.work import Report
from errors.models import ErrorRecord
from mappings.models import Constant, Mapping, MappingType
from syncstatus.models import Flow, Lease, Link, Position, Run, Stream
from tenants.models import Connection, Tenant
from tenants.scoping import tenant_scope
from tests.chaos.paper import Paper
from tests.unit.engine.fake_connector import KEY, announced, make

STREAM = "paper-subject"


@dataclass
class Desk:
    """A tenant whose flow is on, and the two boxes."""

    tenant: Tenant
    paper: Paper = field(default_factory=Paper)

    def ring(self) -> None:
        """Say that the stream should be looked at."""
        bell.mark_due(Stream.objects.filter(tenant=self.tenant, key=STREAM))

    def work(self, limits: Limits | None = None) -> Report:
        """Look at the stream as a task would, later: a server that was down may be asked again."""
        wait_out(self.tenant)
        self.ring()
        return work.work_off(self.tenant.pk, limits=limits)

    def taken(self) -> Grant:
        """The lease, taken by us. Fails when another holds it."""
        grant = take(self.tenant.pk)
        assert grant
        return grant

    @property
    def lease(self) -> Lease:
        """The row."""
        return Lease.objects.get(tenant=self.tenant)

    @property
    def position(self) -> int:
        """How many pages are through."""
        return int(Position.objects.get(tenant=self.tenant, stream__key=STREAM).value.get("page", 0))

    def outcomes(self) -> dict[str, str]:
        """Last outcome of every entity in the ledger."""
        return dict(Link.objects.filter(tenant=self.tenant).values_list("source_id", "outcome"))

    def errors(self) -> dict[str, str]:
        """Message of every record that is not through."""
        waiting = ErrorRecord.objects.filter(tenant=self.tenant).exclude(state="resolved")
        return dict(waiting.values_list("entity_id", "message"))

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything a commit may change, to compare before and after."""
        tables = (Link, ErrorRecord, Position, Run)
        return {table.__name__: list(table.objects.filter(tenant=self.tenant).values_list()) for table in tables}


def expire(tenant: Tenant) -> None:
    """The lease ran out a second ago, by the database's clock."""
    Lease.objects.filter(tenant=tenant).update(expires_at=clock.now() - timedelta(seconds=1))


def wait_out(tenant: Tenant) -> None:
    """As if the time had passed for which servers that are down are left alone."""
    Connection.objects.filter(tenant=tenant, next_probe_at__isnull=False).update(next_probe_at=clock.now())


@contextmanager
def desk(name: str = "ashwini", paper: Paper | None = None, **declared: Any) -> Iterator[Desk]:
    """A desk of its own, with this paper and these declarations of its connector; leaves its scope entered."""
    paper = paper or Paper()
    with announced(make(connect=lambda setting: paper, **declared)):
        tenant = Tenant.objects.create(name=name, connector=KEY)
        with tenant_scope(tenant):
            for group, kind in (("People", "Number"), ("People", "Form")):
                row = MappingType.objects.get(group__name=group, name=kind)
                Mapping.objects.create(tenant=tenant, type=row, avni_value=kind, int_system_value=kind)
            Constant.objects.filter(key="Prefix").update(value="TRI")
            for side in ("avni", "paper"):
                Connection.objects.create(
                    tenant=tenant, side=side, base_url="http://localhost", sign_in="none", max_parallel=4
                )
            stream = Stream.objects.get(key=STREAM)
            Flow.objects.filter(pk=stream.flow_id).update(is_on=True)
            Position.objects.create(tenant=tenant, stream=stream, partition="Individual", value={})
            try:
                yield Desk(tenant, paper)
            finally:
                work.forget()
