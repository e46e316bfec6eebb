"""`brake TENANT`: which flows wait for a person and why, and the two ways to let them go on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management import BaseCommand, CommandError

from common.http_errors import RemoteError
from engine import brake_moves
from engine.brake_moves import NotWaiting, Onward
from engine.braking import differences_of, message_of, params_of
from engine.commandline import flow_named, tenant_named, usage
from engine.exits import Exit
from engine.registry import connector_of
from errors.catalogue import explain
from syncstatus.models import AtBrake, Brake
from tenants.audit import COMMAND
from tenants.models import Tenant
from tenants.scoping import tenant_scope

LET_GO_ON: Final = "--let-go-on"
ACCEPT: Final = "--accept-server"


class Command(BaseCommand):
    """List what waits at the brake; let one flow go on, or accept one server."""

    help = (
        "Show the flows that wait for a person, with everything that waits. With --let-go-on FLOW the listed records "
        "pass, once; with --accept-server SIDE --onward here|again the server is known by what it is now. Both need "
        "--reason. Exit status: 0 nothing waits (any more), 1 something waits, 2 usage, 3 the server does not answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the tenant, and what to do."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        move = parser.add_mutually_exclusive_group()
        move.add_argument(LET_GO_ON, metavar="FLOW", default="", help="key of the flow, e.g. avni-to-bahmni")
        move.add_argument(ACCEPT, metavar="SIDE", default="", help="the server, e.g. bahmni")
        parser.add_argument("--onward", choices=Onward.values, default="", help="where an accepted server goes on")
        parser.add_argument("--reason", default="", help="why, for the record")

    def handle(
        self, *args: Any, tenant: str, let_go_on: str, accept_server: str, onward: str, reason: str, **options: Any
    ) -> None:
        """Do it, then list what still waits."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            try:
                if let_go_on:
                    self._let_go_on(found, let_go_on, reason)
                if accept_server:
                    self._accept(found, accept_server, onward, reason)
            except NotWaiting:
                raise usage("It does not wait any more.") from None
            except ValueError as wrong:
                raise usage(str(wrong).capitalize() + ".") from wrong
            except RemoteError as trouble:
                raise CommandError(f"Nothing was done. {trouble}", returncode=Exit.SERVER) from trouble
            waiting = list(_waiting(found))
            for brake in waiting:
                self._tell(brake)
        if not waiting:
            self.stdout.write(f"Nothing of {tenant} waits at the brake.")
        else:
            raise SystemExit(Exit.RECORDS_OPEN)

    def _let_go_on(self, tenant: Tenant, flow: str, reason: str) -> None:
        row = next((one for one in _waiting(tenant, AtBrake.MANY) if one.flow == flow_named(tenant, flow)), None)
        if row is None:
            raise usage(f"{flow} of {tenant.name} does not wait because of a number.")
        voids, overwrites = brake_moves.let_go_on(row, reason=reason, actor=COMMAND)
        self.stdout.write(f"{flow} of {tenant.name} goes on: {voids} voids and {overwrites} overwrites pass, once.")

    def _accept(self, tenant: Tenant, side: str, onward: str, reason: str) -> None:
        row = next((one for one in _waiting(tenant, AtBrake.SERVER) if one.side == side), None)
        if row is None:
            raise usage(f"No flow of {tenant.name} waits because of {side}.")
        flows = brake_moves.accept_server(row, onward=onward, reason=reason, actor=COMMAND)
        self.stdout.write(f"{', '.join(flow.key for flow in flows)} of {tenant.name}: {side} is accepted as it is.")

    def _tell(self, brake: Brake) -> None:
        connector = connector_of(brake.tenant)
        told = explain(message_of(brake), params_of(brake, connector), connector.sentences)
        self.stdout.write(f"{brake.flow.key}: {told.cause} {told.remedy}")
        for difference in differences_of(brake):
            self.stdout.write(f"  {difference}")
        for record in brake.records.select_related("stream"):
            self.stdout.write(f"  {record.does} {record.stream.key} {record.entity_id}: {record.why}")


def _waiting(tenant: Tenant, kind: str = "") -> list[Brake]:
    rows = Brake.objects.filter(tenant=tenant, ended_at=None, **({"kind": kind} if kind else {}))
    return list(rows.select_related("tenant", "flow__tenant").prefetch_related("records").order_by("pk"))
