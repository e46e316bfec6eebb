"""The rows of a Java service in our words. Pure: neither database nor server is asked.

What comes out are items, each with the rows it stands for; rows that nothing can be made of are tallied with the
reason. Stands on java-service.md J6 to J16.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from atomfeed.position import FeedPosition
from avni.windows import window_start
from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter_handover import ENCOUNTER_PATH
from bahmni.bahmni_to_avni.handover import PATIENT_PATH
from bahmni.declarations import CONSTANTS, ERROR_TYPES
from bahmni.mapping_types import MAPPING_TYPES
from bahmni.takeover.database import JavaService, Row
from bahmni.takeover.tally import Tally
from errors.classification import Comparison, problem_with
from errors.models import FollowUp
from mappings.edits import Wanted
from mappings.models import DataTypeHint

STREAMS: Final[Mapping[str, str]] = {
    "Subject": v.SUBJECT,
    "Enrolment": v.ENROLMENT,
    "ProgramEncounter": v.PROGRAM_ENCOUNTER,
    "GeneralEncounter": v.GENERAL_ENCOUNTER,
    "Patient": v.PATIENT,
    "Encounter": v.ENCOUNTER,
}
"""Entity types of the Java service → our streams."""

FEEDS: Final[Mapping[str, str]] = {"patient": v.PATIENT, "encounter": v.ENCOUNTER}
"""Categories of feeds → our streams."""

NOT_USED: Final = "nothing here uses it"

UNNAMED: Final = "(no type)"
"""Stands for the type of an error where nothing tells it."""

_RENAMED: Final[Mapping[str, str]] = {
    "NoIntEntityWithId": "NoPatientWithId",
    "IntEntityIdChanged": "PatientIdChanged",
    "NotAvniEntityFound": "NotACommunityMember",
}
"""Names that error types bore for a while (J12)."""

_NUMBERED_ERRORS: Final = (
    "NoPatientWithId", "PatientIdChanged", "EntityIsDeleted", "NotACommunityMember", "NoSubjectWithId",
    "SubjectIdChanged", "MultipleSubjectsWithId", "SubjectIdNull",
)  # fmt: skip
_COMPARISONS: Final[Mapping[str, Comparison]] = {
    "0": Comparison.EQUALS, "1": Comparison.CONTAINS, "2": Comparison.MATCHES,
    "equals": Comparison.EQUALS, "contains": Comparison.CONTAINS, "matches": Comparison.MATCHES,
}  # fmt: skip
_FOLLOW_UPS: Final[Mapping[str, FollowUp]] = {
    "0": FollowUp.PROCESS, "1": FollowUp.TERMINAL, "2": FollowUp.INTERNAL, "3": FollowUp.EXTERNAL,
    **{follow_up.value: follow_up for follow_up in FollowUp},
}  # fmt: skip
_FEED_PAGE: Final = re.compile(r"/atomfeed/([A-Za-z]+)/([0-9]+|recent)/?(?:[?#].*)?$")
_LONGEST: Final = 255


@dataclass(frozen=True)
class Wish:
    """A mapping as it stood there; `line` of the wanted one is its id there."""

    wanted: Wanted
    table: str


@dataclass(frozen=True)
class WatchedPosition:
    """How far the Java service had read a stream of Avni."""

    stream: str
    read_upto: datetime
    table: str

    @property
    def value(self) -> dict[str, Any]:
        """As our position: everything from that millisecond on, for the service skipped what shared it (J9)."""
        return dict(window_start(self.read_upto))


@dataclass(frozen=True)
class FeedMarker:
    """The entry of a feed that the Java service handled last, and the page it stood on."""

    stream: str
    category: str
    position: FeedPosition


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


@dataclass(frozen=True)
class Found:
    """Everything a Java service's database says that we understand."""

    constants: Mapping[str, tuple[str, ...]]
    constant_rows: Mapping[str, int]
    """Rows behind each constant."""
    mappings: tuple[Wish, ...]
    voided_mappings: tuple[Wish, ...]
    ignored: tuple[str, ...]
    """Uuids of concepts in OpenMRS."""
    error_types: Mapping[str, Mapping[str, Any]]
    watched: tuple[WatchedPosition, ...]
    feeds: tuple[FeedMarker, ...]
    troubles: tuple[Trouble, ...]
    config: Mapping[str, str]
    feed_addresses: tuple[str, ...]


