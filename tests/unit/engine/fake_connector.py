"""A connector for tests of what people do: two sides, one flow each way, a handful of declarations, no servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from engine import registry
from engine.ports import Known
from engine.registry import (
    CheckStep,
    Connector,
    Counterpart,
    FlowSpec,
    Servers,
    Setting,
    Shown,
    SideSpec,
    StreamSpec,
)
from errors.models import FollowUp
from errors.specs import ErrorTypeSpec
from mappings.snapshot import Snapshot
from mappings.specs import ConstantSpec, MappingTypeSpec

KEY = "paper"
OUT, BACK = "avni-to-paper", "paper-to-avni"


class NoServers:
    """Clients that are never asked."""

    remote_calls = 0

    def handover(self, stream_key: str) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def sign_ins(self, side: str) -> int:
        return 0


def _connect(setting: Setting) -> Servers:
    return NoServers()


def _first_position(servers: Servers, stream_key: str, partition: str, since: datetime | None) -> Mapping[str, Any]:
    return {"begins": since.isoformat() if since else "at the beginning"}


def _check(setting: Setting) -> list[CheckStep]:
    return []


def _counterparts(snapshot: Snapshot, stream_key: str, known: Known) -> list[Counterpart]:
    return []


def _show(servers: Servers, stream_key: str, source_id: str, known: Known | None) -> list[Shown]:
    return []


def make(**changes: Any) -> Connector:
    """The connector, with some of its declarations replaced."""
    both = frozenset({OUT, BACK})
    subject = StreamSpec("paper-subject", "Subject → card", "Subject", "avni", "paper", lambda snapshot: ["Individual"])
    card = StreamSpec("paper-card", "Card → subject", "Card", "paper", "avni", lambda snapshot: ["cards"])
    declared: dict[str, Any] = {
        "key": KEY,
        "label": "Paper cards",
        "sides": (
            SideSpec("avni", "Avni", {"token": "user and password", "none": "user name only"}, 8),
            SideSpec("paper", "the card box", {"basic": "user and password"}, 4),
        ),
        "flows": (FlowSpec(OUT, "Avni → cards", (subject,)), FlowSpec(BACK, "Cards → Avni", (card,))),
        "mapping_types": (
            MappingTypeSpec("People", "Number", "Holds the number.", "Nothing starts.", both, is_single=True),
            MappingTypeSpec("People", "Form", "The form.", "Nobody is filed.", frozenset({OUT}), is_single=True),
            MappingTypeSpec("Words", "Concept", "Question or answer.", "It is left out."),
            MappingTypeSpec("Words", "Form", "Which form stands for which type.", "Left out.", avni_is_unique=False),
        ),
        "constants": (
            ConstantSpec("Prefix", "Stands before the number.", needed_by=both),
            ConstantSpec("Boxes", "Where to look.", is_list=True),
        ),
        "error_types": (
            ErrorTypeSpec("NoNumber", FollowUp.PROCESS, "No number."),
            ErrorTypeSpec("Burnt", FollowUp.TERMINAL, "Gone."),
        ),
        "sentences": {},
        "connect": _connect,
        "first_position": _first_position,
        "check": _check,
        "counterparts": _counterparts,
        "show": _show,
    }
    return Connector(**{**declared, **changes})


@contextmanager
def announced(connector: Connector) -> Iterator[Connector]:
    """Announce the connector for a while."""
    registry.register(connector)
    try:
        yield connector
    finally:
        registry._connectors.pop(connector.key)
