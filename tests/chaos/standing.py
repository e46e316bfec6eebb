"""What stands in both stores and in our ledger, without what may differ between two lives that ended alike.

That is: uuids a server draws, times of writing, and the order of rows. Everything else must be equal, voided twins too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bahmni.vocabulary import VOIDED_PART
from common import clock
from errors.models import OPEN_STATES, ErrorRecord
from syncstatus.models import Lease, Link, Position, Run, RunState, Stream, ToRead
from tests.flow.world import World

Standing = dict[str, Counter[str]]
"""Rows as text, by table, and how often each is there."""

RECORDS = {
    "avni": ("subjects", "encounters", "enrolments", "program_encounters"),
    "bahmni": ("persons", "patients", "visits", "encounters", "obs", "orders"),
}
TIMES = frozenset({
    "created_ms", "modified_ms", "seq", "date_created", "date_changed", "date_voided", "changed_by", "modified_by",
    "number",
})  # fmt: skip
"""When and in which order rows were written, and who was the last to touch them."""

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
THROUGH = frozenset({"created", "updated", "unchanged"})
"""Outcomes that tell the same of where a record stands."""


@dataclass(frozen=True)
class Beginning:
    """What there was before anything happened: the uuids of both stores, and when that was."""

    uuids: frozenset[str]
    ms: int

    def __contains__(self, uuid: str) -> bool:
        """Whether a uuid stood there."""
        return uuid in self.uuids


def beginning(world: World) -> Beginning:
    """Both stores as they are now."""
    uuids = UUID.findall(json.dumps([world.avni.dump(), world.bahmni.dump()], default=str))
    return Beginning(frozenset(uuids), int(clock.now().timestamp() * 1000))


def standing(world: World, begun: Beginning) -> Standing:
    """Both stores, links, errors, positions and what is still to do; `begun`: what there was before."""
    stores = {"avni": world.avni.dump(), "bahmni": world.bahmni.dump()}
    obs = {row["uuid"]: row for row in stores["bahmni"]["obs"]}
    for row in obs.values():
        row |= {"group": _path(row, obs), "previous_version": None}
    drawn = {
        row["uuid"]: row["external_id"] for table in RECORDS["avni"] for row in stores["avni"][table]
        if row["external_id"]
    }  # fmt: skip
    tables = {f"{side}: {table}": stores[side][table] for side, names in RECORDS.items() for table in names}
    voided = {row["uuid"] for rows in tables.values() for row in rows if row["voided"]}
    return {
        name: Counter(_told(row, drawn, begun) for row in rows) for name, rows in (tables | _ledger(voided)).items()
    }


def differences(undisturbed: Standing, there: Standing) -> list[str]:
    """What is lacking and what is there beyond it, one line each; of a row that merely differs, in what."""
    return [line for table in undisturbed for line in _compared(table, undisturbed[table], there[table])]


def _compared(table: str, undisturbed: Counter[str], there: Counter[str]) -> list[str]:
    lost, beyond = ([json.loads(row) for row in rows.elements()] for rows in (undisturbed - there, there - undisturbed))
    told = []
    for row in lost:
        other = next((one for one in beyond if _key(one) == _key(row)), None)
        if other is None:
            told.append(f"lost {table}: {json.dumps(row)}")
            continue
        beyond.remove(other)
        keys = sorted({*row, *other})
        changed = {key: (row.get(key), other.get(key)) for key in keys if row.get(key) != other.get(key)}
        told.append(f"other {table}: {_key(row)}: {changed}")
    return [*told, *(f"beyond {table}: {json.dumps(row)}" for row in beyond)]


def _key(row: dict[str, Any]) -> Any:
    """By which a row is recognised; itself where that is nothing of its own."""
    keys = [row[name] for name in ("stream", "source_id", "entity_id", "partition", "uuid") if row.get(name)]
    return row if "drawn" in keys or not keys else keys


def _path(row: dict[str, Any], obs: dict[str, dict[str, Any]]) -> str | None:
    """The questions above an observation: where it hangs, whatever its group's uuid is."""
    group = obs.get(row["group"] or "")
    return None if group is None else f"{_path(group, obs) or ''}/{group['concept']}"


def _told(row: dict[str, Any], drawn: Mapping[str, str], begun: Beginning) -> str:
    """A row as text. A uuid drawn since is told by the id we gave beside it, if any; ours are of version 5."""

    def named(found: re.Match[str]) -> str:
        uuid = drawn.get(found[0], found[0])
        return uuid if uuid in begun or uuid[14] == "5" else "drawn"

    return json.dumps(_timeless(json.loads(UUID.sub(named, json.dumps(row, default=str))), begun.ms), sort_keys=True)


def _timeless(value: Any, begun: int) -> Any:
    """Without times of writing, those among the values too (a registration lies where the patient was made)."""
    if isinstance(value, dict):
        return {key: _timeless(one, begun) for key, one in value.items() if key not in TIMES}
    if isinstance(value, list):
        return sorted((_timeless(one, begun) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    if isinstance(value, int) and value >= begun // 1000 * 1000:
        return "since"
    return value


def _ledger(voided: set[str]) -> dict[str, list[dict[str, Any]]]:
    errors = ErrorRecord.objects.filter(state__in=OPEN_STATES).select_related("stream")
    return {
        "links": [_link(row, voided) for row in Link.objects.select_related("stream")],
        "errors": [_fields(row, "entity_id", "state", "message", "params", "waits_for") for row in errors],
        "positions": [_fields(row, "partition", "value") for row in Position.objects.select_related("stream")],
        "to do": [
            *({"due": row.key} for row in Stream.objects.filter(due_since__isnull=False)),
            *({"note": row.parent_id} for row in ToRead.objects.all()),
            *({"owner": row.owner} for row in Lease.objects.exclude(owner="")),
            *({"open run": row.stream.key} for row in Run.objects.filter(state=RunState.RUNNING)),
            *({"miscounted": row.stream.key} for row in Run.objects.all() if row.read != row.finished_changes),
        ],
    }


def _link(row: Link, voided: set[str]) -> dict[str, Any]:
    """A link, but for who voided what is voided: docs/guarantees.md names that among what a death leaves unknown."""
    others = {
        key.removeprefix(VOIDED_PART) if target in voided else key: target for key, target in row.other_targets.items()
    }
    ours = _fields(
        row, "source_id", "identifier", "target_id", "target_parent_id", "created_by_us", "wanted_fingerprint", "left",
        "is_suspect",
    )  # fmt: skip
    if {row.target_id, *row.other_targets.values()} & voided:
        return ours | {"other_targets": others}
    outcome = "through" if row.outcome in THROUGH else row.outcome
    return ours | {"other_targets": others, "outcome": outcome, "left_fingerprint": row.left_fingerprint}


def _fields(row: Any, *names: str) -> dict[str, Any]:
    return {"stream": row.stream.key} | {name: getattr(row, name) for name in names}
