"""`sync TENANT`: look at the tenant's streams now, in the foreground, with progress. Same function as the tasks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from common.http_errors import RemoteError
from common.outcome import Outcome
from engine import bell, gaps, rehearsal, signing_in, work
from engine.commandline import tenant_named, usage
from engine.ended_by import in_words
from engine.exits import Exit
from engine.overview import in_words_of
from engine.registry import connector_of
from engine.slices import Limits, Look
from errors.catalogue import explain, general
from errors.models import OPEN_STATES, ErrorRecord
from syncstatus.models import AtBrake, Flow, Run, Stream
from tenants.models import Tenant
from tenants.scoping import tenant_scope

SERVERS_FAULT = ("remote.source-down", "remote.target-down", "remote.sign-in")


class Command(BaseCommand):
    """See the help text."""

    help = (
        "Read what is new and hand it over, in the foreground. Exit status: 0 all through, 1 records failed or held, "
        "2 usage, 3 a server down or credentials wrong, 4 somebody else works for this tenant, 130 interrupted "
        "or stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What may be said on the command line."""
        parser.add_argument("tenant", help="short name of the tenant")
        parser.add_argument("--flow", help="only the streams of this flow, e.g. avni-to-bahmni")
        parser.add_argument("--stream", help="only this stream, e.g. subject")
        parser.add_argument("--once", action="store_true", help="one slice per stream, even when more is waiting")
        parser.add_argument(
            "--dry-run", action="store_true", help="write nothing; say per record what would be done and why"
        )
        parser.add_argument("--limit", type=int, metavar="N", help="about so many changes per stream (whole pages)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and end with the agreed status."""
        if options["limit"] is not None and options["limit"] < 1:
            raise usage("--limit takes a number of at least 1.")
        tenant = tenant_named(options["tenant"])
        with tenant_scope(tenant):
            streams = self._streams(tenant, options)
            try:
                status = (
                    self._rehearse(streams, options["limit"] or 100)
                    if options["dry_run"]
                    else self._sync(tenant, streams, options)
                )
            except KeyboardInterrupt:
                self.stderr.write("Interrupted. What was finished is kept; the rest is read again next time.")
                status = Exit.INTERRUPTED
            except RemoteError as failure:
                self.stderr.write(str(failure))
                status = Exit.SERVER
        if status:
            raise SystemExit(int(status))

    def _streams(self, tenant: Tenant, options: dict[str, Any]) -> list[Stream]:
        rows = Stream.objects.filter(tenant=tenant).select_related("flow", "tenant").order_by("sequence")
        if options["flow"]:
            rows = rows.filter(flow__key=options["flow"])
        if options["stream"]:
            rows = rows.filter(key=options["stream"])
        streams = list(rows)
        if not streams:
            known = ", ".join(f"{row.flow.key}: {row.key}" for row in Stream.objects.select_related("flow"))
            raise usage(f"{tenant.name} has no such stream. Flows and streams: {known}.")
        return streams

    # -- for real -----------------------------------------------------------------------------------------------------

    def _sync(self, tenant: Tenant, streams: list[Stream], options: dict[str, Any]) -> Exit:
        held = sorted({_why_not(stream.flow) for stream in streams} - {""})
        held += [in_words_of(sealed) for sealed in [work.setting_of(tenant).sealed] if sealed]
        if held:
            raise usage("\n".join(held))
        limits = Limits(changes=options["limit"])
        looks: list[Look] = []
        keys = [stream.key for stream in streams]
        signing_in.allow_again(tenant.pk)
        bell.mark_due(streams)
        while True:
            report = work.work_off(tenant.pk, streams=keys, limits=limits, watch=self._progress)
            if report.lease_held_by_another:
                self.stderr.write("Somebody else works for this tenant just now; the streams are marked due for them.")
                return Exit.LEASE_HELD
            looks += report.looks
            goes_on = report.more and not any(look.stopped_by for look in report.looks)
            if not goes_on or options["once"] or options["limit"]:
                break
        return self._summary(tenant, looks)

    def _progress(self, stream: Stream, run: Run) -> None:
        self.stdout.write(
            f"{stream.key}: {run.read} read, {run.target_writes} written, {run.failed + run.held} failed or held"
        )

    def _summary(self, tenant: Tenant, looks: list[Look]) -> Exit:
        sentences = connector_of(tenant).sentences
        totals = dict.fromkeys(["read", *(outcome.value for outcome in Outcome), "target_writes"], 0)
        for run in (run for look in looks for run in look.runs):
            for name in totals:
                totals[name] += getattr(run, name)
        self.stdout.write(
            " · ".join(
                f"{name.replace('_', ' ')} {number}" for name, number in totals.items() if number or name == "read"
            )
        )
        status = Exit.RECORDS_OPEN if totals["failed"] or totals["held"] else Exit.THROUGH
        for look in looks:
            if look.stopped_by:
                told = explain(look.stopped_by, look.params, sentences)
                self.stderr.write(f"{look.stream.key}: {told.cause} {told.remedy}")
                status = max(status, _status(look))
        for gap in self._unread(looks):
            told = explain(gap.message, gap.params, sentences)
            self.stderr.write(f"{gap.stream.key}: {told.cause} {told.remedy}")
            status = max(status, Exit.RECORDS_OPEN)
        return status

    def _unread(self, looks: list[Look]) -> list[ErrorRecord]:
        """The parts of these streams' sources that could not be read, now or when they were last tried."""
        streams = {look.stream.pk for look in looks}
        open_ones = ErrorRecord.objects.filter(stream__in=streams, state__in=OPEN_STATES)
        return list(open_ones.filter(entity_id__startswith=gaps.BEGIN).select_related("stream").order_by("pk"))

    # -- for show -----------------------------------------------------------------------------------------------------

    def _rehearse(self, streams: list[Stream], limit: int) -> Exit:
        status = Exit.THROUGH
        rehearsed = rehearsal.Rehearsal()
        for stream in streams:
            try:
                for told in rehearsed.of(stream, limit=limit):
                    self._tell(told)
                    if told.part or told.result.outcome in (Outcome.FAILED, Outcome.HELD):
                        status = Exit.RECORDS_OPEN
            except RemoteError as failure:
                self.stderr.write(f"{stream.key}: {in_words(failure, stream)}")
                return Exit.SERVER
        self.stdout.write("Nothing was written.")
        return status

    def _tell(self, told: rehearsal.Rehearsed) -> None:
        result, key = told.result, told.stream.key
        why = explain(result.message, result.params, connector_of(told.stream.tenant).sentences)
        if told.part:
            self.stdout.write(f"{key}, {told.part}: cannot be read\n    {why.cause} {why.remedy}")
            return
        self.stdout.write(f"{key} {result.change.entity_id}: would be {result.outcome.value}")
        for write in result.planned:
            self.stdout.write(f"    {write.verb} {write.kind} {write.id}: {write.why}")
        if result.message:
            self.stdout.write(f"    {why.cause} {told.in_addition}".rstrip())


def _status(look: Look) -> Exit:
    if look.stopped_who:
        return Exit.INTERRUPTED
    return Exit.SERVER if general(look.stopped_by) in SERVERS_FAULT else Exit.RECORDS_OPEN


def _why_not(flow: Flow) -> str:
    if not flow.is_on:
        return f"The flow {flow.key} is off. Switch it on first: manage.py switch_on {flow.tenant.name} {flow.key}"
    if flow.at_brake == AtBrake.MANY:
        return f"The flow {flow.key} waits at the brake. See what waits: manage.py brake {flow.tenant.name}"
    return f"The flow {flow.key} is paused. Resume it first." if flow.is_paused else ""
