"""One line per event on standard error: a constant event name and ids, never objects, URLs or bodies.

JSON in production, readable text while developing. The text of an exception may quote a row ("Key (name)=(…) already
exists") or a URL, so in production a log line names the class of the exception and the frames, not its text.
"""

from __future__ import annotations

from typing import Any

import structlog

from avni_integration.logs import name_exceptions
from avni_integration.settings import env
from avni_integration.settings.security import DEBUG

__all__ = ["LOGGING"]

ENRICH: list[structlog.typing.Processor] = [
    # What was bound for this unit of work: task, tenant, stream, run.
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

RENDER: list[structlog.typing.Processor] = (
    # Plain: the usual traceback shows local variables, and with them secrets and patients' values.
    [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    if DEBUG
    else [name_exceptions, structlog.processors.JSONRenderer(sort_keys=True)]
)

structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *ENRICH, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "events": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": ENRICH,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *RENDER],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "events"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        # Named so that Django's own handlers go: every line leaves by the one above.
        "django": {"level": "INFO"},
        "django.server": {"level": "INFO"},
        # These quote whole URLs in warnings about retries; our own client reports what happened, without the query.
        "urllib3": {"level": "ERROR"},
        # This one quotes results and the texts of exceptions; `avni_integration.celery` reports failures instead.
        "celery.app.trace": {"level": "CRITICAL"},
    },
}
