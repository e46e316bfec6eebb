from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.exits import Exit
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Flow, Stream
from tenants.models import Tenant
from tests.commands import run
from tests.unit.engine.factories import error_of
from tests.unit.engine.fake_connector import BACK, OUT

DECLARATION = "name: ashwini\nconnector: paper\ntitle: Ashwini hospital\n"


def test_import_tells_every_change_and_their_number(tmp_path: Path, paper: object, db: None) -> None:
    file = tmp_path / "tenant.yaml"
    file.write_text(DECLARATION)
    assert run("import_tenant", str(file)) == (0, "tenant ashwini: added, all flows off\nashwini: 1 change\n")
    assert run("import_tenant", str(file)) == (0, "ashwini: 0 changes\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"name: [", "is refused, nothing was changed"), (b"\xff\xfe", "is not UTF-8"), (None, "cannot be read")],
)
def test_import_of_a_wrong_file_ends_with_the_status_for_usage(
    tmp_path: Path, db: None, paper: object, content: bytes | None, told: str
) -> None:
    file = tmp_path / "tenant.yaml"
    if content is not None:
        file.write_bytes(content)
    status, said = run("import_tenant", str(file))
    assert status == Exit.USAGE
    assert told in said


def test_export_prints_what_import_takes(ready: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "tenant.yaml"
    assert run("export_tenant", "ashwini", "--output", str(file))[0] == 0
    assert run("export_tenant", "ashwini") == (0, file.read_text())
    assert run("import_tenant", str(file)) == (0, "ashwini: 0 changes\n")


@pytest.mark.parametrize(
    "command",
    [
        ("export_tenant",),
        ("status",),
        *((name, OUT) for name in ("switch_on", "switch_off", "pause", "resume", "stop")),
    ],
)
def test_an_unknown_tenant_is_answered_with_those_that_exist(ashwini: Tenant, bissau: Tenant, command: Any) -> None:
    name, *rest = command
    status, said = run(name, "nobody", *rest)
    assert status == Exit.USAGE
    assert said.endswith("Tenants: ashwini, bissau.")


def test_a_flow_is_paused_stopped_and_resumed(ashwini: Tenant) -> None:
    said = [run(name, "ashwini", OUT)[1] for name in ("pause", "pause", "stop", "resume", "resume")]
    assert said == [
        f"{OUT} of ashwini is paused\n",
        f"{OUT} of ashwini was paused already\n",
        f"{OUT} of ashwini is paused; no run was under way\n",
        f"{OUT} of ashwini goes on\n",
        f"{OUT} of ashwini was not paused\n",
    ]


def test_an_unknown_flow_is_answered_with_those_that_exist(ashwini: Tenant) -> None:
    assert run("switch_off", "ashwini", "sideways") == (
        Exit.USAGE,
        f"ashwini has no flow 'sideways'. Flows: {OUT}, {BACK}.",
    )


def test_switch_on_lists_everything_that_is_missing(ashwini: Tenant) -> None:
    status, said = run("switch_on", "ashwini", OUT)
    assert status == Exit.USAGE
    assert [line.strip().split(".")[0] for line in said.splitlines()[1:]] == [
        "The mapping People / Number is missing",
        "The mapping People / Form is missing",
        "The constant Prefix is missing",
        "There is no connection to Avni",
        "There is no connection to the card box",
        "Say where to begin: recent, beginning or a date (2026-04-01 or 2026-04-01T06:30)",
    ]


def test_switch_on_and_off(ready: Tenant) -> None:
    assert run("switch_on", "ashwini", OUT, "--start", "recent")[0] == 0
    assert Flow.objects.get(key=OUT).is_on
    assert run("switch_off", "ashwini", OUT) == (0, f"{OUT} of ashwini is off\n")
    assert run("switch_off", "ashwini", OUT) == (0, f"{OUT} of ashwini was off already\n")


def test_status_shows_a_line_per_flow_and_one_per_part_they_read(ashwini: Tenant) -> None:
    status, said = run("status", "ashwini")
    assert status == Exit.THROUGH
    flows, parts = said.split("\n\n")
    assert [line.split("  ")[0] for line in flows.splitlines()] == ["flow", "Avni → cards", "Cards → Avni"]
    assert [line.split()[-5:] for line in parts.splitlines()[1:]] == [
        ["card", "Individual", "nothing", "read", "yet"],
        ["subject", "cards", "nothing", "read", "yet"],
    ]


def test_status_as_json_holds_the_same(ashwini: Tenant) -> None:
    flows = json.loads(run("status", "ashwini", "--json")[1])["flows"]
    assert [(flow["key"], flow["state"], flow["lag_seconds"], flow["errors"]) for flow in flows] == [
        (OUT, "off", None, 0),
        (BACK, "off", None, 0),
    ]


def test_status_ends_with_1_while_records_failed(in_ashwini: Tenant) -> None:
    error_of(Stream.objects.first(), state=ErrorState.RETRYING)
    assert run("status", "ashwini")[0] == Exit.RECORDS_OPEN


def test_status_ends_with_0_when_records_only_wait_for_others(in_ashwini: Tenant) -> None:
    error_of(Stream.objects.first(), state=ErrorState.DEFERRED)
    assert run("status", "ashwini")[0] == Exit.THROUGH


def test_status_ends_with_3_while_a_server_is_down(in_ashwini: Tenant) -> None:
    error_of(Stream.objects.first(), state=ErrorState.HELD)
    Flow.objects.update(is_on=True)
    Stream.objects.update(last_look_failure="remote.target-down")
    assert run("status", "ashwini")[0] == Exit.SERVER
    assert ErrorRecord.objects.count() == 1


def test_a_command_stopped_with_ctrl_c_says_so_by_its_status(tmp_path: Path) -> None:
    pipe = tmp_path / "tenant.yaml"
    os.mkfifo(pipe)
    command = [sys.executable, "manage.py", "import_tenant", str(pipe)]
    # A shell starts what it puts into the background with this signal ignored, and children inherit that.
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    environment = {**os.environ, "DJANGO_DEBUG": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, preexec_fn=heeds) as process:  # noqa: PLW1509  # no threads yet
        with pipe.open("w"):  # returns once the command has opened its file and waits for the text
            # One that comes just in front of the read is heeded behind it only: then it is pressed again.
            for _ in range(6):
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                    break
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == Exit.INTERRUPTED


def test_a_command_line_that_is_wrong_ends_with_the_status_for_usage() -> None:
    command = [sys.executable, "manage.py", "switch_on", "ashwini", OUT, "--start", "now"]
    ended = subprocess.run(command, env={**os.environ, "DJANGO_DEBUG": "1"}, capture_output=True, check=False)
    assert ended.returncode == Exit.USAGE
