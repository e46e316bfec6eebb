"""`check_connections TENANT`: both servers, step by step, in words a hospital's IT can act on. Reads only."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from engine.commandline import tenant_named
from engine.exits import Exit
from engine.registry import connector_of
from engine.work import setting_of
from tenants import audit
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """See the help text."""

    help = "Check both connections of a tenant. Exit status: 0 all good, 2 usage, 3 something is to be mended."

    def add_arguments(self, parser: CommandParser) -> None:
        """What may be said on the command line."""
        parser.add_argument("tenant", help="short name of the tenant")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, tell, and end with the agreed status."""
        tenant = tenant_named(options["tenant"])
        with tenant_scope(tenant):
            steps = connector_of(tenant).check(setting_of(tenant, refuse_writes=True))
            failed = sum(not step.ok for step in steps)
            after = {"steps": len(steps), "failed": failed}
            audit.record(audit.COMMAND, "connection.check", tenant, tenant=tenant, after=after)
        for step in steps:
            self.stdout.write(f"{'good ' if step.ok else 'MEND '} {step.side} · {step.name}: {step.finding}")
        if failed:
            raise SystemExit(int(Exit.SERVER))
