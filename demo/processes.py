"""Child processes that end with the demo, however it ends.

Each leads a process group of its own: a Ctrl-C in the terminal reaches the demo alone, which then ends them in order,
and their own children with them. Against a kill -9 of the demo stand the undertaker and, on Linux, the kernel.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

__all__ = ["ROOT", "Failed", "Troop"]

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
PATIENCE = 8.0
"""Seconds a process is given to end when asked to."""


class Failed(Exception):
    """Something the demo needs did not come up or went down; the message says what and shows the end of its log."""


class Troop:
    """Everything the demo has started. `folder` holds their logs and goes with them."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """`environment`: of every process, complete."""
        self.folder = folder
        self.environment = dict(environment)
        self.members: dict[str, subprocess.Popen[bytes]] = {}
        undertaker = [sys.executable, "-I", str(Path(__file__).with_name("undertaker.py")), str(folder)]
        self._undertaker = subprocess.Popen(undertaker, stdin=subprocess.PIPE, start_new_session=True)

    def start(self, name: str, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        """Start a process whose output goes to the log of that name."""
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509 - two system calls, no lock
            )
        self._tell("+", process.pid)
        self.members[name] = process
        return process

    def log(self, name: str) -> Path:
        """Where a process writes to."""
        return self.folder / f"{name}.log"

    def check(self) -> None:
        """Raise Failed when one that should run has ended."""
        for name, process in self.members.items():
            if process.poll() is not None:
                raise Failed(f"{name} ended with status {process.returncode}.\n{self.last_words(name)}")

    def last_words(self, name: str) -> str:
        """The end of a log."""
        return self.log(name).read_text(encoding="utf-8", errors="replace")[-2000:]

    def await_line(self, name: str, patience: float = 30.0) -> str:
        """The first line a process prints. Raises Failed when it does not come."""
        self.until(lambda: "\n" in self.log(name).read_text(encoding="utf-8"), f"{name} is silent", patience)
        return self.log(name).read_text(encoding="utf-8").splitlines()[0]

    def until(self, holds: Callable[[], bool], complaint: str, patience: float) -> None:
        """Wait until something holds. Raises Failed with the complaint, or when a process ends meanwhile."""
        deadline = time.monotonic() + patience
        while not holds():
            self.check()
            if time.monotonic() > deadline:
                raise Failed(f"{complaint} after {patience:.0f} s.")
            time.sleep(0.05)

    def stop(self) -> None:
        """End everything, the last one first, and see to it that nothing is left."""
        running = list(self.members.values())[::-1]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            # The group may outlive its leader; whoever is left in it ends now.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._tell("-", process.pid)
        self.members.clear()
        assert self._undertaker.stdin
        self._undertaker.stdin.close()
        self._undertaker.wait()

    def _tell(self, sign: str, group: int) -> None:
        assert self._undertaker.stdin
        self._undertaker.stdin.write(f"{sign}{group}\n".encode())
        self._undertaker.stdin.flush()


def _dying_with(parent: int) -> Callable[[], None] | None:
    """What a child does first on Linux: ask the kernel to kill it when we die."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def arm() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)

    return arm
