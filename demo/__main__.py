"""`python -m demo`: people and encounters travel both ways between an Avni and a Bahmni; then the admin, until Ctrl-C.

`--exit` ends afterwards: status 0 when everything is on the other side but exactly the records planted to fail.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import django

from demo.processes import ROOT, Failed, Troop
from demo.stage import Stage, environment_in
from simulators.scenario import Scenario, Size, build

SIZE = Size(subjects=300, known=200, outside=20, general_encounters=400, encounters=400)
CTRL_C = 130


class Told(Exception):
    """A signal asks us to end."""

    def __init__(self, number: int) -> None:
        self.status = 128 + number
        super().__init__(number)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, and clear the stage whatever happens."""
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument("--exit", action="store_true", help="compare both servers and end")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _tell)
    home = ROOT / ".demo"
    home.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=home))
    scenario = build(seed=1, size=SIZE)
    troop = Troop(folder, environment_in(folder, scenario.password))
    try:
        return perform(troop, scenario, ends=options.exit)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return CTRL_C
    except Told as told:
        return told.status
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        troop.stop()


def perform(troop: Troop, scenario: Scenario, *, ends: bool) -> int:
    """Everything from the first server to the last word."""
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - begun:5.1f} s] {text}", flush=True)

    stage = Stage(troop)
    troop.environment["CELERY_BROKER_URL"] = stage.start_broker()
    stage.start_servers(scenario)
    counts = [len(rows) for rows in (scenario.avni.subjects, scenario.avni.encounters)]
    counts += [len(rows) for rows in (scenario.bahmni.patients, scenario.bahmni.encounters)]
    say("Avni and Bahmni are up: {} subjects with {} encounters, {} patients with {}".format(*counts))
    os.environ.update(troop.environment)
    django.setup()
    from demo.play import Play  # noqa: PLC0415 - only now do the models know their settings

    play = Play(stage, scenario, say)
    play.prepare()
    play.run()
    is_well = play.tell()
    if not ends:
        play.leave_open()
    return 0 if is_well else 1


def _tell(number: int, frame: FrameType | None) -> None:
    raise Told(number)


if __name__ == "__main__":
    sys.exit(main())
