"""The knobs of one simulated Avni installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class Settings:
    """What differs between Avni installations and releases (avni.md A2 to A4, A21, A35, A40)."""

    profile: str = "live"
    """`live` keeps the newest 10 s out of every list; any other name hides nothing."""
    honour_client_now: bool = True
    """Off: the server overwrites the `now` a client sends, as releases before 15.3 did."""
    inclusive_general_encounters: bool = False
    """On: `/api/encounters` includes both ends of its window even without `concepts`."""
    coordinate_keys: Literal["new", "old"] = "new"
    """`Registration Coordinates` (since 16.6) or `Registration location`."""
    default_version: int = 1
    default_size: int = 20
    max_size: int = 1000
    idp_type: Literal["cognito", "keycloak", "both", "none"] = "cognito"
    default_user: str | None = None
    """Who a request without USER-NAME comes from when `idp_type` is none."""
    token_ttl: float = 3600.0
    """Seconds until a token expires."""
    token_leeway: float = 240.0
    """Seconds an expired token is still taken."""
    expired_status: Literal[401, 500] = 401
    """500 as in releases before September 2023."""
    error_body: bool = True
    """Off: answers for Java exceptions have no body."""
    zone_offset_minutes: int = 330
    """Zone of the Java machine, used where a time comes without an offset. Deliberately not
    UTC, so that a client forgetting the offset is noticed."""

    @property
    def hidden_ms(self) -> int:
        """How many milliseconds before now a list ends."""
        return 10_000 if self.profile == "live" else 0
