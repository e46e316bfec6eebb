"""`backfill TENANT [STREAM]`: read a window of time, or records by their ids, beside the normal position."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand

from common import clock
from engine import backfill_moves, bell, moving, rewinding, work
from engine.commandline import tenant_named, usage
from engine.exits import Exit
from engine.rewinding import CannotMove, Reach
from engine.starting import moment
from syncstatus.backfills import Backfill, BackfillState
from syncstatus.models import Run, Stream
from tenants.audit import COMMAND
from tenants.models import Tenant
from tenants.scoping import tenant_scope

SHOWN = 20
"""Backfills listed, and unknown ids named of each."""


class Command(BaseCommand):
    """List what was asked for, ask for more, or cancel."""

    help = (
        "Have a window of a stream's source, or a list of its records, read and compared with the target, beside the "
        "normal position, after all that is new. Without STREAM, lists what was asked for so far. Says first about how "
        "many changes it is, and asks for it with --yes and --reason. Exit status: 0 asked for, told or through, 1 it "
        "is not through yet (--wait), 2 usage, 4 somebody else works for this tenant (--wait)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the stream and what to read of it."""
        parser.add_argument("tenant", metavar="TENANT", help="name of the tenant")
        parser.add_argument("stream", metavar="STREAM", nargs="?", default="", help="key of the stream, e.g. subject")
        parser.add_argument("--from", dest="since", metavar="DATE", help="2026-04-01 or 2026-04-01T06:30")
        parser.add_argument("--to", metavar="DATE", help="before when; now when left out")
        parser.add_argument("--ids", default="", metavar="ID,ID", help="records of the source by their ids")
        parser.add_argument("--ids-from", default="", metavar="FILE", help="the same, one on each line of a file")
        parser.add_argument("--cancel", type=int, metavar="NUMBER", help="let nothing more of a backfill be read")
        parser.add_argument("--wait", action="store_true", help="work it off here and now, with progress")
        moving.add_yes(parser)

    def handle(self, *args: Any, tenant: str, **options: Any) -> None:
        """Do what was asked."""
        found = tenant_named(tenant)
        with tenant_scope(found):
            try:
                status = self._do(found, options)
            except (CannotMove, ValueError) as wrong:
                raise usage(str(wrong)) from wrong
        if status:
            raise SystemExit(int(status))

    def _do(self, tenant: Tenant, options: dict[str, Any]) -> Exit:
        if options["cancel"] is not None:
            return self._cancel(options["cancel"], options["reason"])
        if not options["stream"]:
            self._list(as_json=options["json"])
            return Exit.THROUGH
        stream = _stream(tenant, options["stream"])
        ids = _ids(options)
        since, until = _window(stream, options)
        if bool(ids) is bool(since):
            raise usage("Say either --from (and --to), or --ids or --ids-from.")
        window = (since, until) if since else None
        reaches = (
            backfill_moves.reach_of_window([stream], *window) if window else [Reach(stream, "by their ids", len(ids))]
        )
        rows: list[Backfill] = []
        if options["yes"]:
            rows = _ask(stream, window, ids, options["reason"], rewinding.total(reaches))
        if options["json"]:
            self.stdout.write(moving.as_json(reaches, done=bool(rows), backfills=[_told(row) for row in rows]))
        else:
            moving.tell_reaches(self.stdout, reaches, "will be read and compared")
            for row in rows:
                self.stdout.write(f"Backfill {row.pk} is asked for. How far it is: manage.py backfill {tenant.name}")
            if not rows:
                self.stdout.write(moving.NOT_DONE)
        return self._wait(tenant, rows) if rows and options["wait"] else Exit.THROUGH

    def _wait(self, tenant: Tenant, rows: list[Backfill]) -> Exit:
        keys = [row.stream.key for row in rows]
        while True:
            bell.mark_due(Stream.objects.filter(tenant=tenant, key__in=keys))
            report = work.work_off(tenant.pk, streams=keys, watch=self._progress)
            if report.lease_held_by_another:
                self.stderr.write("Somebody else works for this tenant just now, and will come to it.")
                return Exit.LEASE_HELD
            if not report.more or any(look.stopped_by for look in report.looks):
                break
        self._list()
        left = Backfill.objects.filter(pk__in=[row.pk for row in rows]).exclude(state=BackfillState.DONE)
        return Exit.RECORDS_OPEN if left.exists() else Exit.THROUGH

    def _progress(self, stream: Stream, run: Run) -> None:
        self.stdout.write(f"{stream.key}: {run.read} read, {run.target_writes} written, {run.failed + run.held} open")

    def _cancel(self, number: int, reason: str) -> Exit:
        row = Backfill.objects.filter(pk=number).select_related("stream", "tenant").first()
        if row is None:
            raise usage(f"There is no backfill {number}.")
        done = backfill_moves.cancel(row, reason=reason, actor=COMMAND)
        self.stdout.write(f"Backfill {number} is {'cancelled' if done else 'over already'}.")
        return Exit.THROUGH

    def _list(self, *, as_json: bool = False) -> None:
        rows = list(Backfill.objects.select_related("stream")[:SHOWN])
        if as_json:
            self.stdout.write(json.dumps({"backfills": [_told(row) for row in rows]}, indent=2))
            return
        for row in rows:
            ends = ", ".join(f"{number} {outcome}" for outcome, number in row.counts.items())
            what = f"{row.pk}: {row.stream.key}, {row.get_kind_display()}, {row.get_state_display()}"
            self.stdout.write(f"{what}, {row.read} gone through{f' ({ends})' if ends else ''}")
            for one in row.unknown[:SHOWN]:
                self.stdout.write(f"    the source holds no record {one}")
        if not rows:
            self.stdout.write("Nothing was asked for.")


def _ask(
    stream: Stream, window: tuple[datetime, datetime] | None, ids: list[str], reason: str, about: int | None
) -> list[Backfill]:
    if window:
        return backfill_moves.ask_for_window([stream], *window, reason=reason, actor=COMMAND, about=about)
    return [backfill_moves.ask_for_ids(stream, ids, reason=reason, actor=COMMAND)]


def _stream(tenant: Tenant, key: str) -> Stream:
    rows = {row.key: row for row in Stream.objects.filter(tenant=tenant).select_related("tenant", "flow")}
    if key not in rows:
        raise usage(f"{tenant.name} has no stream {key!r}. Streams: {', '.join(rows)}.")
    return rows[key]


def _ids(options: dict[str, Any]) -> list[str]:
    if not options["ids_from"]:
        return [one for one in options["ids"].split(",") if one.strip()]
    try:
        return Path(options["ids_from"]).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as trouble:
        raise usage(f"{options['ids_from']} cannot be read: {trouble}") from trouble


def _window(stream: Stream, options: dict[str, Any]) -> tuple[datetime | None, datetime]:
    zone = stream.flow.zone
    until = moment(options["to"], zone) if options["to"] else clock.now()
    return (moment(options["since"], zone) if options["since"] else None), until


def _told(row: Backfill) -> dict[str, Any]:
    return {
        "number": row.pk,
        "stream": row.stream.key,
        "kind": row.kind,
        "state": row.state,
        "about": row.about,
        "counts": row.counts,
        "unknown": row.unknown,
        "trouble": row.trouble,
    }
