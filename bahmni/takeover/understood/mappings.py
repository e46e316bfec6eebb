"""Mappings as they stood there, in use and voided, each once. Stands on java-service.md J6 to J8, J10."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bahmni.mapping_types import MAPPING_TYPES
from bahmni.takeover.database import JavaService, Row
from bahmni.takeover.tally import NOT_USED, THERE, Tally
from bahmni.takeover.understood.configuration import LONGEST
from mappings.edits import Wanted
from mappings.models import DataTypeHint

Key = tuple[str, str, str, str]
"""Group, type, and the values of both sides: mappings with the same ones are the same."""


@dataclass(frozen=True)
class Wish:
    """A mapping as it stood there; `line` of the wanted one is its id there."""

    wanted: Wanted
    table: str

    @property
    def key(self) -> Key:
        """What makes it the same mapping as another."""
        return self.wanted.group, self.wanted.type, self.wanted.avni_value, self.wanted.int_system_value


def mappings(service: JavaService, tally: Tally) -> tuple[tuple[Wish, ...], tuple[Wish, ...]]:
    """Live ones and voided ones. Of live ones that are the same, that of the lowest id counts."""
    used = {(spec.group, spec.name) for spec in MAPPING_TYPES}
    groups = _names(service, "groups", {group for group, _ in used}, tally)
    types = _names(service, "types", {name for _, name in used}, tally)
    live: dict[Key, Wish] = {}
    voided: list[Wish] = []
    for row in service.rows("mappings"):
        wish = _wish(row, _pair(row, groups, types), used, service.tables["mappings"].name, tally)
        if wish is None:
            continue
        if row.get("voided"):
            voided.append(wish)
        elif wish.key in live:
            tally.leave(wish.table, "the same mapping once more; that of the lowest id counts")
        else:
            live[wish.key] = wish
    return tuple(live.values()), _without_those_in_use(voided, live, tally)


def _wish(
    row: Row, named: tuple[str, str] | None, used: Collection[tuple[str, str]], table: str, tally: Tally
) -> Wish | None:
    """The mapping of one row; None for one that is left behind, which is then tallied."""
    if named is None:
        tally.leave(table, "it has no mapping group or no mapping type")
        return None
    pair = _group_of_ours(*named)
    avni, other, about = (str(row[name] or "").strip() for name in ("avni", "int", "about"))
    if pair not in used:
        tally.leave(table, f"{pair[0]} / {pair[1]}: {NOT_USED}")
    elif not avni and not other:
        tally.leave(table, "both its values are empty")
    elif max(len(avni), len(other)) > LONGEST:
        tally.leave(table, f"one of its values is longer than {LONGEST} characters")
    else:
        hint = _hint(row)
        return Wish(Wanted(*pair, avni, other, data_type_hint=hint, about=about or None, line=row["id"]), table)
    return None


def _without_those_in_use(voided: Iterable[Wish], live: Collection[Key], tally: Tally) -> tuple[Wish, ...]:
    """The voided ones whose like is not in use, each once."""
    kept: dict[Key, Wish] = {}
    for wish in voided:
        key = wish.key
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
            tally.carry(table.name, THERE)
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
