"""`import_java_service`: take a tenant over from Avni's Java integration service, by what its database says."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand

from bahmni import vocabulary as v
from bahmni.servers import SIGN_INS
from bahmni.takeover import applying, database
from bahmni.takeover.brought.connections import Address
from engine.commandline import usage
from engine.declaration import DeclarationRefused
from tenants.audit import COMMAND

ADDRESS: Final = "JAVA_SERVICE_DATABASE"
"""Environment variable that holds the database's address: a password on a command line is seen by every process."""


class Command(BaseCommand):
    """See the help text."""

    help = (
        "Read the database of a Java integration service (old or new layout; nothing is written to it) and bring its "
        "configuration, errors and positions into a tenant, whose flows stay as they are. Repeatable: what was edited "
        "here since stays. Exit status: 0 done, 2 usage or nothing could be done. Begin with --dry-run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be said on the command line."""
        parser.add_argument("tenant", help="short name of the tenant; made when there is none of that name")
        parser.add_argument(
            "--database", metavar="URL", help=f"postgresql://user:password@host/name; better in {ADDRESS}"
        )
        parser.add_argument("--system", default="", metavar="NAME", help="integration system, where there are several")
        parser.add_argument("--dry-run", action="store_true", help="change nothing; print the report")
        for side in (v.AVNI, v.BAHMNI):
            name = side.capitalize()
            parser.add_argument(f"--{side}-url", default="", metavar="URL", help=f"base address of {name}")
            parser.add_argument(f"--{side}-user", default="", metavar="USER", help=f"our user in {name}")
            parser.add_argument(
                f"--{side}-secret", default="", metavar="SOURCE", help="its password: env:NAME or file:PATH"
            )
        parser.add_argument("--avni-sign-in", default="", choices=["", *SIGN_INS], help="way to sign in to Avni")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, bring in, tell."""
        address = options["database"] or os.environ.get(ADDRESS, "")
        if not address:
            raise usage(f"Say which database: set {ADDRESS} in the environment, or use --database.")
        order = applying.Order(options["tenant"], _addresses(options), options["dry_run"])
        try:
            service = database.read(address, options["system"])
            tally = applying.bring_in(service, order, COMMAND)
        except (database.NotReadable, applying.Refused) as refusal:
            raise usage(str(refusal)) from None
        except ValidationError as refusal:
            raise usage(" ".join(refusal.messages)) from None
        except DeclarationRefused as refusal:
            raise usage("\n".join(f"{each.what}. {each.remedy}." for each in refusal.problems)) from None
        named = f", integration system {service.system!r}" if service.system else ""
        self.stdout.write(f"The Java service's database: {service.layout} layout{named}.")
        for line in tally.lines():
            self.stdout.write(line)
        if order.dry_run:
            self.stdout.write("Nothing was changed: this was a dry run.")
        else:
            self.stdout.write(
                f"Next: manage.py check_connections {order.tenant}, then manage.py find_links {order.tenant}"
            )


def _addresses(options: dict[str, Any]) -> dict[str, Address]:
    return {
        side: Address(
            options[f"{side}_url"],
            options[f"{side}_user"],
            options["avni_sign_in"] if side == v.AVNI else "",
            options[f"{side}_secret"],
        )
        for side in (v.AVNI, v.BAHMNI)
    }
