"""Server processes that end with the test run, however it ends, and unprivileged users to run them as."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
"""Linux: the signal this process gets when the one that started it dies, even by kill -9."""

UNPRIVILEGED = ("postgres", "nobody")


def unprivileged_user() -> pwd.struct_passwd | None:
    """As root, the system user to run a server as; None for anybody else. Raises LookupError."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError(f"As root the database server needs one of the system users {', '.join(UNPRIVILEGED)}.")


def identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """The arguments of `subprocess` that make a child run as `user`."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def spawn(
    command: Sequence[str | Path], *, log: Path, last_signal: signal.Signals, user: pwd.struct_passwd | None = None
) -> subprocess.Popen[bytes]:
    """Start a server in its own process group, writing to `log`, stopped by `last_signal` should we be killed."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            # A Ctrl-C in the terminal is for the tests; they stop their servers afterwards.
            start_new_session=True,
            preexec_fn=dying_with(os.getpid(), last_signal),  # noqa: PLW1509 - two system calls, no lock
            **identity(user),
        )


def dying_with(parent: int, last_signal: signal.Signals) -> Callable[[], None]:
    """What a child does before it becomes the server: on Linux, tie its life to ours."""
    if sys.platform != "linux":
        return lambda: None
    libc = ctypes.CDLL(None)

    def arm() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(last_signal))
        if os.getppid() != parent:
            os._exit(1)

    return arm


def stop(process: subprocess.Popen[bytes], *signals: signal.Signals, patience: float = 10) -> None:
    """Ask the process to end with each of `signals` in turn, waiting `patience` seconds each; at last kill it."""
    for ask in (*signals, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(ask)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)
