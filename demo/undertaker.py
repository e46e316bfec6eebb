"""Ends what a demo leaves behind when it is killed before it could end it itself.

Runs as a process of its own. Reads a line for each process group the demo starts ("+ID") or has ended ("-ID"); when the
other end of the pipe closes, for whatever reason, it kills the groups that are left and removes the demo's folder.
Needs the standard library only and is run by its file name, so that it starts in no time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys

__all__ = ["main"]


def main() -> int:
    """Wait for the end. Argument: the folder to remove."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        sign, group = line[0], int(line[1:])
        (groups.add if sign == "+" else groups.discard)(group)
    for group in groups:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
