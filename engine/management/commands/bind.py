"""`bind TENANT`: let a sealed tenant write again, from this installation and to its present addresses."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from engine import seal_moves
from engine.commandline import tenant_named
from engine.overview import in_words_of
from tenants import seal
from tenants.audit import COMMAND
from tenants.models import Connection
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """Say that this is the installation, and these the servers, that a tenant is for."""

    help = (
        "Bind a sealed tenant to this installation and to the addresses of its connections: from then on it writes. If "
        "its old installation is still in use, switch the flows off there first: two would write the same records. "
        "Without --reason: show whether and why the tenant is sealed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take tenant and reason."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("--reason", default="", help="why, for the record")

    def handle(self, *args: Any, tenant: str, reason: str, **options: Any) -> None:
        """Show, or bind."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            rows = list(Connection.objects.filter(tenant=found))
            why = seal.reason(found, rows)
            if why and reason.strip():
                seal_moves.bind(found, reason=reason, actor=COMMAND)
                addresses = " and ".join(row.base_url for row in rows)
                self.stdout.write(f"{tenant} is bound to this installation and writes to {addresses}")
                return
        if not why:
            self.stdout.write(f"{tenant} is not sealed")
            return
        self.stdout.write(f"{tenant} is sealed.\n{in_words_of(why)}")
        for row in rows:
            was = f" (it was {row.bound_url})" if row.bound_url not in ("", row.base_url) else ""
            self.stdout.write(f"  {row.side}: {row.base_url}{was}")
        self.stdout.write("To bind it, say why: --reason '…'")
