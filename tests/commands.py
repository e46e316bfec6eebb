"""Management commands as an administrator meets them: what they print, and how they end."""

from __future__ import annotations

from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command


def run(*arguments: Any) -> tuple[int, str]:
    """Exit status and standard output of a command; of one that refuses, what it says."""
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=StringIO())
    except CommandError as refusal:
        return refusal.returncode, str(refusal)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()