def understand(service: JavaService, streams: Collection[str], tally: Tally) -> Found:
    """Everything in it in our words. `streams` are those that this release carries; the others' rows stay behind."""
    for table in service.tables.values():
        tally.read(table.name, len(table.rows), table.of_others)
    tally.unread.update(service.unread)
    constants, constant_rows = _constants(service, tally)
    live, voided = _mappings(service, tally)
    watched = _watched(service, streams, tally)
    return Found(
        constants=constants,
        constant_rows=constant_rows,
        mappings=live,
        voided_mappings=voided,
        ignored=_ignored(service, tally),
        error_types=_error_types(service, tally),
        watched=watched,
        feeds=_feeds(service, tally),
        troubles=_troubles(service, streams, tally),
        config=_config(service, tally),
        feed_addresses=tuple(str(row["feed"]) for row in service.rows("markers")),
    )


# -- configuration -----------------------------------------------------------------------------------------------------


def _constants(service: JavaService, tally: Tally) -> tuple[dict[str, tuple[str, ...]], dict[str, int]]:
    table, specs = service.tables["constants"].name, {spec.key: spec for spec in CONSTANTS}
    values: dict[str, list[str]] = {}
    for row in service.rows("constants"):
        key, value = row["key"], (row["value"] or "").strip()
        there = values.get(key, [])
        if key not in specs:
            tally.leave(table, f"{key}: {NOT_USED}")
        elif not value or len(value) > _LONGEST:
            tally.leave(table, f"{key}: it has no value" if not value else f"{key}: longer than {_LONGEST} characters")
        elif value in there:
            tally.leave(table, f"{key}: the same value once more")
        elif there and not specs[key].is_list:
            tally.leave(table, f"{key}: a second value; that of the lowest id counts")
        else:
            values.setdefault(key, []).append(value)
            if row.get("voided"):
                tally.note(table, f"{key}: marked as voided, which the Java service does not look at")
    return {key: tuple(found) for key, found in values.items()}, {key: len(found) for key, found in values.items()}


def _mappings(service: JavaService, tally: Tally) -> tuple[tuple[Wish, ...], tuple[Wish, ...]]:
    """Live ones and voided ones. Of live ones that are the same, that of the lowest id counts."""
    table = service.tables["mappings"].name
    used = {(spec.group, spec.name) for spec in MAPPING_TYPES}
    groups, types = _names(service, "groups", {group for group, _ in used}, tally), _names(
        service, "types", {name for _, name in used}, tally
    )  # fmt: skip
    live: list[Wish] = []
    voided: list[Wish] = []
    seen: dict[tuple[str, str, str, str], int] = {}
    for row in service.rows("mappings"):
        pair = _pair(row, groups, types)
        if pair is None:
            tally.leave(table, "it has no mapping group or no mapping type")
            continue
        pair = _group_of_ours(*pair)
        if pair not in used:
            tally.leave(table, f"{pair[0]} / {pair[1]}: {NOT_USED}")
            continue
        avni, other, about = (str(row[name] or "").strip() for name in ("avni", "int", "about"))
        if not avni and not other:
            tally.leave(table, "both its values are empty")
            continue
        if max(len(avni), len(other)) > _LONGEST:
            tally.leave(table, f"one of its values is longer than {_LONGEST} characters")
            continue
        key = (*pair, avni, other)
        if row.get("voided"):
            if key in seen:
                tally.leave(table, "voided, and the same mapping is in use")
            else:
                voided.append(
                    Wish(Wanted(*pair, avni, other, data_type_hint=_hint(row), about=about, line=row["id"]), table)
                )
            continue
        if key in seen:
            tally.leave(table, "the same mapping once more; that of the lowest id counts")
            continue
        seen[key] = row["id"]
        live.append(
            Wish(Wanted(*pair, avni, other, data_type_hint=_hint(row), about=about or None, line=row["id"]), table)
        )
    return tuple(live), _without_those_in_use(voided, seen, tally)


