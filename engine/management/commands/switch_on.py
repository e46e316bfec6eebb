"""`switch_on TENANT FLOW`: let a flow run by its schedule."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from common.http_errors import RemoteError
from engine import moves, starting
from engine.commandline import flow_named, tenant_named, usage
from engine.exits import Exit
from engine.registry import connector_of
from syncstatus.cron import cron_in_words
from tenants.audit import COMMAND
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """Switch a flow on; says everything that is missing when it cannot."""

    help = (
        "Switch a flow on. The first time --start says where to begin; there is no default. When something mandatory "
        "is missing, all of it is listed and the flow stays off (exit status 2)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take tenant, flow and start policy."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("flow", metavar="FLOW", help="key of the flow, e.g. avni-to-bahmni")
        parser.add_argument(
            "--start", type=starting.as_written, default="", metavar="WHERE",
            help=f"where to begin, the first time: {starting.WAYS}, or a page of each feed (patient=12,encounter=40)",
        )  # fmt: skip

    def handle(self, *args: Any, tenant: str, flow: str, start: str, **options: Any) -> None:
        """Switch on."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            row = flow_named(found, flow)
            try:
                said = starting.read(start, row.zone, connector_of(found).flow(row.key)) if start else None
                moves.switch_on(row, start=said, actor=COMMAND)
            except ValueError as wrong:
                raise usage(f"{flow} of {tenant} stays off: {wrong}.") from wrong
            except moves.CannotStart as refusal:
                listed = "\n".join(f"  {reason}" for reason in refusal.reasons)
                raise usage(f"{flow} of {tenant} stays off:\n{listed}") from refusal
            except RemoteError as trouble:
                what = f"{flow} of {tenant} stays off: where to begin could not be asked. {trouble}"
                raise CommandError(what, returncode=Exit.SERVER) from trouble
            self.stdout.write(f"{flow} of {tenant} is on: {cron_in_words(row.cron)} ({row.zone})")
