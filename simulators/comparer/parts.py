"""Forms filled in in Bahmni against the general encounters that stand for them in Avni."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from simulators.avni.times import to_ms
from simulators.comparer.brought import Field
from simulators.comparer.expected import Values, avni_values, differences, form_values
from simulators.comparer.findings import Finding
from simulators.comparer.tables import Row, live

__all__ = ["PartSide"]


class PartSide:
    """Goes through every encounter of the hospital, ours too: they must not travel back."""

    def __init__(self, field: Field, in_error: Collection[str], left: Collection[str]) -> None:
        """`in_error`: uuids of patients and encounters that must not have got through.

        `left`: of those that wait for a person.
        """
        self.left = left
        self.field = field
        self.bahmni = field.bahmni
        self.pairs = field.pairs
        self.in_error = in_error
        self.managed = {partner.uuid for partner in self.pairs.hospital_questions.values()}
        self.accounted: set[str] = set()
        """Uuids of the encounters in Avni that stand for one, wanted or not."""

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in Avni with them."""
        for encounter in self.bahmni.encounters.values():
            marked = self.field.marked(encounter["uuid"])
            self.accounted.update(row["uuid"] for row in live(marked))
            if encounter["uuid"] in self.left:
                continue
            who = f"encounter {encounter['uuid']} of Bahmni"
            wanted, subject = self._parts(encounter), self._subject(encounter)
            if subject is None:
                for row in live(marked):
                    yield Finding("part-unwanted", who, f"must not travel, but encounter {row['uuid']} stands for it")
            else:
                yield from self._compared(who, encounter, subject, wanted, marked)

    def _subject(self, encounter: Row) -> Row | None:
        """Whose the encounters in Avni must be; None when there must be none."""
        if encounter["voided"] or encounter["uuid"] in self.in_error:
            return None
        return self.field.subject_of(self.bahmni.patients[encounter["patient"]], self.in_error)

    def _parts(self, encounter: Row) -> dict[str, list[Values]]:
        """What each filled in form must say in Avni, by type of encounter."""
        parts: dict[str, list[Values]] = defaultdict(list)
        for top in live(self.bahmni.obs_of(encounter["uuid"])):
            kind = self.pairs.forms.get(top["concept"])
            if top["group"] is None and kind is not None and top["concept"] not in self.pairs.ignored_in_bahmni:
                parts[kind].append(form_values(self.bahmni.leaves_below(top), encounter["uuid"], self.pairs))
        return parts

    def _compared(
        self, who: str, encounter: Row, subject: Row, wanted: dict[str, list[Values]], marked: list[Row]
    ) -> Iterator[Finding]:
        held = to_ms(datetime.fromisoformat(encounter["moment"]))
        strange = [row for row in live(marked) if row["kind"] not in wanted]
        for kind, parts in wanted.items():
            rows = [row for row in live(marked) if row["kind"] == kind]
            for row, values in self._matched(rows, parts):
                yield from self.field.judge(who, row, subject, held, values, self.managed)
            if len(rows) > len(parts):
                yield Finding("part-doubled", who, f"{len(rows)} of type {kind!r} instead of {len(parts)}")
            for _ in range(len(parts) - len(rows)):
                if strange:
                    yield Finding("type-wrong", who, f"encounter {strange.pop()['uuid']} should be of type {kind!r}")
                else:
                    voided = any(row["voided"] and row["kind"] == kind for row in marked)
                    yield Finding("part-voided" if voided else "part-missing", who, f"nothing of type {kind!r}")
        for row in strange:
            yield Finding("part-unwanted", who, f"no form of it stands behind encounter {row['uuid']}")

    def _matched(self, rows: list[Row], parts: list[Values]) -> Iterator[tuple[Row, Values]]:
        """Each form with the encounter that says the same, where there is one; the others in any order."""
        left = list(rows)
        unmatched = []
        for values in parts:
            same = next((row for row in left if not self._differ(values, row)), None)
            if same is None:
                unmatched.append(values)
            else:
                left.remove(same)
                yield same, values
        yield from zip(left, unmatched, strict=False)

    def _differ(self, values: Values, row: Row) -> bool:
        return bool(differences(values, avni_values(row["observations"], self.pairs)))