def _without_those_in_use(
    voided: Iterable[Wish], live: Collection[tuple[str, str, str, str]], tally: Tally
) -> tuple[Wish, ...]:
    """The voided ones whose like is not in use, each once."""
    kept: dict[tuple[str, str, str, str], Wish] = {}
    for wish in voided:
        wanted = wish.wanted
        key = (wanted.group, wanted.type, wanted.avni_value, wanted.int_system_value)
        if key in live:
            tally.leave(wish.table, "voided, and the same mapping is in use")
        elif key in kept:
            tally.leave(wish.table, "voided, once more")
        else:
            kept[key] = wish
    return tuple(kept.values())


def _names(service: JavaService, word: str, used: Collection[str], tally: Tally) -> dict[int, str]:
    """Names of groups or types by id. They come with the program, so each row is here already or of no use."""
    table, names = service.tables[word], {}
    seen: set[str] = set()
    for row in table.rows:
        name = (row["name"] or "").strip()
        names[row["id"]] = name
        if name not in used:
            tally.leave(table.name, f"{name or '(no name)'}: {NOT_USED}")
        elif name in seen:
            tally.leave(table.name, f"{name}: a second row of this name; its mappings are taken as the first one's")
        else:
            seen.add(name)
            tally.carry(table.name, "there already")
    return names


def _pair(row: Row, groups: Mapping[int, str], types: Mapping[int, str]) -> tuple[str, str] | None:
    """Group and type of a mapping by name: the new layout points at rows, the old one holds the names (J7)."""
    group = groups.get(row["group_id"], "") if row.get("group_id") else (row.get("group") or "")
    kind = types.get(row["type_id"], "") if row.get("type_id") else (row.get("type") or "")
    return (str(group), str(kind)) if group and kind else None


def _group_of_ours(group: str, kind: str) -> tuple[str, str]:
    """The Java service looks some types up without their group (J8): they stand in one group here."""
    places = [spec.group for spec in MAPPING_TYPES if spec.name == kind]
    return (places[0], kind) if len(places) == 1 and group not in places and kind in _FOUND_BY_TYPE else (group, kind)


_FOUND_BY_TYPE: Final = frozenset({"LabEncounterType", "DrugOrderEncounterType", "DrugOrderConcept"})


def _hint(row: Row) -> str:
    hint = str(row.get("hint") or "")
    return hint if hint in DataTypeHint.values else ""


def _ignored(service: JavaService, tally: Tally) -> tuple[str, ...]:
    table, concepts = service.tables["ignored"].name, []
    for row in service.rows("ignored"):
        concept = (row["concept"] or "").strip()
        if not concept or len(concept) > _LONGEST:
            tally.leave(table, "it names no concept")
        elif concept in concepts:
            tally.leave(table, "the same concept once more")
        else:
            concepts.append(concept)
    return tuple(concepts)


def _error_types(service: JavaService, tally: Tally) -> dict[str, dict[str, Any]]:
    """Types by name with the fields of ours that differ from what a new tenant begins with."""
    table, declared = service.tables["error_types"].name, {spec.name: spec for spec in ERROR_TYPES}
    types: dict[str, dict[str, Any]] = {}
    for row in service.rows("error_types"):
        name = _type_name(row["name"])
        if not name or len(name) > _LONGEST:
            tally.leave(table, "it has no name")
            continue
        if name in types:
            tally.leave(table, f"{name}: a second type of this name; that of the lowest id counts")
            continue
        types[name] = fields = _rule(row, name, table, tally)
        follow_up = str(row.get("follow_up") or "0").strip()
        chosen = _FOLLOW_UPS.get(follow_up.lower())
        if chosen is None:
            tally.note(table, f"{name}: its follow-up is none we know; its errors are tried again")
        if name in declared and chosen in (None, FollowUp.PROCESS):
            chosen = FollowUp(
                declared[name].follow_up
            )  # what the service has in its program text for two of them (J12)
        fields["follow_up"] = (chosen or FollowUp.PROCESS).value
        fields["is_voided"] = bool(row.get("voided"))
    return types


def _rule(row: Row, name: str, table: str, tally: Tally) -> dict[str, Any]:
    comparison = _COMPARISONS.get(str(row.get("comparison") if row.get("comparison") is not None else "").lower())
    value = (row.get("comparison_value") or "").strip()
    if comparison is None or not value:
        return {"comparison": Comparison.NONE.value, "comparison_value": ""}
    if problem := problem_with(comparison, value):
        tally.note(table, f"{name}: comes without its pattern. {problem}")
        return {"comparison": Comparison.NONE.value, "comparison_value": ""}
    return {"comparison": comparison.value, "comparison_value": value}


