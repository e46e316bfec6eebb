"""`find_links TENANT`: find what a service before this one handed over, on both sides, by its markers."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management import BaseCommand

from bahmni.connector import CONNECTOR
from bahmni.takeover.trails import trails
from common.http_errors import RemoteError
from engine import adopting, signing_in
from engine.adopting import Trail
from engine.commandline import tenant_named, usage
from engine.exits import Exit
from errors.catalogue import explain
from tenants.scoping import tenant_scope

_WORDS = {
    adopting.LINKED: "found on the other side, as they should be",
    adopting.DIFFERS: "found on the other side, not quite as they would be written now: compared when they next change",
    adopting.KNOWN: "linked before",
    adopting.NEWER: "not on the other side; the flows will read them",
    adopting.ABSENT: "not on the other side, although the service before had read past them: see Errors, held",
}


class Command(BaseCommand):
    """See the help text."""

    help = (
        "After a take-over: go through both sides and write down which record stands for which. Nothing is written to "
        "Avni or Bahmni. May be ended at any time and goes on where it was. Exit status: 0 done, 2 usage, 3 a server "
        "down or credentials wrong, 4 somebody else works for this tenant, 130 interrupted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be said on the command line."""
        parser.add_argument("tenant", help="short name of the tenant")
        parser.add_argument("--again", action="store_true", help="from the very beginning instead of from where it was")

    def handle(self, *args: Any, **options: Any) -> None:
        """Search, with progress; then tell."""
        tenant = tenant_named(options["tenant"])
        if tenant.connector != CONNECTOR.key:
            raise usage(f"{tenant.name!r} is a tenant of {tenant.connector!r}; only those of Bahmni are searched.")
        status = Exit.THROUGH
        with tenant_scope(tenant):
            signing_in.allow_again(tenant.pk)
            tenant.refresh_from_db()
            try:
                counts = adopting.adopt(tenant, trails, watch=self._progress, afresh=options["again"])
                self._tell(counts)
            except adopting.Busy:
                self.stderr.write("Somebody else works for this tenant just now. Pause its flows, then try again.")
                status = Exit.LEASE_HELD
            except KeyError as missing:
                raise usage(f"There is no connection to {missing.args[0]}. Add it in the admin.") from None
            except RemoteError as failure:
                self.stderr.write(f"{failure}\nWhat was found is kept; the next call goes on from there.")
                status = Exit.SERVER
            except KeyboardInterrupt:
                self.stderr.write("Interrupted. What was found is kept; the next call goes on from there.")
                status = Exit.INTERRUPTED
        if status:
            raise SystemExit(int(status))

    def _progress(self, trail: Trail, counts: Mapping[str, int]) -> None:
        found = counts[adopting.LINKED] + counts[adopting.DIFFERS] + counts[adopting.KNOWN]
        self.stdout.write(f"{trail.stream}, {trail.part}: {found} found so far, {sum(counts.values())} looked at")

    def _tell(self, counts: Mapping[str, int]) -> None:
        for word, told in _WORDS.items():
            if counts[word]:
                self.stdout.write(f"{counts[word]}: {told}")
        for message, number in sorted(counts.items()):
            if message not in _WORDS:
                why = explain(message, {}, CONNECTOR.sentences)
                self.stdout.write(f"{number}: not compared. {why.cause}")
        self.stdout.write("Nothing was written to Avni or Bahmni.")
