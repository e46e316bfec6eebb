"""`replay TENANT STREAM`: send known records again, whatever is remembered of them."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from common.outcome import Outcome
from engine import backfill_moves, moving
from engine.commandline import tenant_named, usage
from engine.rewinding import CannotMove
from syncstatus.models import Link, Stream
from tenants.audit import COMMAND
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """Tell how many records it is; with --yes, have them compared and put right."""

    help = (
        "Have known records of a stream read and compared with the target again: those of --ids, those whose last "
        "outcome is --outcome, or --all. Says first how many, and asks for it with --yes and --reason. How far it is: "
        "manage.py backfill TENANT. Exit status: 0 asked for or told, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the stream and which of its records."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("stream", metavar="STREAM", help="key of the stream, e.g. subject")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--ids", metavar="ID,ID", help="records of the source by their ids")
        which.add_argument("--outcome", choices=[one.value for one in Outcome], help="whose last change ended so")
        which.add_argument("--all", action="store_true", help="all that is known")
        moving.add_yes(parser)

    def handle(self, *args: Any, tenant: str, stream: str, reason: str, yes: bool, **options: Any) -> None:
        """Tell, then ask for it."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            if not Stream.objects.filter(tenant=found, key=stream).exists():
                known = ", ".join(Stream.objects.filter(tenant=found).values_list("key", flat=True))
                raise usage(f"{tenant} has no stream {stream!r}. Streams: {known}.")
            links = Link.objects.filter(tenant=found, stream__key=stream)
            if options["ids"]:
                links = links.filter(source_id__in=[one.strip() for one in options["ids"].split(",")])
            if options["outcome"]:
                links = links.filter(outcome=options["outcome"])
            about = links.count()
            if yes:
                try:
                    backfill_moves.replay(links, reason=reason, actor=COMMAND, chosen="by the command")
                except (CannotMove, ValueError) as wrong:
                    raise usage(str(wrong)) from wrong
        if options["json"]:
            self.stdout.write(json.dumps({"done": yes, "about": about}))
            return
        self.stdout.write(f"About {about} record{'' if about == 1 else 's'} will be read and compared again.")
        self.stdout.write("It is asked for." if yes else moving.NOT_DONE)