def _type_name(name: Any) -> str:
    text = str(name or "").strip()
    if text.isdigit() and 0 < int(text) <= len(_NUMBERED_ERRORS):
        return _NUMBERED_ERRORS[int(text) - 1]
    return _RENAMED.get(text, text)


def _config(service: JavaService, tally: Tally) -> dict[str, str]:
    """Keys of the system with their values. The connections say what becomes of them."""
    return {row["key"]: row["value"] for row in service.rows("config") if row["key"] and row["value"]}


# -- how far it had read -----------------------------------------------------------------------------------------------


def _watched(service: JavaService, streams: Collection[str], tally: Tally) -> tuple[WatchedPosition, ...]:
    """Watermarks by stream. In the new layout the table of the old one is dead, and counts where the other has none."""
    found: dict[str, WatchedPosition] = {}
    for word in ("status", "avni_status"):
        table = service.tables[word].name
        for row in service.rows(word):
            entity, time = str(row["entity"]), row.get("time")
            stream = STREAMS.get(entity, "")
            if time is None:
                of_a_first_run = "a row number of a first run; of a feed the marker counts"
                tally.leave(table, f"{entity}: {of_a_first_run if row.get('number') is not None else 'it has no time'}")
            elif not stream or stream in FEEDS.values():
                tally.leave(table, f"{entity}: {NOT_USED}")
            elif stream not in streams:
                tally.leave(table, f"{entity}: this release does not carry them")
            elif stream in found:
                tally.leave(table, f"{entity}: {found[stream].table} says it already")
            else:
                found[stream] = WatchedPosition(stream, _utc(time), table)
    return tuple(found.values())


def _feeds(service: JavaService, tally: Tally) -> tuple[FeedMarker, ...]:
    """Markers by category, whatever host they name (J14). Of several the one that is furthest counts."""
    table, best = service.tables["markers"].name, dict[str, FeedMarker]()
    for row in sorted(service.rows("markers"), key=lambda row: _page_of(row)[1], reverse=True):
        category, page = _page_of(row)
        entry = (row["entry"] or "").strip()
        if category not in FEEDS:
            tally.leave(table, "a feed that is not read here")
        elif page < 1 or not entry:
            tally.leave(table, f"{category}: it names no page or no entry")
        elif category in best:
            tally.leave(table, f"{category}: an earlier place in the same feed, under another address")
        else:
            position: FeedPosition = {"page": page, "entry": entry, "seen": [entry], "first": None}
            best[category] = FeedMarker(FEEDS[category], category, position)
    return tuple(best.values())


def _page_of(row: Row) -> tuple[str, int]:
    """Category and page of a marker; page 0 for one that names none."""
    of_entry, of_feed = (_FEED_PAGE.search(str(row[word] or "")) for word in ("page", "feed"))
    either = of_entry or of_feed
    category = either[1].lower() if either else ""
    return category, int(of_entry[2]) if of_entry and of_entry[2].isdigit() else 0


def _utc(time: datetime) -> datetime:
    """The service writes times without a zone and means UTC (J9)."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


# -- what did not get through ------------------------------------------------------------------------------------------


def _troubles(service: JavaService, streams: Collection[str], tally: Tally) -> tuple[Trouble, ...]:
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
    names = {row["id"]: _type_name(row["name"]) for row in service.rows("error_types")}
    logs: dict[int, list[tuple[datetime, str]]] = {}
    for row in service.rows("logs"):
        name = names.get(row["type_id"], "") if "type_id" in row else _type_name(row.get("type"))
        logs.setdefault(row["record"], []).append((_utc(row["at"]), name or UNNAMED))
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
        trouble.logs = sorted([*trouble.logs, (_utc(row["at"]), "")])
        trouble.rows.append(table)
        found[about] = trouble


def _record_of(content: str) -> tuple[str, str] | None:
    """Stream and uuid of what an event of a feed is about, as the feed's own stream reads it."""
    for path, stream in ((PATIENT_PATH, v.PATIENT), (ENCOUNTER_PATH, v.ENCOUNTER)):
        if about := path.search(content):
            return stream, about[1]
    return None
