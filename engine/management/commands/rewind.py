"""`rewind TENANT FLOW`: read a flow again from a date on, or from where a run began, and compare it."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management import BaseCommand

from engine import moving, rewinding
from engine.commandline import flow_named, tenant_named, usage
from engine.rewinding import CannotMove
from engine.starting import moment
from syncstatus.models import Flow, Run
from tenants.audit import COMMAND
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """Tell about how many changes would be read again; with --yes, move the positions."""

    help = (
        "Read a flow, or some of its streams, again: from a date on (--to), or from where a run began (--before-run). "
        "All of it is compared with the other server, nothing is doubled. Says first about how many changes that is, "
        "and does it with --yes and --reason. Exit status: 0 done or told, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the flow, and where to."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("flow", metavar="FLOW", help="key of the flow, e.g. avni-to-bahmni")
        parser.add_argument("--stream", action="append", default=[], help="only this stream; may be given again")
        to = parser.add_mutually_exclusive_group(required=True)
        to.add_argument("--to", metavar="DATE", help="2026-04-01 or 2026-04-01T06:30, time of the flow's zone")
        to.add_argument("--before-run", metavar="RUN", type=int, help="number of the run; its stream is rewound")
        moving.add_yes(parser)

    def handle(
        self, *args: Any, tenant: str, flow: str, stream: list[str], to: str | None, before_run: int | None,
        reason: str, yes: bool, **options: Any,
    ) -> None:  # fmt: skip
        """Tell, then do it."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            row = flow_named(found, flow)
            aim = _run(row, before_run) if before_run is not None else _moment(to or "", row.zone)
            streams = moving.streams_of(row, [aim.stream.key] if isinstance(aim, Run) else stream)
            try:
                reaches = rewinding.reach_of_rewind(streams, aim)
                about = rewinding.total(reaches)
                done = rewinding.rewind(row, streams, aim, reason=reason, actor=COMMAND, about=about) if yes else []
            except (CannotMove, ValueError) as wrong:
                raise usage(str(wrong)) from wrong
            if options["json"]:
                self.stdout.write(moving.as_json(reaches, done=yes, positions=moving.moved_told(done)))
                return
            moving.tell_reaches(self.stdout, reaches, "will be read again and compared")
            moving.tell_moved(self.stdout, done)
            if not yes:
                self.stdout.write(moving.NOT_DONE)


def _run(flow: Flow, number: int) -> Run:
    run = Run.objects.filter(pk=number, stream__flow=flow).select_related("stream").first()
    if run is None:
        raise usage(f"{flow.key} has no run {number}.")
    return run


def _moment(text: str, zone: str) -> datetime:
    try:
        return moment(text, zone)
    except ValueError as wrong:
        raise usage(f"{wrong}.") from wrong
