"""What a command says by its exit status: one table for all of them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit status of every command of the service, for scripts and monitors."""

    THROUGH = 0
    """All there was to do is done."""
    RECORDS_OPEN = 1
    """Records failed or wait for a person."""
    USAGE = 2
    """The command line or a file is wrong; nothing was done."""
    SERVER = 3
    """A server is down or does not accept our credentials."""
    LEASE_HELD = 4
    """Somebody else works for this tenant just now."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C, or by a person elsewhere; what was finished is kept."""
