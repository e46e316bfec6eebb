"""One JSON line per event on standard error: a constant event name and ids, never objects, URLs or bodies."""

from __future__ import annotations

from typing import Any

from avni_integration.settings import env

__all__ = ["LOGGING"]

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
}
