"""How many worker processes a database bears: SQLite one, PostgreSQL many."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO, Any, Final

import structlog
from celery.concurrency.solo import TaskPool as OneProcess
from celery.concurrency.thread import TaskPool as ThreadsOfOneProcess
from django.db import DatabaseError, connection

log = structlog.get_logger(__name__)

REMEDY: Final = "Use PostgreSQL (DATABASE_URL=postgres://…) for more than one worker process."

_claims: list[IO[str]] = []
"""Open lock files of this process: the operating system drops a lock with its file, and with its process."""


class TooManyWorkers(SystemExit):
    """Ends the worker's start with its message: Celery swallows ordinary exceptions of signal receivers."""


def processes_of(worker: Any) -> int:
    """The number of processes in which this Celery worker will run tasks at most."""
    if issubclass(worker.pool_cls, (OneProcess, ThreadsOfOneProcess)):
        return 1
    most = worker.autoscale[0] if worker.autoscale else 0
    return max(int(worker.concurrency), most)


def tell_sealed() -> None:
    """Log the tenants that are sealed in this installation. A database that is down keeps no worker from starting."""
    from tenants import seal  # noqa: PLC0415  # models: only once Django is set up
    from tenants.scoping import all_tenants  # noqa: PLC0415

    try:
        with all_tenants():
            for tenant in seal.sealed():
                log.warning("tenant.sealed", tenant=tenant.name, why=seal.reason_of(tenant))
    except DatabaseError:
        log.warning("worker.database_down")


def claim_database(*, processes: int) -> None:
    """Make this process the only worker of a SQLite database, for as long as it lives; PostgreSQL needs no claim.

    Raises TooManyWorkers when `processes` is more than one or another worker holds the claim.
    """
    if connection.vendor != "sqlite":
        return
    if processes > 1:
        raise TooManyWorkers(
            f"SQLite bears one worker process, not {processes}: start the worker with --concurrency 1. {REMEDY}"
        )
    lock = Path(f"{connection.settings_dict['NAME']}.worker").open("w", encoding="utf-8")  # noqa: SIM115 - open as long as we live
    try:
        # A record lock: not inherited by the pool's children, and gone at once when the worker is killed.
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise TooManyWorkers(f"Another worker already works on this SQLite database. {REMEDY}") from None
    _claims.append(lock)
