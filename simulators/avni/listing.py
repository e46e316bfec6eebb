"""Lists: time windows, filters, order and pages (avni.md A1 to A12)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from simulators.avni import render
from simulators.avni.errors import Thrown, bad_request, problem
from simulators.avni.metadata import Organisation, User
from simulators.avni.rows import EncounterRow, Key, R, Row, SubjectRow, Table
from simulators.avni.settings import Settings
from simulators.avni.store import AvniStore
from simulators.avni.times import parse_ms
from simulators.server import HttpError, Request

Window = tuple[Key | None, Key | None]
_SORTABLE: dict[str, Callable[[Row], int]] = {
    "lastModifiedDateTime": lambda row: row.modified_ms,
    "id": lambda row: row.seq,
}


def list_subjects(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /api/subjects. The window is open on both sides whatever the filters."""
    organisation = store.organisation(user.organisation)
    kind = request.param("subjectType") or None
    window = _window(store, request, inclusive=False)
    rows = _rows(store.subject_table, organisation, kind, window)
    wanted = _wanted_concepts(organisation, request)
    places = _wanted_places(organisation, request)
    rows = [
        row
        for row in rows
        if all(_as_text(row.observations.get(uuid)) == value for uuid, value in wanted.items())
        and (places is None or row.location in places)
    ]
    if window == (None, None):
        rows = _unordered(rows)
    version = wire_version(store.settings, request)
    with_catchments = request.param("includeCatchments") == "true"

    def shown(row: SubjectRow) -> dict[str, Any]:
        owned = store.encounters_of(row.uuid)
        document = render.subject(organisation, store.settings, row, owned, version)
        if kind:
            del document["Subject type"]
        if with_catchments and row.catchments:
            document["catchments"] = row.catchments
        return document | {"Groups": list(row.groups)}

    return _page(store.settings, request, user, _sorted(request, rows), shown)


def list_encounters(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /api/encounters. With `concepts` the window takes in both its ends."""
    organisation = store.organisation(user.organisation)
    kind = request.param("encounterType") or None
    searching = bool(request.param("concepts"))
    wanted = _wanted_concepts(organisation, request)
    if any('"' in value for value in wanted.values()):
        raise Thrown(
            500,
            "org.postgresql.util.PSQLException",
            "invalid input syntax for type json",
        )
    inclusive = searching or store.settings.inclusive_general_encounters
    window = _window(store, request, inclusive=inclusive)
    owner = request.param("subjectId") if searching or kind else None
    rows = [
        row
        for row in _rows(store.encounter_table, organisation, kind, window)
        if (not owner or row.subject == owner)
        and all(row.observations.get(uuid) == value for uuid, value in wanted.items())
    ]
    if not searching:
        rows = _sorted(request, _unordered(rows) if window == (None, None) else rows)
    version = wire_version(store.settings, request)

    def shown(row: EncounterRow) -> dict[str, Any]:
        owned_by = store.subjects[row.subject]
        return render.encounter(organisation, store.settings, row, owned_by, version)

    return _page(store.settings, request, user, rows, shown)


def may_view(user: User, kinds: set[str]) -> None:
    """Raises HttpError 403 when one of the types may not be seen by the user."""
    for kind in sorted(kinds & set(user.cannot_view)):
        raise HttpError(403, f"User doesn't have privilege for {kind}")


def wire_version(settings: Settings, request: Request) -> int:
    """The `version` parameter; out of range it is taken as it is. Raises 500 for junk."""
    text = request.param("version")
    if not text:
        return settings.default_version
    try:
        return int(text)
    except ValueError:
        raise Thrown(500, "java.lang.NumberFormatException", f'For input string: "{text}"') from None


def _window(store: AvniStore, request: Request, *, inclusive: bool) -> Window:
    """Bounds for `Table.in_window`. Without a lower bound time does not count at all."""
    upper = _time(store, request, "now")
    hidden_end = store.now_ms() - store.settings.hidden_ms
    if upper is None or not store.settings.honour_client_now:
        upper = hidden_end
    lower = _time(store, request, "lastModifiedDateTime")
    if lower is None:
        return None, None
    if inclusive:
        return _start_of(lower), _start_of(upper + 1)
    return _start_of(lower + 1), _start_of(upper)


def _start_of(ms: int) -> Key:
    return ms, 0, ""


def _time(store: AvniStore, request: Request, name: str) -> int | None:
    text = request.param(name)
    if not text or (name == "now" and text == "null"):
        return None
    try:
        return parse_ms(text, store.settings.zone_offset_minutes)
    except ValueError:
        detail = f"Failed to convert '{name}' with value: '{text}'"
        raise problem(400, "Bad Request", detail, request.path) from None


def _rows(table: Table[R], organisation: Organisation, kind: str | None, window: Window) -> list[R]:
    return table.in_window(organisation.name, kind, *window)


def _wanted_concepts(organisation: Organisation, request: Request) -> dict[str, str]:
    """The `concepts` filter as concept uuid -> stored value as text."""
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


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _wanted_places(organisation: Organisation, request: Request) -> set[str] | None:
    """Places of the `locationIds` filter with all inside; a filter that names none is dropped."""
    text = request.param("locationIds")
    return organisation.within(set(text.split(","))) or None if text else None


def _unordered(rows: list[R]) -> list[R]:
    """An order nobody may rely on: that of a digest of the uuids."""
    return sorted(rows, key=lambda row: hashlib.sha256(row.uuid.encode()).digest())


def _sorted(request: Request, rows: list[R]) -> list[R]:
    """The rows in the order the caller asks for, else as they are."""
    text = request.param("sort")
    if not text:
        return rows
    name, _, direction = text.partition(",")
    if name not in _SORTABLE:
        message = f"No property '{name}' found"
        raise Thrown(500, "org.springframework.data.mapping.PropertyReferenceException", message)
    return sorted(rows, key=_SORTABLE[name], reverse=direction.lower() == "desc")


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else otherwise


def _page(
    settings: Settings,
    request: Request,
    user: User,
    rows: list[R],
    shown: Callable[[R], dict[str, Any]],
) -> dict[str, Any]:
    """One page. `totalElements` counts the rows in this page, as Avni does."""
    size = _number(request.param("size"), settings.default_size) or settings.default_size
    size = min(size, settings.max_size)
    first = _number(request.param("page"), 0) * size
    in_page = rows[first : first + size]
    content = [shown(row) for row in in_page]
    may_view(user, {row.kind for row in in_page})
    return {
        "content": content,
        "totalElements": len(content),
        "totalPages": -(-len(rows) // size),
        "pageSize": size,
    }
