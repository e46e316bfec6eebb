"""What an answer of OpenMRS means (openmrs.md O5, O8, O29 to O36).

Error bodies carry identifiers and names (in messages, in stack traces, in SQL). From them only machine words are
taken: codes, names of fields and privileges, and a few known sentences turned into codes of our own:
`identifier.in-use`, `identifier.format`, `identifier.location-required`, `properties.not-settable`,
`properties.missing`, `conversion`.

A page of HTML never comes from the REST module itself: it is Tomcat, a proxy or a server that starts. To a read that
is Unreachable, with status 200, 404 and 5xx alike; to a write it is Unclear. The feeds have no error format of their
own, so there a 500 with HTML is the module's word: a page that does not exist, or one that cannot be written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from atomfeed import PAGE_MISSING
from common.http import Garbled, HttpSession, NotFound, RemoteError, Reply, Request, Unclear, Unreachable

__all__ = ["bytes_answer", "read_answer", "session_lost", "write_answer"]

CODE = re.compile(r"[A-Za-z0-9_.]+")
FIELD = re.compile(r"[A-Za-z0-9_.\[\]]+")
PRIVILEGE = re.compile(r"Privileges? required: ?\[?([A-Za-z0-9 ,:_-]{1,200})")
KNOWN_SENTENCES = (
    (re.compile(r"already in use by another patient"), "identifier.in-use"),
    (re.compile(r"^Identifier .* does not match", re.DOTALL), "identifier.format"),
    (re.compile(r"must have a location"), "identifier.location-required"),
    (re.compile(r"properties are not allowed to be set"), "properties.not-settable"),
    (re.compile(r"required properties are missing|property is missing"), "properties.missing"),
    (re.compile(r" on class "), "conversion"),
    (re.compile(r"Error converting date|has invalid units"), "conversion"),
)
"""Sentences of the server, each with the code we give it."""
BARE_CODES = re.compile(
    r"GivenName\.invalid|FamilyName\.invalid|MiddleName\.invalid|Patient\.names\.required\.given\.family"
    r"|Person\.gender\.required|Visit\.purge\.inUse|Encounter\.datetimeShouldBe\w+|Encounter\.visit\.patients\.dontMatch"
)
"""Codes that some controllers put into the message only."""

UNDECIDED = re.compile(
    r"Duplicate entry|ConstraintViolation|Deadlock|Lock wait timeout|could not (?:obtain|open) connection",
    re.IGNORECASE,
)
"""Texts of a 500 after which the record may exist, or after which the same write may succeed."""

PAGE_NOT_THERE = (b"feed does not exist", b"feedId must not be null and must be greater than 0")


def session_lost(reply: Reply) -> bool:
    """Whether the server no longer knows our session, told apart from a privilege that is missing (JSON with 403)."""
    return reply.status == 401 or (reply.status == 403 and _error(reply) is None)


def read_answer(session: HttpSession, request: Request, reply: Reply) -> Any:
    """The JSON that a read brought. Raises Unreachable, Garbled, NotFound, Forbidden, Refused."""
    if _from_elsewhere(reply) or reply.status in (429, 502, 503, 504):
        raise session.error(Unreachable, request, "the server is not ready", reply)
    if reply.status >= 400:
        raise _refusal(session, request, reply)
    try:
        return reply.json()
    except ValueError:
        failure = session.error(Garbled, request, "the answer is not JSON", reply)
    raise failure


def write_answer(session: HttpSession, request: Request, reply: Reply) -> Any:
    """The JSON that a write brought, None for an answer without content.

    Raises Unclear, Unreachable, NotFound, Forbidden, Refused. A lost session is Unclear by rule, although nothing
    should have happened: the server is known to work on after refusing.
    """
    if reply.status == 204:
        return None
    if reply.status == 429:
        raise session.error(Unreachable, request, "the server asks us to wait", reply)
    if session_lost(reply):
        raise session.error(Unclear, request, "our session was lost", reply)
    if _from_elsewhere(reply) or _undecided(reply):
        raise session.error(Unclear, request, "the server may or may not have stored it", reply)
    if reply.status >= 400:
        raise _refusal(session, request, reply)
    try:
        return reply.json()
    except ValueError:
        failure = session.error(Unclear, request, "the answer is not JSON", reply)
    raise failure


def bytes_answer(session: HttpSession, request: Request, reply: Reply) -> bytes:
    """The bytes of a feed page. Raises Unreachable, Forbidden, Refused."""
    if reply.status == 200 and not reply.is_html:
        return reply.body
    if reply.status == 500 and any(text in reply.body for text in PAGE_NOT_THERE):
        raise session.refused(request, reply, codes=(PAGE_MISSING,))
    if reply.status == 500:
        raise session.refused(request, reply)
    if reply.status == 403:
        raise session.forbidden(request, reply, "")
    raise session.error(Unreachable, request, "the server is not ready", reply)


def _from_elsewhere(reply: Reply) -> bool:
    """Not a word of the REST module: a proxy, a server that is starting, or an address that is not OpenMRS's.

    HTML with another 4xx is the web server's definite no to the form of the request.
    """
    if reply.status == 404:
        return _error(reply) is None
    return reply.is_html and not 400 <= reply.status < 500


def _undecided(reply: Reply) -> bool:
    """Whether a failed write may have been stored, or may succeed when it is sent once more."""
    if reply.status < 500:
        return False
    error = _error(reply)
    return reply.status != 500 or error is None or UNDECIDED.search(_texts(error)) is not None


def _error(reply: Reply) -> dict[str, Any] | None:
    """The error object of the REST module, None for an answer that has none."""
    try:
        answer = reply.json() if reply.status >= 400 else None
    except ValueError:
        return None
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, dict) else None


def _refusal(session: HttpSession, request: Request, reply: Reply) -> RemoteError:
    """The error for a definite no."""
    error = _error(reply) or {}
    if reply.status == 403:
        named = PRIVILEGE.search(_texts(error))
        return session.forbidden(request, reply, named[1].strip() if named else "")
    if reply.status == 404:
        return session.error(NotFound, request, "there is no such thing", reply)
    return session.refused(request, reply, codes=dict.fromkeys(_codes(error)), fields=_fields(error))


def _codes(error: dict[str, Any]) -> Iterator[str]:
    """Machine words, the particular before the general."""
    for complaint in _complaints(error):
        yield from _code(str(complaint.get("code") or ""), str(complaint.get("message") or ""))
    yield from _code(str(error.get("code") or "").split(":")[0], str(error.get("message") or ""))


def _code(code: str, message: str) -> Iterator[str]:
    for sentence, ours in KNOWN_SENTENCES:
        if sentence.search(message):
            yield ours
    yield from BARE_CODES.findall(message)
    if CODE.fullmatch(code):
        yield code


def _complaints(error: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The single complaints of a failed validation, of the whole and of its fields."""
    whole, fields = error.get("globalErrors"), error.get("fieldErrors")
    by_field = fields.values() if isinstance(fields, dict) else []
    for group in (whole, *by_field):
        yield from (one for one in group if isinstance(one, dict)) if isinstance(group, list) else ()


def _fields(error: dict[str, Any]) -> list[str]:
    fields = error.get("fieldErrors")
    return [name for name in fields if FIELD.fullmatch(name)] if isinstance(fields, dict) else []


def _texts(error: dict[str, Any]) -> str:
    """Where the causes of an error are written. Searched here, shown nowhere."""
    return f"{error.get('message')} {error.get('code')} {error.get('detail')}"
