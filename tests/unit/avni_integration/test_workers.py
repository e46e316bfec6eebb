"""SQLite has one worker with one process; PostgreSQL has as many as wanted."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.concurrency.prefork import TaskPool as Prefork
from celery.concurrency.solo import TaskPool as Solo
from celery.concurrency.thread import TaskPool as Threads

from avni_integration import workers


@pytest.mark.parametrize(
    ("pool", "concurrency", "autoscale", "processes"),
    [(Prefork, 1, None, 1), (Prefork, 4, None, 4), (Prefork, 1, (3, 1), 3), (Threads, 8, None, 1), (Solo, 2, None, 1)],
)
def test_only_forked_children_count_as_processes(
    pool: type, concurrency: int, autoscale: tuple[int, int] | None, processes: int
) -> None:
    worker = SimpleNamespace(pool_cls=pool, concurrency=concurrency, autoscale=autoscale)
    assert workers.processes_of(worker) == processes


@pytest.mark.django_db
def test_only_sqlite_refuses_two_processes() -> None:
    from django.db import connection

    if connection.vendor == "sqlite":
        with pytest.raises(workers.TooManyWorkers, match="--concurrency 1"):
            workers.claim_database(processes=2)
    else:
        workers.claim_database(processes=2)
