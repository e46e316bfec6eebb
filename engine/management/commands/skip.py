"""`skip TENANT FLOW`: leave out what was not read yet, and go on with what changes from now on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from engine import moving, rewinding
from engine.commandline import flow_named, tenant_named, usage
from engine.rewinding import CannotMove
from tenants.audit import COMMAND
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """Tell about how many changes would be left out; with --yes, skip them."""

    help = (
        "Let a flow, or some of its streams, go on with what changes from now on. Says first about how many changes "
        "would not be read, and does it with --yes and --reason. Exit status: 0 done or told, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the flow."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("flow", metavar="FLOW", help="key of the flow, e.g. avni-to-bahmni")
        parser.add_argument("--stream", action="append", default=[], help="only this stream; may be given again")
        moving.add_yes(parser)

    def handle(
        self, *args: Any, tenant: str, flow: str, stream: list[str], reason: str, yes: bool, **options: Any
    ) -> None:
        """Tell, then do it."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            row = flow_named(found, flow)
            streams = moving.streams_of(row, stream)
            try:
                reaches = rewinding.reach_of_skip(streams)
                about = rewinding.total(reaches)
                done = rewinding.skip(row, streams, reason=reason, actor=COMMAND, about=about) if yes else []
            except (CannotMove, ValueError) as wrong:
                raise usage(str(wrong)) from wrong
            if options["json"]:
                self.stdout.write(moving.as_json(reaches, done=yes, positions=moving.moved_told(done)))
                return
            moving.tell_reaches(self.stdout, reaches, "will not be read")
            moving.tell_moved(self.stdout, done)
            if not yes:
                self.stdout.write(moving.NOT_DONE)
