"""What did not get through there: error records, their logs and the failed events of feeds.

Stands on java-service.md J13 to J15, J17.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter_handover import ENCOUNTER_PATH
from bahmni.bahmni_to_avni.handover import PATIENT_PATH
from bahmni.takeover.database import JavaService, Row
from bahmni.takeover.tally import NOT_USED, Tally
from bahmni.takeover.understood.terms import STREAMS, UNNAMED, type_name, utc


@dataclass
class Trouble:
    """One record that did not get through there: its error record and failed events in one."""

    stream: str
    entity: str
    type: str
    """Name of the last error's type; empty for a failed event alone."""
    is_disabled: bool
    has_event: bool = False
    """Whether an event of a feed about it was passed by: it has to be looked at, whatever its errors say."""
    logs: list[tuple[datetime, str]] = field(default_factory=list)
    """When, and the name of the type; the oldest first."""
    rows: list[str] = field(default_factory=list)
    """Tables of the rows it stands for, one entry per row."""


def troubles(service: JavaService, streams: Collection[str], tally: Tally) -> tuple[Trouble, ...]:
    """One per record of the `streams`, with the attempts of all its error records and failed events."""
    found: dict[tuple[str, str], Trouble] = {}
    logs = _logs(service)
    for row in service.rows("errors"):
        table, log_table = service.tables["errors"].name, service.tables["logs"].name
        mine = logs.pop(row["id"], [])
        reason = _no_trouble(row, mine, streams)
        if reason:
            tally.leave(table, reason)
            if mine:
                tally.leave(log_table, "of an error record that stays behind", len(mine))
            continue
        stream, entity = STREAMS[str(row["avni_type"] or row["bahmni_type"])], str(row["entity"])
        before = found.get((stream, entity))
        if before:
            tally.note(table, "a second record of the same entity: one here, with the logs of both")
        trouble = before or Trouble(stream, entity, "", is_disabled=True)
        trouble.is_disabled = trouble.is_disabled and bool(row["disabled"])
        trouble.logs = sorted([*trouble.logs, *mine])
        trouble.type = trouble.logs[-1][1] if trouble.logs else UNNAMED
        trouble.rows += [table, *[log_table] * len(mine)]
        found[stream, entity] = trouble
    orphans = sum(len(mine) for mine in logs.values())
    if orphans:
        tally.leave(service.tables["logs"].name, "its error record is not there", orphans)
    _add_failed_events(service, found, tally)
    return tuple(found.values())


def _no_trouble(row: Row, logs: Collection[tuple[datetime, str]], streams: Collection[str]) -> str:
    """Why an error record stays behind; empty when it does not."""
    entity_type, entity = str(row["avni_type"] or row["bahmni_type"] or ""), str(row["entity"] or "").strip()
    if row.get("voided"):
        return "voided"
    if entity_type not in STREAMS:
        return f"{entity_type or '(no entity type)'}: {NOT_USED}"
    if STREAMS[entity_type] not in streams:
        return f"{entity_type}: this release does not carry them"
    if entity in ("", "foo") or len(entity) > 100:  # "foo" is the column's default
        return "it names no record"
    return ""


def _logs(service: JavaService) -> dict[int, list[tuple[datetime, str]]]:
    names = {row["id"]: type_name(row["name"]) for row in service.rows("error_types")}
    logs: dict[int, list[tuple[datetime, str]]] = {}
    for row in service.rows("logs"):
        name = names.get(row["type_id"], "") if "type_id" in row else type_name(row.get("type"))
        logs.setdefault(row["record"], []).append((utc(row["at"]), name or UNNAMED))
    return logs


def _add_failed_events(service: JavaService, found: dict[tuple[str, str], Trouble], tally: Tally) -> None:
    table = service.tables["failed_events"].name
    for row in service.rows("failed_events"):
        about = _record_of(str(row["content"] or ""))
        if about is None:
            tally.leave(table, "its content names no patient and no encounter")
            continue
        before = found.get(about)
        trouble = before or Trouble(*about, "", is_disabled=False)
        if before:
            tally.note(table, "of a record with an error record or another failed event: one here")
        trouble.has_event = True
        trouble.logs = sorted([*trouble.logs, (utc(row["at"]), "")])
        trouble.rows.append(table)
        found[about] = trouble


def _record_of(content: str) -> tuple[str, str] | None:
    """Stream and uuid of what an event of a feed is about, as the feed's own stream reads it."""
    for path, stream in ((PATIENT_PATH, v.PATIENT), (ENCOUNTER_PATH, v.ENCOUNTER)):
        if about := path.search(content):
            return stream, about[1]
    return None
