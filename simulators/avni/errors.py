"""Avni's failures as they appear on the wire (avni.md A31 to A34).

Most mistakes of a caller come back as status 500 with a Java stack trace as a bare string.
"""

from __future__ import annotations

from simulators.avni.times import from_ms
from simulators.server import HttpError

PROBLEM_JSON = "application/problem+json"


class Thrown(HttpError):
    """A Java exception that reached Avni's general handler; its body can be switched off."""

    def __init__(self, status: int, exception: str, message: str) -> None:
        frames = "\n".join(
            f"\tat {frame}"
            for frame in (
                "org.avni.server.web.api.simulated(Simulated.java:1)",
                "org.springframework.simulated.Dispatcher.doDispatch(Dispatcher.java:2)",
                "java.base/java.lang.Thread.run(Thread.java:3)",
            )
        )
        super().__init__(status, f"{exception}: {message}\n{frames}\n")


def illegal_argument(message: str) -> Thrown:
    """Unknown type, address, subject or row to change."""
    return Thrown(500, "java.lang.IllegalArgumentException", message)


def null_pointer(message: str) -> Thrown:
    """A missing observation map, an unknown question and the like."""
    return Thrown(500, "java.lang.NullPointerException", message)


def class_cast(message: str) -> Thrown:
    """JSON of the wrong kind where no typed request stands in between (PATCH)."""
    return Thrown(500, "java.lang.ClassCastException", message)


def bad_request(message: str) -> Thrown:
    """The few mistakes Avni calls by their name; still a stack trace."""
    return Thrown(400, "org.avni.server.util.BadRequestError", message)


def invalid(message: str) -> HttpError:
    """A failed validation: status 400 with a short text."""
    return HttpError(400, message)


def conflict(constraint: str) -> HttpError:
    """A database constraint was hit."""
    return HttpError(409, f"Data integrity violation: {constraint}")


def forbidden(privilege: str, sort: str, uuid: str) -> HttpError:
    """A privilege is missing; `sort` says whether `uuid` is a SubjectType, an EncounterType or a Program."""
    return HttpError(403, f"Privilege {privilege} is missing for {sort} {uuid}")


def problem(status: int, title: str, detail: str, path: str = "") -> HttpError:
    """An error of the web framework: problem+json."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": path,
    }
    return HttpError(status, body, PROBLEM_JSON)


def framework_error(status: int, title: str, path: str, now_ms: int) -> HttpError:
    """The application server's own error document, used for 401 and unknown paths."""
    stamp = from_ms(now_ms).isoformat(timespec="milliseconds")
    return HttpError(
        status,
        {"timestamp": stamp, "status": status, "error": title, "path": path},
        "application/json",
    )
