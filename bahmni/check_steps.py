"""What the checks of both connections share: steps and findings, the words for a refusal, and steps alike on both."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bahmni.sentences import SENTENCES
from common import clock
from common.http_errors import Forbidden, Garbled, Refused, RemoteError, SignInFailed
from engine.registry import CheckStep
from errors.catalogue import NO_PROVIDER, SIGN_IN, explain

Step = tuple[str, Callable[[], str]]
"""A name, and what it does: gives what it found, or raises Finding or RemoteError."""

TOLERATED_CLOCK = timedelta(seconds=30)


class Finding(Exception):
    """A step that found something wrong; the text says what and what to do."""


def told(side: str, product: str, steps: Iterator[Step]) -> Iterator[CheckStep]:
    """What came of the steps, until the server does not answer at all or does not let us in."""
    for name, act in steps:
        try:
            yield CheckStep(side, name, ok=True, finding=act())
        except Finding as wrong:
            yield CheckStep(side, name, ok=False, finding=str(wrong))
        except RemoteError as failure:
            yield CheckStep(side, name, ok=False, finding=in_words(failure, product))
            if not isinstance(failure, Refused):
                return


def in_words(failure: RemoteError, product: str) -> str:
    """What a server's answer, or its silence, means here, and what to do."""
    match failure:
        case SignInFailed():
            named = f"{SIGN_IN}.{failure.detail}" if failure.detail else SIGN_IN
            sentence = explain(named, {"side": failure.side}, SENTENCES)
            said = f"{sentence.cause} {sentence.remedy}"
        case Forbidden():
            named = failure.privilege or "it does not say which"
            said = f"Our account lacks a privilege ({named}). Have it granted at {product}, then check again."
        case Refused() if (failure.status or 0) >= 500:
            said = f"{product} fails at the question (status {failure.status}). Have whoever runs it look into its log."
        case Refused():
            answered = f"status {failure.status}" if failure.status else failure.reason
            said = f"{product} refuses ({answered}). See that the address of the connection is the right one."
        case Garbled():
            said = (
                f"Something answers, but not as {product} does: {failure.reason}. See that the address of the "
                "connection is the right one and that no proxy answers in its place."
            )
        case _ if failure.detail == NO_PROVIDER:
            said = "The identity provider does not answer. See that it runs and that this machine may reach it."
        case _:
            said = (
                f"{product} does not answer: {failure.reason}. See that it runs, that the address of the connection is "
                "the right one, and that this machine may reach it."
            )
    return said


def resolves(base_url: str) -> str:
    """The name of the server."""
    parts = urlsplit(base_url)
    try:
        socket.getaddrinfo(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    except OSError as failure:
        raise Finding(
            f"The name {parts.hostname} does not resolve. Check the address, or the DNS of this machine."
        ) from failure
    return f"{parts.hostname} resolves; requests go by {parts.scheme}."


def in_step(server_now: datetime | None) -> str:
    """The server's clock, compared with ours."""
    if server_now is None:
        raise Finding("The server does not say its time, so nothing can tell whether its clock is right.")
    ahead = server_now - clock.now()
    apart = f"The clocks differ by {abs(ahead).total_seconds():.0f} s."
    if abs(ahead) > TOLERATED_CLOCK:
        raise Finding(f"{apart} Let both machines keep time by NTP.")
    return apart
