"""`pause TENANT FLOW`: hold a flow; its schedule stays."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from engine import moves
from engine.commandline import flow_named, tenant_named
from tenants.audit import COMMAND
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """Pause a flow. It remembers where it stands."""

    help = "Pause a flow until somebody resumes it. A run under way ends by itself within minutes; to end it now: stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take tenant, flow and reason."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("flow", metavar="FLOW", help="key of the flow, e.g. avni-to-bahmni")
        parser.add_argument("--reason", default="", help="why, for the record")

    def handle(self, *args: Any, tenant: str, flow: str, reason: str, **options: Any) -> None:
        """Pause."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            changed = moves.pause(flow_named(found, flow), actor=COMMAND, reason=reason)
        self.stdout.write(f"{flow} of {tenant} {'is paused' if changed else 'was paused already'}")
