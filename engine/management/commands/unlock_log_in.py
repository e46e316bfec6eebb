"""`unlock_log_in [NAME]`: let who had too many wrong passwords try again at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from tenants import log_ins
from tenants.audit import COMMAND
from tenants.models import LogInTrouble


class Command(BaseCommand):
    """For the administrator who is locked out as well."""

    help = "Unlock the log-in of an account, or all accounts and addresses when none is named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the account."""
        parser.add_argument("name", metavar="NAME", nargs="?", default="", help="log-in name, or an address")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        """Unlock."""
        rows = LogInTrouble.objects.filter(label__iexact=name) if name else LogInTrouble.objects.all()
        number = len(rows)
        for row in rows:
            log_ins.unlock(row, actor=COMMAND)
        self.stdout.write(f"{number} unlocked")
