"""Every knob of the simulated hospital in one place.

A test turns a knob by assigning to `store.settings`; nothing is read from the environment.
The defaults are a present-day Bahmni (webservices.rest 2.50) in India.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

__all__ = ["Settings"]


@dataclass
class Settings:
    """What differs between releases and sites. Durations in seconds."""

    zone_name: str = "Asia/Kolkata"
    """Zone of the server: every date leaves with its offset, and plain dates are read in it."""
    clock_offset: float = 0.0
    """Seconds by which the hospital's clock is ahead of the injected one."""

    # sign-in
    session_id_in_body: bool = False
    """Releases before 2.38 repeated the session id in the body of GET /session."""
    stale_cookie_status: Literal[401, 403] = 401
    """403 up to webservices.rest 2.34 (Bahmni 0.9x)."""
    session_requests: int | None = None
    """A session is forgotten after so many requests; None: never."""
    session_idle: float = 1800.0
    lockout_after: int = 7
    lockout_time: float = 300.0
    two_factor: bool = False
    """GET /session answers 204: this account waits for a one-time password."""

    # lists and representations
    page_size: int = 50
    page_limit: int = 1000
    """A larger `limit` is refused with 500."""
    links_prefix: str = "request"
    """"request": host of the request. Anything else is put in front of every link as it is."""
    link_alias: bool = True
    """`resourceAlias` in links; releases before 2.26 had none."""

    deadlocks: int = 0
    """So many of the next writes are rolled back with a 500."""

    # patients
    name_pattern: str | None = r"^[a-zA-Z \-]+$"
    """Regex each name must match; None: anything goes. The clean Bahmni data set has this one."""
    search_lag: float = 0.0
    """Fuzzy search does not see identifiers younger than this."""
    search_minimum: int = 2
    search_results: int = 1000
    oldest_age: int = 140

    # visits and encounters
    overlapping_visits: bool = True
    audit_on_obs_edit: bool = True
    """Whether an edit of observations alone also sets `dateChanged` of their encounter."""
    voided_group_members: bool = False
    """Old releases list voided members inside a group."""
    date_obs_as_timestamp: bool = False
    """Before 2.49 a Date observation was read back as a timestamp at server midnight."""
    transaction_iso_dates: bool = False
    """Bahmni 0.9x wrote encounter and observation times of its own encounters as text, not as milliseconds."""
    encounter_session: float = 3600.0
    """A clinician's save without a uuid joins an encounter changed within this time."""

    # lookups
    unknown_concept_name_fails: bool = False
    """Older releases answered a search by a name no concept has with 500."""

    # feeds
    chunking: list[tuple[int, int]] = field(default_factory=lambda: [(1, 5)])
    """Chunking history: (first ordinal, entries per page), ordinals counted per category."""
    feed_delay: float = 0.0
    """Seconds between a change and its entry: the publisher's queue."""
    feed_stopped: bool = False
    """The publisher task is stopped: changes queue up and no entry appears."""
    event_copies: int = 1
    """How many entries one change leaves; a real encounter feed often has two."""
    feed_links_base: str | None = None
    """Scheme and host put into feed links; None: those of the request."""
    feed_case_sensitive: bool = False
    """Category match as on PostgreSQL. MySQL ignores case."""
    feed_needs_session: bool = False
    """A site whose proxy protects the feeds."""
    feed_title: str = "Patient AOP"
    feed_id_prefix: str = "bec795b1-3d17-451d-b43e-a094019f6984"
    encounter_content: str = "/openmrs/ws/rest/v1/bahmnicore/bahmniencounter/{uuid}?includeAll=true"
    patient_content: str = "/openmrs/ws/rest/v1/patient/{uuid}?v=full"

    @property
    def zone(self) -> tzinfo:
        """The server's zone."""
        return ZoneInfo(self.zone_name)
