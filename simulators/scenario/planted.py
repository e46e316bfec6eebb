"""Records that cannot get through, planted on purpose: what the service should say of each, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Mend", "Planted"]


@dataclass(frozen=True)
class Mend:
    """The mapping that is missing, as a person adds it in the admin."""

    group: str
    type: str
    avni_value: str
    int_system_value: str


@dataclass(frozen=True)
class Planted:
    """One record in error. `stream` is that of the service, `source_id` its uuid there, `state` the error's state."""

    kind: str
    stream: str
    source_id: str
    person: str
    message: str
    state: str
    remedy: str
    mend: Mend | None = None
    """None: it is mended on one of the two servers, not in the admin."""
    waits_for: str = ""
    """Uuid of the subject or patient whose error keeps it waiting; empty when the error is its own."""
