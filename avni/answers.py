"""What an answer of Avni means.

Bodies of errors are raw Java texts under any content type, may be empty, and may hold anybody's data:
they are never read as JSON and never repeated (avni.md A31 to A34). Only the qualified name of a Java class is
taken out.
"""

from __future__ import annotations

import re
from typing import Any

from common.http import (
    Garbled,
    HttpSession,
    NotFound,
    RemoteError,
    Reply,
    Request,
    Unclear,
    Unreachable,
)

__all__ = ["read_answer", "ticket_refused", "write_answer"]

JAVA_CLASS = re.compile(rb"\b(?:[a-z][a-z0-9_]*\.){2,9}([A-Z][A-Za-z0-9]{2,60}(?:Exception|Error|Violation))\b")
PRIVILEGE = re.compile(
    rb"\b((?:View|Edit|Enrol|Void|Reject|Approve|Register|Exit|Add|Remove|Perform|Cancel)[A-Z][A-Za-z]{2,30})\b"
)
LOOKED_AT = 16 * 1024
"""Bytes of an error that are searched: the class stands in its first line."""

TRANSIENT = frozenset({
    "CannotAcquireLockException", "CannotCreateTransactionException", "DataAccessResourceFailureException",
    "DeadlockLoserDataAccessException", "JDBCConnectionException", "LockAcquisitionException",
    "LockTimeoutException", "ObjectOptimisticLockingFailureException", "PessimisticLockException",
    "QueryTimeoutException", "SQLTransientConnectionException", "StaleObjectStateException",
    "TransactionTimedOutException",
})  # fmt: skip
"""Java classes that speak of the moment and not of the record: the same write may succeed next time."""


def ticket_refused(reply: Reply) -> bool:
    """Whether the server does not take what shows who we are.

    Older servers say so of an expired token with a 500, and all of a token of another kind (avni.md A39, A40): the
    exceptions are those of the library that reads tokens.
    """
    return reply.status == 401 or (reply.status == 500 and _OF_TOKENS.search(reply.body[:LOOKED_AT]) is not None)


_OF_TOKENS = re.compile(rb"\bcom\.auth0\.jw[tk]\.|TokenExpiredException")


def read_answer(session: HttpSession, request: Request, reply: Reply) -> Any:
    """The JSON that a read brought. Raises Unreachable, Garbled, NotFound, Forbidden, Refused."""
    if _from_elsewhere(reply) or reply.status in (429, 502, 503, 504):
        raise session.error(Unreachable, request, "the server is not ready", reply)
    if reply.status != 200:
        raise _refusal(session, request, reply)
    try:
        return reply.json()
    except ValueError:
        failure = session.error(Garbled, request, "the answer is not JSON", reply)
    raise failure


def write_answer(session: HttpSession, request: Request, reply: Reply) -> dict[str, Any]:
    """The entity that a write left behind. Raises Unclear, Unreachable, NotFound, Forbidden, Refused.

    409 is unclear: another request with the same External ID won, and the entity now exists.
    """
    if reply.status == 429:
        raise session.error(Unreachable, request, "the server asks us to wait", reply)
    if _from_elsewhere(reply) or reply.status in (409, 502, 503, 504) or _code(reply) in TRANSIENT:
        raise session.error(Unclear, request, "the server may or may not have stored it", reply)
    if reply.status != 200:
        raise _refusal(session, request, reply)
    try:
        entity = reply.json()
    except ValueError:
        entity = None
    if not isinstance(entity, dict) or not isinstance(entity.get("ID"), str):
        raise session.error(Unclear, request, "the answer is not the entity", reply)
    return entity


def _from_elsewhere(reply: Reply) -> bool:
    """A page for people, from a proxy or a server that is starting: not what Avni says to this request.

    HTML with another 4xx is a definite no of the web server to the form of the request.
    """
    return reply.is_html and (reply.status == 404 or not 400 <= reply.status < 500)


def _refusal(session: HttpSession, request: Request, reply: Reply) -> RemoteError:
    """The error for a definite no."""
    if reply.status == 403:
        named = PRIVILEGE.search(reply.body[:LOOKED_AT])
        privilege = named[1].decode() if named else ""
        return session.forbidden(request, reply, privilege)
    if reply.status == 404:
        return session.error(NotFound, request, "there is no such thing", reply)
    code = _code(reply)
    return session.refused(request, reply, codes=(code,) if code else ())


def _code(reply: Reply) -> str:
    """The Java class that an error names first, "" when none."""
    named = JAVA_CLASS.search(reply.body[:LOOKED_AT]) if reply.status >= 400 else None
    return named[1].decode() if named else ""
