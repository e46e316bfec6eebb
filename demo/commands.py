"""The service's command line for the installation on stage: a script that knows its database and keys."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from demo.processes import ROOT

__all__ = ["write_commands"]


def write_commands(folder: Path, environment: Mapping[str, str], names: tuple[str, ...]) -> Path:
    """Write `manage` into `folder`, with which it goes; `names` begin the variables it sets. Readable by us alone."""
    script = folder / "manage"
    script.touch(mode=0o700)
    script.write_text(
        "#!/bin/sh\n"
        + "".join(
            f"export {name}={shlex.quote(value)}\n"
            for name, value in sorted(environment.items())
            if name.startswith(names)
        )
        + f'exec {shlex.quote(sys.executable)} {shlex.quote(str(ROOT / "manage.py"))} "$@"\n',
        encoding="utf-8",
    )
    return script
