"""Small pieces of the log pipeline. Imported by the settings, so it may import neither models nor settings."""

from __future__ import annotations

import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError
from kombu.exceptions import OperationalError as BrokerError

from common.http_errors import RemoteError

QUOTABLE = (ImproperlyConfigured, OperationalError, BrokerError, RemoteError)
"""Exceptions whose text names servers, settings and states, never a record's content."""

MAX_FRAMES = 30
"""Innermost frames kept of one traceback: enough to find the place, bounded for a log line."""

Event = MutableMapping[str, Any]
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def name_exceptions(_logger: Any, _method: str, event: Event) -> Event:
    """Replace `exc_info` by the classes and frames of the exception and its causes; few of their texts may stay.

    A structlog processor: returns `event`.
    """
    info = event.pop("exc_info", None)
    error = current_error(info)
    if error is not None:
        event["exception"] = [described(link) for link in chain(error)]
    return event


def described(error: BaseException) -> dict[str, Any]:
    """One exception as what a log may hold of it."""
    description: dict[str, Any] = {
        "class": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": frames(error),
    }
    if isinstance(error, QUOTABLE):
        description["text"] = str(error)
    return description


def current_error(info: ExceptionInfo | BaseException | Literal[True] | None) -> BaseException | None:
    """The exception that a log call's `exc_info` stands for."""
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1]
    return sys.exc_info()[1] if info else None


def chain(error: BaseException) -> list[BaseException]:
    """The exception, then what it was raised from, each once."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return links


def frames(error: BaseException) -> list[str]:
    """`file:line function` for each of the innermost frames, without source lines or local values."""
    summary = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in summary]
