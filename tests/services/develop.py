"""`make run`: web, worker and beat for development, on SQLite and a private Redis, until Ctrl-C.

Addresses given in the environment are used instead. Every process sees changed source only after a restart, except
the web server, which watches it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.services.processes import stop
from tests.services.servers import Redis

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Run them all; when one ends, or on Ctrl-C, end the others. 130 after Ctrl-C."""
    (ROOT / "var").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="avni-develop-") as folder:
        environment = {"DJANGO_DEBUG": "1", **os.environ}
        private = None if "CELERY_BROKER_URL" in environment else Redis(Path(folder))
        if private:
            private.start()
            environment["CELERY_BROKER_URL"] = private.url
        try:
            return supervise(environment)
        except KeyboardInterrupt:
            return 130
        finally:
            if private:
                private.stop()


def supervise(environment: dict[str, str]) -> int:
    """Migrate, then run web, worker and beat until one of them ends; its exit status."""
    manage = [sys.executable, str(ROOT / "manage.py")]
    celery = [sys.executable, "-m", "celery", "--app", "avni_integration", "--workdir", str(ROOT)]
    subprocess.run([*manage, "migrate", "--no-input"], env=environment, check=True)
    commands = (
        [*manage, "runserver", environment.get("BIND", "127.0.0.1:8000")],
        [*celery, "worker", "--loglevel", "INFO"],
        [*celery, "beat", "--loglevel", "INFO", "--pidfile", ""],
    )
    running = [subprocess.Popen(command, env=environment) for command in commands]
    try:
        while all(process.poll() is None for process in running):
            time.sleep(0.2)
        return next(process.returncode for process in running if process.poll() is not None)
    finally:
        for process in running:
            stop(process, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
