"""Where a flow begins: as people choose it in the admin, write it on a command line or in a declaration.

`beginning`, `recent`, a date or time (of the flow's zone unless it names its own), or a page of every feed that the
flow reads: `patient=12, encounter=40`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from common import clock
from engine.registry import FlowSpec
from syncstatus.models import Flow, StartPolicy

WAYS: Final = f"{StartPolicy.RECENT.value}, {StartPolicy.BEGINNING.value} or a date (2026-04-01 or 2026-04-01T06:30)"

_PAGE: Final = re.compile(r"\s*([a-z-]+)\s*=\s*([0-9]{1,9})\s*")


@dataclass(frozen=True)
class Start:
    """Where a flow begins; `pages` by key of the stream."""

    policy: str
    at: datetime | None = None
    pages: Mapping[str, int] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, Any]:
        """As the flow keeps it."""
        return {"start_policy": self.policy, "start_at": self.at, "start_pages": dict(self.pages)}


def moment(text: str, zone: str) -> datetime:
    """A date or time as people write it, of this zone unless it names its own. Raises ValueError."""
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no date or time: write 2026-04-01 or 2026-04-01T06:30") from None
    return read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))


def as_written(text: str) -> str:
    """The text, if it can be understood of any flow at all. Raises ValueError."""
    if text not in (StartPolicy.BEGINNING, StartPolicy.RECENT, "") and "=" not in text:
        moment(text, "UTC")
    return text


def ways_of(spec: FlowSpec) -> str:
    """All ways this flow can begin, as one writes them."""
    pages = ", ".join(f"{key}=12" for key in fed(spec))
    return f"{WAYS} or pages of its feeds ({pages})" if pages else WAYS


def fed(spec: FlowSpec) -> list[str]:
    """The streams of a flow that read a feed."""
    return [stream.key for stream in spec.streams if stream.has_pages]


def read(text: str, zone: str, spec: FlowSpec) -> Start:
    """What the text says. Raises ValueError."""
    said = text.strip()
    if said in (StartPolicy.BEGINNING, StartPolicy.RECENT):
        return Start(said)
    if "=" in said:
        return Start(StartPolicy.PAGE, pages=_pages(said))
    try:
        return Start(StartPolicy.DATE, moment(said, zone))
    except ValueError:
        raise ValueError(f"{said!r} is no start policy: say {ways_of(spec)}") from None


def spelled(flow: Flow) -> str:
    """What `read` understands of where a flow begins; "" while nobody has said it."""
    if flow.start_policy == StartPolicy.PAGE:
        return ", ".join(f"{key}={page}" for key, page in flow.start_pages.items())
    if flow.start_policy == StartPolicy.DATE and flow.start_at:
        return flow.start_at.astimezone(ZoneInfo(flow.zone)).isoformat()
    return str(flow.start_policy)


def chosen(flow: Flow) -> Start | None:
    """What was said already, when it first ran or in a declaration."""
    return Start(flow.start_policy, flow.start_at, flow.start_pages) if flow.start_policy else None


def is_as_chosen(start: Start, flow: Flow) -> bool:
    """Whether it is where the flow began."""
    is_same_time = start.policy != StartPolicy.DATE or start.at == flow.start_at
    return start.policy == flow.start_policy and is_same_time and dict(start.pages) == flow.start_pages


def reasons_against(start: Start, spec: FlowSpec) -> list[str]:
    """Why the flow cannot begin so, in sentences."""
    if start.policy not in StartPolicy.values:
        return [f"{start.policy!r} is no start policy: say {ways_of(spec)}."]
    if start.policy == StartPolicy.DATE and (start.at is None or start.at > clock.now()):
        return ["Say since which date; one that has passed."]
    feeds = fed(spec)
    if start.policy == StartPolicy.PAGE and not feeds:
        return [f"{spec.label} reads no feed, so it has no page to begin with: say {WAYS}."]
    if start.policy == StartPolicy.PAGE and (set(start.pages) != set(feeds) or min(start.pages.values()) < 1):
        return [f"Say a page, from 1 on, of each of its feeds: {', '.join(feeds)}."]
    return []


def _pages(said: str) -> dict[str, int]:
    found = [_PAGE.fullmatch(part) for part in said.split(",")]
    if not all(found):
        raise ValueError(f"{said!r} names no pages: write patient=12, encounter=40")
    return {part[1]: int(part[2]) for part in found if part}
