"""The Celery application. Every setting and its reason: `avni_integration.settings.celery`."""

from __future__ import annotations

import os
from logging.config import dictConfig
from typing import Any

import structlog
from celery import Celery, signals
from django.conf import settings

from avni_integration import workers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "avni_integration.settings")

log = structlog.get_logger(__name__)

app = Celery("avni_integration")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def keep_our_logging(**_: Any) -> None:
    """Log as the rest of the project does. With a receiver on this signal Celery configures nothing itself."""
    dictConfig(settings.LOGGING)


def bind_task(task_id: str, task: Any, **_: Any) -> None:
    """Put the task's name and id on every line logged while it runs."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id)


def unbind_task(**_: Any) -> None:
    """Forget the task: the next line of this process belongs to no work."""
    structlog.contextvars.clear_contextvars()


def report_failure(exception: BaseException, **_: Any) -> None:
    """Log that a task failed, without the text of the exception, which Celery's own line would quote."""
    log.error("task.failed", exc_info=exception)


def refuse_second_worker(instance: Any, **_: Any) -> None:
    """On SQLite there is one worker with one process; anything else ends here, before the first task."""
    workers.claim_database(processes=workers.processes_of(instance))


def tell_sealed(**_: Any) -> None:
    """Say at the start which tenants will not be worked for here, and why."""
    workers.tell_sealed()


signals.setup_logging.connect(keep_our_logging)
signals.task_prerun.connect(bind_task)
signals.task_postrun.connect(unbind_task)
signals.task_failure.connect(report_failure)
signals.celeryd_after_setup.connect(refuse_second_worker)
signals.worker_ready.connect(tell_sealed)
