"""The shapes in which OpenMRS refuses (openmrs.md O29 to O36)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "ApiError",
    "FieldError",
    "ServerError",
    "bad_request",
    "bad_value",
    "duplicate",
    "forbidden",
    "illegal_properties",
    "invalid",
    "missing_properties",
    "not_found",
    "not_simulated",
    "server_error",
    "unauthorised",
]

FieldError = tuple[str, str]
"""(field, code); field "" for a global error."""


class ApiError(Exception):
    """An answer other than success: `status`, a JSON `body` and extra `headers`."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body
        self.headers = headers or {}


class ServerError(ApiError):
    """A 500: an exception the product did not expect, permanent or transient alike."""


def _general(message: str, where: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": where, "detail": ""}}


_REST = "org.openmrs.module.webservices.rest.web"


def not_found() -> ApiError:
    """404 of an unknown uuid."""
    message = "Object with given uuid doesn't exist [null]"
    return ApiError(404, _general(message, f"{_REST}.resource.impl.DelegatingCrudResource:54"))


def bad_request(message: str, where: str = "RestUtil:700") -> ApiError:
    """400 in the general shape."""
    return ApiError(400, _general(f"[{message}]", f"{_REST}.{where}"))


def bad_value(prop: str, java_class: str, reason: str) -> ApiError:
    """400: an exception inside the setter of a property."""
    return bad_request(
        f"{prop} on class {java_class} => {reason}",
        "resource.impl.BaseDelegatingResource:734",
    )


def illegal_properties(names: Iterable[str]) -> ApiError:
    """400: properties that may not be set."""
    listed = ", ".join(sorted(names))
    return bad_request(
        f"Some properties are not allowed to be set: {listed}",
        "resource.impl.BaseDelegatingResource:642",
    )


def missing_properties(names: Iterable[str]) -> ApiError:
    """400: required properties that were not sent."""
    listed = ", ".join(sorted(names))
    return bad_request(
        f"Some required properties are missing: {listed}",
        "resource.impl.BaseDelegatingResource:651",
    )


def server_error(message: str, where: str = "java.lang.Thread:829") -> ServerError:
    """500 in the general shape."""
    return ServerError(500, _general(f"[{message}]", where))


def duplicate(table: str, uuid: str) -> ServerError:
    """500: the database refused a second row with this uuid."""
    hibernate = (
        f"could not execute statement; SQL [n/a]; constraint [{table}.uuid]; nested exception is "
        "org.hibernate.exception.ConstraintViolationException: could not execute statement"
    )
    entry = f"Duplicate entry '{uuid}' for key '{table}.uuid'"
    return server_error(
        f"{hibernate} => could not execute statement => {entry}",
        "org.springframework.orm.hibernate5.SessionFactoryUtils:276",
    )


def invalid(*errors: FieldError, messages: dict[str, str] | None = None) -> ApiError:
    """400 in the validation shape. `messages` maps a code to its localised text."""
    texts = messages or {}
    global_errors: list[dict[str, str]] = []
    field_errors: dict[str, list[dict[str, str]]] = {}
    for field, code in errors:
        error = {"code": code, "message": texts.get(code, _TEXTS.get(code, code))}
        if field:
            field_errors.setdefault(field, []).append(error)
        else:
            global_errors.append(error)
    return ApiError(
        400,
        {
            "error": {
                "message": "Invalid Submission",
                "code": "webservices.rest.error.invalid.submission",
                "globalErrors": global_errors,
                "fieldErrors": field_errors,
            }
        },
    )


_TEXTS = {
    "Encounter.datetimeShouldBeInVisitDatesRange": (
        "The encounter datetime should be between the visit start and stop dates."
    ),
    "Encounter.datetimeShouldBeBeforeCurrent": "The encounter date must not be in the future.",
    "Encounter.visit.patients.dontMatch": "The visit belongs to another patient.",
    "Visit.purge.inUse": "The visit has encounters and cannot be purged.",
}


def unauthorised(privileges: str, realm: str | None) -> ApiError:
    """401 JSON: nobody is logged in. `realm` None: the caller asked for no challenge."""
    message = f"User is not logged in [Privileges required: {privileges}]"
    headers = {"WWW-Authenticate": f'Basic realm="OpenMRS at {realm}"'} if realm else {}
    return ApiError(401, _general(message, "org.openmrs.aop.AuthorizationAdvice:131"), headers)


def forbidden(privilege: str) -> ApiError:
    """403 JSON: logged in without the privilege."""
    message = f"User is logged in but doesn't have the relevant privilege [Privileges required: {privilege}]"
    return ApiError(403, _general(message, "org.openmrs.aop.AuthorizationAdvice:131"))


def not_simulated(route: str, topic: str) -> ApiError:
    """501: the product has this, the simulator not yet; it never pretends."""
    body = {
        "error": {
            "message": f"not simulated yet: {topic}",
            "code": "simulator",
            "detail": "",
        },
        "route": route,
        "topic": topic,
    }
    return ApiError(501, body)
