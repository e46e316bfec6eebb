"""What stands on both servers now, read for a person who may see values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from common.http_errors import RemoteError
from common.text import as_written
from console.access import actor
from console.base import TenantAdmin
from console.names import side_label
from engine.ended_by import in_words
from engine.registry import Shown
from engine.show import show
from errors.models import ErrorRecord
from syncstatus.models import Link
from tenants.secrets import SecretUnreadable

MACHINERY = frozenset({"links", "resourceVersion"})
"""Keys that tell a program where to go on, and a person nothing."""

MEMBERS = "groupMembers"

DEEP = 2
"""From here on a name stands for the whole."""


def live_page(screen: TenantAdmin[Any], request: HttpRequest, row: ErrorRecord | Link, title: str) -> HttpResponse:
    """The page; a server that does not answer is said in words."""
    failure = ""
    found: Sequence[Shown] = ()
    try:
        found = show(row, actor(request))
    except SecretUnreadable as error:
        failure = str(error)
    except RemoteError as error:
        failure = in_words(error, row.stream)
    context = {
        **screen.admin_site.each_context(request),
        "title": title,
        "opts": screen.opts,
        "media": screen.media,
        "records": [(f"{side_label(row.tenant, one.side)}: {one.label}", list(lines(one.record))) for one in found],
        "failure": failure,
    }
    return TemplateResponse(request, "console/live.html", context)


def lines(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """A nested record as pairs of path and value, for a table.

    Deeper down, what a server gives a reading name of its own ("display") is said by that name alone; of a group of
    observations, whose name holds its answers without their questions, follow the members.
    """
    if isinstance(value, Mapping):
        if depth >= DEEP and value.get(MEMBERS):
            yield name, str((value.get("concept") or value).get("display"))
            yield from lines(value[MEMBERS], f"{name} ›", depth + 1)
            return
        if depth >= DEEP and value.get("display"):
            yield name, str(value["display"])
            return
        for key, inner in value.items():
            if key not in MACHINERY:
                yield from lines(inner, f"{name} › {key}" if name else str(key), depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, inner in enumerate(value, start=1):
            yield from lines(inner, f"{name} {place}", depth + 1)
    elif value not in (None, ""):
        yield name, as_written(value) if isinstance(value, float) else str(value)
