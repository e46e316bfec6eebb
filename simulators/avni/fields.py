"""Typed fields of a request's JSON document, with Avni's complaints about wrong ones.

POST and PUT are read into typed requests: a wrong kind is a 400 in problem+json. Unknown keys
are ignored (avni.md A36).
"""

from __future__ import annotations

from typing import Any

from simulators.avni.errors import problem
from simulators.avni.times import parse_ms, plain_date
from simulators.server import HttpError, Request


def document(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises 415 without the right content type, 400 if it is none."""
    content_type = (request.header("content-type") or "").split(";")[0].strip().lower()
    if content_type != "application/json":
        detail = f"Content-Type '{content_type}' is not supported."
        raise problem(415, "Unsupported Media Type", detail, request.path)
    try:
        given = request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise problem(400, "Bad Request", "Failed to read request", request.path)
    return given


def _wrong(name: str) -> HttpError:
    return problem(400, "Bad Request", f"Failed to read request: {name}")


def text(given: dict[str, Any], name: str) -> str | None:
    """Text; numbers and truth values are taken as text, as the JSON reader does."""
    value = given.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        raise _wrong(name)
    return str(value).lower() if isinstance(value, bool) else str(value)


def flag(given: dict[str, Any], name: str) -> bool:
    """A truth value; absent or null is false."""
    value = given.get(name)
    if value is None or value in ("", "false"):
        return False
    if value is True or value == "true":
        return True
    if value is False:
        return False
    raise _wrong(name)


def moment(given: dict[str, Any], name: str) -> int | None:
    """A date-time in ms: ISO text, a bare date as midnight UTC, or milliseconds since 1970."""
    value = given.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return parse_ms(value)
    except (TypeError, ValueError):
        raise _wrong(name) from None


def day(given: dict[str, Any], name: str) -> str | None:
    """A plain date, yyyy-mm-dd."""
    value = given.get(name)
    if value is None or value == "":
        return None
    try:
        return plain_date(value)
    except (TypeError, ValueError):
        raise _wrong(name) from None


def point(given: dict[str, Any], name: str) -> dict[str, float] | None:
    """Coordinates under small x and y; capital letters are unknown keys and count as absent."""
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _wrong(name)
    try:
        return {"x": float(value.get("x", 0.0)), "y": float(value.get("y", 0.0))}
    except (TypeError, ValueError):
        raise _wrong(name) from None


def external_id(given: dict[str, Any]) -> str | None:
    """The External ID, trimmed; empty counts as absent."""
    return (text(given, "External ID") or "").strip() or None
