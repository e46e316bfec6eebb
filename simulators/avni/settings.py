"""The knobs of one simulated Avni installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class Settings:
    """What differs between Avni installations and releases (avni.md A2 to A4, A21, A35, A40, A52 to A59)."""

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
    offers_idp_details: bool = True
    """Off: only the older `/cognito-details` is there."""
    offers_user_info: bool = True
    """Off: there is no `/userInfo`."""
    cognito_pool: str = "ap-south-1_SIMULATED"
    cognito_client: str = "simulated"
    cognito_offers_password: bool = True
    """Whether USER_PASSWORD_AUTH is switched on for Avni's client at Cognito."""
    cognito_tells_unknown_users: bool = False
    """On: a user nobody knows is told as such; off: as a wrong password, after a challenge that leads nowhere."""
    keycloak_url: str = "http://localhost:8080"
    """Where `/idp-details` says that Keycloak is."""
    keycloak_realm: str = "On-premise"
    keycloak_client: str = "avni-client"
    keycloak_offers_password: bool = True
    """Whether direct access grants are switched on for Avni's client at Keycloak."""
    refresh_ttl: float = 2_592_000.0
    """Seconds until a refresh token expires."""
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
