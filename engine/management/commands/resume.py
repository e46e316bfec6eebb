"""`resume TENANT FLOW`: let a paused or stopped flow go on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from engine import moves
from engine.commandline import flow_named, tenant_named
from tenants.audit import COMMAND
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """Let a flow go on where it stands."""

    help = "Let a paused or stopped flow go on where it stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take tenant and flow."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("flow", metavar="FLOW", help="key of the flow, e.g. avni-to-bahmni")

    def handle(self, *args: Any, tenant: str, flow: str, **options: Any) -> None:
        """Resume."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            changed = moves.resume(flow_named(found, flow), actor=COMMAND)
        self.stdout.write(f"{flow} of {tenant} {'goes on' if changed else 'was not paused'}")
