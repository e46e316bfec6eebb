"""What stands on both servers now, read for a person who may see values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from common.http_errors import RemoteError
from console.access import actor
from console.base import TenantAdmin
from engine.show import show
from errors.models import ErrorRecord
from syncstatus.models import Link
from tenants.secrets import SecretUnreadable


def live_page(screen: TenantAdmin[Any], request: HttpRequest, row: ErrorRecord | Link, title: str) -> HttpResponse:
    """The page; a server that does not answer is said in words."""
    failure = ""
    found: Mapping[str, Any] = {}
    try:
        found = show(row, actor(request))
    except (RemoteError, SecretUnreadable) as error:
        failure = str(error)
    context = {
        **screen.admin_site.each_context(request),
        "title": title,
        "opts": screen.opts,
        "media": screen.media,
        "sides": [(name, list(lines(value))) for name, value in found.items()],
        "failure": failure,
    }
    return TemplateResponse(request, "console/live.html", context)


def lines(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """A nested record as pairs of path and value, for a table."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from lines(inner, f"{name} › {key}" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, inner in enumerate(value, start=1):
            yield from lines(inner, f"{name} {place}")
    elif value not in (None, ""):
        yield name, str(value)
