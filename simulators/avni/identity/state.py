"""What an identity provider remembers between two requests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Challenge:
    """A PASSWORD_VERIFIER that waits for its answer: who was asked, both public numbers, the server's secret one."""

    username: str
    salt: int
    client_number: int
    secret: int
    server_number: int


@dataclass(frozen=True)
class Session:
    """What a refresh token stands for."""

    username: str
    issuer: str
    begun_ms: int
