"""What happens between the first server and the last word. Imported only once Django is set up."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from demo import report, service, verdict
from demo.commands import write_commands
from demo.processes import ROOT
from demo.stage import OURS, PASSWORD_VARIABLE, Stage
from simulators.comparer import Before, compare
from simulators.scenario import Scenario

__all__ = ["Play"]

ADMINISTRATOR = "admin"


class Play:
    """One demonstration on a stage whose broker and servers are up."""

    def __init__(self, stage: Stage, scenario: Scenario, say: Callable[[str], None]) -> None:
        """`say` prints a line of progress."""
        self.stage = stage
        self.scenario = scenario
        self.say = say
        self.password = secrets.token_urlsafe(9)
        self.before = Before(scenario.avni.dump(), scenario.bahmni.dump())

    def prepare(self) -> None:
        """Tables, an administrator, the tenant with both flows on."""
        service.migrate()
        service.administrator(ADMINISTRATOR, self.password)
        declaration = self.scenario.declaration(
            avni_url=self.stage.avni_url,
            bahmni_url=self.stage.bahmni_url,
            secret=f"env:{PASSWORD_VARIABLE}",
            name=service.TENANT,
            title="Demonstration",
        )
        said = service.set_up(declaration, self.stage.troop.folder / "tenant.yaml")
        self.say(f"Tenant imported ({said}), both flows switched on")

    def run(self) -> None:
        """Ring, and wait until worker and web server are where they should be. Raises Failed."""
        self.stage.start_worker()
        service.ring()
        self.say("Worker and beat are starting; both flows are rung for")
        service.collect_static_files()
        self.stage.start_web()
        service.await_work(lambda tallies: self.say(report.progress(tallies)), self.stage.troop.check)
        self.stage.await_web()

    def tell(self) -> bool:
        """Print what came of it; whether all is as it should be."""
        tallies, records = service.tallies(), service.open_records()
        planted = self.scenario.planted
        # A fill does not read the encounters of a patient who is not registered; they come when he is.
        waiting = [one for one in self.scenario.waiting if one.stream != "encounter"]
        print()
        print(*report.table(tallies), sep="\n", end="\n\n")
        print(f"{len(records)} records did not get through; {len(planted)} were planted to, {len(waiting)} to wait:")
        print(*report.errors(planted, waiting, records, self.stage.web_url), sep="\n", end="\n\n")
        findings = compare(self.before, *self.stage.states(), self.scenario)
        wrong = list(verdict.complaints(tallies, records, (*planted, *waiting), findings))
        if wrong:
            print("NOT as it should be:", *wrong, sep="\n  ", end="\n\n", flush=True)
        else:
            print("Both servers compared: everything else is on the other side, once; nothing else was touched.\n")
        return not wrong

    def leave_open(self) -> None:
        """Let people look around in the admin until somebody ends it. Raises Failed when something goes down."""
        print(f"The admin: {self.stage.web_url}/admin/   name: {ADMINISTRATOR}   password: {self.password}")
        troop = self.stage.troop
        script = write_commands(troop.folder, troop.environment, (*OURS, PASSWORD_VARIABLE))
        print(f"Commands, from a second terminal: {script.relative_to(ROOT)} status {service.TENANT}")
        print("Ctrl-C ends everything.", flush=True)
        while True:
            self.stage.troop.check()
            time.sleep(0.5)
