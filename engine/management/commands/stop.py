"""`stop TENANT FLOW`: pause a flow and end its run under way."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from engine import moves
from engine.commandline import flow_named, tenant_named
from tenants.audit import COMMAND
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """Stop a flow in the middle of a run. It remembers where it stands."""

    help = (
        "Pause a flow and end its run under way. The batch in hand (at most 100 records) is finished and kept, no "
        "other is begun. Let it go on with: resume."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take tenant, flow and reason."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("flow", metavar="FLOW", help="key of the flow, e.g. avni-to-bahmni")
        parser.add_argument("--reason", default="", help="why, for the record")

    def handle(self, *args: Any, tenant: str, flow: str, reason: str, **options: Any) -> None:
        """Stop."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            under_way = moves.stop(flow_named(found, flow), actor=COMMAND, reason=reason)
        ending = "; its run ends after the batch in hand" if under_way else "; no run was under way"
        self.stdout.write(f"{flow} of {tenant} is paused{ending}")
