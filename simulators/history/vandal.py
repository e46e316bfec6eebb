"""Getting hold of rows in what two servers hold, and putting others in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from simulators.comparer import Memory
from simulators.comparer.findings import State
from simulators.comparer.tables import AvniTables, BahmniTables, Row, live
from simulators.scenario import Correspondence

Chosen = TypeVar("Chosen")


class Vandal:
    """Both stores, and who stands for whom in them; what is stuck anyway is nothing to spoil."""

    def __init__(
        self, avni: State, bahmni: State, memory: Memory, pairs: Correspondence, left: Iterable[str], random: Random
    ) -> None:
        self.pairs = pairs
        self.memory = memory
        self.ours = pairs.hospital
        self.random = random
        self.states: dict[str, dict[str, Any]] = {"avni": dict(avni), "bahmni": dict(bahmni)}
        self.here, self.there = AvniTables(avni, pairs.organisation), BahmniTables(bahmni)
        skipped = frozenset(left)
        self.gone = sorted(
            (
                self.there.encounters[filed.encounter]
                for record, filed in memory.filed.items()
                if record.removesuffix(" exit") not in skipped and self.there.encounters[filed.encounter]["voided"]
            ),
            key=lambda row: (row["type"], row["moment"], row["uuid"]),
        )
        """Voided encounters of Bahmni that stood for a record of Avni."""
        self.filed = {
            record: self.there.encounters[filed.encounter]
            for record, filed in sorted(memory.filed.items())
            if record.removesuffix(" exit") not in skipped and not self.there.encounters[filed.encounter]["voided"]
        }
        """Live encounters of Bahmni by the record of Avni they stand for."""
        marker = pairs.avni_marker
        rows = [row for row in self.here.visits.values() if row["observations"].get(marker)]
        rows = [row for row in rows if self.source_of(row) not in skipped]
        rows.sort(key=lambda row: (self.source_of(row), row["kind"], row["seq"]))
        self.brought = [row for row in rows if not row["voided"]]
        """Encounters of Avni that stand for something of Bahmni."""
        self.went = [row for row in rows if row["voided"]]
        """Those that are voided."""

    def source_of(self, row: Row) -> str:
        """The record of Bahmni that an encounter of Avni says it stands for."""
        return str(row["observations"].get(self.pairs.avni_marker))

    # -- getting hold of rows ------------------------------------------------------------------------------------------

    def choose(self, among: Iterable[Chosen]) -> Chosen:
        """One of them. Raises LookupError when there is none."""
        return self.random.choice(list(among))

    def put(self, server: str, table: str, row: Row, **changes: Any) -> Row:
        """Another row in the place of one, or beside all of them if its uuid is new."""
        state, spoilt = self.states[server], {**deepcopy(row), **changes}
        rows = [spoilt if one["uuid"] == spoilt["uuid"] else one for one in state[table]]
        state[table] = rows if any(one is spoilt for one in rows) else [*rows, spoilt]
        return spoilt

    def spoil(self, brought: Row, **changes: Any) -> Row:
        """Change an encounter of Avni that stands for something of Bahmni."""
        if brought["uuid"] in self.here.encounters:
            return self.put("avni", "encounters", brought, **changes)
        row = self.here.program_encounters[brought["uuid"]]
        return self.put("avni", "program_encounters", row, **changes)

    def drop(self, server: str, table: str, *uuids: str) -> None:
        """Take rows away for good."""
        state = self.states[server]
        state[table] = [row for row in state[table] if row["uuid"] not in uuids]

    def uuid(self) -> str:
        """One that nobody has."""
        return str(UUID(int=self.random.getrandbits(128)))

    def leaves(self) -> list[Row]:
        """Answers of the field team in live encounters of ours."""
        asked = {partner.uuid for partner in self.pairs.questions.values()}
        rows = (leaf for one in self.filed.values() for leaf in self.there.leaves_of(one["uuid"]))
        asked_rows = (row for row in rows if row["concept"] in asked)
        return sorted(asked_rows, key=lambda row: (row["concept"], str(row["value"]), row["encounter"]))

    def registrations(self) -> list[tuple[str, Row]]:
        """(subject, encounter) of those registered in Bahmni."""
        return [(record, row) for record, row in self.filed.items() if record in self.here.subjects]

    def visits(self) -> list[tuple[str, Row]]:
        """(general encounter, encounter of Bahmni)."""
        return [(record, row) for record, row in self.filed.items() if record in self.here.encounters]

    def copy_of(self, encounter: Row) -> None:
        """The same encounter again with all that stands in it, under other uuids."""
        again = self.put("bahmni", "encounters", encounter, uuid=self.uuid())
        rows = list(live(self.there.obs_of(encounter["uuid"])))
        names = {row["uuid"]: self.uuid() for row in rows}
        for row in rows:
            group = names.get(row["group"], row["group"])
            self.put("bahmni", "obs", row, uuid=names[row["uuid"]], encounter=again["uuid"], group=group)


Corruption = Callable[[Vandal], object]
