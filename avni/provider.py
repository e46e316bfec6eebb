"""Asking for a ticket: at Avni itself, or at the identity provider it names (avni.md A38, A54, A58)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from avni.refusals import UNSAFE_PROVIDER, refused
from common.http import Garbled, HttpSession, Reply, Request, Slow, Unreachable

__all__ = ["PROVIDER", "answered", "provider", "unready"]

PROVIDER = "provider"
"""The detail of what is the identity provider's failure and not Avni's own."""


@contextmanager
def provider(avni: HttpSession, address: str, request: Request) -> Iterator[HttpSession]:
    """A way to the identity provider at `address`, open for one sign-in; `request` is what will be asked there.

    What keeps the provider from answering is Unreachable with the detail "provider". Raises SignInFailed for an
    address to which no password may be sent.
    """
    if is_secret(avni.base_url) and not is_secret(address):
        raise refused(avni, request, UNSAFE_PROVIDER)
    try:
        session = avni.beside(address)
    except ValueError:
        raise refused(avni, request, UNSAFE_PROVIDER) from None
    try:
        yield session
    except Unreachable as cut:
        reason = f"the identity provider does not answer: {cut.reason}"
        raise avni.error(Unreachable, request, reason, detail=PROVIDER) from None
    finally:
        session.close()


def is_secret(address: str) -> bool:
    """Whether nobody on the way can read along; a scheme may be spelt in capitals, too."""
    return urlsplit(address.strip()).scheme == "https"


def answered(session: HttpSession, request: Request) -> tuple[Reply, dict[str, Any]]:
    """The answer to a request for a ticket, with its JSON object ({} when it holds none).

    No record is to blame when nobody can sign in just now: all that is no answer, and what proxies and servers say
    that are overloaded or starting, is Unreachable.
    """
    try:
        reply = session.sign_in(request)
    except (Slow, Garbled) as cut:
        raise session.error(Unreachable, request, cut.reason) from None
    if reply.status >= 500 or reply.status == 429 or 300 <= reply.status < 400 or reply.is_html:
        raise unready(session, request, reply)
    try:
        content = reply.json()
    except ValueError:
        content = None
    return reply, content if isinstance(content, dict) else {}


def unready(session: HttpSession, request: Request, reply: Reply) -> Unreachable:
    """The error for an answer that tells nothing about our account, to be raised."""
    return session.error(Unreachable, request, "the server cannot sign us in now", reply)
