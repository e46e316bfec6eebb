"""What all lists have in common: time windows, order, filters and pages (avni.md A1 to A11)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from simulators.avni.errors import Thrown, bad_request, problem
from simulators.avni.metadata import Organisation, User
from simulators.avni.privileges import may_view
from simulators.avni.rows import Key, Row
from simulators.avni.settings import Settings
from simulators.avni.store import AvniStore
from simulators.avni.table import R
from simulators.avni.times import parse_ms
from simulators.server import Request

Window = tuple[Key | None, Key | None]
"""Bounds for `Table.in_window`; None leaves that side open."""

ALL: Window = (None, None)

_SORTABLE: dict[str, Callable[[Row], int]] = {
    "lastModifiedDateTime": lambda row: row.modified_ms,
    "id": lambda row: row.seq,
}


def wire_version(settings: Settings, request: Request) -> int:
    """The `version` parameter; out of range it is taken as it is. Raises 500 for junk."""
    text = request.param("version")
    if not text:
        return settings.default_version
    try:
        return int(text)
    except ValueError:
        raise Thrown(500, "java.lang.NumberFormatException", f'For input string: "{text}"') from None


def window(store: AvniStore, request: Request, *, closed: bool = False) -> Window:
    """The window a request asks for, open at both ends or closed at both.

    Without a lower bound time does not count at all.
    """
    lower, upper = lower_bound(store, request), upper_bound(store, request)
    if lower is None:
        return ALL
    return between(lower, upper, closed=closed)


def between(lower_ms: int, upper_ms: int, *, closed: bool = False) -> Window:
    """From one time to another, both in or both out."""
    if closed:
        return _start_of(lower_ms), _start_of(upper_ms + 1)
    return _start_of(lower_ms + 1), _start_of(upper_ms)


def lower_bound(store: AvniStore, request: Request) -> int | None:
    """`lastModifiedDateTime` in ms. Raises 400 for what is no time."""
    return _time(store, request, "lastModifiedDateTime")


def upper_bound(store: AvniStore, request: Request) -> int:
    """`now` in ms: the client's, where the server honours it, else its own less the hidden seconds."""
    upper = _time(store, request, "now")
    if upper is None or not store.settings.honour_client_now:
        return store.now_ms() - store.settings.hidden_ms
    return upper


def _start_of(ms: int) -> Key:
    return ms, 0, ""


def _time(store: AvniStore, request: Request, name: str) -> int | None:
    text = request.param(name)
    if not text or (name == "now" and text == "null"):
        return None
    try:
        return parse_ms(text, store.settings.zone_offset_minutes)
    except ValueError:
        raise bad_parameter(request, name) from None


def bad_parameter(request: Request, name: str) -> Exception:
    """The 400 for a query parameter of the wrong kind."""
    detail = f"Failed to convert '{name}' with value: '{request.param(name)}'"
    return problem(400, "Bad Request", detail, request.path)


def wanted_concepts(organisation: Organisation, request: Request) -> dict[str, str]:
    """The `concepts` filter as concept uuid -> stored value as text. Raises 400."""
    text = request.param("concepts")
    if not text:
        return {}
    try:
        given = json.loads(text)
    except ValueError:
        raise bad_request("Bad json format") from None
    if not isinstance(given, dict):
        raise bad_request("Bad json format")
    wanted: dict[str, str] = {}
    for name, value in given.items():
        concept = organisation.concept_named(name)
        if concept is None:
            raise bad_request(f"Concept with name {name} not found")
        wanted[concept.uuid] = value if isinstance(value, str) else json.dumps(value)
    return wanted


def holds(row: Row, wanted: dict[str, str]) -> bool:
    """Whether a record has these values, compared as text."""
    return all(_as_text(row.observations.get(uuid)) == value for uuid, value in wanted.items())


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def unordered(rows: list[R]) -> list[R]:
    """An order nobody may rely on: that of a digest of the uuids."""
    return sorted(rows, key=lambda row: hashlib.sha256(row.uuid.encode()).digest())


def in_order(request: Request, rows: list[R]) -> list[R]:
    """The rows in the order the caller asks for, else as they are. Raises 500 for an unknown property."""
    text = request.param("sort")
    if not text:
        return rows
    name, _, direction = text.partition(",")
    if name not in _SORTABLE:
        message = f"No property '{name}' found"
        raise Thrown(500, "org.springframework.data.mapping.PropertyReferenceException", message)
    return sorted(rows, key=_SORTABLE[name], reverse=direction.lower() == "desc")


def page(
    store: AvniStore,
    user: User,
    request: Request,
    rows: list[R],
    shown: Callable[[R], dict[str, Any]],
) -> dict[str, Any]:
    """One page. `totalElements` counts the rows in this page, as Avni does. Raises 403, 500."""
    settings = store.settings
    size = _number(request.param("size"), settings.default_size) or settings.default_size
    size = min(size, settings.max_size)
    first = _number(request.param("page"), 0) * size
    in_page = rows[first : first + size]
    content = [shown(row) for row in in_page]
    may_view(store, user, in_page)
    return {
        "content": content,
        "totalElements": len(content),
        "totalPages": -(-len(rows) // size),
        "pageSize": size,
    }


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else otherwise
