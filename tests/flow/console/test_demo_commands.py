"""The script by which the commands of the README reach the demo's own installation."""

from __future__ import annotations

import subprocess
from pathlib import Path

from demo.commands import write_commands


def test_the_script_knows_the_installation_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/it's here.sqlite3",
        "DJANGO_SECRET_KEY": "k" * 60,
        "FIELD_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "HOME": "/nowhere",
    }
    script = write_commands(tmp_path, environment, ("DATABASE_", "DJANGO_", "FIELD_"))
    assert script.stat().st_mode & 0o777 == 0o700
    assert "/nowhere" not in script.read_text()
    told = subprocess.run(
        [
            script,
            "shell",
            "--no-imports",
            "-c",
            "from django.conf import settings as s; print(s.DATABASES['default']['NAME'])",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        check=False,
    )
    assert "it's here.sqlite3" in told.stdout, told.stderr
