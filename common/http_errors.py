"""What can come back from a remote server instead of an answer.

One family for all products, sorted by what the caller has to do next: wait, stop, look before
repeating, or write the record's error. No text in here holds a query string, a body or a header.
"""

from __future__ import annotations

from datetime import timedelta

__all__ = [
    "Forbidden", "Garbled", "NotFound", "Refused", "RemoteError", "SignInFailed", "Slow", "Unclear", "Unreachable",
    "WriteRefused",
]  # fmt: skip


class RemoteError(Exception):
    """Something went wrong with a remote server. Its text is safe to log and to show.

    `side`: which server ("avni", "openmrs"); `path_template`: the path without identifiers;
    `status`: of the answer, None when there was none; `reason`: why, in safe words; `detail`: one word that selects a
    more specific sentence than that of the class ("new-password"), "" for none; `retry_after`: for how long the server
    asks not to be asked again, None where it does not say.
    """

    retry_after: timedelta | None = None

    def __init__(
        self, reason: str, *, side: str, method: str, path_template: str, status: int | None = None, detail: str = ""
    ) -> None:
        answered = "" if status is None else f" [{status}]"
        super().__init__(f"{side}: {method} {path_template}{answered}: {reason}")
        self.reason = reason
        self.detail = detail
        self.side = side
        self.method = method
        self.path_template = path_template
        self.status = status


class Unreachable(RemoteError):
    """The server is down, starting or not what the connection says. Whoever waits for it waits."""


class SignInFailed(RemoteError):
    """The server does not accept our account. Trying again would only lock it."""


class Unclear(RemoteError):
    """A write whose effect is unknown: look at the server before anything is sent again."""


class Slow(RemoteError):
    """A read was not answered in time."""


class Garbled(RemoteError):
    """The answer is not what the protocol promises."""


class Refused(RemoteError):
    """A definite no to this one request.

    `codes`: the server's machine words for it, the weightiest first; `fields`: what they were about.
    Neither holds values.
    """

    codes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The weightiest code, "" when the server gave none."""
        return self.codes[0] if self.codes else ""


class NotFound(Refused):
    """The server knows no such thing."""


class Forbidden(Refused):
    """Our account lacks a right; `privilege` is its name where the server says it, else ""."""

    privilege: str = ""


class WriteRefused(Exception):
    """Our own no: this session was made for looking only and sends no write."""
