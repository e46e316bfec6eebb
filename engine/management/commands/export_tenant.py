"""`export_tenant TENANT`: write a tenant down as its declaration."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand

from engine import declaration
from engine.commandline import tenant_named, usage


class Command(BaseCommand):
    """Print a tenant as YAML, or write it to a file."""

    help = "Write a tenant as a declaration that import_tenant takes. Secrets are never in it, only where they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the tenant, and where to write."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("--output", metavar="FILE", help="write to this file instead of standard output")

    def handle(self, *args: Any, tenant: str, output: str | None, **options: Any) -> None:
        """Export."""
        found = tenant_named(tenant)
        try:
            text = declaration.export(found)
        except KeyError as failure:
            raise usage(f"The connector {found.connector!r} of {tenant} is not installed here.") from failure
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            Path(output).write_text(text, encoding="utf-8")
        except OSError as failure:
            raise usage(f"{output} cannot be written: {failure.strerror}") from failure
